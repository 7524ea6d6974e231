package codec

import (
	"maps"
	"slices"
)

// A rule says how an old form becomes the new one. It applies where the old name
// is and the new one is not.
type rule uint8

const (
	ruleRename rule = iota
	ruleStays
	ruleVersion
	ruleExtensions
	ruleSignature
	ruleEncoding
	ruleSessionID
	ruleKeyDown
	ruleKeyUp
	ruleMessageID
	ruleFirst
	ruleNull
	ruleExpiresAt
	ruleExpires
	ruleRoom
	rulePart
	ruleHashAlg
	ruleAnonymous
	ruleSelfAdd
	ruleWelcome
)

// applyForms applies rows to an object, whose Extra is shared until something
// changes. It reports whether something did.
func applyForms[T any](u *Upgrader, t *table[T], v *T, forms []*oldForm) (changed bool) {
	o := &upgraded[T]{t: t, v: v}
	for _, f := range forms {
		if o.apply(u, f) {
			changed = true
			if u.Found != nil {
				u.Found[f.name]++
			}
		}
	}
	if o.owned && len(*t.extra(v)) == 0 {
		*t.extra(v) = nil
	}
	return changed
}

// An upgraded object is one that rows apply to.
type upgraded[T any] struct {
	t     *table[T]
	v     *T
	owned bool // Extra is our own copy
}

// apply applies one row and reports whether it did.
func (o *upgraded[T]) apply(u *Upgrader, f *oldForm) bool {
	switch f.rule {
	case ruleStays:
		return false
	case ruleVersion, ruleExtensions:
		v, ok := any(o.v).(*VCon)
		return ok && (f.rule == ruleVersion && v.today() || f.rule == ruleExtensions && u.extend(v))
	case ruleEncoding:
		return o.setEncoding()
	case ruleRoom:
		d, ok := any(o.v).(*Dialog)
		return ok && d.Type == "room" && d.eventOfRoom()
	case rulePart:
		p, ok := any(o.v).(*Part)
		was := ok && p.unwrap()
		for was && p.unwrap() { // so that once is enough
		}
		return was
	case ruleKeyDown, ruleKeyUp, ruleSelfAdd, ruleWelcome:
		e, ok := any(o.v).(*PartyEvent)
		return ok && u.rename(e, f.rule)
	}
	raw, ok := o.get(f.old)
	if !ok || len(raw) == 0 || f.old != f.new && f.new != "" && o.has(f.new) {
		return false
	}
	fields := *o.t.extra(o.v)
	var also string // a parameter that goes with it
	keep := false
	switch f.rule {
	case ruleMessageID:
		raw, ok = messageIDOf(raw, f.old == f.new)
	case ruleFirst:
		raw, ok = firstOf(raw)
		keep = true
	case ruleNull:
		raw, ok = nil, len(raw) == 1 && raw[0] == simpleNull
	case ruleExpiresAt:
		raw, ok = expiresAt(raw)
	case ruleExpires:
		raw, ok = expiresOf(raw)
	case ruleSignature:
		also = "alg"
		raw, ok = hashOfSignature(raw, fields[also])
	case ruleHashAlg:
		also = "hashAlg"
		raw, ok = hashOfNumber(raw, fields[also])
	case ruleSessionID:
		raw, ok = sessionID(raw)
	case ruleAnonymous:
		raw, ok = anonInvalid(raw)
	}
	if !ok {
		return false
	}
	if !keep {
		o.drop(f.old)
	}
	if also != "" {
		o.drop(also)
	}
	if raw != nil {
		o.put(f.new, raw)
	}
	return true
}

// get returns the value under an old name: from Extra, or from a field that is a
// text.
func (o *upgraded[T]) get(name string) (Raw, bool) {
	if raw, ok := (*o.t.extra(o.v))[name]; ok {
		return raw, true
	}
	if i, ok := o.t.index[name]; ok {
		if s, ok := o.t.rows[i].at(o.v).(*string); ok && *s != "" {
			return AppendText(nil, *s), true
		}
	}
	return nil, false
}

// has reports whether the object has the parameter, in its field or in Extra.
func (o *upgraded[T]) has(name string) bool {
	if _, ok := (*o.t.extra(o.v))[name]; ok {
		return true
	}
	i, ok := o.t.index[name]
	if !ok {
		return false
	}
	_, present, err := appendValue(nil, o.t.rows[i].at(o.v))
	return present || err != nil
}

// own makes Extra a map of this object's.
func (o *upgraded[T]) own() {
	if extra := o.t.extra(o.v); !o.owned {
		*extra, o.owned = maps.Clone(*extra), true
	}
}

func (o *upgraded[T]) drop(name string) {
	if i, ok := o.t.index[name]; ok {
		if s, ok := o.t.rows[i].at(o.v).(*string); ok {
			*s = ""
		}
	}
	if _, ok := (*o.t.extra(o.v))[name]; ok {
		o.own()
		delete(*o.t.extra(o.v), name)
	}
}

func (o *upgraded[T]) put(name string, raw Raw) {
	o.own()
	if err := setField(o.t, o.v, name, raw); err != nil {
		set(o.t.extra(o.v), name, raw) // a Raw that somebody made by hand
	}
}

func (o *upgraded[T]) setEncoding() bool {
	if o.has("encoding") {
		return false
	}
	text := false
	switch v := any(o.v).(type) {
	case *Dialog:
		text = v.Body.Kind == BodyText
	case *Attachment:
		text = v.Body.Kind == BodyText
	case *Part:
		text = v.Body.Kind == BodyText
	default:
		raw := (*o.t.extra(o.v))["body"]
		text = len(raw) > 0 && raw[0]>>5 == majorText
	}
	if text {
		o.put("encoding", AppendText(nil, EncodingNone))
	}
	return text
}

// today sets the version.
func (v *VCon) today() bool {
	if v.Version == Version {
		return false
	}
	v.Version = Version
	if _, odd := v.Extra["vcon"]; odd {
		v.Extra = maps.Clone(v.Extra)
		delete(v.Extra, "vcon")
	}
	return true
}

// extend lists the extension of the MIMI draft where its parameters are.
func (u *Upgrader) extend(v *VCon) bool {
	if v.Room == nil && !u.address {
		return false
	}
	if slices.Contains(v.Extensions, ExtensionMIMI) {
		return false
	}
	if raw, odd := v.Extra["extensions"]; odd && !isEmpty(raw) {
		return false // no list of names: it stays, and there is no place for one
	}
	v.Extensions = append(slices.Clip(slices.Clone(v.Extensions)), ExtensionMIMI)
	return true
}

// rename gives an event the word of today.
func (u *Upgrader) rename(e *PartyEvent, r rule) bool {
	words := map[rule][2]string{
		ruleKeyDown: {"dtmfdown", "keydown"}, ruleKeyUp: {"dtmfup", "keyup"},
		ruleSelfAdd: {"add", "self_add"}, ruleWelcome: {"welcome", "add"},
	}[r]
	if e.Event != words[0] || r == ruleSelfAdd && !u.joins {
		return false
	}
	e.Event = words[1]
	if r == ruleWelcome && e.itself() {
		e.Event = "self_add" // "add" would become that the next time
	}
	return true
}

// unwrap makes a part of the object that is its only parameter.
func (p *Part) unwrap() bool {
	raw, ok := p.Extra["Part"]
	if !ok || len(p.Extra) != 1 || len(raw) == 0 || raw[0]>>5 != majorMap {
		return false
	}
	bare, err := appendObject(nil, partTable, p)
	if err != nil || len(bare) != 1+len(AppendText(nil, "Part"))+len(raw) {
		return false // it holds more
	}
	inner, err := decode(&reader{b: raw, base: -1}, partTable)
	if err != nil {
		return false
	}
	*p = *inner
	return true
}

// eventOfRoom makes a room's dialog object of mahy-02 an event of today. One that
// holds anything else stays.
func (d *Dialog) eventOfRoom() bool {
	room, e := new(Room), PartyEvent{Party: new(uint32), Event: "room", Originator: d.Originator}
	c := *d
	c.Type, c.Originator, c.Extra = "", nil, nil
	if rest, err := appendObject(nil, dialogTable, &c); err != nil || len(rest) != 1 {
		return false
	}
	for name, raw := range d.Extra {
		var err error
		switch _, ok := roomTable.index[name]; {
		case name == "time":
			err = setField(eventTable, &e, name, raw)
		case ok && name != "id":
			err = setField(roomTable, room, name, raw)
		default:
			return false
		}
		if err != nil {
			return false
		}
	}
	if e.Time == "" {
		return false
	}
	e.Room = room
	event := Dialog{PartyHistory: []PartyEvent{e}}
	raw, err := appendObject(nil, dialogTable, &event)
	if err != nil || (&reader{b: raw, depth: 2}).skip() != nil {
		return false // three levels deeper than it was
	}
	*d = event
	return true
}
