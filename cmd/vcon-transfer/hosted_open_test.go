package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// sharedFile seals the sample for a key, and returns the folder with it, the lines that
// share printed, and the sharer's public identity.
func sharedFile(t *testing.T, ctx context.Context) (dir, printed, sharer string) {
	t.Helper()
	dir = t.TempDir()
	output := func(args ...string) string {
		t.Helper()
		p := begin(t, ctx, dir, args...)
		exits(t, p, exitDone)
		return p.out.String()
	}
	writeText(t, dir, "bob.pub", output("key", "new", "bob.key"))
	output("key", "new", "eve.key")
	sharer = output("identity", "new", "alice.id")
	writeText(t, dir, "alice.pub", sharer)
	writeText(t, dir, "mallory.pub", output("identity", "new", "mallory.id"))
	writeText(t, dir, "policy.json", `{"history_sharing":"optional","roles_that_can_share":[2],"automatically_share":false,"max_time_period":630720000}`)
	writeText(t, dir, "strict.json", `{"history_sharing":"optional","roles_that_can_share":[3],"automatically_share":false,"max_time_period":630720000}`)
	printed = output("share", sampleFile(t), "--room", "mimi://example.com/r/engineering_team", "--to", "bob.pub", "--out", "team.vct",
		"--identity", "alice.id", "--label", "Alice", "--policy", "policy.json", "--role", "2", "--yes")
	return dir, printed, strings.TrimSpace(sharer)
}

// A host opens a sealed file: it is told all that a person is, says yes, and has it in
// its own store; again, and there is nothing to do.
func TestHostedOpen(t *testing.T) {
	ctx := limited(t)
	dir, printed, sharer := sharedFile(t, ctx)
	o := hostStart(t, ctx, dir, nil, "open", "team.vct", "--key", "bob.key", "--to-host", "flight", "--policy", "policy.json")
	e := o.event("shared")
	if e["sharer"] != sharer || e["label"] != "Alice" || e["messages"] != 12.0 || e["recipients"] != 1.0 || e["room_name"] != "Engineering Team" ||
		!strings.Contains(printed, e["id"].(string)) || !strings.Contains(printed, e["root"].(string)) || e["want"] != true {
		t.Errorf("%v", e)
	}
	line := regexp.MustCompile(`^{"v":1,"event":"shared","id":HASH,"root":HASH,"sharer":"VCT-IDENTITY-[A-Z2-7]+","label":"Alice","intent":"catch-up",` +
		`"room":"mimi://example.com/r/engineering_team","room_name":"Engineering Team","role":2,"policy":{"history_sharing":"optional","roles_that_can_share":\[2\],` +
		`"automatically_share":false,"max_time_period":630720000},"since":"[^"]+Z","created":"[^"]+Z","expires":"[^"]+Z","recipients":1,"messages":12,"attachments":1,` +
		`"left":{"source":15,.*"excluded":{"expires":1,"superseded":1},.*},"want":true}\n$`)
	if got := regexp.MustCompile(`"[0-9a-f]{64}"`).ReplaceAllString(o.read[len(o.read)-1], "HASH"); !line.MatchString(got) {
		t.Errorf("%s", got)
	}
	o.tell(`{"cmd":"import","ok":true}`)
	m := newImporter(o)
	m.imports()
	d := o.ends(exitDone, "ok")
	if d["transfer"] != e["id"] || d["root"] != e["root"] || !m.final || len(m.items) != 13 || len(m.contents) != 1 || d["rooms"] == nil {
		t.Errorf("%v, %d items", d, len(m.items))
	}
	again := hostStart(t, ctx, dir, nil, "open", "team.vct", "--key", "bob.key", "--store", "bob.db", "--yes")
	if e := again.event("shared"); e["want"] != false {
		t.Errorf("%v", e)
	}
	again.ends(exitDone, "ok")
}

// Each end of open, with its code.
func TestHostedOpenEnds(t *testing.T) {
	ctx := limited(t)
	dir, _, _ := sharedFile(t, ctx)
	data, err := os.ReadFile(filepath.Join(dir, "team.vct"))
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, dir, "cut.vct", string(data[:len(data)-9]))
	for _, c := range []struct {
		name string
		args []string
		tell string
		exit int
		code string
	}{
		{"no", []string{"team.vct", "--key", "bob.key"}, `{"cmd":"import","ok":false}`, exitDeclined, "declined"},
		{"no trust", []string{"team.vct", "--key", "bob.key", "--trust", "mallory.pub"}, "", exitPolicy, "untrusted"},
		{"another policy", []string{"team.vct", "--key", "bob.key", "--policy", "strict.json"}, "", exitPolicy, "policy"},
		{"another file", []string{"team.vct", "--key", "bob.key", "--expect", strings.Repeat("0", 64)}, "", exitVerification, "verification"},
		{"cut", []string{"cut.vct", "--key", "bob.key"}, "", exitVerification, "verification"},
		{"another's", []string{"team.vct", "--key", "eve.key"}, "", exitOffer, "intent"},
		{"no file", []string{"missing.vct", "--key", "bob.key"}, "", exitSource, "source"},
		{"not sealed", []string{"policy.json", "--key", "bob.key"}, "", exitSource, "source"},
		{"no key", []string{"team.vct", "--key", "alice.pub"}, "", exitUsage, "usage"},
		{"two destinations", []string{"team.vct", "--key", "bob.key", "--store", "a", "--to-host", "b"}, "", exitUsage, "usage"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := hostStart(t, ctx, dir, nil, append([]string{"open"}, c.args...)...)
			if c.tell != "" {
				o.event("shared")
				o.tell(c.tell)
			}
			if d := o.ends(c.exit, c.code); d["ok"] != false || d["message"] == "" {
				t.Errorf("%v", d)
			}
		})
	}
	t.Run("nobody answers", func(t *testing.T) {
		o := hostStart(t, ctx, dir, nil, "open", "team.vct", "--key", "bob.key", "--answer-timeout", "1s")
		o.event("shared")
		o.ends(exitPeer, "timeout")
	})
	t.Run("the host is gone", func(t *testing.T) {
		o := hostStart(t, ctx, dir, nil, "open", "team.vct", "--key", "bob.key")
		o.event("shared")
		o.stdin.Close()
		o.ends(exitInterrupted, "interrupted")
	})
	if _, err := os.Stat(filepath.Join(dir, "vcon-transfer", "history.db")); err == nil {
		t.Error("something was imported")
	}
}

// A host shares, with a key that it keeps; what it says no to, or narrows, is not sealed.
func TestHostedShare(t *testing.T) {
	ctx := limited(t)
	dir, _, _ := sharedFile(t, ctx)
	key, err := pairing.NewIdentityKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, dir, "host.pub", key.Identity().Text())
	start := func(args ...string) *hostRun {
		t.Helper()
		return hostStart(t, ctx, dir, nil, append([]string{"share", sampleFile(t), "--room", "mimi://example.com/r/engineering_team",
			"--to", "bob.pub", "--out", "hosted.vct", "--host-identity", "host.pub"}, args...)...)
	}
	for _, answer := range []string{`{"cmd":"consent","ok":false}`, `{"cmd":"consent","ok":true,"no_media":true}`, `{"cmd":"consent","ok":true,"rooms":["other"]}`} {
		s := start()
		if e := s.event("consent"); e["intent"] != "catch-up" || e["messages"] != 12.0 || e["want"] != true {
			t.Errorf("%v", e)
		}
		s.tell(answer)
		s.ends(exitDeclined, "declined")
	}
	s := start()
	s.event("consent")
	s.tell(`{"cmd":"consent","ok":true}`)
	for _, purpose := range []string{"share-head", "share-root"} {
		e := s.event("sign")
		if e["purpose"] != purpose {
			t.Fatalf("%v", e)
		}
		hash, err := hex.DecodeString(e["hash"].(string))
		if err != nil {
			t.Fatal(err)
		}
		signature, err := key.Sign(pairing.Purpose(purpose), [32]byte(hash))
		if err != nil {
			t.Fatal(err)
		}
		s.tell(fmt.Sprintf(`{"cmd":"signature","signature":%q}`, base64.StdEncoding.EncodeToString(signature)))
	}
	d := s.ends(exitDone, "ok")
	o := hostStart(t, ctx, dir, nil, "open", "hosted.vct", "--key", "bob.key", "--trust", "host.pub", "--yes")
	if e := o.event("shared"); e["sharer"] != key.Identity().Text() || e["id"] != d["transfer"] || e["root"] != d["root"] {
		t.Errorf("%v", e)
	}
	o.ends(exitDone, "ok")
	wrong := start("--out", "wrong.vct", "--yes")
	wrong.event("sign")
	wrong.tell(`{"cmd":"signature","signature":"AAAA"}`)
	wrong.ends(exitUsage, "usage")
	if _, err := os.Stat(filepath.Join(dir, "wrong.vct")); err == nil {
		t.Error("half a file is there")
	}
	start("--out", "x.vct", "--policy", "strict.json", "--role", "2").ends(exitPolicy, "policy")
	start("--out", "x.vct", "--to", "eve.key").ends(exitUsage, "usage")
	start("--out", "team.vct", "--yes").ends(exitDestination, "storage")
}
