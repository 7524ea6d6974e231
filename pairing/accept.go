package pairing

import (
	"bytes"
	"fmt"
)

// Accept is R's answer in M3. A zero value accepts.
type Accept struct {
	Version uint8  // the version that both speak from here on; Accept sets the highest that both speak for zero
	HasAny  bool   // R holds some of this transfer: the exchange of what there is is worth it
	Receipt []byte // on resume: the sealed receipt of a transfer that R has finished, at most MaxReceipt bytes

	unknown fields
}

// Keys of the accept's map.
const (
	acceptVersion = 1 + iota
	acceptHasAny
	acceptReceipt

	acceptLast = acceptReceipt
)

func (a *Accept) marshal() ([]byte, error) {
	if a.Version == 0 {
		return nil, fmt.Errorf("encode accept: no version: %w", ErrVersion)
	}
	if len(a.Receipt) > MaxReceipt {
		return nil, fmt.Errorf("encode accept: receipt of %d bytes: %w", len(a.Receipt), ErrLimit)
	}
	f := fields{}
	put(f, acceptVersion, a.Version)
	put(f, acceptHasAny, a.HasAny)
	putBytes(f, acceptReceipt, a.Receipt)
	return encode(f.merge(a.unknown)), nil
}

// parseAccept reads what marshal gave, of this or a later version.
func parseAccept(data []byte) (*Accept, error) {
	f, err := parseFields(data)
	if err != nil {
		return nil, fmt.Errorf("read accept: %w", err)
	}
	r := &reader{f: f, what: "accept"}
	a := &Accept{
		Version: get[uint8](r, acceptVersion),
		HasAny:  get[bool](r, acceptHasAny),
		Receipt: r.bytes(acceptReceipt, MaxReceipt),
	}
	if r.err != nil {
		return nil, r.err
	}
	if a.unknown, err = f.unknown(acceptLast); err != nil {
		return nil, fmt.Errorf("read accept: %w", err)
	}
	again, err := a.marshal()
	if err != nil {
		return nil, received("accept", err)
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("read accept: encoding is not deterministic: %w", ErrMalformed)
	}
	return a, nil
}
