package server_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

func TestTokensPayForChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens, err := server.ReadTokens(strings.NewReader("# ours\nfirst-token-of-ours\nsecond-token-of-ours\n"))
		if err != nil {
			t.Fatal(err)
		}
		r := transfertest.NewRelay(t, server.Options{Tokens: tokens})
		for _, token := range []string{"", "first-token-of-our", "first-token-of-ours2", "# ours"} {
			o := r.Options()
			if o.Token = token; token == "# ours" {
				o.Token = "#ours"
			}
			if _, err := relay.Dial(t.Context(), o, place(1, wire.Receiver)); !errors.Is(err, relay.Unauthorized) {
				t.Errorf("Dial with %q = %v", token, err)
			}
		}
		if got := r.Server.Stats().Channels; got != 0 {
			t.Errorf("%d channels", got)
		}
		o := r.Options()
		o.Token = "second-token-of-ours"
		waiting := make(chan result, 1)
		go func() {
			c, err := relay.Dial(t.Context(), o, place(1, wire.Receiver))
			waiting <- result{c, err}
		}()
		synctest.Wait()
		// The peer has no account at the relay.
		b, err := r.Meet(t.Context(), place(1, wire.Sender))
		if err != nil {
			t.Fatal(err)
		}
		a := <-waiting
		alive(t, a.conn, b)
		a.conn.Close()
		b.Close()
	})
}

func TestReadTokens(t *testing.T) {
	tokens := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "token-%016d\n", i)
		}
		return b.String()
	}
	for _, c := range []struct {
		name, file, want string
	}{
		{"shortest", strings.Repeat("x", server.MinToken), ""},
		{"too short", "\n# x\n" + strings.Repeat("x", server.MinToken-1), "line 3: token has 15 bytes"},
		{"longest", strings.Repeat("x", wire.MaxRelayBearer), ""},
		{"too long", strings.Repeat("x", wire.MaxRelayBearer+1), "line 1: token has 257 bytes"},
		{"far too long", "\n" + strings.Repeat("x", 100_000), "line 2: bufio.Scanner: token too long"},
		{"most", tokens(server.MaxTokens), ""},
		{"too many", tokens(server.MaxTokens + 1), "line 10001: more than 10000 tokens"},
		{"none", "# nothing\n\n", "there are none"},
		{"empty", "", "there are none"},
		{"blank inside", "a token of several words", "line 1: token is not visible ascii"},
		{"not ascii", "tökentökentökentöken", "line 1: token is not visible ascii"},
		{"spaces around, CRLF", "  token-with-spaces-around \r\n", ""},
	} {
		got, err := server.ReadTokens(strings.NewReader(c.file))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if s := fmt.Sprintf("%v %+v %x", got, got, got); err == nil && s != "tokens(redacted) tokens(redacted) tokens(redacted)" {
			t.Errorf("tokens print as %q", s)
		}
	}
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{DrainTimeout: time.Minute})
		a, b := pairUp(t, r, 1)
		c, d := pairUp(t, r, 2)
		waiting := come(t, r, place(3, wire.Receiver))
		synctest.Wait()
		start := time.Now()
		stopped := make(chan error, 1)
		go func() { stopped <- r.Stop() }()
		synctest.Wait()
		// Who waits is told, who comes is not let in, pipes go on.
		if w := <-waiting; !errors.Is(w.err, relay.Closing) {
			t.Errorf("who waits gets %v", w.err)
		}
		refused(t, r, place(4, wire.Receiver), relay.Unreachable)
		alive(t, a, b)
		time.Sleep(30 * time.Second)
		alive(t, a, b)
		a.Close()
		b.Close()
		time.Sleep(29 * time.Second)
		alive(t, c, d)
		closedAfter(t, c)
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("a pipe is cut after %v", waited)
		}
		if err := <-stopped; err != nil {
			t.Errorf("Serve = %v", err)
		}
		c.Close()
		d.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{DrainTimeout: time.Hour})
		a, b := pairUp(t, r, 1)
		start := time.Now()
		stopped := make(chan error, 1)
		go func() { stopped <- r.Stop() }()
		time.Sleep(time.Minute)
		a.Close()
		b.Close()
		<-stopped
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("the relay stops after %v although it has nothing to do", waited)
		}
	})
}

// What a log must not have: ids, tokens, addresses. With them a log would say who moved house with whom.
func TestLogsSayNothingOfAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := transfertest.NewRelay(t, server.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		a, b := pairUp(t, r, 1)
		alive(t, a, b)
		stranger := place(1, wire.Sender)
		stranger.Token[9] = 9
		refused(t, r, stranger, relay.Taken)
		a.Close()
		b.Close()
		r.Stop()
		got := log.String()
		v := place(1, wire.Sender)
		for _, secret := range []string{
			hex.EncodeToString(v.Channel[:4]), hex.EncodeToString(v.Token[:4]), "198.51.100", "192.0.2", "there",
		} {
			if strings.Contains(got, secret) {
				t.Errorf("the log has %q:\n%s", secret, got)
			}
		}
		for _, word := range []string{"relay started", "refused", "status=403", "pipe ended", "bytes=13", "relay stopped"} {
			if !strings.Contains(got, word) {
				t.Errorf("the log lacks %q:\n%s", word, got)
			}
		}
	})
}
