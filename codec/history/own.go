package history

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Our parameter (segment.Parameter) in what we write for people: at the top level
// how many of the parties are the room's roster, if not all; of a dialog who
// shared it, and the instant, where its dates tell another one (a tombstone stands
// where its message stood); of an attachment the hash and size of its content, which stands beside the
// file, and the index of its dialog, where its own parameters tell another one.

// rosterOf is the part of a vCon's parties that is the room's roster: all of them,
// unless we wrote it and noted that the others are only cited.
func rosterOf(v *codec.VCon, parties []codec.Party) []codec.Party {
	var own struct {
		Roster *uint64 `cbor:"roster"`
	}
	raw, ok := v.Extra[segment.Parameter]
	first := uint64(0)
	if v.Room != nil && v.Room.ID != "" && len(parties) > 0 && parties[0].IMURI == v.Room.ID {
		first = 1 // the room, which is not counted, as in a segment
	}
	if !ok || raw.Decode(&own) != nil || own.Roster == nil || *own.Roster > uint64(len(parties))-first {
		return parties
	}
	return parties[:first+*own.Roster]
}

// ownDialog is our parameter of a dialog.
type ownDialog struct {
	Instant  *int64 `cbor:"instant"`
	SharedBy string `cbor:"shared_by"`
}

// takeOwn is d without our parameter, and that.
func takeOwn(d *codec.Dialog) (*codec.Dialog, ownDialog) {
	var own ownDialog
	raw, ok := d.Extra[segment.Parameter]
	if !ok {
		return d, own
	}
	if raw.Decode(&own) != nil {
		own = ownDialog{}
	}
	c := *d
	c.Extra = withoutOwn(d.Extra)
	return &c, own
}

// with is d with our parameter.
func (own ownDialog) with(d codec.Dialog) codec.Dialog {
	var b []byte
	n := 0
	if own.Instant != nil {
		b = codec.AppendText(b, "instant")
		if ms := *own.Instant; ms < 0 {
			b = codec.AppendHead(b, 1, uint64(-1-ms)) // major type 1: a negative integer
		} else {
			b = codec.AppendUint(b, uint64(ms))
		}
		n++
	}
	if own.SharedBy != "" {
		b = codec.AppendText(codec.AppendText(b, "shared_by"), own.SharedBy)
		n++
	}
	if n > 0 {
		d.Extra = withOwn(d.Extra, append(codec.AppendMap(nil, n), b...))
	}
	return d
}

// ownAttachment is our parameter of an attachment.
type ownAttachment struct {
	SHA256 string  `cbor:"sha256"`
	Size   *uint64 `cbor:"size"` // of the content, wherever that is
	Dialog *uint64 `cbor:"dialog"`
}

func ownOf(a *codec.Attachment) (own ownAttachment) {
	raw, ok := a.Extra[segment.Parameter]
	if ok && raw.Decode(&own) != nil {
		return ownAttachment{}
	}
	return own
}

// with is a with our parameter.
func (own ownAttachment) with(a codec.Attachment) codec.Attachment {
	var b []byte
	n := 0
	if own.Size != nil {
		b = codec.AppendUint(codec.AppendText(b, "size"), *own.Size)
		n++
	}
	if own.Dialog != nil {
		b = codec.AppendUint(codec.AppendText(b, "dialog"), *own.Dialog)
		n++
	}
	if own.SHA256 != "" {
		b = codec.AppendText(codec.AppendText(b, "sha256"), own.SHA256)
		n++
		if a.URL == "" {
			a.URL = sidecarFolder + "/" + own.SHA256
		}
	}
	if n > 0 {
		a.Extra = withOwn(a.Extra, append(codec.AppendMap(nil, n), b...))
	}
	return a
}

func withOwn(x codec.Fields, own codec.Raw) codec.Fields { return withField(x, segment.Parameter, own) }

// withField is x with a parameter; x itself stays as it is.
func withField(x codec.Fields, name string, raw codec.Raw) codec.Fields {
	x = maps.Clone(x)
	if x == nil {
		x = codec.Fields{}
	}
	x[name] = raw
	return x
}

// uuidOfRoom is the uuid of the vCon that a room without an id is named after.
func uuidOfRoom(id string) (string, bool) { return strings.CutPrefix(id, segment.RoomOfUUID("")) }

// roomOf is the room of a vCon: its own, or one that is named after the vCon. The
// top-level parameters that segments do not make anew stay with it.
func roomOf(v *codec.VCon, uuid func() string) segment.Room {
	r := segment.Room{Meta: v.Room}
	if v.Room != nil && v.Room.ID != "" {
		r.ID = v.Room.ID
	} else {
		id := v.UUID
		if id == "" {
			id = uuid()
		}
		r.ID = segment.RoomOfUUID(id)
	}
	r.Extra = maps.Clone(withoutOwn(v.Extra))
	maps.DeleteFunc(r.Extra, func(name string, _ codec.Raw) bool { return structural(name) })
	keep := func(name string, raw codec.Raw) {
		if r.Extra == nil {
			r.Extra = codec.Fields{}
		}
		r.Extra[name] = raw
	}
	if v.Subject != "" {
		keep("subject", codec.AppendText(nil, v.Subject))
	}
	if names := foreign(v.Extensions); len(names) > 0 {
		raw := codec.AppendArray(nil, len(names))
		for _, name := range names {
			raw = codec.AppendText(raw, name)
		}
		keep("extensions", raw)
	}
	return r
}

// structural names what a vCon is made of: a value in Extra under such a name is
// of no form that a draft knows, and never goes from one vCon to another.
func structural(name string) bool {
	switch name {
	case "vcon", "uuid", "created_at", "updated_at", "critical", "must_support", "room", "parties", "dialog", "attachments":
		return true
	}
	return false
}

// odd counts the parameters of the conversation itself that are of an unknown form
// and not empty.
func odd(x codec.Fields) (n int) {
	for _, name := range []string{"room", "parties", "dialog", "attachments"} {
		if raw := x[name]; len(raw) > 1 {
			n++
		}
	}
	return n
}

// foreign are the extensions that we do not write ourselves.
func foreign(extensions []string) (names []string) {
	for _, name := range extensions {
		if name != codec.ExtensionMIMI && name != segment.Extension && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// uuidOf is a uuid (RFC 9562, version 8) made of a hash.
func uuidOf(sum []byte) string {
	u := [16]byte(sum)
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// supported tells whether we know everything that a vCon calls critical
// (vcon-core, "critical"; "must_support" in version 0.3.0).
func supported(v *codec.VCon) bool {
	known := []string{codec.ExtensionMIMI, "mimi_messages", segment.Extension}
	critical := v.Critical
	for _, name := range []string{"critical", "must_support"} {
		if raw, ok := v.Extra[name]; ok {
			var more []string
			if raw.Decode(&more) != nil {
				return false
			}
			critical = append(slices.Clone(critical), more...)
		}
	}
	for _, name := range critical {
		if !slices.Contains(known, name) {
			return false
		}
	}
	return true
}
