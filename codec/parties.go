package codec

import "maps"

// The parameters of a transfer dialog that hold party indexes; a MIMI message
// has none of them, so that they are in Extra. "parties" is there when it is
// not a flat list of indexes.
var partyExtras = [...]string{"parties", "transferee", "transferor", "transfer_target", "transfer-target"}

// EachParty calls f with every party index that d holds: parties, originator,
// party_history, and the roles of a transfer.
func (d *Dialog) EachParty(f func(uint32)) {
	visit := func(n uint32) (uint32, error) { f(n); return n, nil }
	c := *d
	_ = c.mapParties(visit) // visit returns no error, and a malformed Raw holds no index
}

// MapParties replaces every party index n that d holds by f(n). Nothing that d
// shares with other dialogs is changed, and d itself not when there is an error.
func (d *Dialog) MapParties(f func(uint32) (uint32, error)) error {
	c := *d
	if err := c.mapParties(f); err != nil {
		return err
	}
	*d = c
	return nil
}

func (d *Dialog) mapParties(f func(uint32) (uint32, error)) error {
	var err error
	if d.Parties, err = mapIndexes(d.Parties, f); err != nil {
		return err
	}
	if d.Originator, err = mapIndex(d.Originator, f); err != nil {
		return err
	}
	if len(d.PartyHistory) > 0 {
		d.PartyHistory = append([]PartyEvent(nil), d.PartyHistory...)
	}
	for i := range d.PartyHistory {
		e := &d.PartyHistory[i]
		if e.Party, err = mapIndex(e.Party, f); err != nil {
			return err
		}
		if e.Originator, err = mapIndex(e.Originator, f); err != nil {
			return err
		}
	}
	for _, name := range partyExtras {
		raw, ok := d.Extra[name]
		if !ok {
			continue
		}
		mapped, err := (&reader{b: raw}).mapIndexes(nil, f)
		if err != nil {
			return err
		}
		d.Extra = maps.Clone(d.Extra)
		d.Extra[name] = mapped
	}
	return nil
}

// EachParty calls f with the party index that a holds, if any.
func (a *Attachment) EachParty(f func(uint32)) {
	if a.Party != nil {
		f(*a.Party)
	}
}

// MapParties replaces the party index n that a holds by f(n).
func (a *Attachment) MapParties(f func(uint32) (uint32, error)) error {
	p, err := mapIndex(a.Party, f)
	if err != nil {
		return err
	}
	a.Party = p
	return nil
}

func mapIndex(p *uint32, f func(uint32) (uint32, error)) (*uint32, error) {
	if p == nil {
		return nil, nil
	}
	n, err := f(*p)
	return &n, err
}

func mapIndexes(s []uint32, f func(uint32) (uint32, error)) ([]uint32, error) {
	if s == nil {
		return nil, nil
	}
	out := make([]uint32, len(s))
	for i, n := range s {
		var err error
		if out[i], err = f(n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mapIndexes copies an item that is an index or an array of such items, however
// nested, with every index mapped. Anything else in it is copied as it is.
func (r *reader) mapIndexes(dst []byte, f func(uint32) (uint32, error)) ([]byte, error) {
	c, err := r.peek()
	if err != nil {
		return dst, err
	}
	switch c >> 5 {
	case majorUint:
		at := r.off
		n, ok, err := r.uint(1<<32 - 1)
		if err != nil {
			return dst, err
		}
		if !ok {
			return append(dst, r.b[at:r.off]...), nil
		}
		m, err := f(uint32(n))
		return AppendUint(dst, uint64(m)), err
	case majorArray:
		h, err := r.head()
		if err != nil {
			return dst, err
		}
		if err := r.enter(); err != nil {
			return dst, err
		}
		defer r.leave()
		at := len(dst)
		dst = append(dst, 0)
		for i := 0; ; i++ {
			more, err := r.next(h, i)
			if err != nil {
				return dst, inIndex(err, i)
			}
			if !more {
				return patchHead(dst, at, majorArray, uint64(i)), nil
			}
			if dst, err = r.mapIndexes(dst, f); err != nil {
				return dst, inIndex(err, i)
			}
		}
	}
	at := r.off
	if err := r.skip(); err != nil {
		return dst, err
	}
	return append(dst, r.b[at:r.off]...), nil
}
