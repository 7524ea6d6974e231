package relay_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// TestVector holds both sides against bytes that were written by hand.
func TestVector(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/vectors/wire/relay.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Rendezvous struct{ Channel, Token, Role string }
		URL        string
		Bearer     string
		Request    string
		Response   string
		Signals    map[string]wire.RelaySignal
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if want := map[string]wire.RelaySignal{
		"wait": wire.RelayWait, "joined": wire.RelayJoined, "no peer": wire.RelayNoPeer,
		"replaced": wire.RelayReplaced, "closing": wire.RelayClosing,
	}; !maps.Equal(v.Signals, want) {
		t.Errorf("signals are %v, the vector has %v", want, v.Signals)
	}
	var meet wire.Rendezvous
	hex.Decode(meet.Channel[:], []byte(v.Rendezvous.Channel))
	hex.Decode(meet.Token[:], []byte(v.Rendezvous.Token))
	meet.Role, _ = wire.ParseRole(v.Rendezvous.Role)

	t.Run("client", func(t *testing.T) {
		client, srv := transfertest.Pipe()
		defer srv.Close()
		sent := make(chan string, 1)
		go func() {
			req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(srv, &teed{sent: sent, want: len(v.Request)})))
			if err != nil || req.Host != "relay.example" {
				t.Errorf("request cannot be read: %v", err)
			}
			io.WriteString(srv, v.Response+"\x00\x01")
		}()
		// The vector's scheme is https, so TLS is left out here by dialling http.
		o := relay.Options{URL: strings.Replace(v.URL, "https:", "http:", 1), Token: v.Bearer,
			DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
		conn, err := relay.Dial(t.Context(), o, meet)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if got := <-sent; got != v.Request {
			t.Errorf("request is\n%q\nwant\n%q", got, v.Request)
		}
	})
	t.Run("server", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			c, err := r.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			// A proxy has taken the base path off.
			io.WriteString(c, strings.Replace(v.Request, "/base/live", "/live", 1))
			synctest.Wait()
			c.(wire.CloseWriter).CloseWrite()
			if got, err := io.ReadAll(c); string(got) != v.Response || err != nil {
				t.Errorf("response is\n%q, %v, want\n%q", got, err, v.Response)
			}
			c.Close()
		})
	})
}

// teed passes on what it was written once that is all.
type teed struct {
	bytes.Buffer
	sent chan string
	want int
}

func (b *teed) Write(p []byte) (int, error) {
	n, err := b.Buffer.Write(p)
	if b.Len() >= b.want {
		b.sent <- b.String()
	}
	return n, err
}
