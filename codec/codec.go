package codec

import (
	"github.com/go-json-experiment/json/jsontext"
)

// Options of reading a vCon. The zero value has the default limits and mends
// nothing.
type Options struct {
	// MaxBytes is the limit of an input that is read whole, in bytes; 0 means
	// MaxVCon.
	MaxBytes int
	// Mend is called for each text of a JSON vCon that is no Unicode, which is
	// then read with U+FFFD in its place. Without Mend such a text is an error.
	Mend func(Mend)
}

func (o Options) check(data []byte) error {
	limit := o.MaxBytes
	if limit == 0 {
		limit = MaxVCon
	}
	if len(data) > limit {
		return &Error{Offset: int64(limit), Reason: "input too long"}
	}
	return nil
}

// DecodeCBOR reads one whole vCon of at most MaxVCon bytes. Any well-formed CBOR
// is read, deterministic or not; duplicate keys, invalid UTF-8, trailing bytes
// and nesting beyond MaxDepth are refused. The result shares no memory with data.
// Every error is an *Error.
func DecodeCBOR(data []byte) (*VCon, error) { return Options{}.DecodeCBOR(data) }

// DecodeCBOR is the function of that name with o's limits.
func (o Options) DecodeCBOR(data []byte) (*VCon, error) {
	if err := o.check(data); err != nil {
		return nil, err
	}
	return decode(&reader{b: data}, vconTable)
}

// DecodeJSON reads one whole vCon of at most MaxVCon bytes: strict RFC 8259 with
// unique names and no lone surrogates. Every error is an *Error.
func DecodeJSON(data []byte) (*VCon, error) { return Options{}.DecodeJSON(data) }

// DecodeJSON is the function of that name with o's limits and repair.
func (o Options) DecodeJSON(data []byte) (*VCon, error) {
	if err := o.check(data); err != nil {
		return nil, err
	}
	return decodeJSON(data, &transcoder{mend: o.Mend}, vconTable)
}

func decode[T any](r *reader, t *table[T]) (*T, error) {
	v := new(T)
	if err := decodeObject(r, t, v); err != nil {
		return nil, err
	}
	settle(v)
	return v, nil
}

func decodeJSON[T any](data []byte, tr *transcoder, t *table[T]) (*T, error) {
	b, err := tr.transcode(data, 0, 0)
	if err != nil {
		return nil, err
	}
	return decode(&reader{b: b, base: -1}, t)
}

// AppendCBOR appends v in core deterministic encoding (RFC 8949, section 4.2.1).
// The errors are an *Error without an offset: a text that is not UTF-8, a Raw
// that is not one data item, a parameter both in its field and in Extra.
func (v *VCon) AppendCBOR(b []byte) ([]byte, error) { return appendObject(b, vconTable, v) }

// AppendJSON appends v as JSON without blanks. What JSON cannot hold (byte
// strings without tag 21, NaN, keys that are not texts, unknown tags) is refused.
func (v *VCon) AppendJSON(b []byte) ([]byte, error) { return appendJSONObject(b, vconTable, v) }

// IndentJSON is src, a JSON text, with line breaks and two blanks a level. It
// changes neither numbers nor texts.
func IndentJSON(src []byte) ([]byte, error) {
	b, err := jsontext.AppendFormat(nil, src, jsontext.WithIndent("  "), jsontext.PreserveRawStrings(true))
	if err != nil {
		return nil, fromJSON(err, 0)
	}
	return append(b, '\n'), nil
}

// AppendDialogCBOR appends one element of dialog.
func AppendDialogCBOR(b []byte, d *Dialog) ([]byte, error) { return appendObject(b, dialogTable, d) }

// AppendPartyCBOR appends one element of parties.
func AppendPartyCBOR(b []byte, p *Party) ([]byte, error) { return appendObject(b, partyTable, p) }

// AppendRoomCBOR appends a room.
func AppendRoomCBOR(b []byte, m *Room) ([]byte, error) { return appendObject(b, roomTable, m) }

// AppendAttachmentCBOR appends one element of attachments.
func AppendAttachmentCBOR(b []byte, a *Attachment) ([]byte, error) {
	return appendObject(b, attachmentTable, a)
}

// AppendDialogJSON appends one element of dialog.
func AppendDialogJSON(b []byte, d *Dialog) ([]byte, error) {
	return appendJSONObject(b, dialogTable, d)
}

// AppendPartyJSON appends one element of parties.
func AppendPartyJSON(b []byte, p *Party) ([]byte, error) { return appendJSONObject(b, partyTable, p) }

// AppendRoomJSON appends a room.
func AppendRoomJSON(b []byte, m *Room) ([]byte, error) { return appendJSONObject(b, roomTable, m) }

// AppendAttachmentJSON appends one element of attachments.
func AppendAttachmentJSON(b []byte, a *Attachment) ([]byte, error) {
	return appendJSONObject(b, attachmentTable, a)
}

// DecodeDialogCBOR reads one element of dialog, of at most MaxElement bytes.
func DecodeDialogCBOR(data []byte) (*Dialog, error) { return decodeElement(data, dialogTable) }

// DecodePartyCBOR reads one element of parties, of at most MaxElement bytes.
func DecodePartyCBOR(data []byte) (*Party, error) { return decodeElement(data, partyTable) }

// DecodeRoomCBOR reads a room, of at most MaxElement bytes.
func DecodeRoomCBOR(data []byte) (*Room, error) { return decodeElement(data, roomTable) }

// DecodeAttachmentCBOR reads one element of attachments, of at most MaxElement
// bytes.
func DecodeAttachmentCBOR(data []byte) (*Attachment, error) {
	return decodeElement(data, attachmentTable)
}

func decodeElement[T any](data []byte, t *table[T]) (*T, error) {
	if err := (Options{MaxBytes: MaxElement}).check(data); err != nil {
		return nil, err
	}
	return decode(&reader{b: data}, t)
}
