package pairing

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Bundle is what the offer commits to and has no room for. R sends it sealed in M1.
type Bundle struct {
	Suite       hpke.Suite
	PublicKey   []byte   // of the one-time HPKE key
	Random      [32]byte // makes two bundles of one key differ
	Intent      Intent
	Room        string  // id of the room, for CatchUp
	Routes      []Route // as R wrote them; OpenBundle leaves out those that S may not use
	Label       string  // what the device calls itself; the peer's word
	Identity    []byte  // a key and its signature over the rest; see Signer
	Attestation []byte  // for ParseAttestation; not verified here

	// Signer is whose signature Identity has; the zero Identity when there is none, or one of a scheme that this
	// version does not know. OpenBundle sets it.
	Signer Identity

	unknown fields // of a later version
}

// Keys of the bundle's map.
const (
	bundleSuite = 1 + iota
	bundlePublicKey
	bundleRandom
	bundleIntent
	bundleRoom
	bundleRoutes
	bundleLabel
	bundleIdentity
	bundleAttestation

	bundleLast = bundleAttestation
)

// MarshalBinary gives the bundle's one encoding: a deterministic CBOR map with the keys 1 to 9, empty
// values left out, the fields of a later version as they came. The errors are ErrMalformed, ErrLimit,
// ErrSuite and ErrIntent.
func (b *Bundle) MarshalBinary() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("encode bundle: %w", err)
	}
	f := fields{}
	put(f, bundleSuite, uint8(b.Suite))
	putBytes(f, bundlePublicKey, b.PublicKey)
	f[bundleRandom] = encode(b.Random[:])
	put(f, bundleIntent, uint8(b.Intent))
	put(f, bundleRoom, b.Room)
	if len(b.Routes) > 0 {
		routes := make([][]any, len(b.Routes))
		for i, r := range b.Routes {
			routes[i] = r.encoded()
		}
		f[bundleRoutes] = encode(routes)
	}
	put(f, bundleLabel, b.Label)
	putBytes(f, bundleIdentity, b.Identity)
	putBytes(f, bundleAttestation, b.Attestation)
	out := encode(f.merge(b.unknown))
	if padded(len(out))+nonceSize+tagSize > MaxBundleMessage {
		return nil, fmt.Errorf("encode bundle: %d bytes: %w", len(out), ErrLimit)
	}
	return out, nil
}

// ParseBundle reads what MarshalBinary gave, of this or a later version. The errors are ErrMalformed,
// ErrSuite and ErrIntent.
func ParseBundle(data []byte) (*Bundle, error) {
	if len(data) > MaxBundleMessage {
		return nil, fmt.Errorf("read bundle: %d bytes: %w", len(data), ErrMalformed)
	}
	f, err := parseFields(data)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	r := &reader{f: f, what: "bundle"}
	b := &Bundle{
		Suite:       hpke.Suite(get[uint8](r, bundleSuite)),
		PublicKey:   get[[]byte](r, bundlePublicKey),
		Intent:      Intent(get[uint8](r, bundleIntent)),
		Room:        r.text(bundleRoom, MaxRoomID),
		Label:       r.text(bundleLabel, MaxLabel),
		Identity:    r.bytes(bundleIdentity, MaxIdentity),
		Attestation: r.bytes(bundleAttestation, MaxAttestation),
	}
	if random := get[[]byte](r, bundleRandom); len(random) == len(b.Random) {
		copy(b.Random[:], random)
	} else {
		r.fail(bundleRandom, "not 32 bytes")
	}
	if r.err != nil {
		return nil, r.err
	}
	if b.Routes, err = parseRoutes(f[bundleRoutes]); err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	if b.unknown, err = f.unknown(bundleLast); err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	again, err := b.MarshalBinary()
	if err != nil {
		return nil, received("bundle", err)
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("read bundle: encoding is not deterministic: %w", ErrMalformed)
	}
	return b, nil
}

func parseRoutes(raw cbor.RawMessage) ([]Route, error) {
	if raw == nil {
		return nil, nil
	}
	var list []cbor.RawMessage
	if err := decode(raw, &list); err != nil || len(list) == 0 || len(list) > MaxRoutes {
		return nil, fmt.Errorf("routes: %w", ErrMalformed)
	}
	routes := make([]Route, len(list))
	for i, e := range list {
		r, err := parseRoute(e)
		if err != nil {
			return nil, fmt.Errorf("route %d: %w", i, err)
		}
		routes[i] = r
	}
	return routes, nil
}

func (b *Bundle) check() error {
	if _, err := hpke.ParsePublicKey(b.Suite, b.PublicKey); err != nil {
		return err
	}
	if err := b.Intent.check(); err != nil {
		return err
	}
	if err := checkText(b.Room, MaxRoomID); err != nil {
		return fmt.Errorf("room: %w", err)
	}
	if err := checkText(b.Label, MaxLabel); err != nil {
		return fmt.Errorf("label: %w", err)
	}
	if len(b.Identity) > MaxIdentity || len(b.Attestation) > MaxAttestation {
		return fmt.Errorf("identity of %d bytes, attestation of %d: %w", len(b.Identity), len(b.Attestation), ErrLimit)
	}
	if len(b.Routes) > MaxRoutes {
		return fmt.Errorf("%d routes: %w", len(b.Routes), ErrLimit)
	}
	for i, r := range b.Routes {
		if r.Kind == 0 {
			return fmt.Errorf("route %d is empty: %w", i, ErrMalformed)
		}
		if err := r.check(); err != nil {
			return fmt.Errorf("route %d: %w", i, err)
		}
	}
	return nil
}

// commitment is what the offer carries of a bundle.
func commitment(bundle []byte) [32]byte { return hpke.Hash("receiver bundle", bundle) }
