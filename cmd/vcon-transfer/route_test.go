package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// The relay goes away in mid-transfer, and with it the new device's process, or both
// processes: the same commands go on over the other route, to the same end.
func TestOtherRoute(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	writeChat(t, dir, "WhatsApp Chat - Route", 3, 40, 0)
	source := "WhatsApp Chat - Route"
	relay, url, err := startRelay(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Process.Kill(); relay.Wait() })
	calm, _ := newCalmRun(t, ctx, dir, "calm.db", []string{source})
	want := content(t, ctx, dir, "calm.db")
	for _, both := range []bool{false, true} {
		store := fmt.Sprintf("both-%t.db", both)
		wire := newTripwire(t, strings.TrimPrefix(url, "http://"))
		receive := []string{"receive", "--qr", "none", "--store", store, "--no-lan",
			"--socket", shortSocket(t), "--relay", "http://" + wire.Addr().String()}
		r := begin(t, ctx, dir, append(slices.Clone(receive), "--offer-out", "offer.txt")...)
		heard(t, ctx, r, "Waiting")
		s := begin(t, ctx, dir, "send", "--yes", source, "--offer-file", "offer.txt")
		code := heard(t, ctx, s, `Check code: (\d{6})`)
		heard(t, ctx, r, "six digits")
		fell := make(chan struct{})
		wire.set(calm/2, func() {
			r.signal(os.Kill)
			if both {
				s.signal(os.Kill)
			}
			close(fell)
		})
		r.tell(code)
		select {
		case <-fell:
		case <-s.ended:
			t.Fatalf("it ended before the cut:\n%s", s.stderr())
		}
		wire.cut(1 << 30) // for good
		before := wire.both()
		r.wait()
		r = begin(t, ctx, dir, receive...)
		heard(t, ctx, r, goingOnFrom)
		if both {
			s.wait()
			s = begin(t, ctx, dir, "send", "--yes", source)
		}
		exits(t, s, exitDone)
		exits(t, r, exitDone)
		if more := wire.both() - before; more > tripwireBuffer {
			t.Errorf("both %t: %d bytes more over the relay", both, more)
		}
		if regexp.MustCompile(`[1-9]\d* already there`).MatchString(s.stderr()) {
			t.Errorf("both %t: what the transfer brought was there:\n%s", both, s.stderr())
		}
		if got := content(t, ctx, dir, store); !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("both %t: the store is not what an undisturbed transfer brings", both)
		}
	}
}

// The new device's address is another program's by now: with a relay the transfer goes
// on there, without one it says what to do.
func TestWaitOfBusyAddress(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	direct := pairing.Route{Kind: pairing.RouteTCP, Addr: addr}
	relay := pairing.Route{Kind: pairing.RouteRelay, Path: "http://127.0.0.1:1"}
	var said strings.Builder
	ui := newTerminal(strings.NewReader(""), &said, &said)
	f := &receiveFlags{listen: "127.0.0.1:0"}
	acceptors, routes, closeAll, err := f.wait(t.Context(), ui, storedTransfer(1, time.Now(), relay, direct), "")
	if err != nil || len(acceptors) != 1 || !slices.Equal(routes, []pairing.Route{relay}) || !strings.Contains(said.String(), "Only the relay is left") {
		t.Fatalf("%d acceptors, %v, %v; says %q", len(acceptors), routes, err, &said)
	}
	closeAll()
	f = &receiveFlags{listen: "127.0.0.1:0"}
	if _, _, _, err = f.wait(t.Context(), ui, storedTransfer(1, time.Now(), direct), ""); err == nil || !strings.Contains(err.Error(), "--new") {
		t.Errorf("without a relay: %v", err)
	}
	if _, _, closeAll, err = (&receiveFlags{listen: "127.0.0.1:0", relay: relay.Path}).wait(t.Context(), ui, nil, ""); err != nil {
		t.Fatal(err)
	}
	closeAll()
	if _, _, _, err = (&receiveFlags{listen: addr.String(), relay: relay.Path}).wait(t.Context(), ui, nil, ""); err == nil {
		t.Error("a new transfer does without the address that was asked for")
	}
}

// A new device that waits where the old one does not look says so.
func TestSayMoved(t *testing.T) {
	tcp := func(s string) pairing.Route {
		return pairing.Route{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort(s)}
	}
	relay := pairing.Route{Kind: pairing.RouteRelay, Path: "https://relay.example"}
	here, there, forwarded := tcp("192.168.1.2:4000"), tcp("10.0.0.7:4000"), tcp("203.0.113.1:80")
	for _, c := range []struct {
		name          string
		looked, waits []pairing.Route
		moved         string
	}{
		{"nowhere", nil, []pairing.Route{here}, ""},
		{"where it was", []pairing.Route{here}, []pairing.Route{here}, ""},
		{"one address more", []pairing.Route{here}, []pairing.Route{there, here}, ""},
		{"another network", []pairing.Route{here}, []pairing.Route{there}, "192.168.1.2:4000"},
		{"another network, and a relay", []pairing.Route{relay, here}, []pairing.Route{relay, there}, ""},
		{"another relay", []pairing.Route{relay}, []pairing.Route{{Kind: pairing.RouteRelay, Path: "https://other.example"}}, "relay.example"},
		{"forwarding that is not said again", []pairing.Route{forwarded, here}, []pairing.Route{here}, ""},
		{"forwarding of another address", []pairing.Route{forwarded, here}, []pairing.Route{there}, "203.0.113.1:80"},
	} {
		var said strings.Builder
		sayMoved(newTerminal(strings.NewReader(""), &said, &said), c.looked, c.waits)
		if c.moved == "" && said.String() != "" || !strings.Contains(said.String(), c.moved) {
			t.Errorf("%s: says %q", c.name, &said)
		}
	}
}

// shortSocket is a path for a unix socket, which has room for some hundred bytes.
func shortSocket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}
