package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// start runs a relay on real loopback and returns its address.
func start(t testing.TB, o server.Options) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.DrainTimeout = -1
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.New(o).Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// meetOver seats both parties over real sockets.
func meetOver(t testing.TB, o relay.Options) (a, b wire.Conn) {
	t.Helper()
	first := make(chan result, 1)
	go func() {
		c, err := relay.Dial(context.Background(), o, place(1, wire.Receiver))
		first <- result{c, err}
	}()
	b, err := relay.Dial(context.Background(), o, place(1, wire.Sender))
	if err != nil {
		t.Fatal(err)
	}
	f := <-first
	if f.err != nil {
		t.Fatal(f.err)
	}
	t.Cleanup(func() { f.conn.Close(); b.Close() })
	return f.conn, b
}

// pour sends n random bytes from a to b and compares their hashes.
func pour(t testing.TB, a, b wire.Conn, n int64) {
	t.Helper()
	sent := make(chan [32]byte, 1)
	go func() {
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(a, h), io.LimitReader(rand.Reader, n)); err != nil {
			t.Error(err)
		}
		if err := a.(wire.CloseWriter).CloseWrite(); err != nil {
			t.Error(err)
		}
		sent <- [32]byte(h.Sum(nil))
	}()
	h := sha256.New()
	if got, err := io.Copy(h, b); got != n || err != nil {
		t.Errorf("%d of %d bytes arrived, %v", got, n, err)
	}
	if want := <-sent; [32]byte(h.Sum(nil)) != want {
		t.Error("other bytes arrived")
	}
}

func TestLoopback(t *testing.T) {
	transfertest.CheckLeaks(t)
	o := relay.Options{URL: "http://" + start(t, server.Options{})}
	for range 3 { // the channel is used again
		a, b := meetOver(t, o)
		pour(t, a, b, 4<<20)
		pour(t, b, a, 1<<20)
		a.Close()
		b.Close()
	}
}

func TestTLS(t *testing.T) {
	transfertest.CheckLeaks(t)
	cert, roots := certificate(t)
	addr := start(t, server.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	o := relay.Options{URL: "https://" + addr, TLS: &tls.Config{RootCAs: roots}}
	a, b := meetOver(t, o)
	pour(t, a, b, 4<<20)
	pour(t, b, a, 1<<20)

	if _, err := relay.Dial(t.Context(), relay.Options{URL: o.URL}, place(1, wire.Sender)); !errors.Is(err, relay.Unreachable) {
		t.Errorf("Dial without the certificate = %v", err)
	}
	if _, err := relay.Dial(t.Context(), relay.Options{URL: "http://" + addr}, place(1, wire.Sender)); !errors.Is(err, relay.NotRelay) {
		t.Errorf("Dial with the wrong scheme = %v", err)
	}
}

// certificate makes one for 127.0.0.1.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	transfertest.CheckLeaks(t)
	l := transfertest.NewListener()
	l.Close()
	if err := server.New(server.Options{}).Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve = %v", err)
	}
}

// A relay that links neither the codec nor the keys cannot read content.
func TestRelayIsBlind(t *testing.T) {
	const module = "github.com/vcon-transfer/vcon-transfer/"
	allowed := map[string][]string{
		module + "transfer/relay/server": {module + "transfer/relay/server", module + "transfer/wire"},
		module + "transfer/relay":        {module + "transfer/relay", module + "transfer/wire"},
		module + "transfer/local":        {module + "transfer/local", module + "transfer/wire"},
		module + "transfer/wire":         {module + "transfer/wire"},
	}
	for pkg, want := range allowed {
		out, err := exec.Command("go", "list", "-deps", pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for dep := range strings.FieldsSeq(string(out)) {
			switch {
			case strings.HasPrefix(dep, module):
				if !slices.Contains(want, dep) {
					t.Errorf("%s links %s", pkg, dep)
				}
				seen++
			case strings.Contains(strings.Split(dep, "/")[0], ".") && !strings.HasPrefix(dep, "golang.org/x/time"):
				t.Errorf("%s links %s", pkg, dep)
			}
		}
		if seen != len(want) {
			t.Errorf("%s links %d packages of the module, want %d", pkg, seen, len(want))
		}
	}
}

func BenchmarkRelay(b *testing.B) {
	for _, bc := range []struct {
		name    string
		relayed bool
	}{{"relayed", true}, {"direct", false}} {
		b.Run(bc.name, func(b *testing.B) {
			var from, to wire.Conn
			if bc.relayed {
				from, to = meetOver(b, relay.Options{URL: "http://" + start(b, server.Options{})})
			} else {
				from, to = direct(b)
			}
			chunk := make([]byte, wire.HeaderSize+wire.MaxData)
			b.SetBytes(int64(len(chunk)))
			b.ReportAllocs()
			done := make(chan struct{})
			go func() {
				defer close(done)
				buf := make([]byte, 128<<10)
				io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{to}, buf)
			}()
			b.ResetTimer()
			for range b.N {
				if _, err := from.Write(chunk); err != nil {
					b.Fatal(err)
				}
			}
			from.(wire.CloseWriter).CloseWrite()
			<-done
			b.StopTimer()
			from.Close()
			to.Close()
		})
	}
}

// direct is what loopback gives without a relay.
func direct(b *testing.B) (from, to net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	if from, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		b.Fatal(err)
	}
	if to, err = ln.Accept(); err != nil {
		b.Fatal(err)
	}
	return from, to
}
