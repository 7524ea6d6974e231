package server_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// requestWith is what a client sends, after change has edited its lines.
func requestWith(v wire.Rendezvous, change func(lines []string) []string) []byte {
	lines := []string{
		"GET /live HTTP/1.1",
		"Host: relay.test",
		"Connection: Upgrade",
		"Upgrade: vcon-transfer/1",
		"Vcon-Transfer-Channel: " + hex.EncodeToString(v.Channel[:]),
		"Vcon-Transfer-Role: " + v.Role.String(),
		"Vcon-Transfer-Token: " + hex.EncodeToString(v.Token[:]),
	}
	if change != nil {
		lines = change(lines)
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// exchange sends raw bytes and returns the head of the answer, nil if there was none.
func exchange(t *testing.T, r *transfertest.Relay, raw []byte) *http.Response {
	t.Helper()
	c, err := r.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go c.Write(raw)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil
	}
	resp.Body.Close()
	return resp
}

func TestRequests(t *testing.T) {
	v := place(1, wire.Receiver)
	set := func(i int, line string) func([]string) []string {
		return func(l []string) []string { l[i] = line; return l }
	}
	add := func(line string) func([]string) []string {
		return func(l []string) []string { return append(l, line) }
	}
	drop := func(i int) func([]string) []string {
		return func(l []string) []string { return slices.Delete(l, i, i+1) }
	}
	channel := hex.EncodeToString(v.Channel[:])
	for _, c := range []struct {
		name   string
		change func([]string) []string
		status int
	}{
		{"as it should be", nil, 101},
		{"several options", set(2, "Connection: keep-alive, upgrade"), 101},
		{"longest head", add("X: " + strings.Repeat("x", wire.MaxRelayHeader-300)), 101},
		{"too long head", add("X: " + strings.Repeat("x", wire.MaxRelayHeader)), 431},
		{"other path", set(0, "GET /live/x HTTP/1.1"), 404},
		{"root", set(0, "GET / HTTP/1.1"), 404},
		{"in the query", set(0, "GET /live?channel="+channel+" HTTP/1.1"), 101},
		{"other method", set(0, "POST /live HTTP/1.1"), 405},
		{"old http", set(0, "GET /live HTTP/1.0"), 426},
		{"no connection", drop(2), 426},
		{"other connection", set(2, "Connection: close"), 426},
		{"no upgrade", drop(3), 426},
		{"other upgrade", set(3, "Upgrade: websocket"), 426},
		{"other version", set(3, "Upgrade: vcon-transfer/2"), 426},
		{"two upgrades", add("Upgrade: vcon-transfer/1"), 426},
		{"body", add("Content-Length: 1"), 400},
		{"chunked body", add("Transfer-Encoding: chunked"), 400},
		{"no channel", drop(4), 400},
		{"two channels", add("Vcon-Transfer-Channel: " + channel), 400},
		{"empty channel", set(4, "Vcon-Transfer-Channel: "), 400},
		{"short channel", set(4, "Vcon-Transfer-Channel: "+channel[2:]), 400},
		{"long channel", set(4, "Vcon-Transfer-Channel: "+channel+"00"), 400},
		{"upper-case channel", set(4, "Vcon-Transfer-Channel: "+strings.ToUpper(channel)), 400},
		{"channel is not hex", set(4, "Vcon-Transfer-Channel: "+channel[1:]+"g"), 400},
		{"no role", drop(5), 400},
		{"lower-case role", set(5, "Vcon-Transfer-Role: r"), 400},
		{"other role", set(5, "Vcon-Transfer-Role: X"), 400},
		{"two roles", add("Vcon-Transfer-Role: S"), 400},
		{"no token", drop(6), 400},
		{"two tokens", add("Vcon-Transfer-Token: " + channel), 400},
		{"no host", drop(1), 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := transfertest.NewRelay(t, server.Options{})
				resp := exchange(t, r, requestWith(v, c.change))
				if resp == nil || resp.StatusCode != c.status {
					t.Fatalf("answer is %+v, want %d", resp, c.status)
				}
				// net/http answers what it cannot read by itself.
				ours := c.status != 431 && c.name != "no host"
				if ours && resp.Header.Get(wire.RelayServerHeader) != "1" {
					t.Error("the answer does not say that it is a relay's")
				}
				if c.status == 426 && resp.Header.Get("Upgrade") != wire.RelayProtocol {
					t.Error("the answer does not say what to upgrade to")
				}
				if got := r.Server.Stats().Channels; (got == 1) != (c.status == 101) {
					t.Errorf("%d channels", got)
				}
			})
		})
	}
}

func TestGarbageIsAnsweredOrCut(t *testing.T) {
	for _, raw := range []string{
		"\n", "\x00\x01\x02\x03\r\n\r\n", "SSH-2.0-OpenSSH_9.7\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://other/live HTTP/1.1\r\nHost: x\r\n\r\n",
		"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n", strings.Repeat("x", 100_000), strings.Repeat("GET / HTTP/1.1\r\n", 10_000),
	} {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			start := time.Now()
			c, err := r.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go io.WriteString(c, raw)
			got, _ := io.ReadAll(c)
			c.Close()
			if strings.Contains(string(got), "101 ") {
				t.Errorf("%.20q is answered with %.80q", raw, got)
			}
			if waited := time.Since(start); waited > server.DefaultHeaderTimeout {
				t.Errorf("%.20q is served for %v", raw, waited)
			}
			a, b := pairUp(t, r, 1)
			alive(t, a, b)
			a.Close()
			b.Close()
		})
	}
}

func TestSlowHeadIsCut(t *testing.T) {
	for _, raw := range []string{"", "GET /live HTTP/1.1\r\n", string(requestWith(place(1, wire.Receiver), nil))} {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			c, err := r.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			written := make(chan struct{})
			go func() {
				defer close(written)
				for i := range max(len(raw)-1, 0) { // never the last byte
					time.Sleep(time.Second)
					if _, err := io.WriteString(c, raw[i:i+1]); err != nil {
						return
					}
				}
			}()
			io.Copy(io.Discard, c)
			if waited := time.Since(start); waited != server.DefaultHeaderTimeout {
				t.Errorf("a slow head is waited for %v", waited)
			}
			c.Close()
			<-written
		})
	}
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{DrainTimeout: time.Minute})
		resp := exchange(t, r, []byte("GET /healthz HTTP/1.1\r\nHost: relay.test\r\n\r\n"))
		if resp == nil || resp.StatusCode != 200 {
			t.Errorf("health is %+v", resp)
		}
	})
}

// FuzzRequests throws bytes at a whole relay: whatever comes, it answers or cuts in time, and still works.
func FuzzRequests(f *testing.F) {
	v := place(1, wire.Receiver)
	f.Add(requestWith(v, nil))
	f.Add(requestWith(v, func(l []string) []string { return append(l, "Authorization: Bearer x") }))
	f.Add(append(requestWith(v, nil), requestWith(v, nil)...))
	f.Add([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{WaitTimeout: time.Minute})
			start := time.Now()
			c, err := r.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				c.Write(raw)
				c.(wire.CloseWriter).CloseWrite()
			}()
			io.Copy(io.Discard, c)
			c.Close()
			if waited := time.Since(start); waited > server.DefaultHeaderTimeout {
				t.Fatalf("served for %v", waited)
			}
			a, b := pairUp(t, r, 2)
			alive(t, a, b)
			a.Close()
			b.Close()
			synctest.Wait()
			if s := r.Server.Stats(); s.Waiting != 0 || s.Pipes != 0 {
				t.Fatalf("stats are %+v", s)
			}
		})
	})
}

func ExampleServer() {
	r := server.New(server.Options{MaxChannels: 100})
	srv := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	fmt.Println(srv.Handler == r, r.Stats().Pipes)
	// Output: true 0
}
