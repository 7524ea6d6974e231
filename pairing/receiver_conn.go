package pairing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// ReceiverConn is R's side of one connection whose peer knows the secret. It prints redacted.
type ReceiverConn struct {
	receiver *Receiver
	attempt  *attempt
	hello    hello
	early    earlyKeys
}

// OpenRequest opens M2. The first request that opens has the offer from then on; the same bytes again, on any
// connection with the same hello, give the same summary. On resume there is no again: a request uses up its
// connection number, and a sender that lost M3 comes with the next one. The errors are
//   - ErrStranger: it does not open; nothing has changed, close without a word;
//   - ErrMalformed: it opens and is no request; nothing has changed;
//   - *RefusedError with ErrTaken, ErrExpired, ErrIntent, ErrVersion, ErrUntrusted or ErrStale;
//   - ErrUsed.
func (c *ReceiverConn) OpenRequest(m2 []byte) (*Summary, error) {
	r, a := c.receiver, c.attempt
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("open request: %w", ErrUsed)
	}
	if b := a.bound; r.mode == ModePair && b != nil && b.hello.raw == c.hello.raw && bytes.Equal(b.m2, m2) {
		return b.summary, nil
	}
	b, err := c.open(m2)
	if errors.Is(err, ErrIdentity) {
		return nil, &RefusedError{Reason: ErrUntrusted, Sealed: c.early.seal(codeUntrusted, ErrUntrusted.Error(), r.random)}
	}
	if err != nil {
		return nil, fmt.Errorf("open request: %w", err)
	}
	if code, reason := c.refusal(b.summary); reason != nil {
		b.exports.erase()
		return nil, &RefusedError{Reason: reason, Sealed: c.early.seal(code, reason.Error(), r.random)}
	}
	a.bound = b
	if r.mode == ModeResume {
		r.resume.LastConnection = c.hello.connection
	}
	return b.summary, nil
}

// open decrypts and parses, and changes nothing.
func (c *ReceiverConn) open(m2 []byte) (*binding, error) {
	r, a := c.receiver, c.attempt
	n := r.suite.EncSize()
	if len(m2) < n+tagSize || len(m2) > MaxRequestMessage {
		return nil, fmt.Errorf("%d bytes: %w", len(m2), ErrStranger)
	}
	enc, ct2 := m2[:n], m2[n:]
	th1 := transcript1(r.mode, a.about, a.bundle, c.hello.nonce, a.nonce)
	psk := presharedKey(r.prk)
	defer clear(psk)
	ctx, err := hpke.SetupPSKR(a.key, enc, hpkeInfo(th1), psk, hpke.Label(r.mode.label()))
	if err != nil {
		return nil, errors.Join(ErrStranger, err)
	}
	defer ctx.Erase()
	plaintext, err := ctx.Open(nil, nil, ct2)
	if err != nil {
		return nil, errors.Join(ErrStranger, err)
	}
	content, err := unpad(plaintext)
	if err != nil {
		return nil, err
	}
	summary, err := parseSummary(content)
	if err != nil {
		return nil, err
	}
	if r.mode == ModePair {
		if err := summary.verifyIdentity(th1, enc); err != nil {
			return nil, err
		}
	}
	return &binding{
		hello: c.hello, m2: bytes.Clone(m2), summary: summary,
		th2: transcript2(th1, enc, ct2), exports: takeExports(ctx),
	}, nil
}

// refusal says why a request that opened may not have the offer.
func (c *ReceiverConn) refusal(s *Summary) (code uint16, reason error) {
	r := c.receiver
	switch {
	case r.mode == ModeResume && c.hello.connection <= r.resume.LastConnection:
		return codeBusy, ErrStale
	case len(r.trust) > 0 && !slices.Contains(r.trust, s.Signer):
		return codeUntrusted, ErrUntrusted
	case c.attempt.bound != nil:
		return codeTaken, ErrTaken
	case r.expired(ConsentTime):
		return codeExpired, ErrExpired
	case s.Intent != r.intent():
		return codeIntent, ErrIntent
	case s.MaxVersion < r.speaks.oldest:
		return codeVersion, ErrVersion
	}
	return 0, nil
}

func (r *Receiver) intent() Intent {
	if r.mode == ModePair {
		return r.offer.Intent
	}
	return r.resume.Intent
}

// Accept gives M3 and the session that comes of it. The same request gives the same bytes and the same
// Session on every connection, whatever a is the next time: see Session.ControlKey. The errors are ErrOrder, ErrUsed, ErrLimit,
// ErrVersion and what Rand returns.
func (c *ReceiverConn) Accept(a Accept) (m3 []byte, s *Session, err error) {
	r := c.receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	b := c.attempt.bound
	if b == nil || b.hello.raw != c.hello.raw {
		return nil, nil, fmt.Errorf("accept request: %w", ErrOrder)
	}
	if b.session != nil {
		return bytes.Clone(b.m3), b.session, nil
	}
	if r.closed {
		return nil, nil, fmt.Errorf("accept request: %w", ErrUsed)
	}
	common := min(r.speaks.newest, b.summary.MaxVersion)
	if a.Version == 0 {
		a.Version = common
	}
	if a.Version < r.speaks.oldest || a.Version > common {
		return nil, nil, fmt.Errorf("accept request: version %d: %w", a.Version, ErrVersion)
	}
	a.unknown = r.speaks.fields()
	content, err := a.marshal()
	if err != nil {
		return nil, nil, err
	}
	m3 = make([]byte, nonceSize, MaxAcceptMessage)
	if _, err := io.ReadFull(r.random, m3); err != nil {
		return nil, nil, fmt.Errorf("accept request: %w", err)
	}
	m3 = sealOnce(r.suite, b.exports.acceptKey(r.suite, m3), m3, pad(content), b.th2[:])
	sr := b.exports.sessionSecret(transcript3(b.th2, m3))
	defer sr.Erase()
	b.exports.erase()
	b.m3 = m3
	if r.mode == ModePair {
		b.session = newSession(r.suite, sr, a.Version)
	} else {
		b.session = resumedSession(r.suite, sr, &r.resume, c.hello.connection, a.Version)
	}
	return bytes.Clone(m3), b.session, nil
}

// Connection gives the number e that the peer said hello with: 0 for a pairing.
func (c *ReceiverConn) Connection() uint32 { return c.hello.connection }

// SealError gives an early error for the peer: a code of docs/wire-format.md and one sentence without user
// data, cut at MaxErrorText bytes. It gives nil only when the random source fails.
func (c *ReceiverConn) SealError(code uint16, text string) []byte {
	return c.early.seal(code, text, c.receiver.random)
}

// OpenError opens an early error of the peer. The errors are ErrTampered and ErrMalformed.
func (c *ReceiverConn) OpenError(sealed []byte) (*PeerError, error) { return c.early.open(sealed) }

// Format keeps the secrets out of every verb.
func (c *ReceiverConn) Format(f fmt.State, _ rune) {
	io.WriteString(f, "pairing.ReceiverConn(redacted)")
}

// LogValue keeps the secrets out of structured logs.
func (c *ReceiverConn) LogValue() slog.Value {
	return slog.StringValue("pairing.ReceiverConn(redacted)")
}
