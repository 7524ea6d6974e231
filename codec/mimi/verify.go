package mimi

import (
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A Level says how far a message id attests the message (design, section 4).
// The zero Level is NotDerivable. All levels are imported and shown.
type Level uint8

const (
	// NotDerivable: parameters that the id is computed from are not there.
	NotDerivable Level = 0
	// Verified08: the id is that of draft -08.
	Verified08 Level = 1
	// Verified07: the id is that of drafts up to -07, without lengths in its
	// hash input.
	Verified07 Level = 2
	// Mismatch: everything is there, and the id is another one.
	Mismatch Level = 3
)

// String returns the level as `inspect` and the store show it.
func (l Level) String() string {
	switch l {
	case Verified08:
		return "verified"
	case Verified07:
		return "verified (draft -07)"
	case Mismatch:
		return "mismatch"
	}
	return "not derivable"
}

// Verified reports whether the id was recomputed.
func (l Level) Verified() bool { return l == Verified08 || l == Verified07 }

// Verify recomputes the message id of a text dialog. missing names what lacks
// when the level is NotDerivable. Franking data is not looked at: it attests
// the envelope, not the content.
func Verify(d *codec.Dialog, senderURI, roomURI string) (level Level, missing []string) {
	if id, ok := d.MessageID.Bytes(); ok && len(id) == len(MessageID{}) && id[0] == hashSHA256 {
		return verify(d, MessageID(id), senderURI, roomURI)
	}
	_, missing = contentOf(d)
	return NotDerivable, append([]string{"message_id"}, missing...)
}

func verify(d *codec.Dialog, id MessageID, senderURI, roomURI string) (Level, []string) {
	c, missing := contentOf(d)
	if senderURI == "" || len(senderURI) > MaxURI {
		missing = append(missing, "originator.im_uri")
	}
	if roomURI == "" || len(roomURI) > MaxURI {
		missing = append(missing, "room.id")
	}
	if len(missing) > 0 {
		return NotDerivable, missing
	}
	content := c.Bytes()
	switch id {
	case MessageIDv8(senderURI, roomURI, content, c.Salt):
		return Verified08, nil
	case MessageIDv7(senderURI, roomURI, content, c.Salt):
		return Verified07, nil
	}
	if missing = dropped(&c.Body, d.ExternalPart, d.MultiPart, nil); len(missing) > 0 {
		return NotDerivable, missing
	}
	return Mismatch, nil
}

// dropped names the decryption fields that an exporter may have left out: the
// draft allows it once the content is in an attachment. Only a field that is
// absent where it could have been counts.
func dropped(p *NestedPart, x *codec.ExternalPart, m *codec.MultiPart, missing []string) []string {
	switch {
	case x != nil:
		e := p.External
		for _, f := range []struct {
			name   string
			absent bool
		}{
			{"external_part.enc_alg", e.EncAlg == 0 && x.Cached},
			{"external_part.key", len(e.Key) == 0 && (e.EncAlg != 0 || x.Cached)},
			{"external_part.nonce", len(e.Nonce) == 0 && (e.EncAlg != 0 || x.Cached)},
		} {
			if f.absent && !slices.Contains(missing, f.name) {
				missing = append(missing, f.name)
			}
		}
	case m != nil:
		for i := range m.Parts {
			missing = dropped(&p.Parts[i], m.Parts[i].ExternalPart, m.Parts[i].MultiPart, missing)
		}
	}
	return missing
}
