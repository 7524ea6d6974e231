package pairing

import (
	"bytes"
	"errors"
	"image"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// ours tells whether an error is one that a caller can decide by.
func ours(err error) bool {
	for _, known := range []error{
		ErrStranger, ErrWrongBundle, ErrTampered, ErrMalformed, ErrVersion, ErrSuite, ErrIntent, ErrTaken, ErrStale,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// Whatever comes at any step, as it is or sealed by somebody who knows the secret, is refused with an error of
// ours, and the honest handshake goes on afterwards.
func FuzzHandshakeMessages(f *testing.F) {
	seed := paired(f)
	for step, m := range [][]byte{seed.m0, seed.m1, seed.m2, seed.m3} {
		f.Add(byte(step), m)
	}
	sum := summary()
	sum.Intent, sum.MaxVersion = SameAccount, Version
	s, err := sum.marshal()
	if err != nil {
		f.Fatal(err)
	}
	a, err := (&Accept{Version: Version, HasAny: true, Receipt: []byte{1}}).marshal()
	if err != nil {
		f.Fatal(err)
	}
	b, err := sampleBundle(f).MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(byte(4), pad(b))
	f.Add(byte(5), pad(s))
	f.Add(byte(6), pad(a))
	f.Add(byte(7), encode([]any{7, "text"}))
	f.Add(byte(8), seed.conn.SealError(7, "text"))
	f.Fuzz(func(t *testing.T, step byte, data []byte) {
		if len(data) > 2*MaxBundleMessage {
			return
		}
		r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519})
		s := newSender(t, r.Offer(), SenderOptions{})
		check := func(err error) {
			t.Helper()
			if err != nil && !ours(err) {
				t.Fatalf("foreign error: %v", err)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("the honest handshake was disturbed: %v", err)
			}
		}
		step %= 9
		if step == 0 {
			_, _, err := r.Hello(data)
			check(err)
			PeekHello(data)
		}
		m1, conn, err := r.Hello(s.Hello())
		must(err)
		switch step {
		case 1:
			_, err := s.OpenBundle(data)
			check(err)
		case 4:
			// The receiver itself breaks the format: sealed, and committed to.
			if raw, err := unpad(data); err == nil {
				s.offer.Commitment = commitment(raw)
			}
			nB := [nonceSize]byte{1}
			_, err := s.OpenBundle(sealOnce(r.suite, bundleKey(r.suite, r.prk, s.hello.nonce, nB), nB[:], data, s.hello.raw[:]))
			check(err)
			s.offer.Commitment = r.offer.Commitment
			s.bundle = nil
		}
		_, err = s.OpenBundle(m1)
		must(err)
		switch step {
		case 2:
			_, err := conn.OpenRequest(data)
			check(err)
		case 5:
			bad := newSender(t, r.Offer(), SenderOptions{})
			m1, conn, err := r.Hello(bad.Hello())
			must(err)
			_, err = bad.OpenBundle(m1)
			must(err)
			if content, err := unpad(data); err == nil && bad.seal(content) == nil {
				if _, err := conn.OpenRequest(bad.m2); err == nil {
					return // a good request of somebody who knows the secret has the offer
				} else {
					check(err)
				}
			}
		case 7:
			_, err := parsePeerError(data)
			check(err)
		case 8:
			_, err := s.OpenError(data)
			check(err)
			_, err = conn.OpenError(data)
			check(err)
		}
		m2, err := s.Request(summary())
		must(err)
		_, err = conn.OpenRequest(m2)
		must(err)
		m3, receiving, err := conn.Accept(Accept{})
		must(err)
		if step == 3 {
			_, _, err := s.OpenAccept(data)
			check(err)
		}
		if step == 6 {
			nR := bytes.Repeat([]byte{1}, nonceSize)
			ex := s.exports
			if _, _, err := s.OpenAccept(sealOnce(s.suite, ex.acceptKey(s.suite, nR), nR, data, s.th2[:])); err == nil {
				return // R may answer what it likes
			} else {
				check(err)
			}
		}
		_, sending, err := s.OpenAccept(m3)
		must(err)
		must(r.TryCode(receiving, sending.CheckCode()))
	})
}

func FuzzReadQR(f *testing.F) {
	var b bytes.Buffer
	if err := sampleCode(f).PNG(&b, 1); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<16 {
			return // a large image costs time and finds nothing more
		}
		if _, err := ReadQR(bytes.NewReader(data)); err != nil && !errors.Is(err, ErrImage) && !errors.Is(err, ErrNoCode) {
			t.Fatalf("foreign error: %v", err)
		}
	})
}
