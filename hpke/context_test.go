package hpke

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
)

func testPSK() []byte { return bytes.Repeat([]byte{5}, MinPSK) }

// pair sets up both ends in PSK mode.
func pair(t *testing.T, s Suite) (*Sender, *Recipient) {
	t.Helper()
	sk := newKey(t, s)
	enc, sender, err := SetupPSKS(sk.Public(), Label("info"), testPSK(), Label("id"))
	check(t, err)
	recipient, err := SetupPSKR(sk, enc, Label("info"), testPSK(), Label("id"))
	check(t, err)
	return sender, recipient
}

// TestPSKInputs is RFC 9180's VerifyPSKInputs and what we ask beyond it.
func TestPSKInputs(t *testing.T) {
	sk := newKey(t, SuiteX25519)
	enc, _, err := SetupBaseS(sk.Public(), nil)
	check(t, err)
	big := func(n int) []byte { return bytes.Repeat([]byte{1}, n) }
	for _, c := range []struct {
		name    string
		psk, id []byte
		want    error
	}{
		{"none", nil, nil, ErrPSK},
		{"no psk", nil, []byte("id"), ErrPSK},
		{"no id", testPSK(), nil, ErrPSK},
		{"31 bytes", testPSK()[:31], []byte("id"), ErrPSK},
		{"32 bytes", testPSK(), []byte("i"), nil},
		{"zeros", make([]byte, 32), []byte("id"), ErrPSK},
		{"longest", big(MaxSetupInput), big(MaxSetupInput), nil},
		{"psk too long", big(MaxSetupInput + 1), []byte("id"), ErrTooLarge},
		{"id too long", testPSK(), big(MaxSetupInput + 1), ErrTooLarge},
	} {
		_, _, errS := SetupPSKS(sk.Public(), nil, c.psk, c.id)
		_, errR := SetupPSKR(sk, enc, nil, c.psk, c.id)
		if !errors.Is(errS, c.want) || !errors.Is(errR, c.want) {
			t.Errorf("%s: sender %v, recipient %v, want %v", c.name, errS, errR, c.want)
		}
	}
	for n, want := range map[int]error{MaxSetupInput: nil, MaxSetupInput + 1: ErrTooLarge} {
		_, _, errS := SetupBaseS(sk.Public(), big(n))
		_, errR := SetupBaseR(sk, enc, big(n))
		if !errors.Is(errS, want) || !errors.Is(errR, want) {
			t.Errorf("info of %d bytes: sender %v, recipient %v", n, errS, errR)
		}
	}
}

// TestMismatch: whatever differs between the ends, the first message does not
// open and the exports differ.
func TestMismatch(t *testing.T) {
	info, id := []byte("info"), []byte("id")
	for _, s := range suites() {
		sk := newKey(t, s)
		enc, sender, err := SetupPSKS(sk.Public(), info, testPSK(), id)
		check(t, err)
		ct, err := sender.Seal(nil, nil, []byte("message"))
		check(t, err)
		otherEnc, _, err := SetupPSKS(sk.Public(), info, testPSK(), id)
		check(t, err)
		otherPSK := testPSK()
		otherPSK[31]++
		flipped := bytes.Clone(enc)
		flipped[0] ^= 1
		for name, setup := range map[string]func() (*Recipient, error){
			"info":   func() (*Recipient, error) { return SetupPSKR(sk, enc, []byte("inf0"), testPSK(), id) },
			"psk":    func() (*Recipient, error) { return SetupPSKR(sk, enc, info, otherPSK, id) },
			"psk id": func() (*Recipient, error) { return SetupPSKR(sk, enc, info, testPSK(), []byte("ie")) },
			"key":    func() (*Recipient, error) { return SetupPSKR(newKey(t, s), enc, info, testPSK(), id) },
			"enc":    func() (*Recipient, error) { return SetupPSKR(sk, otherEnc, info, testPSK(), id) },
			"bit":    func() (*Recipient, error) { return SetupPSKR(sk, flipped, info, testPSK(), id) },
			"mode":   func() (*Recipient, error) { return SetupBaseR(sk, enc, info) },
		} {
			r, err := setup()
			check(t, err)
			if pt, err := r.Open(nil, nil, ct); !errors.Is(err, ErrOpen) || pt != nil {
				t.Errorf("%v: other %s: %v", s, name, err)
			}
			if bytes.Equal(r.Export(nil, 32), sender.Export(nil, 32)) {
				t.Errorf("%v: other %s: same export", s, name)
			}
		}
		for _, n := range []int{0, 1, s.EncSize() - 1, s.EncSize() + 1} {
			if _, err := SetupBaseR(sk, append(enc, 0)[:n], info); !errors.Is(err, ErrEncapsulation) {
				t.Errorf("%v: enc of %d bytes: %v", s, n, err)
			}
		}
	}
}

// TestMessageDamage: each kind of damage is refused, and after it everything.
func TestMessageDamage(t *testing.T) {
	for _, s := range suites() {
		for name, damage := range map[string]func(first, second []byte) []byte{
			"first bit": func(a, _ []byte) []byte { a[0] ^= 1; return a },
			"tag":       func(a, _ []byte) []byte { a[len(a)-1] ^= 0x80; return a },
			"short":     func(a, _ []byte) []byte { return a[:len(a)-1] },
			"no tag":    func(a, _ []byte) []byte { return a[:Overhead-1] },
			"nothing":   func(a, _ []byte) []byte { return nil },
			"long":      func(a, _ []byte) []byte { return append(a, 0) },
			"reordered": func(_, b []byte) []byte { return b },
		} {
			sender, recipient := pair(t, s)
			first, err := sender.Seal(nil, []byte("aad"), []byte("first"))
			check(t, err)
			second, err := sender.Seal(nil, []byte("aad"), []byte("second"))
			check(t, err)
			kept := bytes.Clone(first)
			if pt, err := recipient.Open(nil, []byte("aad"), damage(first, second)); !errors.Is(err, ErrOpen) || pt != nil {
				t.Errorf("%v: %s: %q, %v", s, name, pt, err)
			}
			if _, err := recipient.Open(nil, []byte("aad"), kept); !errors.Is(err, ErrOpen) {
				t.Errorf("%v: %s: opens again: %v", s, name, err)
			}
		}
		sender, recipient := pair(t, s)
		ct, err := sender.Seal(nil, []byte("aad"), []byte("message"))
		check(t, err)
		if _, err := recipient.Open(nil, []byte("aae"), ct); !errors.Is(err, ErrOpen) {
			t.Errorf("%v: other aad: %v", s, err)
		}
	}
}

// TestReplayedMessage: a message opens once.
func TestReplayedMessage(t *testing.T) {
	sender, recipient := pair(t, SuiteX25519)
	ct, err := sender.Seal([]byte("before "), nil, []byte("message"))
	check(t, err)
	pt, err := recipient.Open([]byte("before "), nil, ct[len("before "):])
	check(t, err)
	equal(t, "appended plaintext", pt, []byte("before message"))
	if _, err := recipient.Open(nil, nil, ct[len("before "):]); !errors.Is(err, ErrOpen) {
		t.Errorf("replayed: %v", err)
	}
}

// TestMessageLimit: the last message and the one after it.
func TestMessageLimit(t *testing.T) {
	sender, recipient := pair(t, SuiteX25519)
	sender.seq, recipient.seq = MaxMessages-1, MaxMessages-1
	ct, err := sender.Seal(nil, nil, nil)
	check(t, err)
	_, err = recipient.Open(nil, nil, ct)
	check(t, err)
	for range 2 {
		if _, err := sender.Seal(nil, nil, nil); !errors.Is(err, ErrExhausted) {
			t.Errorf("seal: %v", err)
		}
		if _, err := recipient.Open(nil, nil, ct); !errors.Is(err, ErrExhausted) {
			t.Errorf("open: %v", err)
		}
	}
}

func TestEraseContext(t *testing.T) {
	sender, recipient := pair(t, SuiteXWing)
	for range 2 {
		sender.Erase()
		recipient.Erase()
	}
	if _, err := sender.Seal(nil, nil, nil); !errors.Is(err, ErrErased) {
		t.Errorf("seal: %v", err)
	}
	if _, err := recipient.Open(nil, nil, make([]byte, 99)); !errors.Is(err, ErrErased) {
		t.Errorf("open: %v", err)
	}
	mustPanic(t, "after erase", func() { sender.Export(nil, 32) })
	mustPanic(t, "after erase", func() { recipient.Export(nil, 32) })
}

func TestExportLimits(t *testing.T) {
	sender, recipient := pair(t, SuiteX25519)
	long := make([]byte, MaxSetupInput+1)
	for _, n := range []int{1, MaxDerived} {
		equal(t, "export", sender.Export(long[1:], n), recipient.Export(long[1:], n))
	}
	for _, n := range []int{-1, 0, MaxDerived + 1, 1 << 16} {
		mustPanic(t, "length", func() { sender.Export(nil, n) })
	}
	mustPanic(t, "length", func() { sender.Export(long, 32) })
}

// TestConcurrentSeal: two goroutines never seal under one nonce.
func TestConcurrentSeal(t *testing.T) {
	sender, _ := pair(t, SuiteX25519)
	var mu sync.Mutex
	sealed := map[string]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				ct, err := sender.Seal(nil, nil, []byte("same text"))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				sealed[fmt.Sprintf("%x", ct)] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(sealed) != 400 {
		t.Errorf("%d different ciphertexts of 400", len(sealed))
	}
}
