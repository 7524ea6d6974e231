package pairing

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// PurposeAttest is of an account's key, over the list of its devices.
const PurposeAttest Purpose = "attest"

const (
	// MaxAttestationLife is how long an attestation may count: a device that was taken out of the list is
	// refused at the latest then.
	MaxAttestationLife = 7 * 24 * time.Hour
	// MaxAttestedDevices is how many devices one attestation names.
	MaxAttestedDevices = 128
	// MaxAccountURI bounds the account's URI, in bytes.
	MaxAccountURI = 512
	// MaxSkew is how far in the future an attestation may be issued: clocks differ.
	MaxSkew = 5 * time.Minute
)

// ErrAttestation is of a device that no trusted account has attested. The QR code of somebody else looks just
// like that: this is what finds him out.
var ErrAttestation = errors.New("not attested by a trusted account")

// An Attestation is the word of an account that these devices are its own (wire-format, "Attestations").
type Attestation struct {
	Account  Identity   // the account's key, which signs
	URI      string     // what people call the account; at most MaxAccountURI bytes
	Version  uint64     // from 1, higher with each change of the list
	Issued   time.Time  // in whole milliseconds
	NotAfter time.Time  // in whole milliseconds; at most MaxAttestationLife after Issued
	Devices  []Identity // 1 to MaxAttestedDevices, in the order of their bytes, each once

	unknown fields
}

// Keys of the attestation's map.
const (
	attestAccount = 1 + iota
	attestURI
	attestVersion
	attestIssued
	attestNotAfter
	attestDevices
	attestSignature

	attestLast = attestSignature
)

// Attest signs a list of devices with the account's key and gives its encoding, for ReceiverOptions. Account
// is the signer's; the devices may come in any order. The errors are ErrLimit, ErrMalformed, ErrIdentity and
// those of the signer.
func Attest(account Signer, a Attestation) ([]byte, error) {
	a.Account, a.unknown = account.Identity(), nil
	a.Devices = slices.Clone(a.Devices)
	slices.SortFunc(a.Devices, compareIdentities)
	a.Devices = slices.Compact(a.Devices)
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("attest: %w", err)
	}
	f := a.fields()
	signature, err := sign(account, PurposeAttest, hpke.Hash("attestation", encode(f)))
	if err != nil {
		return nil, err
	}
	f[attestSignature] = encode(signature)
	out := encode(f)
	if len(out) > MaxAttestation {
		return nil, fmt.Errorf("attest: %d bytes: %w", len(out), ErrLimit)
	}
	return out, nil
}

// ParseAttestation reads an attestation and verifies that the account in it has signed it; whether that
// account is to be trusted is another question, see Vouches. The errors are ErrMalformed and ErrIdentity.
func ParseAttestation(data []byte) (*Attestation, error) {
	if len(data) > MaxAttestation {
		return nil, fmt.Errorf("read attestation: %d bytes: %w", len(data), ErrMalformed)
	}
	f, err := parseFields(data)
	if err != nil {
		return nil, fmt.Errorf("read attestation: %w", err)
	}
	r := &reader{f: f, what: "attestation"}
	a := &Attestation{
		URI:      r.text(attestURI, MaxAccountURI),
		Version:  get[uint64](r, attestVersion),
		Issued:   r.instant(attestIssued),
		NotAfter: r.instant(attestNotAfter),
	}
	account, signature := r.bytes(attestAccount, len(a.Account)), r.bytes(attestSignature, ed25519.SignatureSize)
	devices := get[[][]byte](r, attestDevices)
	if len(account) != len(a.Account) || len(devices) > MaxAttestedDevices {
		r.fail(attestAccount, "not a key, or too many devices")
	}
	if r.err != nil {
		return nil, r.err
	}
	a.Account = Identity(account)
	for _, d := range devices {
		if len(d) != len(a.Account) {
			return nil, fmt.Errorf("read attestation: device of %d bytes: %w", len(d), ErrMalformed)
		}
		a.Devices = append(a.Devices, Identity(d))
	}
	if a.unknown, err = f.unknown(attestLast); err != nil {
		return nil, fmt.Errorf("read attestation: %w", err)
	}
	if err := a.check(); err != nil {
		if errors.Is(err, ErrIdentity) {
			return nil, fmt.Errorf("read attestation: %w", err)
		}
		return nil, received("attestation", err)
	}
	signed := a.fields().merge(a.unknown)
	hash := hpke.Hash("attestation", encode(signed))
	putBytes(signed, attestSignature, signature)
	if !bytes.Equal(encode(signed), data) {
		return nil, fmt.Errorf("read attestation: encoding is not deterministic: %w", ErrMalformed)
	}
	if !a.Account.verify(PurposeAttest, hash, signature) {
		return nil, fmt.Errorf("read attestation: signature: %w", ErrIdentity)
	}
	return a, nil
}

// Vouches tells whether one of these accounts says, at this time, that device is its own. highest is the
// highest Version of this account that was seen before: an older list may have a device that was lost since.
// The error is ErrAttestation with the reason.
func (a *Attestation) Vouches(device Identity, accounts []Identity, highest uint64, now time.Time) error {
	switch {
	case !slices.Contains(accounts, a.Account):
		return fmt.Errorf("the account is not among the trusted: %w", ErrAttestation)
	case device == Identity{}:
		return fmt.Errorf("the device has not signed: %w", ErrAttestation)
	case !slices.Contains(a.Devices, device):
		return fmt.Errorf("the account does not name this device: %w", ErrAttestation)
	case a.Version < highest:
		return fmt.Errorf("version %d, and %d was seen: %w", a.Version, highest, ErrAttestation)
	case now.After(a.NotAfter):
		return fmt.Errorf("it ended at %s: %w", a.NotAfter.UTC().Format(time.RFC3339), ErrAttestation)
	case now.Add(MaxSkew).Before(a.Issued):
		return fmt.Errorf("it begins at %s: %w", a.Issued.UTC().Format(time.RFC3339), ErrAttestation)
	}
	return nil
}

// Attested tells whether one of these accounts has named whoever signed b as its device. seen is told the version
// of the list, keeps the highest of each account and gives it; nil takes any version. The errors are
// ErrAttestation and those of seen.
func (b *Bundle) Attested(accounts []Identity, seen func(Identity, uint64) (uint64, error), now time.Time) error {
	if len(b.Attestation) == 0 {
		return fmt.Errorf("the new device has no attestation: %w", ErrAttestation)
	}
	a, err := ParseAttestation(b.Attestation)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAttestation, err)
	}
	highest := a.Version
	if seen != nil && slices.Contains(accounts, a.Account) {
		if highest, err = seen(a.Account, a.Version); err != nil {
			return err
		}
	}
	return a.Vouches(b.Signer, accounts, highest, now)
}

// fields is the map without the signature.
func (a *Attestation) fields() fields {
	f := fields{}
	devices := make([][]byte, len(a.Devices))
	for i := range a.Devices {
		devices[i] = a.Devices[i][:]
	}
	putBytes(f, attestAccount, a.Account[:])
	put(f, attestURI, a.URI)
	put(f, attestVersion, a.Version)
	f[attestIssued], f[attestNotAfter] = encode(a.Issued.UnixMilli()), encode(a.NotAfter.UnixMilli())
	f[attestDevices] = encode(devices)
	return f
}

func (a *Attestation) check() error {
	if err := a.Account.check(); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if err := checkText(a.URI, MaxAccountURI); err != nil {
		return fmt.Errorf("account URI: %w", err)
	}
	if a.URI == "" || a.Version == 0 {
		return fmt.Errorf("no account URI or no version: %w", ErrMalformed)
	}
	if life := a.NotAfter.Sub(a.Issued); life <= 0 || life > MaxAttestationLife {
		return fmt.Errorf("lifetime of %v: %w", life, ErrLimit)
	}
	if len(a.Devices) == 0 || len(a.Devices) > MaxAttestedDevices {
		return fmt.Errorf("%d devices: %w", len(a.Devices), ErrLimit)
	}
	for i, d := range a.Devices {
		if err := d.check(); err != nil {
			return fmt.Errorf("device %d: %w", i, err)
		}
		if i > 0 && compareIdentities(a.Devices[i-1], d) >= 0 {
			return fmt.Errorf("devices out of order: %w", ErrMalformed)
		}
	}
	return nil
}

func compareIdentities(a, b Identity) int { return bytes.Compare(a[:], b[:]) }

// maxInstant is the end of the year 9999: later ones have no text.
const maxInstant = 253402300799999

// instant reads milliseconds since 1970.
func (r *reader) instant(key uint64) time.Time {
	ms := get[uint64](r, key)
	if ms > maxInstant {
		r.fail(key, "beyond the year 9999")
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}
