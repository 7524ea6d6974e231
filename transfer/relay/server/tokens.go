package server

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Tokens are those that may create channels. Only their hashes are held.
type Tokens struct {
	known map[hash]struct{}
}

// ReadTokens reads a token file: one a line, MinToken to wire.MaxRelayBearer bytes of visible ASCII, at
// most MaxTokens of them; empty lines and lines that begin with # do not count. Errors name the line and
// never what is in it.
func ReadTokens(r io.Reader) (*Tokens, error) {
	t := &Tokens{known: map[hash]struct{}{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1024), 1024) // room for a comment; a longer line is an error
	n := 0
	for lines.Scan() {
		n++
		token := strings.TrimSpace(lines.Text())
		if token == "" || token[0] == '#' {
			continue
		}
		if len(token) < MinToken || len(token) > wire.MaxRelayBearer {
			return nil, fmt.Errorf("read tokens: line %d: token has %d bytes: %d to %d are allowed",
				n, len(token), MinToken, wire.MaxRelayBearer)
		}
		for _, c := range []byte(token) {
			if c <= ' ' || c > '~' {
				return nil, fmt.Errorf("read tokens: line %d: token is not visible ascii", n)
			}
		}
		t.known[sha256.Sum256([]byte(token))] = struct{}{}
		if len(t.known) > MaxTokens {
			return nil, fmt.Errorf("read tokens: line %d: more than %d tokens", n, MaxTokens)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read tokens: line %d: %w", n+1, err)
	}
	if len(t.known) == 0 {
		return nil, fmt.Errorf("read tokens: there are none")
	}
	return t, nil
}

// has looks a token up by its hash, so that the time taken says nothing about the tokens that are known.
func (t *Tokens) has(token string) bool {
	_, ok := t.known[sha256.Sum256([]byte(token))]
	return ok
}

// Format prints nothing of the tokens.
func (t *Tokens) Format(f fmt.State, _ rune) { io.WriteString(f, "tokens(redacted)") }
