package segment

import (
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// MaxStaged bounds the bytes of an encoded Staged: that of a ledger and an id.
const MaxStaged = MaxEnd

// AppendStaged appends what a sink remembers of one leaf, in at most MaxStaged
// bytes: an array of a segment's id and its ledger, or of an attachment's room,
// message id, part and size, and the reason if it was rejected. The error is of a
// ledger with too many reasons, or of a malformed one.
func AppendStaged(b []byte, s *Staged) ([]byte, error) {
	a := s.Attachment
	if a == nil {
		return appendLedger(codec.AppendBytes(codec.AppendArray(b, 2), s.Segment[:]), &s.Ledger)
	}
	n := 4
	if s.Reason != "" {
		n = 5
	}
	b = codec.AppendArray(b, n)
	b = codec.AppendText(codec.AppendText(b, s.Room), a.MessageID)
	b = codec.AppendUint(codec.AppendUint(b, a.Part), a.Size)
	if n == 4 {
		return b, nil
	}
	if !s.Reason.valid() {
		return b, errors.New("encode staged: malformed reason")
	}
	return codec.AppendText(b, string(s.Reason)), nil
}

// ParseStaged reads what AppendStaged gave, and nothing else. Every error is an
// *Error.
func ParseStaged(data []byte) (*Staged, error) {
	r := reader{object: "staged", b: data}
	if len(data) > MaxStaged {
		r.failAt(MaxStaged, "too long")
		return nil, r.err
	}
	s := new(Staged)
	if n := r.array(5); n == 2 {
		copy(s.Segment[:], r.bytes(len(s.Segment)))
		s.Ledger = r.ledger()
	} else {
		if n < 4 {
			r.failAt(0, "unexpected length")
		}
		s.Room = r.text(MaxRoomID)
		s.Attachment = &AttachmentEntry{MessageID: r.text(MaxMessageID), Part: r.number(MaxPart), Size: r.number(MaxContent)}
		if n == 5 {
			at := r.off
			if s.Reason = Reason(r.text(MaxReason)); r.err == nil && !s.Reason.valid() {
				r.failAt(at, "malformed reason")
			}
		}
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return s, nil
}
