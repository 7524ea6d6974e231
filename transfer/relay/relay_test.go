package relay_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

var meet = wire.Rendezvous{
	Channel: [16]byte{0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xcf},
	Token:   [16]byte{0xd0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xdf},
	Role:    wire.Receiver,
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: vcon-transfer/1\r\nVcon-Transfer-Relay: 1\r\n\r\n"

// fake is a server that reads one request and then does what it is told.
func fake(t *testing.T, answer func(c net.Conn)) relay.Options {
	l := transfertest.NewListener()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			answer(c)
		}
		io.Copy(io.Discard, c) // until the client has gone
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return relay.Options{URL: "http://relay.test", DialContext: l.DialContext}
}

func TestRequest(t *testing.T) {
	for _, c := range []struct{ url, bearer, want string }{
		{"http://relay.test", "", "GET /live HTTP/1.1\r\nHost: relay.test\r\n"},
		{"http://relay.test/", "", "GET /live HTTP/1.1\r\nHost: relay.test\r\n"},
		{"http://relay.test:8080/a/b%20c/", "secret-of-the-relay", "GET /a/b%20c/live HTTP/1.1\r\nHost: relay.test:8080\r\n"},
		{"http://[2001:db8::1]:8080", "", "GET /live HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, srv := transfertest.Pipe()
			o := relay.Options{URL: c.url, Token: c.bearer,
				DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
			go func() { relay.Dial(t.Context(), o, meet) }()
			synctest.Wait()
			got := make([]byte, 4096)
			n, err := srv.Read(got)
			if err != nil {
				t.Fatal(err)
			}
			srv.Close()
			want := c.want + "Connection: Upgrade\r\nUpgrade: vcon-transfer/1\r\n" +
				"Vcon-Transfer-Channel: c00102030405060708090a0b0c0d0ecf\r\nVcon-Transfer-Role: R\r\n" +
				"Vcon-Transfer-Token: d00102030405060708090a0b0c0d0edf\r\n"
			if c.bearer != "" {
				want += "Authorization: Bearer " + c.bearer + "\r\n"
			}
			if want += "\r\n"; string(got[:n]) != want {
				t.Errorf("request is\n%q\nwant\n%q", got[:n], want)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	refusal := func(status string) string {
		return "HTTP/1.1 " + status + "\r\nVcon-Transfer-Relay: 1\r\nContent-Length: 0\r\n\r\n"
	}
	padded := func(n int) string { // an answer whose head has n bytes
		head := strings.TrimSuffix(switching, "\r\n") + "X-Padding: "
		return head + strings.Repeat("x", n-len(head)-4) + "\r\n\r\n"
	}
	for _, c := range []struct {
		name, answer string
		want         relay.Reason // zero: the pipe opens
	}{
		{"joined", switching + "\x01", 0},
		{"waited and joined", switching + "\x00\x00\x00\x01", 0},
		{"longest head", padded(wire.MaxRelayHeader) + "\x01", 0},
		{"too long head", padded(wire.MaxRelayHeader+1) + "\x01", relay.NotRelay},
		{"endless head", switching[:len(switching)-2] + strings.Repeat("X: y\r\n", 10_000), relay.NotRelay},
		{"endless line", strings.Repeat("x", 20_000), relay.NotRelay},
		{"no peer", switching + "\x00\x02", relay.NoPeer},
		{"replaced", switching + "\x03", relay.Replaced},
		{"closing", switching + "\x04", relay.Closing},
		{"unknown signal", switching + "\x05", relay.NotRelay},
		{"cut while waiting", switching + "\x00", relay.Unreachable},
		{"cut in the head", switching[:50], relay.Unreachable},
		{"nothing", "", relay.Unreachable},
		{"garbage", "\x16\x03\x01\x02\x00\r\n\r\n", relay.NotRelay},
		{"web page", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", relay.NotRelay},
		{"redirect", "HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", relay.NotRelay},
		{"switch by something else", strings.ReplaceAll(switching, "Vcon-Transfer-Relay: 1\r\n", "") + "\x01", relay.NotRelay},
		{"switch to something else", strings.ReplaceAll(switching, "vcon-transfer/1", "websocket") + "\x01", relay.NotRelay},
		{"refused by something else", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", relay.NotRelay},
		{"unauthorized", refusal("401 Unauthorized"), relay.Unauthorized},
		{"taken", refusal("403 Forbidden"), relay.Taken},
		{"too many", refusal("429 Too Many Requests"), relay.Busy},
		{"busy", refusal("503 Service Unavailable"), relay.Busy},
		{"malformed", refusal("400 Bad Request"), relay.NotRelay},
		{"other version", refusal("426 Upgrade Required"), relay.NotRelay},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := fake(t, func(srv net.Conn) {
					io.WriteString(srv, c.answer)
					srv.(wire.CloseWriter).CloseWrite()
				})
				conn, err := relay.Dial(t.Context(), o, meet)
				if c.want == 0 {
					if err != nil {
						t.Fatal(err)
					}
					conn.Close()
					return
				}
				if !errors.Is(err, c.want) {
					t.Fatalf("Dial = %v, want %v", err, c.want)
				}
				text := err.Error()
				if strings.Contains(text, "c001") || strings.Contains(text, "d001") || len(text) > 200 {
					t.Errorf("error says %q", text)
				}
				if _, ok := errors.AsType[*relay.Error](err); !ok || c.want.Hint() == "" {
					t.Errorf("error is a %T, hint %q", err, c.want.Hint())
				}
			})
		})
	}
}

// What the peer says right behind the signal belongs to the pipe, however it arrives.
func TestNothingIsLostBehindTheSignal(t *testing.T) {
	for _, dribble := range []int{1, 7, 0} {
		synctest.Test(t, func(t *testing.T) {
			o := fake(t, func(srv net.Conn) {
				io.WriteString(srv, switching+"\x00\x01\x01\x02 first words, ")
				io.WriteString(srv, "and more")
				srv.(wire.CloseWriter).CloseWrite()
			})
			inner := o.DialContext
			o.DialContext = func(ctx context.Context, n, a string) (net.Conn, error) {
				c, err := inner(ctx, n, a)
				return transfertest.Faulty(c, transfertest.Faults{MaxRead: dribble}), err
			}
			conn, err := relay.Dial(t.Context(), o, meet)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if got, err := io.ReadAll(conn); string(got) != "\x01\x02 first words, and more" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

func TestCancelAtEveryMoment(t *testing.T) {
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, c := range []struct {
		name   string
		answer string
		dial   func(context.Context, string, string) (net.Conn, error)
		url    string
		want   relay.Reason
		bound  time.Duration // how long Dial waits by itself
	}{
		{name: "connecting", dial: hang, want: relay.Unreachable, bound: relay.HandshakeTimeout},
		{name: "tls", url: "https://relay.test", want: relay.Unreachable, bound: relay.HandshakeTimeout},
		{name: "request", want: relay.Unreachable, bound: relay.HandshakeTimeout},
		{name: "half a head", answer: switching[:40], want: relay.Unreachable, bound: relay.HandshakeTimeout},
		{name: "no signal", answer: switching, want: relay.NoPeer, bound: 80 * time.Second},
		{name: "signal", answer: switching + "\x00", want: relay.NoPeer, bound: 80 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := func(t *testing.T) relay.Options {
				o := fake(t, func(srv net.Conn) { io.WriteString(srv, c.answer) })
				if c.dial != nil {
					o.DialContext = c.dial
				}
				if c.url != "" {
					o.URL = c.url
				}
				return o
			}
			for _, kind := range []error{context.Canceled, context.DeadlineExceeded} {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
					defer cancel()
					if kind == context.Canceled {
						time.AfterFunc(2*time.Second, cancel)
					}
					start := time.Now()
					_, err := relay.Dial(ctx, options(t), meet)
					if !errors.Is(err, kind) || !errors.Is(err, c.want) {
						t.Errorf("Dial = %v, want %v and %v", err, c.want, kind)
					}
					if waited := time.Since(start); waited > 3*time.Second {
						t.Errorf("Dial took %v", waited)
					}
				})
			}
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := relay.Dial(t.Context(), options(t), meet)
				if !errors.Is(err, relay.Unreachable) {
					t.Errorf("Dial = %v", err)
				}
				if waited := time.Since(start); waited != c.bound {
					t.Errorf("Dial took %v, want %v", waited, c.bound)
				}
			})
		})
	}
}

func TestContextMeansNothingAfterDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := fake(t, func(srv net.Conn) {
			io.WriteString(srv, switching+"\x01")
			time.Sleep(time.Hour) // fake time
			io.WriteString(srv, "late")
			srv.(wire.CloseWriter).CloseWrite()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		conn, err := relay.Dial(ctx, o, meet)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if got, err := io.ReadAll(conn); string(got) != "late" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestOptions(t *testing.T) {
	url := func(n int) string { return "http://h/" + strings.Repeat("x", n-len("http://h/")) }
	for _, c := range []struct {
		url, token string
		role       wire.Role
		ok         bool
	}{
		{"https://relay.example", "", wire.Sender, true},
		{"http://10.0.0.1:7373/base", "x", wire.Receiver, true},
		{url(relay.MaxURL), "", wire.Sender, true},
		{url(relay.MaxURL + 1), "", wire.Sender, false},
		{"", "", wire.Sender, false},
		{"relay.example", "", wire.Sender, false},
		{"ftp://relay.example", "", wire.Sender, false},
		{"https://", "", wire.Sender, false},
		{"https:relay.example", "", wire.Sender, false},
		{"https://u:p@relay.example", "", wire.Sender, false},
		{"https://relay.example/?token=x", "", wire.Sender, false},
		{"https://relay.example/?", "", wire.Sender, false},
		{"https://relay.example/#x", "", wire.Sender, false},
		{"https://relay.example/\r\nX: y", "", wire.Sender, false},
		{"https://relay.example\r\nX: y/", "", wire.Sender, false},
		{"https://relay.example", "two words", wire.Sender, false},
		{"https://relay.example", "x\r\nX: y", wire.Sender, false},
		{"https://relay.example", "é", wire.Sender, false},
		{"https://relay.example", strings.Repeat("x", wire.MaxRelayBearer), wire.Sender, true},
		{"https://relay.example", strings.Repeat("x", wire.MaxRelayBearer+1), wire.Sender, false},
		{"https://relay.example", "", 0, false},
		{"https://relay.example", "", 3, false},
	} {
		dialed := errors.New("dialed")
		o := relay.Options{URL: c.url, Token: c.token,
			DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, dialed }}
		v := meet
		v.Role = c.role
		_, err := relay.Dial(t.Context(), o, v)
		if c.ok != errors.Is(err, dialed) || c.ok == errors.Is(err, relay.BadOptions) {
			t.Errorf("Dial with %+v: %v", c, err)
		}
		if c.role == wire.Sender && c.token == "" && c.ok != (relay.CheckURL(c.url) == nil) {
			t.Errorf("CheckURL(%q) = %v", c.url, relay.CheckURL(c.url))
		}
		if !c.ok && c.url != "" && err != nil && strings.Contains(err.Error(), c.url) {
			t.Errorf("error repeats the URL: %v", err)
		}
	}
}

func TestDialsTheRightPort(t *testing.T) {
	for url, want := range map[string]string{
		"http://h": "h:80", "https://h": "h:443", "http://h:81": "h:81", "https://[::1]:9/x": "[::1]:9",
	} {
		var got string
		o := relay.Options{URL: url, DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
			got = network + " " + addr
			return nil, errors.New("no")
		}}
		relay.Dial(t.Context(), o, meet)
		if got != "tcp "+want {
			t.Errorf("%s dials %s", url, got)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(switching + "\x00\x01rest"))
	f.Add([]byte(switching + "\x02"))
	f.Add([]byte("HTTP/1.1 403 Forbidden\r\nVcon-Transfer-Relay: 1\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		client, srv := transfertest.PipeSize(len(answer) + 4096)
		srv.Write(answer)
		srv.(wire.CloseWriter).CloseWrite()
		o := relay.Options{URL: "http://relay.test",
			DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
		conn, err := relay.Dial(t.Context(), o, meet)
		if err != nil {
			if _, ok := errors.AsType[*relay.Error](err); !ok {
				t.Fatalf("error is a %T: %v", err, err)
			}
			return
		}
		rest, err := io.ReadAll(conn)
		conn.Close()
		if err != nil {
			t.Fatal(err)
		}
		// What came out of the pipe is the end of what went in, behind the first joined signal.
		if !strings.HasSuffix(string(answer), "\x01"+string(rest)) {
			t.Fatalf("the pipe gave %q", rest)
		}
	})
}

func ExampleReason_Hint() {
	err := fmt.Errorf("receive: %w", &relay.Error{Reason: relay.Unauthorized, Status: 401})
	if e, ok := errors.AsType[*relay.Error](err); ok {
		fmt.Println(err)
		fmt.Println(e.Reason.Hint())
	}
	// Output:
	// receive: dial relay: relay wants a valid token: status 401
	// ask who runs the relay for a token
}
