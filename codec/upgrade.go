package codec

import (
	"maps"
	"slices"
)

const (
	// Version is the vCon syntax version that we write (vcon-core, section 4.1.1).
	Version = "0.4.0"
	// ExtensionMIMI is the name in extensions for the parameters of
	// vcon-mimi-messages, which registers none itself.
	ExtensionMIMI = "mimi-messages"
)

// An Upgrader brings the elements of one vCon into the names of today, by the
// table of old forms (docs/wire-format.md, "Old forms"). It invents nothing: no
// room, uuid or salt. Upgrading again changes nothing. What it is given stays as
// it is.
//
// The zero Upgrader is ready. What an event "add" meant depends on how all parties
// are written, and the extensions on whether there are MIMI parameters: so give it
// all parties first, then dialogs, attachments and analyses in any order, and
// Head.
type Upgrader struct {
	// Found counts the rows of the table that applied, by name, if it is not nil.
	Found map[string]uint64

	imUri, imURI bool // an address under the old name, under the new one
	address      bool // an address, after upgrading
	joins        bool // "add" is "self_add" in the event at hand
}

// Upgraded is v in the names of today; see Upgrader.
func (v *VCon) Upgraded() *VCon { return new(Upgrader).VCon(v) }

// Upgraded is d in the names of today, as far as d alone tells; see Upgrader.
func (d *Dialog) Upgraded() *Dialog { return new(Upgrader).Dialog(d) }

// Upgraded is p in the names of today.
func (p *Party) Upgraded() *Party { return new(Upgrader).Party(p) }

// Upgraded is a in the names of today.
func (a *Attachment) Upgraded() *Attachment { return new(Upgrader).Attachment(a) }

// VCon is v in the names of today.
func (u *Upgrader) VCon(v *VCon) *VCon {
	parties := slices.Clone(v.Parties)
	for i := range parties {
		parties[i] = *u.Party(&parties[i])
	}
	c := u.Head(v)
	c.Parties = parties
	c.Dialog = slices.Clone(v.Dialog)
	for i := range c.Dialog {
		c.Dialog[i] = *u.Dialog(&c.Dialog[i])
	}
	c.Attachments = slices.Clone(v.Attachments)
	for i := range c.Attachments {
		c.Attachments[i] = *u.Attachment(&c.Attachments[i])
	}
	return c
}

// Head is v in the names of today without its parties, dialog and attachments,
// after all parties were given.
func (u *Upgrader) Head(v *VCon) *VCon {
	c := *v
	c.Parties, c.Dialog, c.Attachments = nil, nil, nil
	applyForms(u, vconTable, &c, vconForms)
	for _, name := range []string{"redacted", "amended"} {
		u.within(&c.Extra, name, func(raw Raw) Raw { return u.raw(raw, referenceForms) })
	}
	u.within(&c.Extra, "analysis", func(raw Raw) Raw { return eachElement(raw, u.Analysis) })
	return &c
}

// Party is p in the names of today.
func (u *Upgrader) Party(p *Party) *Party {
	c := *p
	_, old := p.Extra["imUri"]
	u.imUri = u.imUri || old
	u.imURI = u.imURI || p.IMURI != ""
	applyForms(u, partyTable, &c, partyForms)
	u.address = u.address || c.IMURI != ""
	return &c
}

// Dialog is d in the names of today.
func (u *Upgrader) Dialog(d *Dialog) *Dialog {
	if len(d.Extra) == 0 && d.ExternalPart == nil && d.MultiPart == nil && len(d.PartyHistory) == 0 &&
		(d.Encoding != "" || d.Body.Kind != BodyText) && d.Type != "room" {
		return d // most messages: no row can apply
	}
	c := *d
	applyForms(u, dialogTable, &c, dialogForms)
	c.ExternalPart = u.external(c.ExternalPart)
	c.MultiPart = u.multi(c.MultiPart)
	c.PartyHistory = u.events(c.PartyHistory)
	return &c
}

// Attachment is a in the names of today. Its body need not be there.
func (u *Upgrader) Attachment(a *Attachment) *Attachment {
	c := *a
	applyForms(u, attachmentTable, &c, attachmentForms)
	return &c
}

// Analysis is one element of analysis in the names of today; what is no object
// stays.
func (u *Upgrader) Analysis(raw Raw) Raw { return u.raw(raw, analysisForms) }

func (u *Upgrader) external(p *ExternalPart) *ExternalPart {
	if p == nil {
		return nil
	}
	c := *p
	applyForms(u, externalTable, &c, externalForms)
	return &c
}

func (u *Upgrader) multi(m *MultiPart) *MultiPart {
	if m == nil {
		return nil
	}
	c := *m
	applyForms(u, multiPartTable, &c, multiForms)
	c.Parts = slices.Clone(c.Parts)
	for i := range c.Parts {
		p := &c.Parts[i]
		applyForms(u, partTable, p, partForms)
		p.ExternalPart = u.external(p.ExternalPart)
		p.MultiPart = u.multi(p.MultiPart)
	}
	return &c
}

func (u *Upgrader) events(events []PartyEvent) []PartyEvent {
	out := events
	welcome := slices.ContainsFunc(events, func(e PartyEvent) bool { return e.Event == "welcome" })
	for i := range events {
		e := &events[i]
		u.joins = welcome || u.imUri && !u.imURI || e.itself()
		if !(u.joins && (e.Event == "add" || e.Event == "welcome") || e.Event == "dtmfdown" || e.Event == "dtmfup" || e.Extra["dtmf"] != nil) {
			continue
		}
		if len(out) > 0 && &out[0] == &events[0] {
			out = slices.Clone(events)
		}
		applyForms(u, eventTable, &out[i], eventForms)
	}
	return out
}

// itself reports an event that a party made of itself.
func (e *PartyEvent) itself() bool {
	return e.Party != nil && e.Originator != nil && *e.Party == *e.Originator
}

// raw upgrades an object that the model has no struct for.
func (u *Upgrader) raw(raw Raw, forms []*oldForm) Raw {
	var x Fields
	if len(raw) == 0 || raw[0]>>5 != majorMap || raw.Decode(&x) != nil {
		return raw // also an object with keys that are no texts
	}
	if !applyForms(u, anyTable, &x, forms) {
		return raw
	}
	out, err := RawOf(map[string]Raw(x))
	if err != nil {
		return raw
	}
	return out
}

// anyTable is that of an object without known parameters.
var anyTable = newTable(func(x *Fields) *Fields { return x })

// within replaces one value of x, which is shared, when f changes it.
func (u *Upgrader) within(x *Fields, name string, f func(Raw) Raw) {
	raw, ok := (*x)[name]
	if !ok {
		return
	}
	if now := f(raw); string(now) != string(raw) {
		*x = maps.Clone(*x)
		(*x)[name] = now
	}
}

// eachElement replaces the elements of an array.
func eachElement(raw Raw, f func(Raw) Raw) Raw {
	var list []Raw
	if len(raw) == 0 || raw[0]>>5 != majorArray || raw.Decode(&list) != nil {
		return raw
	}
	out := AppendArray(nil, len(list))
	for _, e := range list {
		out = append(out, f(e)...)
	}
	return out
}

// Set sets a top-level parameter from its item, in its field when the item is of
// that field's form, else in Extra. A Scanner's EventField is set so.
func (v *VCon) Set(name string, value Raw) error { return setField(vconTable, v, name, value) }

func setField[T any](t *table[T], v *T, name string, raw Raw) error {
	r := &reader{b: raw, base: -1}
	if err := r.wellformed(); err != nil {
		return inName(err, name)
	}
	extra := t.extra(v)
	i, ok := t.index[name]
	if !ok {
		c, err := r.canon(nil)
		if err != nil {
			return inName(err, name)
		}
		set(extra, name, c)
		return nil
	}
	delete(*extra, name)
	if err := readField(r, &t.rows[i], v, extra); err != nil {
		return inName(err, name)
	}
	settle(v)
	return nil
}

// UnsupportedCritical is the names in critical, or must_support of 0.3.0, that
// are not among supported: a vCon with any of them must be refused whole
// (vcon-core, section 4.1.4).
func (v *VCon) UnsupportedCritical(supported ...string) []string {
	names := slices.Clone(v.Critical)
	var old []string
	for _, key := range []string{"must_support", "critical"} {
		if raw, ok := v.Extra[key]; ok && !isEmpty(raw) {
			if raw.Decode(&old) != nil {
				old = []string{key} // not a list of names: nothing can be vouched for
			}
			names = append(names, old...)
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(supported, n) })
}
