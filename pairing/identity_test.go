package pairing

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func newKey(t testing.TB, seed string) *IdentityKey {
	t.Helper()
	k, err := NewIdentityKey(&stream{seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Both devices learn who the other one is, and that of a device without identity it is nobody.
func TestIdentities(t *testing.T) {
	rk, sk := newKey(t, "receiver"), newKey(t, "sender")
	for _, c := range []struct{ receiver, sender Signer }{{rk, sk}, {rk, nil}, {nil, sk}, {nil, nil}} {
		r := newReceiver(t, ReceiverOptions{Signer: c.receiver})
		h := shake(t, r, newSender(t, r.Offer(), SenderOptions{Signer: c.sender}))
		var wantR, wantS Identity
		if c.receiver != nil {
			wantR = rk.Identity()
		}
		if c.sender != nil {
			wantS = sk.Identity()
		}
		if h.bundle.Signer != wantR || h.summary.Signer != wantS {
			t.Errorf("receiver %x, sender %x; want %x, %x", h.bundle.Signer, h.summary.Signer, wantR, wantS)
		}
		sameSession(t, h.receiving, h.sending)
	}
}

// Whose request is not trusted has not taken the offer, and is told why; the trusted sender comes after it.
func TestTrust(t *testing.T) {
	friend, other := newKey(t, "friend"), newKey(t, "other")
	r := newReceiver(t, ReceiverOptions{Trust: []Identity{newKey(t, "another friend").Identity(), friend.Identity()}})
	for _, signer := range []Signer{nil, other, impostor{other, friend.Identity()}} {
		s := newSender(t, r.Offer(), SenderOptions{Signer: signer})
		m1, conn, err := r.Hello(s.Hello())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.OpenBundle(m1); err != nil {
			t.Fatal(err)
		}
		m2, err := request(s)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.OpenRequest(m2)
		refused, ok := errors.AsType[*RefusedError](err)
		if !ok || !errors.Is(err, ErrUntrusted) {
			t.Fatalf("%v: %v", signer, err)
		}
		if peer, err := s.OpenError(refused.Sealed); err != nil || peer.Code != codeUntrusted {
			t.Errorf("sealed refusal: %v, %v", peer, err)
		}
	}
	h := shake(t, r, newSender(t, r.Offer(), SenderOptions{Signer: friend}))
	if h.summary.Signer != friend.Identity() {
		t.Errorf("%x", h.summary.Signer)
	}
}

// A trusted signature takes the place of the check code only where the receiver was made so, and once.
func TestNoCode(t *testing.T) {
	friend := newKey(t, "friend")
	trust := []Identity{friend.Identity()}
	if _, err := NewReceiver(ReceiverOptions{NoCode: true}); !errors.Is(err, ErrUntrusted) {
		t.Errorf("nobody is trusted: %v", err)
	}
	with := newReceiver(t, ReceiverOptions{Trust: trust})
	h := shake(t, with, newSender(t, with.Offer(), SenderOptions{Signer: friend}))
	if err := with.Confirm(h.receiving); !errors.Is(err, ErrUntrusted) {
		t.Errorf("with a code: %v", err)
	}
	without := newReceiver(t, ReceiverOptions{Trust: trust, NoCode: true})
	if err := without.Confirm(nil); !errors.Is(err, ErrOrder) {
		t.Errorf("before anybody came: %v", err)
	}
	own := shake(t, without, newSender(t, without.Offer(), SenderOptions{Signer: friend}))
	if err := without.Confirm(h.receiving); !errors.Is(err, ErrOrder) {
		t.Errorf("the session of another offer: %v", err)
	}
	if err := without.Confirm(own.receiving); err != nil {
		t.Error(err)
	}
	if err := without.Confirm(own.receiving); !errors.Is(err, ErrUsed) {
		t.Errorf("twice: %v", err)
	}
}

// An impostor signs with a key of his own and says that it is another one.
type impostor struct {
	*IdentityKey
	claims Identity
}

func (i impostor) Identity() Identity { return i.claims }

// request is Request, also for an impostor, whose own device would refuse to send it.
func request(s *Sender) ([]byte, error) {
	i, ok := s.signer.(impostor)
	if !ok {
		return s.Request(summary())
	}
	enc, ctx, err := s.encapsulate()
	if err != nil {
		return nil, err
	}
	defer ctx.Erase()
	sum := summary().fit()
	sum.Intent = SameAccount
	if err := sum.sign(i.IdentityKey, s.th1, enc); err != nil {
		return nil, err
	}
	sum.Identity = i.claims[:]
	content, err := sum.marshal()
	if err != nil {
		return nil, err
	}
	err = s.finish(enc, ctx, content)
	return s.m2, err
}

// A bundle whose signature is of another bundle, of another key, for another purpose, or changed is refused.
func TestForgedReceiver(t *testing.T) {
	k := newKey(t, "receiver")
	id := k.Identity()
	otherBundle := newReceiver(t, ReceiverOptions{Signer: k, Label: "another"}).current.bundle
	parsed, err := ParseBundle(otherBundle)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(parsed.Identity)
	changed[40] ^= 1
	wrongPurpose, err := k.Sign(PurposeSender, receiverHash(nil))
	if err != nil {
		t.Fatal(err)
	}
	small := make([]byte, signedIdentity)
	small[0], small[32] = 1, 1
	for name, identity := range map[string][]byte{
		"of another bundle": parsed.Identity, "changed": changed, "zeros": make([]byte, signedIdentity),
		"another purpose": append(id[:], wrongPurpose...), "key of small order": small,
	} {
		r := newReceiver(t, ReceiverOptions{Identity: identity, Label: "new phone"})
		s := newSender(t, r.Offer(), SenderOptions{})
		m1, _, err := r.Hello(s.Hello())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.OpenBundle(m1); !errors.Is(err, ErrIdentity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Of another scheme: nobody, and no error.
	r := newReceiver(t, ReceiverOptions{Identity: []byte("of a later version")})
	if h := shake(t, r, newSender(t, r.Offer(), SenderOptions{})); h.bundle.Signer != (Identity{}) {
		t.Errorf("%x", h.bundle.Signer)
	}
}

// A signature of one handshake is none of another one.
func TestReplayedSender(t *testing.T) {
	k := newKey(t, "sender")
	first := newReceiver(t, ReceiverOptions{})
	h := shake(t, first, newSender(t, first.Offer(), SenderOptions{Signer: k}))
	r := newReceiver(t, ReceiverOptions{})
	s := newSender(t, r.Offer(), SenderOptions{})
	m1, conn, err := r.Hello(s.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	content, err := h.summary.marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.seal(content); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.OpenRequest(s.m2); !errors.Is(err, ErrUntrusted) {
		t.Errorf("%v", err)
	}
}

// The standard library verifies signatures that nobody made; we do not.
func TestSmallOrder(t *testing.T) {
	identity := Identity{1} // the neutral element
	signature := make([]byte, ed25519.SignatureSize)
	signature[0] = 1
	message := SigningBytes(PurposeSender, [32]byte{})
	if !ed25519.Verify(identity[:], message, signature) {
		t.Error("the premise of this test is gone")
	}
	if identity.verify(PurposeSender, [32]byte{}, signature) {
		t.Error("a signature of nobody verifies")
	}
	high := Identity(bytes.Repeat([]byte{0xff}, 32))
	for _, bad := range append(smallOrderAll(), high, withLow(high, 0xed), withLow(high, 0xee)) {
		if bad.check() == nil {
			t.Errorf("%x is an identity", bad)
		}
		if _, err := ParseIdentity(bad.Text()); !errors.Is(err, ErrIdentity) {
			t.Errorf("%x: %v", bad, err)
		}
	}
	if id := newKey(t, "x").Identity(); id.check() != nil {
		t.Errorf("%x is none", id)
	}
}

func smallOrderAll() (all []Identity) {
	for _, y := range smallOrder() {
		negative := y
		negative[31] |= 0x80
		all = append(all, y, negative)
	}
	return all
}

func withLow(i Identity, b byte) Identity {
	i[0] = b
	i[31] = 0x7f
	return i
}

// A signer that does not do what it says is found out before the other device is.
func TestBrokenSigner(t *testing.T) {
	if _, err := NewReceiver(ReceiverOptions{Signer: impostor{newKey(t, "a"), newKey(t, "b").Identity()}}); !errors.Is(err, ErrSigner) {
		t.Errorf("%v", err)
	}
	r := newReceiver(t, ReceiverOptions{})
	s := newSender(t, r.Offer(), SenderOptions{Signer: refusing{newKey(t, "a")}})
	m1, _, err := r.Hello(s.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Request(summary()); !errors.Is(err, errRefused) {
		t.Errorf("%v", err)
	}
}

var errRefused = errors.New("the host says no")

type refusing struct{ *IdentityKey }

func (refusing) Sign(Purpose, [32]byte) ([]byte, error) { return nil, errRefused }

// The text forms come back, and nothing else passes for them.
func TestIdentityText(t *testing.T) {
	k := newKey(t, "text")
	id := k.Identity()
	for _, text := range []string{id.Text(), strings.ToLower(id.Text()), " " + id.Text() + "\n"} {
		if got, err := ParseIdentity(text); err != nil || got != id {
			t.Errorf("%q: %x, %v", text, got, err)
		}
	}
	again, err := ParseIdentityKey(k.Text())
	if err != nil || again.Identity() != id {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{
		"", "x", k.Text(), id.Text()[1:], id.Text()[:30], id.Text() + "A", strings.Replace(id.Text(), id.Text()[20:21], "=", 1),
		id.Text()[:20] + string('A'+('Z'-id.Text()[20])%26) + id.Text()[21:], strings.Repeat("A", MaxIdentityText+1),
	} {
		if _, err := ParseIdentity(bad); !errors.Is(err, ErrIdentity) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := ParseIdentityKey(id.Text()); !errors.Is(err, ErrIdentity) {
		t.Errorf("%v", err)
	}
	if text := fmt.Sprintf("%v %+v %s %x", k, k, k, k); strings.Contains(text, k.Text()[24:30]) || !strings.Contains(text, "redacted") {
		t.Error("a key is printed")
	}
}

// What parses as an identity has one text.
func FuzzParseIdentity(f *testing.F) {
	f.Add(newKey(f, "seed").Identity().Text())
	f.Add(newKey(f, "seed").Text())
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseIdentity(text)
		if err != nil {
			if !errors.Is(err, ErrIdentity) {
				t.Fatal(err)
			}
			return
		}
		if id.Text() != strings.ToUpper(strings.TrimSpace(text)) {
			t.Fatalf("%q is %q", text, id.Text())
		}
	})
}
