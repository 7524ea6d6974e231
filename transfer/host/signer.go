package host

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// Signer asks the host, who keeps the key of id, for signatures. ctx bounds the wait.
func (c *Conn) Signer(ctx context.Context, id pairing.Identity, answer time.Duration) pairing.Signer {
	return &hostSigner{c, ctx, id, answer}
}

// A hostSigner has a context because signing is a step of the handshake that has none.
type hostSigner struct {
	conn   *Conn
	ctx    context.Context
	id     pairing.Identity
	answer time.Duration
}

func (s *hostSigner) Identity() pairing.Identity { return s.id }

func (s *hostSigner) Sign(purpose pairing.Purpose, hash [32]byte) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(s.ctx, s.answer, ErrNoAnswer)
	defer cancel()
	cmd, err := s.conn.ask(ctx, Sign{string(purpose), hex.EncodeToString(hash[:]), true}, "signature")
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return cmd.Signature, nil
}
