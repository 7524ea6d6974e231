package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

// The contract, line by line, as docs/subprocess.md shows it: names, order, and which
// fields are there. What differs from run to run stands for itself.
func TestHostedLines(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r, offer := hostReceive(t, ctx, dir, "--label", "new phone", "--qr", "event")
	s := hostSend(t, ctx, dir, offer, "--label", "old phone")
	s.event("consent")
	s.tell(`{"cmd":"consent","ok":true}`)
	code := s.event("check_code")["code"]
	r.event("check_code")
	r.code(code)
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")
	const (
		progress = `{"v":1,"event":"progress","bytes":N,"total_bytes":N,"messages":N,"total_messages":15,"held":0,"elapsed_ms":N,"rate":N,"storing":false}`
		storing  = `{"v":1,"event":"progress","bytes":N,"total_bytes":N,"messages":15,"total_messages":15,"held":0,"elapsed_ms":N,"rate":N,"storing":true}`
		ledger   = `"ledger":{"source":15,"imported":14,"there":0,"tombstones":1,"attachments":{"source":1,"imported":1,"there":0}}`
		rooms    = `"rooms":[{"room":"mimi://example.com/r/engineering_team","last":"2022-02-09T07:02:51.316Z"}]`
	)
	exactly(t, r, []string{
		`{"v":1,"event":"offer","text":"OFFER","png":"PNG","routes":["tcp 127.0.0.1:N"],"expires":"TIME"}`,
		`{"v":1,"event":"connected","peer":"old phone","verified":false}`,
		`{"v":1,"event":"check_code","want":true,"tries":3,"peer":"old phone","messages":14,"bytes":N}`,
		`{"v":1,"event":"connected","peer":"old phone","verified":true}`,
		progress, storing,
		`{"v":1,"event":"done","ok":true,"exit":0,"code":"ok","resume":false,"transfer":"HASH","peer":"old phone","root":"HASH",` +
			ledger + `,"sent":N,"received":N,"duration_ms":N,` + rooms + `}`,
	})
	exactly(t, s, []string{
		`{"v":1,"event":"connected","route":"tcp 127.0.0.1:N","peer":"new phone","verified":false}`,
		`{"v":1,"event":"consent","peer":"new phone","intent":"same-account","route":"tcp 127.0.0.1:N",` +
			`"rooms":[{"id":"mimi://example.com/r/engineering_team","name":"Engineering Team","messages":14,"attachments":1,"bytes":N,` +
			`"first":"2022-02-09T06:13:45.019Z","last":"2022-02-09T07:02:51.316Z"}],"messages":14,"attachments":1,"bytes":N,` +
			`"left":{"source":0,"imported":0,"there":0,"tombstones":0,"attachments":{"source":0,"imported":0,"there":0}},"want":true}`,
		`{"v":1,"event":"check_code","code":"DIGITS"}`,
		`{"v":1,"event":"connected","route":"tcp 127.0.0.1:N","peer":"new phone","verified":true}`,
		progress, storing,
		`{"v":1,"event":"done","ok":true,"exit":0,"code":"ok","resume":false,"transfer":"HASH","peer":"new phone","root":"HASH",` +
			ledger + `,"sent":N,"received":N,"duration_ms":N,"route":"tcp 127.0.0.1:N",` + rooms + `}`,
	})
	if r.stderr.Len()+s.stderr.Len() > 0 {
		t.Errorf("diagnostics without a need:\n%s%s", &r.stderr, &s.stderr)
	}
}

// exactly compares what a run said, each line once however often it was said in a row.
func exactly(t *testing.T, h *hostRun, want []string) {
	t.Helper()
	var got []string
	for _, line := range h.read {
		line = strings.TrimSuffix(line, "\n")
		for _, v := range []struct{ pattern, with string }{
			{`"text":"[0-9A-Z]+"`, `"text":"OFFER"`},
			{`"png":"[A-Za-z0-9+/=]+"`, `"png":"PNG"`},
			{`"(expires|started|until)":"[^"]+"`, `"$1":"TIME"`},
			{`"[0-9a-f]{64}"`, `"HASH"`},
			{`"code":"\d{6}"`, `"code":"DIGITS"`},
			{`127\.0\.0\.1:\d+`, `127.0.0.1:N`},
			{`"(bytes|total_bytes|elapsed_ms|rate|sent|received|duration_ms)":\d+`, `"$1":N`},
		} {
			line = regexp.MustCompile(v.pattern).ReplaceAllString(line, v.with)
		}
		if strings.Contains(line, `"progress"`) && strings.Contains(line, `"storing":false`) {
			line = regexp.MustCompile(`"messages":\d+`).ReplaceAllString(line, `"messages":N`)
		}
		if len(got) == 0 || got[len(got)-1] != line {
			got = append(got, line)
		}
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("%s says\n%s\nwant\n%s", h.name, g, w)
	}
}

// What the host consents to may be less than what was asked for, and never more.
func TestHostedConsent(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		exit         int
		code         string
		messages     float64 // that the new device hears of
	}{
		{"no", `{"cmd":"consent","ok":false}`, exitDeclined, "declined", 0},
		{"all", `{"cmd":"consent","ok":true}`, exitDone, "ok", 14},
		{"since", `{"cmd":"consent","ok":true,"since":"2022-02-09T07:00:00Z"}`, exitDone, "ok", 3},
		{"newest", `{"cmd":"consent","ok":true,"max_messages":3}`, exitDone, "ok", 3},
		{"a room", `{"cmd":"consent","ok":true,"rooms":["mimi://example.com/r/engineering_team"]}`, exitDone, "ok", 14},
		{"another room", `{"cmd":"consent","ok":true,"rooms":["mimi://example.com/r/other"]}`, exitDone, "ok", 0},
		{"no room", `{"cmd":"consent","ok":true,"rooms":[]}`, exitDeclined, "declined", 0},
		{"never", `{"cmd":"consent","ok":true,"until":"2022-01-01T00:00:00Z","since":"2022-01-02T00:00:00Z"}`, exitDeclined, "declined", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, ctx := t.TempDir(), limited(t)
			r, offer := hostReceive(t, ctx, dir)
			s := hostSend(t, ctx, dir, offer)
			s.event("consent")
			// A field that this version does not know could have meant less.
			s.tellBad(`{"cmd":"consent","ok":true,"only_on_weekdays":true}`)
			if w := s.event("warning"); w["code"] != "bad-command" {
				t.Errorf("an unknown field: %v", w)
			}
			s.tell(c.answer)
			if c.exit == exitDone {
				code := s.event("check_code")["code"]
				if got, _ := r.event("check_code")["messages"].(float64); got != c.messages {
					t.Errorf("%v messages are announced, want %v", got, c.messages)
				}
				r.code(code)
			}
			s.ends(c.exit, c.code)
			r.ends(c.exit, c.code)
		})
	}
}

// With --yes the host is told, and not asked.
func TestHostedYes(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r, offer := hostReceive(t, ctx, dir)
	s := hostSend(t, ctx, dir, offer, "--yes")
	if e := s.event("consent"); e["want"] != false {
		t.Errorf("--yes, and %v", e)
	}
	r.event("check_code")
	r.code(s.event("check_code")["code"])
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")
}

// Source, offer and state key come by descriptor.
func TestHostedDescriptors(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r, offer := hostReceive(t, ctx, dir)
	source, err := os.Open(sampleFile(t))
	if err != nil {
		t.Fatal(err)
	}
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	s := hostStart(t, ctx, dir, []*os.File{source, textFile(t, offer), textFile(t, key)},
		"send", "--source-fd", "3", "--offer-fd", "4", "--state-key-fd", "5", "--yes")
	r.event("check_code")
	r.code(s.event("check_code")["code"])
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")
}

// The host keeps the state key: nothing on the disk opens what is unfinished, and the
// transfer goes on with the key and not with another one.
func TestHostedStateKey(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	secret := func(h *hostRun, key string) {
		t.Helper()
		if e := h.event("need_secret"); e["secret"] != "state-key" {
			t.Errorf("%v", e)
		}
		h.tell(fmt.Sprintf(`{"cmd":"secret","secret":%q}`, key))
	}
	receive := func() *hostRun {
		return hostStart(t, ctx, dir, nil, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--state-dir", "r", "--ask-state-key")
	}
	history := sampleFile(t)
	send := func(offer string) *hostRun {
		args := []string{"send", history, "--state-dir", "s", "--ask-state-key", "--yes"}
		if offer != "" {
			return hostStart(t, ctx, dir, []*os.File{textFile(t, offer)}, append(args, "--offer-fd", "3")...)
		}
		return hostStart(t, ctx, dir, nil, args...)
	}
	r := receive()
	secret(r, key)
	offer := r.event("offer")["text"].(string)
	s := send(offer)
	secret(s, key)
	r.event("check_code")
	code := s.event("check_code")["code"]
	// A paused sender sends nothing: both end with all of it to do.
	s.tell(`{"cmd":"pause"}`)
	if e := s.event("paused"); e["told"] != true {
		t.Errorf("%v", e)
	}
	r.code(code)
	if e := r.event("connected"); e["verified"] != true {
		t.Errorf("%v", e)
	}
	s.cmd.Process.Kill()
	if e := r.event("warning"); e["code"] != "peer-paused" {
		t.Errorf("%v", e)
	}
	r.tell(`{"cmd":"cancel"}`)
	if d := r.ends(exitInterrupted, "interrupted"); d["resume"] != true {
		t.Errorf("a transfer whose code matched cannot be gone on with: %v", d)
	}
	for _, name := range []string{"r/key", "s/key"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is on the disk", name)
		}
	}
	s.wait()
	r = receive()
	secret(r, key)
	if e := r.event("resumed"); e["complete"] != false || e["peer"] == "" {
		t.Errorf("%v", e)
	}
	s = send("")
	secret(s, key)
	s.event("resumed")
	if e := s.event("connected"); e["verified"] != true && e["verified"] != false {
		t.Errorf("%v", e)
	}
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")

	bad := send("")
	secret(bad, base64.StdEncoding.EncodeToString([]byte("short")))
	bad.ends(exitUsage, "usage")
}

// The host is the transport.
func TestHostedTransport(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	one, other := socketPair(t)
	r := hostStart(t, ctx, dir, []*os.File{one}, "receive", "--store", "new.db", "--transport-fd", "3")
	e := r.event("offer")
	s := hostStart(t, ctx, dir, []*os.File{other, textFile(t, e["text"].(string))},
		"send", sampleFile(t), "--transport-fd", "3", "--offer-fd", "4", "--yes")
	r.event("check_code")
	r.code(s.event("check_code")["code"])
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")
}

// A host that does not answer is not waited for for ever.
func TestHostedSilence(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r, offer := hostReceive(t, ctx, dir)
	s := hostSend(t, ctx, dir, offer, "--answer-timeout", "1s")
	s.event("consent")
	s.ends(exitPeer, "timeout")
	r.ends(exitPeer, "timeout")
}

// The end of the commands matters only where an answer is awaited.
func TestHostedEnd(t *testing.T) {
	t.Run("awaited", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		_, offer := hostReceive(t, ctx, dir)
		s := hostSend(t, ctx, dir, offer)
		s.event("consent")
		s.stdin.Close()
		s.ends(exitInterrupted, "interrupted")
	})
	t.Run("not awaited", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		r, offer := hostReceive(t, ctx, dir)
		s := hostSend(t, ctx, dir, offer, "--yes")
		s.stdin.Close()
		r.event("check_code")
		r.code(s.event("check_code")["code"])
		r.stdin.Close()
		s.ends(exitDone, "ok")
		r.ends(exitDone, "ok")
	})
	t.Run("of the events", func(t *testing.T) {
		t.Parallel()
		dir, ctx := t.TempDir(), limited(t)
		r, offer := hostReceive(t, ctx, dir)
		r.stdout.Close()
		s := hostSend(t, ctx, dir, offer, "--yes")
		s.event("check_code")
		r.wait()
		if got := r.cmd.ProcessState.ExitCode(); got != exitInterrupted {
			t.Errorf("a host that is gone: exit %d\n%s", got, &r.stderr)
		}
	})
}

// A bug is told like every other end.
func TestHostedPanic(t *testing.T) {
	var out strings.Builder
	h := &hosted{pause: new(transfer.Pauser)}
	h.Conn = host.New(host.Options{Write: func(line []byte) error { out.Write(line); return nil }})
	exit := h.run(context.Background(), io.Discard, func() (string, error) { panic("a bug") })
	if err := conforms([]byte(out.String()), eventSchema); err != nil || exit != exitOther || !strings.Contains(out.String(), `"code":"internal"`) {
		t.Errorf("exit %d, %q: %v", exit, &out, err)
	}
}

// Commands that make no sense are told, and change nothing.
func TestHostedBadCommands(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r, offer := hostReceive(t, ctx, dir)
	for _, line := range []string{
		"yes", `{"cmd":"fly"}`, `{"cmd":"check_code"}`, `{"cmd":"consent","ok":"yes"}`, `[]`, `{"cmd":"cancel","ok":true}`,
		`{"cmd":"check_code","code":"123456"}`, `{"cmd":"window","size":0}`, `{} {}`, strings.Repeat("x", host.MaxCommand+1),
	} {
		r.tellBad(line)
		if w := r.event("warning"); w["code"] != "bad-command" && w["code"] != "unexpected-command" {
			t.Errorf("%.40s: %v", line, w)
		}
	}
	s := hostSend(t, ctx, dir, offer, "--yes")
	r.event("check_code")
	r.tellBad("\n\n") // a person's habit
	r.code(s.event("check_code")["code"])
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")
}
