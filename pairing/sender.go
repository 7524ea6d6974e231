package pairing

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Sender is S's side of one handshake: of an offer, or of one resumption. It may be tried on several routes,
// with the same bytes on each, and used from several goroutines. It prints redacted.
type Sender struct {
	mode   Mode
	suite  hpke.Suite
	random io.Reader
	speaks versions
	public bool // routes to public addresses are wanted
	signer Signer

	mu      sync.Mutex
	prk     hpke.Secret
	hello   hello
	offer   *Offer // of a pairing
	resume  ResumeOptions
	about   []byte
	erased  bool
	early   earlyKeys
	bundle  *Bundle // nil until M1 was opened
	m1      []byte
	th1     [32]byte
	m2      []byte
	said    uint8 // the highest version, in M2
	th2     [32]byte
	exports exports
	m3      []byte
	accept  *Accept
	session *Session
}

// SenderOptions configure a Sender.
type SenderOptions struct {
	// Intent is what the person wants; a different one in the offer is refused. Zero takes the offer's.
	Intent Intent
	// AllowPublicRoutes takes routes to literal public addresses too. An attacker who makes a person scan
	// his code needs such a route or a relay.
	AllowPublicRoutes bool
	Signer            Signer    // signs the transcript; nil for a device without identity
	Rand              io.Reader // crypto/rand for nil; something else for recorded vectors only

	Program Program // of another version, in tests
}

// NewSender takes up an offer. It does not enforce the expiry, see Offer.Expired. The errors are ErrVersion,
// ErrSuite, ErrIntent, ErrMalformed, ErrPublicRoute and what Rand returns.
func NewSender(offer *Offer, o SenderOptions) (*Sender, error) {
	about, err := offer.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("take up offer: %w", err)
	}
	if o.Intent != 0 && o.Intent != offer.Intent {
		return nil, fmt.Errorf("take up offer for %v: %w", offer.Intent, ErrIntent)
	}
	if offer.Route.Public() && !o.AllowPublicRoutes {
		return nil, fmt.Errorf("take up offer: %w", ErrPublicRoute)
	}
	s := &Sender{
		mode: ModePair, suite: offer.Suite, random: randomOr(o.Rand), public: o.AllowPublicRoutes, signer: o.Signer,
		offer: offer.clone(), about: about, prk: rootKey(ModePair, offer.Secret), speaks: versionsOf(o.Program),
	}
	return s, s.start(0)
}

// start makes M0.
func (s *Sender) start(connection uint32) error {
	h, err := newHello(s.prk, s.mode, connection, s.random)
	if err != nil {
		return fmt.Errorf("say hello: %w", err)
	}
	s.hello = h
	s.early = newEarlyKeys(s.suite, s.prk, RoleSender, h.nonce, [nonceSize]byte{})
	return nil
}

// Hello gives M0, the same bytes on every route.
func (s *Sender) Hello() []byte { return bytes.Clone(s.hello.raw[:]) }

// Connection gives e: 0 for a pairing. On resume S makes it durable before it sends M0.
func (s *Sender) Connection() uint32 { return s.hello.connection }

// Rendezvous gives what S shows to a relay to meet R there; zeros after Close.
func (s *Sender) Rendezvous() (channel, token [16]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.erased {
		return channel, token
	}
	return rendezvous(s.prk, RoleSender)
}

// OpenBundle opens M1 and verifies that its bundle is the one that the offer commits to. Routes that lead to
// public addresses are left out of it unless they are allowed. The same M1 on another route gives the same
// bundle. The errors are ErrWrongBundle, for a receiver that did not make the offer (leave this route, try
// another), ErrErased, and ErrMalformed, ErrIntent or ErrIdentity (a signature that is not of the identity it
// claims) when the receiver itself is at fault.
func (s *Sender) OpenBundle(m1 []byte) (*Bundle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.erased {
		return nil, fmt.Errorf("open bundle: %w", ErrErased)
	}
	if s.bundle != nil {
		if !bytes.Equal(m1, s.m1) {
			return nil, fmt.Errorf("open bundle: not the one of before: %w", ErrWrongBundle)
		}
		return s.bundle.clone(), nil
	}
	if len(m1) < nonceSize+tagSize || len(m1) > MaxBundleMessage {
		return nil, fmt.Errorf("open bundle: %d bytes: %w", len(m1), ErrWrongBundle)
	}
	nonce := [nonceSize]byte(m1)
	plaintext, ok := openOnce(s.suite, bundleKey(s.suite, s.prk, s.hello.nonce, nonce), m1[nonceSize:], s.hello.raw[:])
	if !ok {
		return nil, fmt.Errorf("open bundle: %w", ErrWrongBundle)
	}
	raw, err := unpad(plaintext)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	b, err := s.checkBundle(raw)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	s.bundle, s.m1 = b, bytes.Clone(m1)
	s.th1 = transcript1(s.mode, s.about, raw, s.hello.nonce, nonce)
	s.early.erase()
	s.early = newEarlyKeys(s.suite, s.prk, RoleSender, s.hello.nonce, nonce)
	return b.clone(), nil
}

// checkBundle compares the received bytes with the commitment before it looks into them.
func (s *Sender) checkBundle(raw []byte) (*Bundle, error) {
	intent := s.resume.Intent
	if s.mode == ModePair {
		com := commitment(raw)
		if subtle.ConstantTimeCompare(com[:], s.offer.Commitment[:]) != 1 {
			return nil, fmt.Errorf("commitment: %w", ErrWrongBundle)
		}
		intent = s.offer.Intent
	}
	b, err := ParseBundle(raw)
	if err != nil {
		return nil, err
	}
	if s.mode == ModePair {
		if err := b.verifyIdentity(); err != nil {
			return nil, err
		}
	}
	if b.Suite != s.suite {
		return nil, fmt.Errorf("another suite than the offer's: %w", ErrMalformed)
	}
	if b.Intent != intent {
		return nil, ErrIntent
	}
	if !s.public {
		b.Routes = slices.DeleteFunc(b.Routes, Route.Public)
	}
	return b, nil
}

// Request gives M2, after the person's consent: one encapsulation and one sealing. When it is called again
// it gives the same bytes, whatever sum is. The errors are ErrOrder before OpenBundle, ErrErased, ErrLimit,
// ErrIntent for an intent that is not the offer's, and what Rand returns.
func (s *Sender) Request(sum Summary) (m2 []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.erased && s.m2 == nil:
		return nil, fmt.Errorf("make request: %w", ErrErased)
	case s.bundle == nil:
		return nil, fmt.Errorf("make request: %w", ErrOrder)
	case s.m2 != nil:
		return bytes.Clone(s.m2), nil
	}
	if sum.Intent == 0 {
		sum.Intent = s.bundle.Intent
	}
	if sum.Intent != s.bundle.Intent {
		return nil, fmt.Errorf("make request: %w", ErrIntent)
	}
	if sum.Time.IsZero() {
		sum.Time = time.Now()
	}
	if sum.MaxVersion == 0 {
		sum.MaxVersion = s.speaks.newest
	}
	sum = sum.fit()
	sum.unknown = s.speaks.fields()
	if err := s.request(sum); err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	s.said = sum.MaxVersion
	return bytes.Clone(s.m2), nil
}

// request makes M2. The signature is over the encapsulation, so that it is of this handshake.
func (s *Sender) request(sum Summary) error {
	enc, ctx, err := s.encapsulate()
	if err != nil {
		return err
	}
	defer ctx.Erase()
	if s.signer != nil {
		if err := sum.sign(s.signer, s.th1, enc); err != nil {
			return err
		}
	}
	content, err := sum.marshal()
	if err != nil {
		return err
	}
	return s.finish(enc, ctx, content)
}

// encapsulate begins M2.
func (s *Sender) encapsulate() (enc []byte, ctx *hpke.Sender, err error) {
	pk, err := hpke.ParsePublicKey(s.suite, s.bundle.PublicKey)
	if err != nil {
		return nil, nil, err
	}
	psk := presharedKey(s.prk)
	defer clear(psk)
	return hpke.SetupPSKSWithRand(s.random, pk, hpkeInfo(s.th1), psk, hpke.Label(s.mode.label()))
}

// finish makes M2 of a summary's encoding.
func (s *Sender) finish(enc []byte, ctx *hpke.Sender, content []byte) error {
	if s.suite.EncSize()+padded(len(content))+tagSize > MaxRequestMessage {
		return fmt.Errorf("summary of %d bytes: %w", len(content), ErrLimit)
	}
	ct2, err := ctx.Seal(nil, nil, pad(content))
	if err != nil {
		return err
	}
	s.th2, s.exports = transcript2(s.th1, enc, ct2), takeExports(ctx)
	s.m2 = append(enc, ct2...)
	return nil
}

// OpenAccept opens M3, which proves that R has the key behind the commitment and saw the same messages. The
// same M3 again gives the same Session. The caller makes rms durable before it shows the check code. The
// errors are ErrOrder, ErrErased, ErrTampered, ErrMalformed and ErrVersion; with the last one comes a Session
// for telling R so, and for nothing else.
func (s *Sender) OpenAccept(m3 []byte) (*Accept, *Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.session != nil && bytes.Equal(s.m3, m3):
		a := *s.accept
		return &a, s.session, nil
	case s.session != nil:
		// One nonce nR is enough: whoever could make another M3 would have R's key.
		return nil, nil, fmt.Errorf("open accept: %w", ErrTampered)
	case s.erased:
		return nil, nil, fmt.Errorf("open accept: %w", ErrErased)
	case s.m2 == nil:
		return nil, nil, fmt.Errorf("open accept: %w", ErrOrder)
	}
	if len(m3) < nonceSize+tagSize || len(m3) > MaxAcceptMessage {
		return nil, nil, fmt.Errorf("open accept: %d bytes: %w", len(m3), ErrTampered)
	}
	plaintext, ok := openOnce(s.suite, s.exports.acceptKey(s.suite, m3[:nonceSize]), m3[nonceSize:], s.th2[:])
	if !ok {
		return nil, nil, fmt.Errorf("open accept: %w", ErrTampered)
	}
	content, err := unpad(plaintext)
	if err != nil {
		return nil, nil, fmt.Errorf("open accept: %w", err)
	}
	a, err := parseAccept(content)
	if err != nil {
		return nil, nil, err
	}
	sr := s.exports.sessionSecret(transcript3(s.th2, m3))
	defer sr.Erase()
	if a.Version < s.speaks.oldest || a.Version > s.said {
		return nil, newSession(s.suite, sr, 0), fmt.Errorf("open accept: version %d: %w", a.Version, ErrVersion)
	}
	s.exports.erase()
	kept := *a
	s.accept, s.m3 = &kept, bytes.Clone(m3)
	if s.mode == ModePair {
		s.session = newSession(s.suite, sr, a.Version)
	} else {
		s.session = resumedSession(s.suite, sr, &s.resume, s.hello.connection, a.Version)
	}
	return a, s.session, nil
}

// SealError gives an early error for the peer, see ReceiverConn.SealError; nil after Close.
func (s *Sender) SealError(code uint16, text string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.erased {
		return nil
	}
	return s.early.seal(code, text, s.random)
}

// OpenError opens an early error of R. The errors are ErrTampered, ErrMalformed and ErrErased. Whoever has seen the
// offer can make one: it ends a route, it proves nothing.
func (s *Sender) OpenError(sealed []byte) (*PeerError, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.erased {
		return nil, fmt.Errorf("open early error: %w", ErrErased)
	}
	return s.early.open(sealed)
}

// Close erases the secrets; a Session that came of them lives on. It may be called again.
func (s *Sender) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erased = true
	s.prk.Erase()
	s.exports.erase()
	s.early.erase()
	s.resume.Resumption.Erase()
	if s.offer != nil {
		s.offer.Erase()
		clear(s.about)
	}
}

// Format keeps the secrets out of every verb.
func (s *Sender) Format(f fmt.State, _ rune) { io.WriteString(f, "pairing.Sender(redacted)") }

// LogValue keeps the secrets out of structured logs.
func (s *Sender) LogValue() slog.Value { return slog.StringValue("pairing.Sender(redacted)") }

func (b *Bundle) clone() *Bundle {
	c := *b
	c.PublicKey, c.Routes = bytes.Clone(b.PublicKey), slices.Clone(b.Routes)
	c.Identity, c.Attestation = bytes.Clone(b.Identity), bytes.Clone(b.Attestation)
	return &c
}
