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

// A rename is one row of the table of old forms.
type rename struct {
	old, new string
	rule     renameRule
}

type renameRule uint8

const (
	ruleRename    renameRule = iota // the same value under the new name
	ruleMessageID                   // an object holding messageId becomes that text
	ruleExpires                     // {relative, expires} becomes {relative, absolute_time or relative_time}
	ruleNullBody                    // null (a delete on the IETF 118 slide) becomes absent: MIMI's NullPart
	ruleSignature                   // alg SHA-512 and signature become content_hash
)

// The old forms: of vCon 0.0.1 to 0.3.0 (vcon-core, "Non-Upward Compatible
// Changes"), of the MIMI draft's own examples, and of the IETF 118 slide. A row
// applies where the old name is and the new one is not.
var (
	vconRenames = []rename{
		{"must_support", "critical", ruleRename},
		{"appended", "amended", ruleRename},
	}
	partyRenames = []rename{
		{"imUri", "im_uri", ruleRename},
	}
	dialogRenames = []rename{
		{"messageId", "message_id", ruleRename},
		{"inReplyTo", "in_reply_to", ruleMessageID},
		{"in_reply_to", "in_reply_to", ruleMessageID},
		{"topicId", "topic_id", ruleRename},
		{"mimeType", "mediatype", ruleRename},
		{"mimetype", "mediatype", ruleRename},
		{"expiring", "expires", ruleExpires},
		{"transfer-target", "transfer_target", ruleRename},
		{"target-dialog", "target_dialog", ruleRename},
		{"signature", "content_hash", ruleSignature},
		{"body", "", ruleNullBody},
	}
	contentRenames = []rename{ // of attachments, parts and external parts
		{"mimeType", "mediatype", ruleRename},
		{"mimetype", "mediatype", ruleRename},
		{"signature", "content_hash", ruleSignature},
	}
)

// Set sets a top-level parameter from its item, in its field when the item is of
// that field's form, else in Extra. A Scanner's EventField is set so.
func (v *VCon) Set(name string, value Raw) error { return setField(vconTable, v, name, value) }

// Upgraded is v in the names of today, as far as that invents nothing: no room,
// uuid or salt is added. v itself stays as it is.
func (v *VCon) Upgraded() *VCon {
	u := *v
	applyRenames(vconTable, &u, vconRenames)
	u.Version = Version
	u.Parties = slices.Clone(v.Parties)
	mimi := u.Room != nil
	for i := range u.Parties {
		applyRenames(partyTable, &u.Parties[i], partyRenames)
		mimi = mimi || u.Parties[i].IMURI != ""
	}
	u.Dialog = slices.Clone(v.Dialog)
	for i := range u.Dialog {
		d := &u.Dialog[i]
		applyRenames(dialogTable, d, dialogRenames)
		d.Encoding = upgradedEncoding(d.Body, d.Encoding, d.Extra)
		d.ExternalPart = d.ExternalPart.upgraded()
		d.MultiPart = d.MultiPart.upgraded()
	}
	u.Attachments = slices.Clone(v.Attachments)
	for i := range u.Attachments {
		a := &u.Attachments[i]
		applyRenames(attachmentTable, a, contentRenames)
		a.Encoding = upgradedEncoding(a.Body, a.Encoding, a.Extra)
	}
	if mimi && !slices.Contains(u.Extensions, ExtensionMIMI) {
		u.Extensions = append(slices.Clip(slices.Clone(u.Extensions)), ExtensionMIMI)
	}
	return &u
}

func (p *ExternalPart) upgraded() *ExternalPart {
	if p == nil {
		return nil
	}
	c := *p
	applyRenames(externalTable, &c, contentRenames)
	return &c
}

func (m *MultiPart) upgraded() *MultiPart {
	if m == nil {
		return nil
	}
	c := *m
	c.Parts = slices.Clone(m.Parts)
	for i := range c.Parts {
		p := &c.Parts[i]
		applyRenames(partTable, p, contentRenames)
		p.Encoding = upgradedEncoding(p.Body, p.Encoding, p.Extra)
		p.ExternalPart = p.ExternalPart.upgraded()
		p.MultiPart = p.MultiPart.upgraded()
	}
	return &c
}

// upgradedEncoding says "none" for a text body without an encoding.
func upgradedEncoding(b Body, encoding string, extra Fields) string {
	if _, odd := extra["encoding"]; odd || encoding != "" || b.Kind != BodyText {
		return encoding
	}
	return EncodingNone
}

func applyRenames[T any](t *table[T], v *T, rows []rename) {
	extra := t.extra(v)
	owned := false
	for _, row := range rows {
		raw, ok := (*extra)[row.old]
		if !ok || len(raw) == 0 || row.new != row.old && row.new != "" && t.has(v, row.new) {
			continue
		}
		if raw, ok = row.rule.apply(raw, *extra); !ok {
			continue
		}
		if !owned { // the map is shared with the vCon that is upgraded
			*extra, owned = maps.Clone(*extra), true
		}
		delete(*extra, row.old)
		if row.rule == ruleSignature {
			delete(*extra, "alg")
		}
		if raw == nil {
			continue
		}
		if err := setField(t, v, row.new, raw); err != nil {
			set(extra, row.new, raw) // a Raw that somebody made by hand
		}
	}
	if owned && len(*extra) == 0 {
		*extra = nil
	}
}

// has reports whether v has the parameter, in its field or in Extra.
func (t *table[T]) has(v *T, name string) bool {
	if _, ok := (*t.extra(v))[name]; ok {
		return true
	}
	i, ok := t.index[name]
	if !ok {
		return false
	}
	_, present, err := appendValue(nil, t.rows[i].at(v))
	return present || err != nil
}

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

// apply returns the new value, nil for none; false when the row does not apply.
func (rule renameRule) apply(raw Raw, extra Fields) (Raw, bool) {
	switch rule {
	case ruleMessageID:
		var old map[string]Raw
		if raw[0]>>5 != majorMap {
			return raw, true
		}
		if raw.Decode(&old) != nil || len(old) != 1 || old["messageId"] == nil {
			return nil, false
		}
		return old["messageId"], true
	case ruleExpires:
		var old map[string]Raw
		if raw.Decode(&old) != nil || len(old) != 2 || old["relative"] == nil || old["expires"] == nil {
			return raw, raw[0]>>5 == majorMap
		}
		name := "absolute_time"
		if old["relative"][0] == simpleTrue {
			name = "relative_time"
		}
		b := append(AppendText(AppendMap(nil, 2), "relative"), old["relative"]...)
		return append(AppendText(b, name), old["expires"]...), true
	case ruleNullBody:
		return nil, len(raw) == 1 && raw[0] == simpleNull
	case ruleSignature:
		var alg, signature string
		if extra["alg"].Decode(&alg) != nil || raw.Decode(&signature) != nil ||
			alg != "SHA-512" && alg != "sha512" && alg != "SHA512" {
			return nil, false
		}
		return AppendText(nil, "sha512-"+signature), true
	}
	return raw, true
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
