package local_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/local"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

func listen(t *testing.T, o local.Options) *local.Listener {
	t.Helper()
	l, err := local.Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// talk sends one word each way over a new connection to target.
func talk(t *testing.T, l *local.Listener, target string) {
	t.Helper()
	dialed, err := local.Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	for _, d := range []struct{ from, to wire.Conn }{{dialed, accepted}, {accepted, dialed}} {
		if _, err := d.from.Write([]byte("word")); err != nil {
			t.Fatal(err)
		}
		if err := d.from.(wire.CloseWriter).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(d.to); string(got) != "word" || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
	}
}

// folder is a short one: t.TempDir's can be too long for a socket.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestPrivateAddresses(t *testing.T) {
	transfertest.CheckLeaks(t)
	l := listen(t, local.Options{})
	addrs := l.Addrs()
	if len(addrs) == 0 || len(addrs) > local.MaxAddrs {
		t.Fatalf("%d addresses", len(addrs))
	}
	if addrs[0].Addr() != local.DefaultAddr() {
		t.Errorf("first address is %v, the default one %v", addrs[0], local.DefaultAddr())
	}
	for _, a := range addrs {
		if !local.IsPrivate(a.Addr()) || a.Addr().Zone() != "" || a.Port() == 0 {
			t.Errorf("address %v", a)
		}
		talk(t, l, a.String())
	}
}

func TestNamedAddress(t *testing.T) {
	transfertest.CheckLeaks(t)
	for _, c := range []struct{ addr, host string }{
		{"127.0.0.1:0", "127.0.0.1"},
		{"0.0.0.0:0", local.DefaultAddr().String()},
		{":0", local.DefaultAddr().String()},
	} {
		l := listen(t, local.Options{Addr: c.addr})
		if got := l.Addrs()[0].Addr().String(); got != c.host {
			t.Errorf("%s is told as %s", c.addr, got)
		}
		talk(t, l, l.Addrs()[0].String())
	}
	for _, bad := range []string{"127.0.0.1", "127.0.0.1:99999", "no such host:0", "192.0.2.77:0"} {
		if l, err := local.Listen(t.Context(), local.Options{Addr: bad}); err == nil {
			t.Errorf("%s is listened on", bad)
			l.Close()
		}
	}
}

func TestAcceptEnds(t *testing.T) {
	transfertest.CheckLeaks(t)
	l := listen(t, local.Options{Addr: "127.0.0.1:0"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Accept(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Accept = %v", err)
	}
	ended := make(chan error)
	go func() {
		_, err := l.Accept(t.Context())
		ended <- err
	}()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
	if _, err := local.Dial(t.Context(), l.Addrs()[0].String()); err == nil {
		t.Error("Dial after Close works")
	}
}

func TestStrangersAreBounded(t *testing.T) {
	transfertest.CheckLeaks(t)
	l := listen(t, local.Options{Addr: "127.0.0.1:0"})
	target := l.Addrs()[0].String()
	var strangers []net.Conn
	for range local.MaxPerAddress {
		c, err := net.Dial("tcp", target)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		strangers = append(strangers, c)
	}
	// One more is closed without a word, while those before it stay.
	c, err := net.Dial("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("one too many got bytes")
	}
	// A stranger who says nothing does not keep the others from being accepted, and a closed one makes room.
	for i := range strangers {
		c, err := l.Accept(t.Context())
		if err != nil {
			t.Fatalf("stranger %d: %v", i, err)
		}
		c.Close()
		c.Close()
	}
	talk(t, l, target)
}

func TestClosesWhatNobodyAccepted(t *testing.T) {
	transfertest.CheckLeaks(t)
	l := listen(t, local.Options{Addr: "127.0.0.1:0"})
	dialed, err := local.Dial(t.Context(), l.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	l.Close()
	if n, err := dialed.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes from a closed listener", n)
	}
}

func TestDialStopsWithContext(t *testing.T) {
	transfertest.CheckLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, target := range []string{"127.0.0.1:1", "unix:/nowhere", "[fe80::1]:1", "nonsense"} {
		if c, err := local.Dial(ctx, target); err == nil {
			t.Errorf("Dial(%q) works", target)
			c.Close()
		}
	}
}

func TestSocket(t *testing.T) {
	transfertest.CheckLeaks(t)
	path := filepath.Join(folder(t), "new", "s")
	l := listen(t, local.Options{Socket: path})
	if l.Addrs() != nil {
		t.Errorf("a socket has the addresses %v", l.Addrs())
	}
	for _, c := range []struct {
		path string
		mode os.FileMode
	}{{filepath.Dir(path), 0o700 | os.ModeDir}, {path, 0o600 | os.ModeSocket}} {
		fi, err := os.Lstat(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode() != c.mode {
			t.Errorf("mode is %v, want %v", fi.Mode(), c.mode)
		}
	}
	talk(t, l, local.SocketPrefix+path)
	if _, err := local.Listen(t.Context(), local.Options{Socket: path}); !errors.Is(err, local.ErrSocketInUse) {
		t.Errorf("second Listen = %v", err)
	}
	probe, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	probe.Close()
	talk(t, l, local.SocketPrefix+path)
	l.Close()
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

func TestSocketAndTCP(t *testing.T) {
	transfertest.CheckLeaks(t)
	path := filepath.Join(folder(t), "s")
	l := listen(t, local.Options{Addr: "127.0.0.1:0", Socket: path})
	talk(t, l, local.SocketPrefix+path)
	talk(t, l, l.Addrs()[0].String())
}

func TestStaleSocket(t *testing.T) {
	transfertest.CheckLeaks(t)
	path := filepath.Join(folder(t), "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	l := listen(t, local.Options{Socket: path})
	talk(t, l, local.SocketPrefix+path)

	// Another process has replaced the socket meanwhile: Close leaves that one alone.
	os.Remove(path)
	other := listen(t, local.Options{Socket: path})
	l.Close()
	talk(t, other, local.SocketPrefix+path)
}

func TestSocketRefusals(t *testing.T) {
	transfertest.CheckLeaks(t)
	dir := folder(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	sticky := filepath.Join(dir, "sticky")
	if err := errors.Join(os.Mkdir(sticky, 0o700), os.Chmod(sticky, 0o777|os.ModeSticky)); err != nil {
		t.Fatal(err)
	}
	longest := filepath.Join(dir, strings.Repeat("x", local.MaxSocketPath-len(dir)-1))
	for _, c := range []struct {
		name, path string
		want       error // nil: any
		ok         bool
	}{
		{"file", file, local.ErrNotSocket, false},
		{"folder for all", filepath.Join(open, "s"), local.ErrSocketFolder, false},
		{"sticky folder", filepath.Join(sticky, "s"), nil, true},
		{"longest path", longest, nil, true},
		{"too long path", longest + "x", nil, false},
		{"folder is a file", filepath.Join(file, "s"), nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := local.Listen(t.Context(), local.Options{Socket: c.path})
			if c.ok != (err == nil) || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("Listen = %v", err)
			}
			if err == nil {
				l.Close()
			}
		})
	}
	if got, err := os.ReadFile(file); string(got) != "precious" {
		t.Errorf("the file is %q, %v", got, err)
	}
}

func TestIsPrivate(t *testing.T) {
	for s, want := range map[string]bool{
		"10.0.0.0": true, "10.255.255.255": true, "9.255.255.255": false, "11.0.0.0": false,
		"172.15.255.255": false, "172.16.0.0": true, "172.31.255.255": true, "172.32.0.0": false,
		"192.167.255.255": false, "192.168.0.0": true, "192.168.255.255": true, "192.169.0.0": false,
		"127.0.0.1": true, "127.255.255.255": true, "128.0.0.0": false,
		"169.253.255.255": false, "169.254.0.0": true, "169.255.0.0": false,
		"100.64.0.1": false, "0.0.0.0": false, "255.255.255.255": false, "224.0.0.251": false, "8.8.8.8": false,
		"::1": true, "::": false, "::2": false, "fe80::1": true, "fe80::1%eth0": true, "febf::1": true, "fec0::1": false,
		"fc00::1": true, "fdff::1": true, "fe00::1": false, "fbff::1": false, "ff02::1": false, "2001:db8::1": false,
		"::ffff:10.0.0.1": true, "::ffff:8.8.8.8": false, "64:ff9b::a00:1": false, "2002:a00:1::": false,
	} {
		if got := local.IsPrivate(netip.MustParseAddr(s)); got != want {
			t.Errorf("IsPrivate(%s) = %v", s, got)
		}
	}
	if local.IsPrivate(netip.Addr{}) {
		t.Error("the zero Addr is private")
	}
}
