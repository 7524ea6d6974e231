package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

const (
	peakVideo    = 200 << 20
	peakPictures = 500 // of cutPicture bytes
	peakDays     = 30

	// What the disk of the new device has to have for a history, in per cent of the bytes
	// that it announces; docs/store.md says why texts take more. The journal comes on top.
	peakContent    = 115
	peakStoreTexts = 220
	peakCBORTexts  = 205
	peakJSONTexts  = 225
	peakJournal    = 8 << 20

	// peakSpooled is how much of the old device's disk a message of an export may take:
	// 600,000 of them make 64 MiB.
	peakSpooled = 64 << 20 / 600_000
)

// The new device needs no more disk than it should: a disk of just that size is enough,
// with all that is on it at any moment. The spool of the old device is bounded too.
func TestPeakDisk(t *testing.T) {
	if raceEnabled {
		t.Skip("measures; what is concurrent is raced elsewhere")
	}
	if !mountsHere(t) {
		return
	}
	dir := t.TempDir()
	writeChat(t, dir, "WhatsApp Chat - Video", 1, 0, peakVideo)
	writeChat(t, dir, "WhatsApp Chat - Pictures", 2, peakPictures, 0)
	writeLogs(t, filepath.Join(dir, "logs"), peakDays)
	reader := readerOf(t, ircLogs(peakDays))
	texts, err := history.NewSource(reader, history.SourceOptions{}).Overview(t.Context(), segment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source  string
		spooled int64 // messages: content is not copied
		payload int64
		percent map[string]int64
	}{
		{"WhatsApp Chat - Video", 0, peakVideo, map[string]int64{"store": peakContent, "cbor": peakContent, "json": peakContent}},
		{"WhatsApp Chat - Pictures", 0, peakPictures * cutPicture, map[string]int64{"store": peakContent, "cbor": peakContent, "json": peakContent}},
		{"logs", largeMessages, int64(texts.Bytes), map[string]int64{"store": peakStoreTexts, "cbor": peakCBORTexts, "json": peakJSONTexts}},
	} {
		for kind, percent := range c.percent {
			t.Run(c.source+" to "+kind, func(t *testing.T) {
				ctx := limited(t)
				space := c.payload * percent / 100
				if percent == peakStoreTexts {
					space += peakJournal
				}
				d := newDisk(t, space)
				f := &filling{dir: dir, source: []string{c.source}}
				r, s := f.begin(t, ctx, append(destinations(d.dir)[kind], "--listen", "127.0.0.1:0"), func(s *process) {
					n := withoutName(t, s)
					t.Logf("%d bytes spooled", n)
					if n > c.spooled*peakSpooled || (n == 0) != (c.spooled == 0) {
						t.Errorf("%d bytes are spooled of %d messages", n, c.spooled)
					}
				})
				exits(t, s, exitDone)
				exits(t, r, exitDone)
				free, err := d.free()
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d bytes announced, %d %% used in the end", c.payload, (space-free)*100/c.payload)
			})
		}
	}
}

// One picture in many messages is announced each time and kept once: a store on a disk
// that has not even half of the room is doubted, not refused.
func TestSameContents(t *testing.T) {
	if !mountsHere(t) {
		return
	}
	const pictures, space = 120, 6 << 20
	dir, ctx, d := t.TempDir(), limited(t), newDisk(t, space)
	writeChat(t, dir, "WhatsApp Chat - Same", 1, pictures, 0)
	all, err := filepath.Glob(filepath.Join(dir, "WhatsApp Chat - Same", "*.jpg"))
	if err != nil || len(all) != pictures {
		t.Fatal(len(all), err)
	}
	one, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if err := os.WriteFile(name, one, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &filling{dir: dir, source: []string{"WhatsApp Chat - Same"}}
	r, s := f.begin(t, ctx, append(destinations(d.dir)["store"], "--listen", "127.0.0.1:0"), nil)
	exits(t, s, exitDone)
	exits(t, r, exitDone)
	if !strings.Contains(r.stderr(), "It fits only if much of it is the same.") {
		t.Errorf("no doubt:\n%s", r.stderr())
	}
}

// withoutName is the length of the files that a process has open and that have no name
// any more.
func withoutName(t *testing.T, p *process) (n int64) {
	t.Helper()
	open := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	all, err := os.ReadDir(open)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range all {
		name := filepath.Join(open, fd.Name())
		if to, err := os.Readlink(name); err != nil || !strings.HasSuffix(to, "(deleted)") {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}
