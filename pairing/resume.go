package pairing

import (
	"fmt"
	"io"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// ResumeOptions are what one side keeps of a transfer between its connections. Both sides make
// LastConnection durable before they act on it: S before it says hello with the next number, R before it
// answers a request with M3.
type ResumeOptions struct {
	Session *Session // gives Suite, TransferID, Resumption and, for S, the least LastConnection

	// Without a Session, from storage:
	Suite      hpke.Suite
	TransferID [32]byte
	Resumption hpke.Secret // rms

	Intent         Intent    // SameAccount for zero; both sides give that of the offer
	LastConnection uint32    // R: the highest number accepted; S: the highest number said hello with
	Rand           io.Reader // crypto/rand for nil; something else for recorded vectors only

	Program Program // of another version, in tests
}

func (o *ResumeOptions) complete() error {
	if s := o.Session; s != nil {
		o.Suite, o.TransferID, o.Resumption = s.Suite(), s.TransferID(), s.Resumption()
		o.LastConnection = max(o.LastConnection, s.Connection())
		o.Session = nil
	}
	if o.Intent == 0 {
		o.Intent = SameAccount
	}
	o.Rand = randomOr(o.Rand)
	if _, err := hpke.ParseSuite(byte(o.Suite)); err != nil {
		return err
	}
	if err := o.Intent.check(); err != nil {
		return err
	}
	if o.Resumption.Equal(hpke.Secret{}) {
		return ErrErased
	}
	return nil
}

// about is what th1 says of the transfer: transfer id || e.
func (o *ResumeOptions) about(connection uint32) []byte {
	return appendU32(o.TransferID[:], connection)
}

// NewResumeReceiver waits for S to come back. It has no offer, no check code and no expiry; each hello with
// a higher connection number gets a fresh R key. It does not ask whether the check code of the transfer has
// matched: R imports nothing before that, on whatever connection. The errors are hpke.ErrSuite, ErrIntent
// and ErrErased.
func NewResumeReceiver(o ResumeOptions) (*Receiver, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("resume: %w", err)
	}
	return &Receiver{
		mode: ModeResume, suite: o.Suite, random: o.Rand, resume: o,
		prk: rootKey(ModeResume, o.Resumption), speaks: versionsOf(o.Program),
	}, nil
}

// resumption gives the key for one connection number: the same for the same hello on another route, none
// for a number that was accepted, none for a lower one than was seen. A replayed hello therefore neither
// pushes out the one that is being answered nor gets the keys of a session a second time.
func (r *Receiver) resumption(h *hello) (*attempt, error) {
	a := r.current
	if h.connection <= r.resume.LastConnection {
		return nil, r.refuse(h, codeBusy, ErrStale)
	}
	if a != nil && a.hello.raw == h.raw {
		return a, nil
	}
	if a != nil && h.connection <= a.hello.connection {
		return nil, r.refuse(h, codeBusy, ErrStale)
	}
	a, err := newAttempt(r.random, Bundle{Suite: r.suite, Intent: r.resume.Intent, unknown: r.speaks.fields()}, nil)
	if err != nil {
		return nil, fmt.Errorf("resume: %w", err)
	}
	a.hello, a.about = *h, r.resume.about(h.connection)
	r.current = a
	return a, nil
}

// NewResumeSender begins the next connection of a transfer, with the number above LastConnection. A new
// Sender is made for each try. The errors are hpke.ErrSuite, ErrIntent, ErrErased, ErrLimit when the
// numbers are used up, and what Rand returns.
func NewResumeSender(o ResumeOptions) (*Sender, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("resume: %w", err)
	}
	if o.LastConnection == 1<<32-1 {
		return nil, fmt.Errorf("resume: connection number: %w", ErrLimit)
	}
	e := o.LastConnection + 1
	s := &Sender{
		mode: ModeResume, suite: o.Suite, random: o.Rand, resume: o, about: o.about(e),
		prk: rootKey(ModeResume, o.Resumption), speaks: versionsOf(o.Program),
	}
	return s, s.start(e)
}

// RestoreSession gives the session of a transfer that was stored: with its name, its secret and the number
// of its last connection, but without the keys of any connection, which are never stored. NewResumeSender
// and NewResumeReceiver go on from it. The errors are hpke.ErrSuite, ErrIntent and ErrErased.
func RestoreSession(o ResumeOptions) (*Session, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("restore session: %w", err)
	}
	s := resumedSession(o.Suite, hpke.Secret{}, &o, o.LastConnection, 0)
	s.erased = true
	return s, nil
}
