package pairing

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Receiver is R's side of one offer, or of the resumptions of one transfer. It may be used by any number of
// connections at once: one that does not know the secret changes nothing, and the first that proves it and
// sends a request has the offer to itself. It prints redacted.
type Receiver struct {
	mode   Mode
	suite  hpke.Suite
	random io.Reader
	speaks versions

	mu      sync.Mutex
	prk     hpke.Secret
	closed  bool
	current *attempt

	// Of a pairing.
	offer    *Offer
	deadline time.Time // with the monotonic clock; the offer's Expiry is the wall clock's
	tries    int
	trust    []Identity
	noCode   bool // a trusted signature takes the place of the check code

	// Of resumptions.
	resume ResumeOptions
}

// attempt is one R key with the bundle that shows it: one an offer, one a resumption.
type attempt struct {
	hello  hello  // of a resumption: the M0 that it answers
	about  []byte // for th1: the offer, or transfer id || e
	bundle []byte
	nonce  [nonceSize]byte // nB
	key    *hpke.PrivateKey
	bound  *binding // the request that has it
}

// binding is the one request that an attempt accepted.
type binding struct {
	hello   hello
	m2      []byte
	summary *Summary
	th2     [32]byte
	exports exports
	m3      []byte
	session *Session
}

// ReceiverOptions configure an offer.
type ReceiverOptions struct {
	Suite       hpke.Suite    // SuiteXWing for zero
	Intent      Intent        // SameAccount for zero
	Room        string        // id of the room, for CatchUp
	Routes      []Route       // the first one goes into the offer, all into the bundle; none when the host brings the connection
	Label       string        // what this device is called; at most MaxLabel bytes
	Identity    []byte        // carried to the peer as it is, at most MaxIdentity bytes; Signer takes its place
	Signer      Signer        // signs the bundle; nil for a device without identity
	Trust       []Identity    // the only senders whose request is accepted; nil for any
	NoCode      bool          // with Trust: the signature takes the place of the check code, see Confirm
	Attestation []byte        // what Attest gave: shown to the peer, at most MaxAttestation bytes
	Lifetime    time.Duration // MinLifetime to MaxLifetime; DefaultLifetime for zero
	Rand        io.Reader     // crypto/rand for nil; something else for recorded vectors only

	Program Program // of another version, in tests
}

// NewReceiver makes an offer: the one-time HPKE key, the secret and the bundle, all in memory, so that an
// offer never survives a restart. The errors are ErrLimit, ErrMalformed, ErrIntent, ErrSuite, ErrSigner and
// what Rand and Signer return.
func NewReceiver(o ReceiverOptions) (*Receiver, error) {
	if o.Suite == 0 {
		o.Suite = hpke.SuiteXWing
	}
	if o.Intent == 0 {
		o.Intent = SameAccount
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	if o.NoCode && len(o.Trust) == 0 {
		return nil, fmt.Errorf("make offer: no check code, and nobody is trusted: %w", ErrUntrusted)
	}
	if o.Lifetime < MinLifetime || o.Lifetime > MaxLifetime {
		return nil, fmt.Errorf("make offer: lifetime of %v: %w", o.Lifetime, ErrLimit)
	}
	r := &Receiver{
		mode: ModePair, suite: o.Suite, random: randomOr(o.Rand), deadline: time.Now().Add(o.Lifetime),
		speaks: versionsOf(o.Program),
	}
	offer := &Offer{Version: OfferVersion, Suite: o.Suite, Intent: o.Intent, Expiry: wholeSeconds(r.deadline)}
	if len(o.Routes) > 0 {
		offer.Route = o.Routes[0]
	}
	a, err := newAttempt(r.random, Bundle{
		Suite: o.Suite, Intent: o.Intent, Room: o.Room, Routes: o.Routes,
		Label: o.Label, Identity: o.Identity, Attestation: o.Attestation,
		unknown: r.speaks.fields(),
	}, o.Signer)
	if err != nil {
		return nil, fmt.Errorf("make offer: %w", err)
	}
	if _, err := io.ReadFull(r.random, offer.Secret[:]); err != nil {
		return nil, fmt.Errorf("make offer: %w", err)
	}
	offer.Commitment = commitment(a.bundle)
	if a.about, err = offer.MarshalBinary(); err != nil {
		return nil, fmt.Errorf("make offer: %w", err)
	}
	r.offer, r.current, r.trust, r.noCode = offer, a, slices.Clone(o.Trust), o.NoCode
	r.prk = rootKey(ModePair, offer.Secret)
	return r, nil
}

// newAttempt makes an R key and its bundle.
func newAttempt(random io.Reader, b Bundle, signer Signer) (*attempt, error) {
	key, err := hpke.GenerateKey(b.Suite, random)
	if err != nil {
		return nil, err
	}
	a := &attempt{key: key}
	b.PublicKey = key.Public().Bytes()
	if _, err := io.ReadFull(random, b.Random[:]); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(random, a.nonce[:]); err != nil {
		return nil, err
	}
	if signer != nil {
		if err := signBundle(&b, signer); err != nil {
			return nil, err
		}
	}
	a.bundle, err = b.MarshalBinary()
	return a, err
}

// wholeSeconds rounds up, so that an offer does not end before its lifetime.
func wholeSeconds(t time.Time) time.Time {
	s := t.Truncate(time.Second)
	if s.Before(t.Round(0)) {
		s = s.Add(time.Second)
	}
	return time.Unix(s.Unix(), 0)
}

// Offer gives a copy of the offer, with its secret unless it was used up; nil on resume.
func (r *Receiver) Offer() *Offer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.offer == nil {
		return nil
	}
	return r.offer.clone()
}

// Rendezvous gives what R shows to a relay to be met there; zeros once the offer is used up or closed.
func (r *Receiver) Rendezvous() (channel, token [16]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return channel, token
	}
	return rendezvous(r.prk, RoleReceiver)
}

// Hello answers M0 with M1. The errors are ErrStranger, for a peer that does not know the secret (close
// without a word; nothing has changed), ErrUsed, a *RefusedError with ErrExpired or ErrStale, and what
// Rand returns.
func (r *Receiver) Hello(m0 []byte) (m1 []byte, c *ReceiverConn, err error) {
	h, err := parseHello(m0)
	if err != nil {
		return nil, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, fmt.Errorf("answer hello: %w", ErrUsed)
	}
	if h.mode != r.mode || !h.verify(r.prk) {
		return nil, nil, fmt.Errorf("answer hello: %w", ErrStranger)
	}
	a, err := r.attemptFor(&h)
	if err != nil {
		return nil, nil, err
	}
	m1 = bytes.Clone(a.nonce[:])
	m1 = sealOnce(r.suite, bundleKey(r.suite, r.prk, h.nonce, a.nonce), m1, pad(a.bundle), m0)
	c = &ReceiverConn{
		receiver: r, attempt: a, hello: h,
		early: newEarlyKeys(r.suite, r.prk, RoleReceiver, h.nonce, a.nonce),
	}
	return m1, c, nil
}

// attemptFor gives the key that answers a verified hello, or refuses it.
func (r *Receiver) attemptFor(h *hello) (*attempt, error) {
	if r.mode == ModeResume {
		return r.resumption(h)
	}
	a := r.current
	// The sender that has the offer may come on another route, or again after M3 was lost.
	mine := a.bound != nil && a.bound.hello.raw == h.raw
	if !mine && r.expired(0) {
		return nil, r.refuse(h, codeExpired, ErrExpired)
	}
	return a, nil
}

// refuse seals a refusal for a peer that proved the secret and has no M1.
func (r *Receiver) refuse(h *hello, code uint16, reason error) error {
	k := newEarlyKeys(r.suite, r.prk, RoleReceiver, h.nonce, [nonceSize]byte{})
	defer k.erase()
	return &RefusedError{Reason: reason, Sealed: k.seal(code, reason.Error(), r.random)}
}

// expired tells whether the lifetime and the grace are over by the wall clock or the monotonic one: the
// first can be set back, the second stops while the machine sleeps.
func (r *Receiver) expired(grace time.Duration) bool {
	if r.mode != ModePair {
		return false
	}
	now := time.Now()
	return !now.Before(r.deadline.Add(grace)) || !now.Round(0).Before(r.offer.Expiry.Add(grace))
}

// Close erases the secret and the one-time key; a Session that came of them lives on. It may be called
// again.
func (r *Receiver) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.erase()
}

func (r *Receiver) erase() {
	r.closed = true
	r.prk.Erase()
	r.resume.Resumption.Erase()
	if r.offer != nil {
		r.offer.Erase()
	}
	if a := r.current; a != nil {
		a.key.Erase()
		if r.mode == ModePair {
			clear(a.about) // holds the secret
		}
		if a.bound != nil {
			a.bound.exports.erase()
		}
	}
}

// Format keeps the secrets out of every verb.
func (r *Receiver) Format(f fmt.State, _ rune) { io.WriteString(f, "pairing.Receiver(redacted)") }

// LogValue keeps the secrets out of structured logs.
func (r *Receiver) LogValue() slog.Value { return slog.StringValue("pairing.Receiver(redacted)") }
