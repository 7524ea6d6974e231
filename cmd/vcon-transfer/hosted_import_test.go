package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// An importer is a host's store: what it staged, and what is final.
type importer struct {
	h        *hostRun
	reject   string // the dialog with this in it
	items    map[string]string
	contents map[string]bool
	final    bool
}

// batch stages a batch and acknowledges it.
func (m *importer) batch(e map[string]any) {
	m.h.t.Helper()
	var rejected string
	items, _ := e["items"].([]any)
	for _, v := range items {
		item := v.(map[string]any)
		text, err := json.Marshal(item["dialog"])
		if err != nil {
			m.h.t.Fatal(err)
		}
		if m.reject != "" && strings.Contains(string(text), m.reject) {
			rejected = fmt.Sprintf(`,"rejected":[{"item":%v,"code":"not-for-me"}]`, item["item"])
			continue
		}
		m.items[item["key"].(string)] = string(text)
	}
	contents, _ := e["attachments"].([]any)
	for _, v := range contents {
		a := v.(map[string]any)
		if err := os.Rename(a["path"].(string), filepath.Join(m.h.cmd.Dir, a["sha256"].(string))); err != nil {
			m.h.t.Error(err)
		}
		m.contents[a["sha256"].(string)] = true
	}
	m.h.tell(fmt.Sprintf(`{"cmd":"ack","batch":%v%s}`, e["batch"], rejected))
}

// imports answers everything until the end.
func (m *importer) imports() {
	for e := m.h.next(); e != nil; e = m.h.next() {
		switch e["event"] {
		case "have":
			m.h.tell(`{"cmd":"have"}`)
		case "batch":
			m.batch(e)
		case "commit":
			m.final = true
			m.h.tell(`{"cmd":"committed"}`)
		}
	}
}

func newImporter(h *hostRun) *importer {
	return &importer{h: h, items: make(map[string]string), contents: make(map[string]bool)}
}

func receiveToHost(t *testing.T, dir string) *hostRun {
	t.Helper()
	return hostStart(t, limited(t), dir, nil, "receive", "--listen", "127.0.0.1:0", "--to-host", "flight", "--state-dir", "state")
}

// A whole history goes into a host's store; one record that it does not take is in both
// ledgers; and every line is as docs/subprocess.md has it.
func TestHostedImport(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r := receiveToHost(t, dir)
	s := hostSend(t, ctx, dir, r.event("offer")["text"].(string), "--yes", "--label", "old phone")
	r.event("check_code")
	r.code(s.event("check_code")["code"])
	m := newImporter(r)
	m.reject = "shipped release"
	m.imports()
	for _, d := range []map[string]any{s.ends(exitDone, "ok"), r.ends(exitDone, "ok")} {
		l := d["ledger"].(map[string]any)
		if q, _ := l["quarantined"].(map[string]any); q["host not-for-me"] != 1.0 || l["imported"] != 13.0 {
			t.Errorf("%v", l)
		}
	}
	if len(m.items) != 14 || len(m.contents) != 1 || !m.final {
		t.Errorf("%d items, %d contents, final %v", len(m.items), len(m.contents), m.final)
	}
	left, err := filepath.Glob(filepath.Join(dir, "flight", "*", "*"))
	if err != nil || len(left) != 1 || !strings.Contains(left[0], "receipts") {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
	shape := regexp.MustCompile(`"[0-9a-f]{64}"`)
	want := []string{
		`^{"v":1,"event":"have","want":true,"transfer":HASH,"sender":"old phone","messages":14,"bytes":\d+}\n$`,
		`^{"v":1,"event":"batch","batch":\d+,"segment":HASH,"kind":"messages","room":{"id":"mimi://example.com/r/engineering_team","name":"Engineering Team"},` +
			`"parties":\[{.*}\],"items":\[{"item":0,"key":HASH,"time":"2022-02-09T06:13:45\.019Z","tombstone":false,"dialog":{"type":"text",.*}.*\],"last":true}\n$`,
		`^{"v":1,"event":"batch","batch":\d+,"segment":HASH,"kind":"attachment","room":{"id":"mimi://.*"},"attachments":\[{"item":0,"message_id":"[^"]+",` +
			`"part":\d+,"size":\d+,"sha256":HASH,"media_type":"[^"]+",("filename":"[^"]+",)?"path":"/.*/flight/parts/[0-9a-f]{64}"}\],"last":true}\n$`,
		`^{"v":1,"event":"commit","want":true,"transfer":HASH,"root":HASH,"ledger":{"source":15,"imported":13,.*}\n$`,
	}
	for _, pattern := range want {
		found := false
		for _, line := range r.read {
			found = found || regexp.MustCompile(pattern).MatchString(shape.ReplaceAllString(line, "HASH"))
		}
		if !found {
			t.Errorf("no line is %s:\n%s", pattern, strings.Join(r.read, ""))
		}
	}
}

// --strict: the device that was given it ends with an error, of a history that is
// imported, when something of it is in quarantine, and as ever when nothing is.
func TestStrict(t *testing.T) {
	for _, c := range []struct {
		name, reject       string
		receiver, sender   []string
		received, sentWith int
	}{
		{"on the new device", "shipped release", []string{"--strict"}, nil, exitQuarantined, exitDone},
		{"on the old device", "shipped release", nil, []string{"--strict"}, exitDone, exitQuarantined},
		{"with nothing to say", "", []string{"--strict"}, []string{"--strict"}, exitDone, exitDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, ctx := t.TempDir(), limited(t)
			r := hostStart(t, ctx, dir, nil, append([]string{"receive", "--listen", "127.0.0.1:0", "--to-host", "flight"}, c.receiver...)...)
			s := hostSend(t, ctx, dir, r.event("offer")["text"].(string), append([]string{"--yes"}, c.sender...)...)
			r.event("check_code")
			r.code(s.event("check_code")["code"])
			m := newImporter(r)
			m.reject = c.reject
			m.imports()
			if !m.final {
				t.Error("not imported")
			}
			codes := map[int]string{exitDone: "ok", exitQuarantined: "quarantined"}
			for _, d := range []map[string]any{s.ends(c.sentWith, codes[c.sentWith]), r.ends(c.received, codes[c.received])} {
				if d["ledger"] == nil || d["root"] == nil || d["transfer"] == nil || d["resume"] != false || d["ok"] != (d["exit"] == float64(exitDone)) {
					t.Errorf("%v", d)
				}
			}
		})
	}
}

// The new device is killed with a batch in its host's hands; the same command ends the
// import, and the host has each item once.
func TestHostedImportKilled(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r := receiveToHost(t, dir)
	s := hostStart(t, ctx, dir, []*os.File{textFile(t, r.event("offer")["text"].(string))},
		"send", sampleFile(t), "--offer-fd", "3", "--yes", "--state-dir", "sender")
	r.event("check_code")
	r.code(s.event("check_code")["code"])
	m := newImporter(r)
	r.event("have")
	r.tell(`{"cmd":"have"}`)
	for n := 0; n < 2; n++ {
		m.batch(r.event("batch"))
	}
	last := r.event("batch")
	r.cmd.Process.Kill()
	r.wait()

	again := receiveToHost(t, dir)
	m.h = again
	m.imports()
	d := again.ends(exitDone, "ok")
	s.ends(exitDone, "ok")
	if !strings.Contains(strings.Join(again.read, ""), fmt.Sprint(last["segment"])) {
		t.Error("what was not acknowledged did not come again")
	}
	if l := d["ledger"].(map[string]any); len(m.items) != 15 || len(m.contents) != 1 || l["imported"] != 14.0 {
		t.Errorf("%d items, %v", len(m.items), l)
	}
}
