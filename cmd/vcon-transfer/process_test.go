package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

// sampleFile is the sample history as a file.
func sampleFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sample.cbor")
	if err := os.WriteFile(name, sample.CBOR, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// limited is the test's context with a bound on its processes.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), processTime)
	t.Cleanup(cancel)
	return ctx
}

// begin starts a process that ends with the test.
func begin(t *testing.T, ctx context.Context, dir string, args ...string) *process {
	t.Helper()
	p, err := start(ctx, dir, []string{"XDG_DATA_HOME=" + dir, "TMPDIR=" + dir, "TZ=UTC"}, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.signal(os.Kill); p.wait() })
	return p
}

// heard is hear, for what has to come.
func heard(t *testing.T, ctx context.Context, p *process, pattern string) string {
	t.Helper()
	s, err := p.hear(ctx, pattern)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exits(t *testing.T, p *process, want int) {
	t.Helper()
	if got := p.wait(); got != want {
		t.Errorf("%s ended with %d, want %d:\n%s", p.name, got, want, p.stderr())
	}
}

// imported counts the messages in a store, or -1 when there is no room in it.
func imported(t *testing.T, ctx context.Context, dir, store string) int {
	t.Helper()
	p := begin(t, ctx, dir, "history", "show", "--store", store)
	if p.wait() != 0 {
		return -1
	}
	return strings.Count(p.out.String(), "\n2022-02-09 ")
}

func TestWrongDigits(t *testing.T) {
	for _, c := range []struct {
		name string
		exit int
		code func(shown string) []string
	}{
		{"three times", exitCheckCode, func(s string) []string { return []string{wrong(s), wrong(s), wrong(s)} }},
		{"twice, then right", exitDone, func(s string) []string { return []string{wrong(s), wrong(s), s} }},
		{"with a blank", exitDone, func(s string) []string { return []string{s[:3] + " " + s[3:]} }},
		{"no digits at first", exitDone, func(s string) []string { return []string{"yes", s} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, ctx := t.TempDir(), limited(t)
			receive, send, err := pairRun{
				dir: dir, receive: []string{"--listen", "127.0.0.1:0", "--store", "new.db"},
				send: []string{sampleFile(t), "--yes"}, code: c.code,
			}.run(ctx)
			if err != nil {
				t.Fatal(err)
			}
			exits(t, receive, c.exit)
			exits(t, send, c.exit)
			if n := imported(t, ctx, dir, "new.db"); (n > 0) != (c.exit == exitDone) {
				t.Errorf("%d messages were imported", n)
			}
		})
	}
}

// wrong is other digits.
func wrong(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

// Nothing is sent without consent, and a question that nobody answers is no yes.
func TestConsent(t *testing.T) {
	for _, c := range []struct {
		answer string
		exit   int
	}{{"n\n", exitDeclined}, {"\n", exitDeclined}, {"", exitDeclined}, {"maybe\n", exitDeclined}, {"y\n", exitDone}} {
		t.Run(fmt.Sprintf("%q", c.answer), func(t *testing.T) {
			t.Parallel()
			dir, ctx := t.TempDir(), limited(t)
			receive := begin(t, ctx, dir, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--qr", "none", "--offer-out", "offer.txt")
			heard(t, ctx, receive, "Waiting")
			send := begin(t, ctx, dir, "send", sampleFile(t), "--offer-file", "offer.txt")
			heard(t, ctx, send, `Send it\? \[y/N\]`)
			io.WriteString(send.stdin, c.answer)
			if c.exit == exitDone {
				receive.tell(heard(t, ctx, send, `Check code: (\d{6})`))
			} else {
				send.stdin.Close()
			}
			exits(t, send, c.exit)
			exits(t, receive, c.exit)
			if strings.Contains(send.stderr(), "Check code") != (c.exit == exitDone) {
				t.Errorf("the check code is shown before consent:\n%s", send.stderr())
			}
		})
	}
}

// The offer may be typed or pasted, in groups and in lower case.
func TestPastedOffer(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	receive := begin(t, ctx, dir, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--qr", "none", "--offer-out", "offer.txt")
	heard(t, ctx, receive, "Waiting")
	text, err := os.ReadFile(filepath.Join(dir, "offer.txt"))
	if err != nil {
		t.Fatal(err)
	}
	send := begin(t, ctx, dir, "send", sampleFile(t), "--yes")
	heard(t, ctx, send, "Paste the offer")
	offer := strings.ToLower(strings.TrimSpace(string(text)))
	send.tell(offer[:10] + " " + offer[10:20] + "-" + offer[20:])
	receive.tell(heard(t, ctx, send, `Check code: (\d{6})`))
	exits(t, send, exitDone)
	exits(t, receive, exitDone)
}

// The QR code as a picture is as good as its text, and the picture is private.
func TestScannedOffer(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	receive := begin(t, ctx, dir, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--qr", "code.png")
	heard(t, ctx, receive, "Waiting")
	if info, err := os.Stat(filepath.Join(dir, "code.png")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the picture has the mode %v, %v", info.Mode(), err)
	}
	inspect := begin(t, ctx, dir, "inspect", "code.png")
	exits(t, inspect, exitDone)
	if out := inspect.out.String(); !strings.Contains(out, "an offer") || !strings.Contains(out, "tcp 127.0.0.1:") {
		t.Errorf("inspect says %q", out)
	}
	send := begin(t, ctx, dir, "send", sampleFile(t), "--scan", "code.png", "--yes")
	receive.tell(heard(t, ctx, send, `Check code: (\d{6})`))
	exits(t, send, exitDone)
	exits(t, receive, exitDone)
}

// A second sender with the same code is refused and disturbs nothing.
func TestUsedOffer(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	receive := begin(t, ctx, dir, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--qr", "none", "--offer-out", "offer.txt")
	heard(t, ctx, receive, "Waiting")
	source := sampleFile(t)
	first := begin(t, ctx, dir, "send", source, "--offer-file", "offer.txt", "--yes")
	code := heard(t, ctx, first, `Check code: (\d{6})`)
	second := begin(t, ctx, dir, "send", source, "--offer-file", "offer.txt", "--yes", "--label", "somebody else")
	exits(t, second, exitOffer)
	heard(t, ctx, receive, "(somebody else who has seen the code)")
	if strings.Contains(second.stderr(), "Check code") {
		t.Error("the second sender has a check code")
	}
	receive.tell(code)
	exits(t, first, exitDone)
	exits(t, receive, exitDone)
}

// Who knows nothing can neither use the offer up nor stop the transfer.
func TestStrangers(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	addr := freeAddr(t)
	receive := begin(t, ctx, dir, "receive", "--listen", addr, "--store", "new.db", "--qr", "none", "--offer-out", "offer.txt")
	heard(t, ctx, receive, "Waiting")
	for _, words := range []string{"", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("\x00", 4096), strings.Repeat("\xff", 4096)} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() // the silent ones stay
		io.WriteString(c, words)
	}
	send := begin(t, ctx, dir, "send", sampleFile(t), "--offer-file", "offer.txt", "--yes")
	receive.tell(heard(t, ctx, send, `Check code: (\d{6})`))
	exits(t, send, exitDone)
	exits(t, receive, exitDone)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// One flipped bit on the way ends the transfer, and nothing is imported.
func TestTampered(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	addr := freeAddr(t)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	go func() {
		for {
			from, err := proxy.Accept()
			if err != nil {
				return
			}
			go flipping(from, addr, 20_000)
		}
	}()
	receive, send, err := pairRun{
		dir: dir, receive: []string{"--listen", addr, "--advertise", proxy.Addr().String(), "--store", "new.db"},
		send: []string{sampleFile(t), "--yes"},
	}.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	exits(t, receive, exitVerification)
	exits(t, send, exitVerification)
	list := begin(t, ctx, dir, "history", "list", "--store", "new.db")
	list.wait()
	if out := list.out.String(); strings.Contains(out, "Engineering") && !strings.Contains(out, "ncomplete") {
		t.Errorf("what was tampered with looks complete:\n%s", out)
	}
}

// flipping carries a connection to addr and turns over one bit of what is sent.
func flipping(from net.Conn, addr string, at int) {
	defer from.Close()
	to, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer to.Close()
	go io.Copy(from, to)
	buf := make([]byte, 4096)
	for seen := 0; ; {
		n, err := from.Read(buf)
		if at >= seen && at < seen+n {
			buf[at-seen] ^= 1
		}
		seen += n
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// A signal ends a command at once, with the exit code that shells expect.
func TestInterrupted(t *testing.T) {
	for _, c := range []struct {
		signal os.Signal
		exit   int
	}{{os.Interrupt, exitInterrupted}, {syscall.SIGTERM, exitTerminated}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			t.Parallel()
			dir, ctx := t.TempDir(), limited(t)
			waiting := begin(t, ctx, dir, "receive", "--listen", "127.0.0.1:0", "--store", "a.db", "--qr", "none")
			heard(t, ctx, waiting, "Waiting")
			waiting.signal(c.signal)
			exits(t, waiting, c.exit)

			// With the digits on the screen: the other side learns of it.
			receive := begin(t, ctx, dir, "receive", "--listen", "127.0.0.1:0", "--store", "b.db", "--qr", "none", "--offer-out", "offer.txt")
			heard(t, ctx, receive, "Waiting")
			send := begin(t, ctx, dir, "send", sampleFile(t), "--offer-file", "offer.txt", "--yes")
			heard(t, ctx, send, "Check code")
			heard(t, ctx, receive, "six digits")
			send.signal(c.signal)
			exits(t, send, c.exit)
			exits(t, receive, exitPeer)
			if !strings.Contains(send.stderr(), "Run the same command again") {
				t.Errorf("no hint:\n%s", send.stderr())
			}
		})
	}
}

// --quiet leaves the question and the results, and nothing else.
func TestQuiet(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	receive, send, err := pairRun{
		dir: dir, receive: []string{"--listen", "127.0.0.1:0", "--store", "new.db"},
		send: []string{sampleFile(t), "--yes", "--quiet"},
	}.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	exits(t, receive, exitDone)
	exits(t, send, exitDone)
	for _, word := range []string{"read as", "Type it on the new device"} {
		if strings.Contains(send.stderr(), word) {
			t.Errorf("quiet, and says %q", word)
		}
	}
	for _, args := range [][]string{
		{"history", "list", "--quiet", "--store", "new.db"},
		{"history", "search", "nothing-like-it", "-q", "--store", "new.db"},
		{"convert", "-q", "new.db", "out.cbor"},
		{"version", "-q"},
	} {
		p := begin(t, ctx, dir, args...)
		exits(t, p, exitDone)
		if p.stderr() != "" {
			t.Errorf("%v says %q", args, p.stderr())
		}
	}
}

// A relay that is asked to stop tells who waits, and ends with success.
func TestRelayStops(t *testing.T) {
	ctx := limited(t)
	relay, url, err := startRelay(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(url, "http://127.0.0.1:") || strings.HasSuffix(url, ":0") {
		t.Errorf("the relay listens on %q", url)
	}
	relay.Process.Signal(syscall.SIGTERM)
	if err := relay.Wait(); err != nil {
		t.Errorf("a relay that was asked to stop: %v", err)
	}
}

// A history may come from standard input; a question that would need it too is
// answered with no.
func TestSourceFromStandardInput(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	receive := begin(t, ctx, dir, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--qr", "none", "--offer-out", "offer.txt")
	heard(t, ctx, receive, "Waiting")
	send := begin(t, ctx, dir, "send", "-", "--offer-file", "offer.txt", "--yes")
	if _, err := send.stdin.Write(sample.JSON); err != nil {
		t.Fatal(err)
	}
	send.stdin.Close()
	receive.tell(heard(t, ctx, send, `Check code: (\d{6})`))
	exits(t, send, exitDone)
	exits(t, receive, exitDone)
	if n := imported(t, ctx, dir, "new.db"); n < 5 {
		t.Errorf("%d messages were imported", n)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "vcon-transfer-*")); err != nil || len(left) > 0 {
		t.Errorf("plaintext is left behind in %v: %v", left, err)
	}
}
