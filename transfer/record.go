package transfer

import (
	"encoding/binary"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A recordType is the first byte of a control record's plaintext (wire-format,
// "Control records").
type recordType uint8

const (
	recordData      recordType = 0  // not a record: a chunk, in a message
	recordKeepAlive recordType = 1  // both; empty
	recordError     recordType = 2  // both; code u16
	recordConfirm   recordType = 3  // S; the first record: S has opened M3
	recordReady     recordType = 4  // R; the check code matched, the manifest may come
	recordPage      recordType = 5  // S; number u32, page
	recordAnswer    recordType = 6  // R; number u32, answer
	recordStaged    recordType = 7  // R; units u64, bytes u64, messages u64 taken
	recordEnd       recordType = 8  // S; end
	recordReceipt   recordType = 9  // R; salt 32, sealed receipt
	recordBye       recordType = 10 // S; the receipt is in hand
	recordPause     recordType = 11 // both; the last word until the sender of it goes on
)

var errTruncated = errors.New("record is cut short")

func appendError(b []byte, code wire.Code) []byte {
	return binary.BigEndian.AppendUint16(b, uint16(code))
}

// parsePeerError always returns an error: the peer's, or that it is malformed.
func parsePeerError(body []byte) error {
	if len(body) < 2 {
		return fail(wire.CodeProtocol, errTruncated)
	}
	return &Error{Code: wire.Code(binary.BigEndian.Uint16(body)), Peer: true}
}

// staged is what the receiver has taken on this connection: durable units, with
// their messages, and bytes, those of a unit under way included.
type staged struct{ units, bytes, messages uint64 }

func (s staged) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, s.units)
	b = binary.BigEndian.AppendUint64(b, s.bytes)
	return binary.BigEndian.AppendUint64(b, s.messages)
}

func parseStaged(body []byte) (staged, error) {
	if len(body) != 24 {
		return staged{}, fail(wire.CodeProtocol, errTruncated)
	}
	u := binary.BigEndian.Uint64
	return staged{u(body), u(body[8:]), u(body[16:])}, nil
}

// numbered splits a page or an answer from its number.
func numbered(body []byte, want uint32) ([]byte, error) {
	if len(body) < 4 {
		return nil, fail(wire.CodeProtocol, errTruncated)
	}
	if binary.BigEndian.Uint32(body) != want {
		return nil, failf(wire.CodeProtocol, "page or answer out of order")
	}
	return body[4:], nil
}

// A unit is one segment or one attachment in the data stream: a head of 25 bytes,
// the content, and behind an attachment's content the SHA-256 of all of it.
type unit struct {
	kind   unitKind
	page   uint32
	entry  uint32 // index in the page
	offset uint64
	length uint64 // bytes of content that follow
}

type unitKind uint8

const (
	unitPadding    unitKind = 0 // content is zeros, to be ignored
	unitSegment    unitKind = 1
	unitAttachment unitKind = 2
	unitAbsent     unitKind = 3 // the source does not hold this attachment; no content
)

const unitHeadSize = 1 + 4 + 4 + 8 + 8

func (u unit) append(b []byte) []byte {
	b = append(b, byte(u.kind))
	b = binary.BigEndian.AppendUint32(b, u.page)
	b = binary.BigEndian.AppendUint32(b, u.entry)
	b = binary.BigEndian.AppendUint64(b, u.offset)
	return binary.BigEndian.AppendUint64(b, u.length)
}

// parseUnit reads a head of exactly unitHeadSize bytes.
func parseUnit(b []byte) (unit, error) {
	u := unit{
		kind:   unitKind(b[0]),
		page:   binary.BigEndian.Uint32(b[1:]),
		entry:  binary.BigEndian.Uint32(b[5:]),
		offset: binary.BigEndian.Uint64(b[9:]),
		length: binary.BigEndian.Uint64(b[17:]),
	}
	if u.kind > unitAbsent {
		return u, failf(wire.CodeProtocol, "unknown kind of unit %d", u.kind)
	}
	return u, nil
}

// A receipt is what the receiver says of a committed import. It is sealed under
// the resumption secret, so that it can be given again on another connection.
type receipt struct {
	transfer  [32]byte
	committed int64 // milliseconds since 1970, R's clock
	end       segment.End
}

func (r receipt) append(b []byte) ([]byte, error) {
	b = append(b, r.transfer[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.committed))
	return segment.AppendEnd(b, &r.end)
}

// openReceipt opens a sealed receipt, whose transfer has to be this one.
func openReceipt(suite hpke.Suite, resumption hpke.Secret, transfer [32]byte, sealed []byte) (receipt, error) {
	plain, err := pairing.OpenReceipt(suite, resumption, sealed)
	if err != nil {
		return receipt{}, fail(wire.CodeVerification, err)
	}
	rec, err := parseReceipt(plain)
	if err == nil && rec.transfer != transfer {
		err = failf(wire.CodeVerification, "the receipt is for another transfer")
	}
	return rec, err
}

func parseReceipt(b []byte) (receipt, error) {
	var r receipt
	if len(b) < 40 {
		return r, fail(wire.CodeProtocol, errTruncated)
	}
	copy(r.transfer[:], b)
	r.committed = int64(binary.BigEndian.Uint64(b[32:]))
	end, err := segment.ParseEnd(b[40:])
	if err != nil {
		return r, fail(wire.CodeProtocol, err)
	}
	r.end = *end
	return r, nil
}
