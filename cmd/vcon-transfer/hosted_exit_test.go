package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every exit code, each with its token in done, as docs/subprocess.md has them: those
// of one device that meets nobody.
func TestHostedExitAlone(t *testing.T) {
	for _, c := range []struct {
		name, offer string // how: see offerThat; "" is none
		args        []string
		exit        int
		code        string
	}{
		{"no such flag", "", []string{"receive", "--fast"}, exitUsage, "usage"},
		{"flags that exclude each other", "", []string{"receive", "--store", "a.db", "--out", "b"}, exitUsage, "usage"},
		{"no offer", "", []string{"send", "SAMPLE"}, exitUsage, "usage"},
		{"no source", "expired", []string{"send", "--offer-fd", "3"}, exitUsage, "usage"},
		{"standard input as source", "expired", []string{"send", "-", "--offer-fd", "3"}, exitUsage, "usage"},
		{"descriptor of the events", "", []string{"send", "SAMPLE", "--offer-fd", "1"}, exitUsage, "usage"},
		{"descriptor that is none", "", []string{"send", "SAMPLE", "--offer-fd", "99"}, exitUsage, "usage"},
		{"transport that is a file", "expired", []string{"send", "SAMPLE", "--transport-fd", "3", "--offer-file", "x"}, exitUsage, "usage"},
		{"answer in no time", "", []string{"receive", "--answer-timeout", "10ms"}, exitUsage, "usage"},
		{"mistyped", "mistyped", []string{"send", "SAMPLE", "--offer-fd", "3"}, exitOffer, "offer"},
		{"cut", "cut", []string{"send", "SAMPLE", "--offer-fd", "3"}, exitOffer, "offer"},
		{"not there", "", []string{"send", "SAMPLE", "--offer-file", "missing.txt"}, exitOffer, "offer"},
		{"nobody comes", "", []string{"receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--expires", "1s"}, exitOffer, "expired"},
		{"nobody is there", "expired", []string{"send", "SAMPLE", "--offer-fd", "3", "--timeout", "1s"}, exitPeer, "timeout"},
		{"no such source", "expired", []string{"send", "missing.cbor", "--offer-fd", "3"}, exitSource, "source"},
		{"no room in a file", "", []string{"receive", "--out", "words.txt", "--listen", "127.0.0.1:0"}, exitDestination, "storage"},
		{"address of another machine", "", []string{"receive", "--store", "new.db", "--listen", "192.0.2.1:9"}, exitOther, "listen"},
		{"state that is a file", "", []string{"receive", "--store", "new.db", "--state-dir", "words.txt"}, exitDestination, "storage"},
		{"public address", "public", []string{"send", "SAMPLE", "--offer-fd", "3"}, exitPolicy, "policy"},
		{"another version", "version", []string{"send", "SAMPLE", "--offer-fd", "3"}, exitVersion, "version"},
		{"another suite", "suite", []string{"send", "SAMPLE", "--offer-fd", "3"}, exitVersion, "suite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, ctx := t.TempDir(), limited(t)
			if err := os.WriteFile(filepath.Join(dir, "words.txt"), []byte("words"), 0o600); err != nil {
				t.Fatal(err)
			}
			var files []*os.File
			if c.offer != "" {
				text, err := offerThat(c.offer)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, textFile(t, text))
			}
			sample := sampleFile(t)
			for i, arg := range c.args {
				c.args[i] = strings.Replace(arg, "SAMPLE", sample, 1)
			}
			h := hostStart(t, ctx, dir, files, c.args...)
			if d := h.ends(c.exit, c.code); d["ok"] != false || d["message"] == "" || d["resume"] != false {
				t.Errorf("%v", d)
			}
		})
	}
}

// Those of two devices.
func TestHostedExitTogether(t *testing.T) {
	begin := func(t *testing.T, args ...string) (r, s *hostRun, code string) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		r, offer := hostReceive(t, ctx, dir, args...)
		s = hostSend(t, ctx, dir, offer, "--yes")
		r.event("check_code")
		return r, s, s.event("check_code")["code"].(string)
	}
	t.Run("wrong digits", func(t *testing.T) {
		r, s, code := begin(t)
		for tries := 2; tries > 0; tries-- {
			r.code(wrong(code))
			if e := r.event("check_code"); e["tries"] != float64(tries) {
				t.Errorf("%v", e)
			}
		}
		r.code(wrong(code))
		r.ends(exitCheckCode, "too-many-tries")
		s.ends(exitCheckCode, "too-many-tries")
	})
	t.Run("used offer", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		r, offer := hostReceive(t, ctx, dir)
		s := hostSend(t, ctx, dir, offer, "--yes")
		code := s.event("check_code")["code"]
		late := hostSend(t, ctx, dir, offer, "--yes", "--label", "another")
		late.ends(exitOffer, "taken")
		if w := r.event("warning"); w["code"] != "taken" {
			t.Errorf("%v", w)
		}
		r.code(code)
		s.ends(exitDone, "ok")
		r.ends(exitDone, "ok")
	})
	t.Run("another purpose", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		_, offer := hostReceive(t, ctx, dir, "--catch-up")
		hostSend(t, ctx, dir, offer, "--yes").ends(exitOffer, "intent")
	})
	t.Run("another room", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		r, offer := hostReceive(t, ctx, dir, "--catch-up", "--room", "mimi://example.com/r/other")
		s := hostSend(t, ctx, dir, offer, "--yes", "--room", "mimi://example.com/r/engineering_team")
		s.ends(exitDeclined, "declined")
		r.ends(exitDeclined, "declined")
		for _, line := range s.read {
			if strings.Contains(line, `"consent"`) || strings.Contains(line, `"check_code"`) {
				t.Errorf("another room than was chosen goes as far as %s", line)
			}
		}
	})
	t.Run("no room there", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		r := hostStart(t, ctx, dir, nil, "receive", "--listen", "127.0.0.1:0", "--to-host", "flight")
		s := hostSend(t, ctx, dir, r.event("offer")["text"].(string), "--yes")
		r.event("check_code")
		r.code(s.event("check_code")["code"])
		r.event("have")
		r.tell(`{"cmd":"have"}`)
		for e := r.next(); e["event"] != "commit"; e = r.next() {
			if e["event"] == "batch" {
				r.tell(fmt.Sprintf(`{"cmd":"ack","batch":%v}`, e["batch"]))
			}
		}
		r.tell(`{"cmd":"abort","code":"disk-full"}`)
		r.event("abort")
		if d := r.ends(exitDestination, "storage"); d["resume"] != true || !strings.Contains(d["message"].(string), "disk-full") {
			t.Errorf("%v", d)
		}
		s.ends(exitDestination, "storage")
	})
	t.Run("cancelled there", func(t *testing.T) {
		r, s, _ := begin(t)
		s.tell(`{"cmd":"cancel"}`)
		s.ends(exitInterrupted, "interrupted")
		r.ends(exitPeer, "cancelled")
	})
	for name, c := range map[string]struct {
		signal os.Signal
		exit   int
		code   string
	}{
		"SIGINT":  {os.Interrupt, exitInterrupted, "interrupted"},
		"SIGTERM": {syscall.SIGTERM, exitTerminated, "terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			r, s, _ := begin(t)
			r.cmd.Process.Signal(c.signal)
			r.ends(c.exit, c.code)
			s.ends(exitPeer, "cancelled")
		})
	}
	t.Run("tampered with", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		proxy, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer proxy.Close()
		addr := freeAddr(t)
		go func() {
			for from, err := proxy.Accept(); err == nil; from, err = proxy.Accept() {
				go flipping(from, addr, 20_000)
			}
		}()
		r := hostStart(t, ctx, dir, nil, "receive", "--listen", addr, "--advertise", proxy.Addr().String(), "--store", "new.db")
		s := hostSend(t, ctx, dir, r.event("offer")["text"].(string), "--yes")
		r.event("check_code")
		r.code(s.event("check_code")["code"])
		r.ends(exitVerification, "verification")
		s.ends(exitVerification, "verification")
	})
	t.Run("relay that the host does not want", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		text, err := offerThat("relay")
		if err != nil {
			t.Fatal(err)
		}
		s := hostSend(t, ctx, dir, text)
		if e := s.event("route"); e["route"] != `relay "http://127.0.0.1:1"` {
			t.Errorf("%v", e)
		}
		s.tell(`{"cmd":"route","ok":false}`)
		s.ends(exitDeclined, "declined")
	})
}

// A pause that the host asks for is told there, and the transfer goes on after it.
func TestHostedPause(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r, offer := hostReceive(t, ctx, dir)
	s := hostSend(t, ctx, dir, offer, "--yes")
	r.event("check_code")
	code := s.event("check_code")["code"]
	s.tell(`{"cmd":"pause"}`)
	if e := s.event("paused"); e["told"] != true {
		t.Errorf("%v", e)
	}
	w := r.event("warning")
	until, err := time.Parse(time.RFC3339, w["until"].(string))
	if w["code"] != "peer-paused" || err != nil || time.Until(until) < 20*time.Hour {
		t.Errorf("%v", w)
	}
	s.tell(`{"cmd":"resume"}`)
	r.code(code)
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")
}
