package pairing

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func attestKey(t testing.TB, n byte) *IdentityKey {
	t.Helper()
	k, err := NewIdentityKey(bytes.NewReader(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func attested(t testing.TB, change func(*Attestation)) (*Attestation, []byte, error) {
	t.Helper()
	issued := time.UnixMilli(1_700_000_000_000)
	a := Attestation{
		URI: "mimi://example.com/u/alice", Version: 3, Issued: issued, NotAfter: issued.Add(MaxAttestationLife),
		Devices: []Identity{attestKey(t, 2).Identity(), attestKey(t, 3).Identity(), attestKey(t, 2).Identity()},
	}
	if change != nil {
		change(&a)
	}
	b, err := Attest(attestKey(t, 1), a)
	if err != nil {
		return nil, nil, err
	}
	read, err := ParseAttestation(b)
	return read, b, err
}

func TestAttestationVouches(t *testing.T) {
	a, _, err := attested(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Devices) != 2 || a.URI != "mimi://example.com/u/alice" || a.Version != 3 {
		t.Errorf("read %+v", a)
	}
	device, account := attestKey(t, 2).Identity(), []Identity{attestKey(t, 9).Identity(), attestKey(t, 1).Identity()}
	for _, c := range []struct {
		name     string
		device   Identity
		accounts []Identity
		highest  uint64
		now      time.Time
		ok       bool
	}{
		{"its device", device, account, 3, a.Issued, true},
		{"at the end", device, account, 0, a.NotAfter, true},
		{"after the end", device, account, 0, a.NotAfter.Add(time.Millisecond), false},
		{"a clock that is slow", device, account, 0, a.Issued.Add(-MaxSkew), true},
		{"before it begins", device, account, 0, a.Issued.Add(-MaxSkew - time.Millisecond), false},
		{"a newer list was seen", device, account, 4, a.Issued, false},
		{"another device", attestKey(t, 4).Identity(), account, 0, a.Issued, false},
		{"a device without identity", Identity{}, account, 0, a.Issued, false},
		{"another account", device, account[:1], 0, a.Issued, false},
		{"no account", device, nil, 0, a.Issued, false},
	} {
		if err := a.Vouches(c.device, c.accounts, c.highest, c.now); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrAttestation) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAttestationLimits(t *testing.T) {
	many := func(n int) []Identity {
		var ids []Identity
		for i := range n {
			k, err := NewIdentityKey(bytes.NewReader(bytes.Repeat([]byte{byte(i), 7}, 16)))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, k.Identity())
		}
		return ids
	}
	long := string(bytes.Repeat([]byte("u"), MaxAccountURI))
	for _, c := range []struct {
		name   string
		change func(*Attestation)
		want   error
	}{
		{"most devices", func(a *Attestation) { a.Devices = many(MaxAttestedDevices) }, nil},
		{"one more", func(a *Attestation) { a.Devices = many(MaxAttestedDevices + 1) }, ErrLimit},
		{"none", func(a *Attestation) { a.Devices = nil }, ErrLimit},
		{"longest URI", func(a *Attestation) { a.URI = long }, nil},
		{"longer", func(a *Attestation) { a.URI = long + "u" }, ErrLimit},
		{"no URI", func(a *Attestation) { a.URI = "" }, ErrMalformed},
		{"URI that is no line", func(a *Attestation) { a.URI = "a\nb" }, ErrMalformed},
		{"no version", func(a *Attestation) { a.Version = 0 }, ErrMalformed},
		{"a longer life", func(a *Attestation) { a.NotAfter = a.NotAfter.Add(time.Millisecond) }, ErrLimit},
		{"no life", func(a *Attestation) { a.NotAfter = a.Issued }, ErrLimit},
		{"device of small order", func(a *Attestation) { a.Devices = []Identity{{1}} }, ErrIdentity},
	} {
		if _, _, err := attested(t, c.change); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestAttestationForged(t *testing.T) {
	_, genuine, err := attested(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range genuine {
		changed := bytes.Clone(genuine)
		changed[i] ^= 1
		if _, err := ParseAttestation(changed); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrIdentity) {
			t.Errorf("bit of byte %d flipped: %v", i, err)
		}
		if _, err := ParseAttestation(genuine[:i]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	f, err := parseFields(genuine)
	if err != nil {
		t.Fatal(err)
	}
	resign := func(name string, by *IdentityKey, purpose Purpose, want error, change func(fields)) {
		t.Helper()
		g := fields{}.merge(f)
		delete(g, attestSignature)
		if change != nil {
			change(g)
		}
		signature, err := by.Sign(purpose, hpke.Hash("attestation", encode(g)))
		if err != nil {
			t.Fatal(err)
		}
		g[attestSignature] = encode(signature)
		if _, err := ParseAttestation(encode(g)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	account := attestKey(t, 1)
	resign("signed again", account, PurposeAttest, nil, nil)
	resign("signed by another", attestKey(t, 2), PurposeAttest, ErrIdentity, nil)
	resign("signed for another purpose", account, PurposeReceiver, ErrIdentity, nil)
	resign("with a field of a later version", account, PurposeAttest, nil, func(g fields) { g[20] = encode("later") })
	resign("no version", account, PurposeAttest, ErrMalformed, func(g fields) { delete(g, attestVersion) })
	resign("a time beyond all", account, PurposeAttest, ErrMalformed, func(g fields) { g[attestNotAfter] = encode(uint64(1 << 63)) })
	d2, d3 := attestKey(t, 2).Identity(), attestKey(t, 3).Identity()
	if compareIdentities(d2, d3) < 0 {
		d2, d3 = d3, d2
	}
	resign("devices out of order", account, PurposeAttest, ErrMalformed, func(g fields) { g[attestDevices] = encode([][]byte{d2[:], d3[:]}) })
	resign("a device twice", account, PurposeAttest, ErrMalformed, func(g fields) { g[attestDevices] = encode([][]byte{d2[:], d2[:]}) })
}

// FuzzAttestation reads bytes: what is read is signed by the account that it names.
func FuzzAttestation(f *testing.F) {
	_, genuine, err := attested(f, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine)
	f.Add(genuine[:len(genuine)-3])
	account := attestKey(f, 1).Identity()
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAttestation(b)
		if err == nil && a.Account == account && !bytes.Equal(b, genuine) {
			t.Error("an attestation that nobody signed")
		}
	})
}
