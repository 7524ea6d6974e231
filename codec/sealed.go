package codec

import (
	"cmp"
	"encoding/base64"
	"strings"
)

// A Seal is what the outside of a signed (JWS) or encrypted (JWE) vCon says, in
// general or flattened JSON serialization (vcon-core, "Signed Form" and
// "Encrypted Form of vCon Object"). Nothing of it is verified.
type Seal struct {
	Encrypted  bool
	UUID       string   // of the vCon inside, as a header says; "" when none does
	Algorithms []string // alg of each signature, or of each recipient's key
	Encryption string   // enc of the content
	Chains     int      // signatures that bring their certificates (x5c)
	ChainURLs  int      // signatures that say where they are (x5u)
	Payload    Raw      // of a signed vCon: the text; nil when it was not read
}

// SealOf is the seal of an object with these top-level names, whose parameters are
// in v as far as they were read. It is nil when the object is an unsigned vCon, or
// none at all (vcon-core, "Differentiation of unsigned, signed and encrypted forms
// of vCon").
func SealOf(v *VCon, has func(name string) bool) *Seal {
	for _, name := range []string{"parties", "dialog", "analysis", "attachments"} {
		if has(name) {
			return nil
		}
	}
	switch {
	case has("payload") && (has("signatures") || has("signature")):
		return v.signed()
	case has("ciphertext"):
		return v.encrypted()
	}
	return nil
}

func (v *VCon) signed() *Seal {
	s := &Seal{Payload: v.Extra["payload"]}
	all := elements(v.Extra["signatures"])
	if all == nil { // flattened: the one signature stands at the top
		all = []Fields{v.Extra}
	}
	for _, one := range all {
		p, h := protected(one["protected"]), fieldsOf(one["header"])
		s.Algorithms = append(s.Algorithms, cmp.Or(p.text("alg"), h.text("alg")))
		s.UUID = cmp.Or(s.UUID, p.text("uuid"), h.text("uuid"))
		switch {
		case p["x5c"] != nil || h["x5c"] != nil:
			s.Chains++
		case p["x5u"] != nil || h["x5u"] != nil:
			s.ChainURLs++
		}
	}
	return s
}

func (v *VCon) encrypted() *Seal {
	p, u := protected(v.Extra["protected"]), fieldsOf(v.Extra["unprotected"])
	s := &Seal{Encrypted: true, UUID: cmp.Or(p.text("uuid"), u.text("uuid")), Encryption: cmp.Or(p.text("enc"), u.text("enc"))}
	all := elements(v.Extra["recipients"])
	if all == nil {
		all = []Fields{v.Extra}
	}
	for _, one := range all {
		h := fieldsOf(one["header"])
		s.Algorithms = append(s.Algorithms, cmp.Or(p.text("alg"), u.text("alg"), h.text("alg")))
		s.Encryption = cmp.Or(s.Encryption, h.text("enc"))
	}
	return s
}

// Content is the payload of a signed vCon, decoded. It is not verified.
func (s *Seal) Content() ([]byte, bool) {
	return decodeText(s.Payload)
}

// decodeText is what a text of base64url stands for.
func decodeText(raw Raw) ([]byte, bool) {
	var text string
	if raw.Decode(&text) != nil {
		return nil, false
	}
	b, err := base64.RawURLEncoding.DecodeString(plainBase64(text))
	return b, err == nil
}

// protected is a header that is base64url of JSON.
func protected(raw Raw) Fields {
	b, ok := decodeText(raw)
	if !ok {
		return nil
	}
	raw, err := RawOfJSON(b)
	if err != nil {
		return nil
	}
	return fieldsOf(raw)
}

func fieldsOf(raw Raw) (x Fields) {
	if len(raw) == 0 || raw[0]>>5 != majorMap || raw.Decode(&x) != nil {
		return nil
	}
	return x
}

func elements(raw Raw) (out []Fields) {
	var list []Raw
	if len(raw) == 0 || raw[0]>>5 != majorArray || raw.Decode(&list) != nil {
		return nil
	}
	for _, e := range list {
		out = append(out, fieldsOf(e))
	}
	return out
}

func (x Fields) text(name string) string {
	var s string
	if x[name].Decode(&s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}
