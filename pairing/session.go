package pairing

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Session is what a finished handshake leaves on each side: the keys of one connection. It prints redacted
// and may be used from several goroutines.
//
// A Session of R is not confirmed by the handshake: the person has to type the check code first, see
// Receiver.TryCode. A session that was resumed has the standing of the one that it goes on with.
type Session struct {
	mu         sync.Mutex
	suite      hpke.Suite
	connection uint32
	version    uint8
	transferID [32]byte
	resumption hpke.Secret
	secret     hpke.Secret // sr_e
	code       string
	erased     bool
}

// newSession derives what the whole transfer needs from sr_0.
func newSession(s hpke.Suite, sr hpke.Secret, version uint8) *Session {
	code := sr.Expand("check code", nil, 8)
	defer clear(code)
	return &Session{
		suite:      s,
		version:    version,
		transferID: [32]byte(sr.Expand("transfer id", nil, 32)),
		resumption: hpke.Secret(sr.Expand("resumption", nil, 32)),
		secret:     sr,
		code:       fmt.Sprintf("%0*d", codeSize, binary.BigEndian.Uint64(code)%1_000_000),
	}
}

// resumedSession has fresh keys only; the rest goes on.
func resumedSession(s hpke.Suite, sr hpke.Secret, o *ResumeOptions, connection uint32, version uint8) *Session {
	return &Session{suite: s, connection: connection, version: version, transferID: o.TransferID, resumption: o.Resumption, secret: sr}
}

// Suite gives the suite of the session's AEAD.
func (s *Session) Suite() hpke.Suite { return s.suite }

// Version gives the protocol version of this connection, see Accept; 0 of a session that RestoreSession gave.
func (s *Session) Version() uint8 { return s.version }

// Connection gives e: 0 for the pairing, 1 and more for its resumptions. On resume R makes it durable
// before it answers anything else, see ResumeOptions.
func (s *Session) Connection() uint32 { return s.connection }

// TransferID gives the name of the transfer, the same on every connection. It is no secret, but links
// connections.
func (s *Session) TransferID() [32]byte { return s.transferID }

// Resumption gives rms, the secret that the next connection rests on. S makes it durable before it shows
// the check code, R after the code matched.
func (s *Session) Resumption() hpke.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resumption
}

// CheckCode gives the six digits that S shows; "" on a resumed session and after Erase.
func (s *Session) CheckCode() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code
}

// Rendezvous gives what a party shows to a relay to be met for a resumption; see Offer.Rendezvous.
func (s *Session) Rendezvous(r Role) (channel, token [16]byte) {
	prk := rootKey(ModeResume, s.Resumption())
	defer prk.Erase()
	return rendezvous(prk, r)
}

// ControlKey gives the key of the control records of one direction, of Suite().KeySize() bytes, and nil
// after Erase. The same M3 may arrive on two routes, and both have this key: a side that has sealed one
// record under it must not seal on another connection, but resume.
func (s *Session) ControlKey(d Direction) []byte {
	switch d {
	case SenderToReceiver:
		return s.key("control S")
	case ReceiverToSender:
		return s.key("control R")
	}
	panic("pairing: control key of no direction")
}

// DataKey gives the key of the one data stream from S to R, of Suite().KeySize() bytes, and nil after
// Erase. What is said of ControlKey holds here too.
func (s *Session) DataKey() []byte { return s.key("data") }

func (s *Session) key(label string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.erased {
		return nil
	}
	return s.secret.Expand(label, nil, s.suite.KeySize())
}

// Erase overwrites the secrets of this session, rms included, once it is stored elsewhere or the transfer
// is over. It may be called again.
func (s *Session) Erase() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret.Erase()
	s.resumption.Erase()
	s.code = ""
	s.erased = true
}

// String shows no secret.
func (s *Session) String() string {
	return fmt.Sprintf("pairing.Session(connection %d, redacted)", s.connection)
}

// Format keeps the secrets out of every verb.
func (s *Session) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue keeps the secrets out of structured logs.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.String()) }
