package hpke

import (
	"errors"
	"fmt"
	"io"
)

// The errors that a caller may have to tell apart. All are final for the value
// that returned them: nothing sealed or opened goes on after one.
var (
	// ErrSuite: the suite is none of ours.
	ErrSuite = errors.New("hpke: unknown suite")
	// ErrKey: a key has the wrong size or is one that no honest peer has.
	ErrKey = errors.New("hpke: invalid key")
	// ErrEncapsulation: enc has the wrong size or is one that no honest peer sends.
	ErrEncapsulation = errors.New("hpke: invalid encapsulated key")
	// ErrPSK: psk or psk_id is missing, or psk is shorter than MinPSK.
	ErrPSK = errors.New("hpke: invalid pre-shared key")
	// ErrOpen: the tag does not match: wrong key, wrong place or changed bytes.
	ErrOpen = errors.New("hpke: authentication failed")
	// ErrTruncated: the stream ends before its last chunk. It is also an
	// io.ErrUnexpectedEOF.
	ErrTruncated = fmt.Errorf("hpke: sealed stream is truncated: %w", io.ErrUnexpectedEOF)
	// ErrTrailing: bytes follow the last chunk of a stream.
	ErrTrailing = errors.New("hpke: data after the last chunk")
	// ErrEmptyChunk: a stream that is not empty ends in an empty chunk; it would
	// be a second encoding of the same bytes.
	ErrEmptyChunk = errors.New("hpke: empty last chunk after data")
	// ErrFinished: the last chunk was sealed or opened before this call.
	ErrFinished = errors.New("hpke: stream is finished")
	// ErrExhausted: MaxChunks or MaxMessages is reached.
	ErrExhausted = errors.New("hpke: key is used up")
	// ErrTooLarge: an input is longer than its limit.
	ErrTooLarge = errors.New("hpke: input too large")
	// ErrErased: the secret was erased before this call.
	ErrErased = errors.New("hpke: secret was erased")
	// ErrAborted: the stream was given up before its last chunk.
	ErrAborted = errors.New("hpke: stream was aborted")
)

// ChunkError says which chunk of a sealed stream, counted from 0, was refused.
type ChunkError struct {
	Chunk uint64
	Err   error
}

func (e *ChunkError) Error() string { return fmt.Sprintf("chunk %d: %v", e.Chunk, e.Err) }

// Unwrap gives the reason, one of the sentinels of this package.
func (e *ChunkError) Unwrap() error { return e.Err }
