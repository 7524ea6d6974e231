package bind

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

const relayToken = "0123456789abcdef0123456789abcdef"

// newRelay runs a relay that may want a token for new channels.
func newRelay(t *testing.T, wants bool) (url string) {
	t.Helper()
	var options server.Options
	if wants {
		tokens, err := server.ReadTokens(strings.NewReader(relayToken + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		options.Tokens = tokens
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- server.New(options).Serve(ctx, ln) }()
	t.Cleanup(func() { stop(); <-over })
	return "http://" + ln.Addr().String()
}

func TestRelay(t *testing.T) {
	transfertest.CheckLeaks(t)
	for _, c := range []struct {
		name  string
		known bool
		allow bool
		exit  int
		asked int
	}{
		{"own", true, false, 0, 0},
		{"another", false, true, 0, 1},
		{"refused", false, false, 6, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, 20)
			p.receive.Listen, p.receive.NoLAN, p.receive.Relay, p.receive.RelayToken = "", true, newRelay(t, c.known), relayToken
			if c.known {
				p.send.Relay, p.send.RelayToken = p.receive.Relay, relayToken // whoever is there first
			}
			p.sender.on["route"] = func(map[string]any) { p.sending.AllowRoute(c.allow) }
			p.start()
			if c.exit == 0 {
				p.imported(20)
			} else {
				p.sender.expect(p.sending, "declined", c.exit)
			}
			if n := p.sender.count("route"); n != c.asked {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// A relay that cannot be used is told of, once.
func TestRelayTrouble(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 5)
	p.receive.Listen, p.receive.NoLAN, p.receive.Relay, p.receive.RelayToken = "", true, newRelay(t, true), "another"
	p.receiver.on["warning"] = func(e map[string]any) {
		if e["code"] != "relay" || !strings.Contains(e["message"].(string), "token") {
			t.Errorf("warning %v", e)
		}
		p.receiving.Cancel()
	}
	p.startReceiver()
	p.receiver.expect(p.receiving, "interrupted", 130)
}

// The token is for the app's own relay, and not for one that an offer names.
func TestTokenStaysAtHome(t *testing.T) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusForbidden)
	}))
	defer s.Close()
	route := pairing.Route{Kind: pairing.RouteRelay, Path: s.URL}
	for _, own := range []string{s.URL, "https://relay.example"} {
		_, err := dialer{own, relayToken}.Dial(t.Context(), route, wire.Rendezvous{Role: wire.Sender})
		if err == nil {
			t.Fatal("there is no relay")
		}
	}
	if len(got) != 2 || !strings.Contains(got[0], relayToken) || got[1] != "" {
		t.Errorf("%q", got)
	}
}
