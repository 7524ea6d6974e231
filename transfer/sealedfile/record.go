package sealedfile

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// The payload of the sealed file is a sequence of records: one byte, the length of
// the body, the body. Behind each page come its segments and attachments, in its
// order.
type recordType uint8

const (
	recordPadding    recordType = 0 // zeros; once, before the end
	recordPage       recordType = 1 // a page of the manifest
	recordSegment    recordType = 2 // a segment
	recordAttachment recordType = 3 // an attachment's content, and its SHA-256
	recordAbsent     recordType = 4 // the source does not hold that attachment's content; empty
	recordEnd        recordType = 5 // the end, and the sharer's signature; the last
)

const recordHead = 1 + 8

// maxEndRecord bounds the body of the last record.
const maxEndRecord = segment.MaxEnd + ed25519.SignatureSize

// padme is the padded size of n bytes: what is left of n beyond some high bits is
// zero, so that the length tells little more than its order of magnitude.
func padme(n uint64) uint64 {
	if n < 2 {
		return n
	}
	e := uint64(bits.Len64(n) - 1)
	s := uint64(bits.Len64(e))
	mask := uint64(1)<<(e-s) - 1
	return (n + mask) &^ mask
}

// A recordReader reads the payload. What the file ends within is an error of the
// stream below.
type recordReader struct {
	r    *hpke.Reader
	read uint64 // bytes
	buf  []byte
}

// next reads the head of a record.
func (r *recordReader) next() (recordType, uint64, error) {
	var head [recordHead]byte
	if err := r.full(head[:]); err != nil {
		return 0, 0, err
	}
	return recordType(head[0]), binary.BigEndian.Uint64(head[1:]), nil
}

// body reads the body of a record whose length the caller has bounded. It is valid
// until the next call.
func (r *recordReader) body(n uint64) ([]byte, error) {
	if uint64(cap(r.buf)) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	return b, r.full(b)
}

func (r *recordReader) full(b []byte) error {
	n, err := io.ReadFull(r.r, b)
	r.read += uint64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return failf(wire.CodeVerification, "a record is cut short")
	}
	return readError(err)
}

// padding reads the body of the padding, and holds it against what a sealer writes.
func (r *recordReader) padding(n uint64) error {
	if before := r.read; n != padme(before)-before {
		return failf(wire.CodeVerification, "padding of another length than a sealer writes")
	}
	for n > 0 {
		b, err := r.body(min(n, hpke.MaxChunk))
		if err != nil {
			return err
		}
		if len(bytes.TrimLeft(b, "\x00")) > 0 {
			return failf(wire.CodeVerification, "padding is not zero")
		}
		n -= uint64(len(b))
	}
	return nil
}

// over tells whether the payload, and the file, end here.
func (r *recordReader) over() error {
	var one [1]byte
	switch _, err := io.ReadFull(r.r, one[:]); {
	case err == io.EOF:
		return nil
	case err == nil:
		return failf(wire.CodeVerification, "data behind the end")
	default:
		return readError(err)
	}
}

// readError gives an error of the file its code: what does not authenticate is
// tampered with or cut, and the rest is the disk's.
func readError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, hpke.ErrFile):
		return fail(wire.CodeSource, err)
	case errors.Is(err, hpke.ErrVersion):
		return fail(wire.CodeVersion, err)
	case errors.Is(err, hpke.ErrSuite):
		return fail(wire.CodeSuite, err)
	case errors.Is(err, hpke.ErrRecipient):
		return fail(wire.CodeIntent, err)
	}
	if errors.Is(err, hpke.ErrTooLarge) {
		return fail(wire.CodeLimit, err)
	}
	for _, damaged := range []error{hpke.ErrCommitment, hpke.ErrOpen, hpke.ErrTruncated, hpke.ErrTrailing, hpke.ErrEmptyChunk} {
		if errors.Is(err, damaged) {
			return fail(wire.CodeVerification, err)
		}
	}
	return fail(wire.CodeSource, err)
}
