package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/jws"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// inspectFlags say whose signatures inspect looks for.
type inspectFlags struct {
	json   bool
	signer string
	hubKey string
}

// maxKeyFile bounds the files of --signer and --hub-key, in bytes.
const maxKeyFile = 256 << 10

// errUnsigned is of a vCon with --signer that none of the signers has signed.
var errUnsigned = errors.New("none of the given signers has signed it")

// A signatureInspection is what became of one signature of a signed vCon.
type signatureInspection struct {
	Algorithm string `json:"algorithm,omitempty"`
	Signer    string `json:"signer,omitempty"` // whose it is, of the given ones
	Error     string `json:"error,omitempty"`
}

// verify holds the signatures of a signed vCon against the signers. One that fits is
// enough: others may be of people who are not asked for.
func (i *inspection) verify(path, signer string) error {
	text, err := readShort(signer, maxKeyFile)
	if err != nil {
		return usageError{fmt.Errorf("read signers: %w", err)}
	}
	signers, err := jws.ParseSigners(signer, []byte(text))
	if err != nil {
		return usageError{err}
	}
	data, err := signedJSON(path)
	if err != nil {
		return unreadable(path, err)
	}
	verdicts, err := jws.Verify(data, signers, time.Now())
	if err != nil {
		return unreadable(path, err)
	}
	good := false
	for _, v := range verdicts {
		s := signatureInspection{Algorithm: v.Algorithm, Signer: v.Signer}
		if v.Err != nil {
			s.Error = v.Err.Error()
		}
		good = good || v.Err == nil
		i.Signatures = append(i.Signatures, s)
	}
	if !good {
		return errUnsigned
	}
	return nil
}

// signedJSON is a signed vCon as it was signed: in CBOR its texts are the same.
func signedJSON(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, jws.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > jws.MaxBytes {
		return nil, fmt.Errorf("a signed vCon of more than %s is not verified", size(jws.MaxBytes))
	}
	format, err := codec.DetectFormat(data[:min(len(data), prefixBytes)])
	if err != nil || format == codec.FormatJSON {
		return data, err
	}
	v, err := codec.Options{MaxBytes: jws.MaxBytes}.DecodeCBOR(data)
	if err != nil {
		return nil, err
	}
	return v.AppendJSON(nil)
}

// A frankSurvey counts what franking data attests, by a hub's key.
type frankSurvey struct {
	hub    *mimi.HubKey
	stamps fingerprints
	Counts map[string]uint64
}

// newFrankSurvey is nil without a file of a key.
func newFrankSurvey(file string) (*frankSurvey, error) {
	if file == "" {
		return nil, nil
	}
	text, err := readShort(file, maxKeyFile)
	if err != nil {
		return nil, usageError{fmt.Errorf("read hub key: %w", err)}
	}
	data := []byte(text)
	if block, _ := pem.Decode(data); block != nil {
		if data, err = rawKey(block.Bytes); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", file, err)}
		}
	}
	hub, err := mimi.ParseHubKey(data)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return &frankSurvey{hub: hub, Counts: map[string]uint64{}}, nil
}

// rawKey is a public key as it stands in an MLS group.
func rawKey(der []byte) ([]byte, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	switch key := key.(type) {
	case ed25519.PublicKey:
		return key, nil
	case *ecdsa.PublicKey:
		return key.Bytes()
	}
	return nil, errors.Join(mimi.ErrHubKey, err)
}

// count looks at the frank of a message, and tells what is wrong with it.
func (s *frankSurvey) count(d *codec.Dialog, sender, room string) (trouble string) {
	f, stamp := mimi.VerifyFrank(d, sender, room, s.hub)
	what := f.String()
	switch {
	case f == mimi.EnvelopeAttested && !s.stamps.add(string(stamp)):
		what, trouble = "frank used twice", "its frank is another message's"
	case f == mimi.FrankFalse:
		trouble = "its frank is of another envelope or hub"
	}
	s.Counts[what]++
	if matches, known := mimi.VerifyTag(d); known && matches {
		s.Counts["tag of this content"]++
	} else if known {
		s.Counts["tag of another content"]++
		trouble = "its franking tag is not that of the content"
	}
	return trouble
}

// readWith reads like read, and looks for the signatures that the flags ask for.
func (i *inspection) readWith(ctx context.Context, ui *terminal, path string, f *inspectFlags) (err error) {
	if i.franks, err = newFrankSurvey(f.hubKey); err != nil {
		return err
	}
	if err := i.read(ctx, ui, path); err != nil || f.signer == "" {
		return err
	}
	if path == "-" || i.Opaque != "signed" || i.Files != 1 {
		return usageError{errors.New("--signer is for one file with a signed vCon")}
	}
	return i.verify(path, f.signer)
}
