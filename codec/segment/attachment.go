package segment

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// Parameter is the name of our parameter in segments, at the top level and in
// attachments. A source never sets it but by SetSize.
const Parameter = "vcon_transfer"

// attachmentSurplus is more than what our parameter adds to an attachment.
const attachmentSurplus = 48

// SetSize says how many bytes the content of a has, for an attachment whose body
// is not in memory. It replaces a.Extra and does not change the map.
func SetSize(a *codec.Attachment, size uint64) {
	extra := maps.Clone(a.Extra)
	if extra == nil {
		extra = make(codec.Fields, 1)
	}
	b := codec.AppendText(codec.AppendMap(nil, 1), "size")
	extra[Parameter] = codec.AppendUint(b, size)
	a.Extra = extra
}

// SizeOf is the number of bytes of a's content: what SetSize said, or the length
// of its body. It reports false when a has no content that can be streamed: a
// reference, or a body that is no text or does not decode, which stays with the
// metadata.
func SizeOf(a *codec.Attachment) (uint64, bool) {
	if raw, ok := a.Extra[Parameter]; ok {
		own, err := parseAttachmentParameter(raw)
		return own.size, err == nil && own.sized
	}
	if a.Body.Kind == codec.BodyAbsent {
		return 0, false
	}
	c, err := a.Content()
	return uint64(len(c)), err == nil
}

// An attachmentParameter is our parameter in an attachment.
type attachmentParameter struct {
	sized  bool
	size   uint64
	dialog uint64 // index of the dialog object in the segment
	bound  bool   // dialog is there
}

func (p attachmentParameter) append(b []byte) []byte {
	n := 0
	if p.sized {
		n++
	}
	if p.bound {
		n++
	}
	b = codec.AppendMap(b, n)
	if p.sized {
		b = codec.AppendUint(codec.AppendText(b, "size"), p.size)
	}
	if p.bound {
		b = codec.AppendUint(codec.AppendText(b, "dialog"), p.dialog)
	}
	return b
}

func parseAttachmentParameter(raw codec.Raw) (p attachmentParameter, err error) {
	r := reader{object: "segment", b: raw}
	for range r.mapping(2) {
		switch name := r.text(maxParameterName); {
		case name == "size" && !p.sized:
			p.sized, p.size = true, r.number(math.MaxUint64)
		case name == "dialog" && !p.bound:
			p.bound, p.dialog = true, r.number(MaxItems)
		default:
			r.fail("unknown parameter of an attachment")
		}
	}
	return p, r.end()
}

// metadata is a without its content, its party and its place among dialogs: what
// does not depend on numbering.
func metadata(a *codec.Attachment) (codec.Attachment, error) {
	m := *a
	m.Party = nil
	size, sized := SizeOf(a)
	if sized {
		if size > MaxContent {
			return m, ErrTooLarge
		}
		m.Body = codec.Body{}
	}
	if m.Extra[Parameter] != nil || m.Extra["dialog"] != nil {
		m.Extra = maps.Clone(m.Extra)
		delete(m.Extra, Parameter)
		delete(m.Extra, "dialog")
	}
	return m, nil
}

// orderAttachments is the order of an item's attachments in a segment: by part,
// then by what they are, so that it does not depend on the source.
func orderAttachments(as []codec.Attachment) ([]codec.Attachment, error) {
	if len(as) < 2 {
		return as, nil
	}
	type sortable struct {
		part, size uint64
		record     []byte
		a          codec.Attachment
	}
	s := make([]sortable, len(as))
	for i := range as {
		m, err := metadata(&as[i])
		if err != nil {
			return nil, err
		}
		record, err := codec.AppendAttachmentCBOR(nil, &m)
		if err != nil {
			return nil, err
		}
		size, _ := SizeOf(&as[i])
		_, part, _ := ParseRef(as[i].DialogObjectRef)
		s[i] = sortable{part, size, record, as[i]}
	}
	slices.SortStableFunc(s, func(x, y sortable) int {
		return cmp.Or(cmp.Compare(x.part, y.part), cmp.Compare(x.size, y.size), slices.Compare(x.record, y.record))
	})
	out := make([]codec.Attachment, len(s))
	for i := range s {
		out[i] = s[i].a
	}
	return out, nil
}

// ParseRef reads a dialog_object_ref: "mid:", the message id, a colon, the part
// index and "@anon.invalid" (vcon-mimi-messages, "Attachments").
func ParseRef(ref string) (messageID string, part uint64, ok bool) {
	ref, ok1 := strings.CutPrefix(ref, "mid:")
	ref, ok2 := strings.CutSuffix(ref, "@anon.invalid")
	at := strings.LastIndexByte(ref, ':')
	if !ok1 || !ok2 || at < 1 {
		return "", 0, false
	}
	part, err := strconv.ParseUint(ref[at+1:], 10, 32)
	if err != nil {
		return "", 0, false
	}
	return ref[:at], part, true
}

// entryOf names the content of a, which has this many bytes, in a manifest.
func entryOf(it *Item, a *codec.Attachment, size uint64) AttachmentEntry {
	id, part, ok := ParseRef(a.DialogObjectRef)
	if !ok {
		id = string(it.Dialog.MessageID)
	}
	return AttachmentEntry{
		MessageID: shorten(id, MaxMessageID),
		Part:      part,
		Size:      size,
		MediaType: shorten(a.MediaType, MaxMediaType),
		Filename:  shorten(a.Filename, MaxName),
		Declared:  shorten(a.ContentHash, MaxDeclared),
	}
}

// shorten cuts s to a limit, between two characters.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
