package convert_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// files makes a file system of names and contents, in pairs.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

// all converts and checks what holds for every conversion: the report adds up,
// each message has a verified id of -08, each vCon survives CBOR and JSON.
func all(t testing.TB, kind convert.Kind, fsys fs.FS, name string, opts convert.Options) ([]*convert.VCon, *convert.Report) {
	t.Helper()
	vcons, report, err := convert.All(context.Background(), kind, fsys, name, opts)
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, report)
	var messages, changes, tombstones, contents uint64
	for _, v := range vcons {
		m, c, s := checkVCon(t, v.VCon)
		messages += m
		changes += c
		tombstones += s
		contents += uint64(len(v.Contents))
		checkContents(t, v)
	}
	if messages != report.Messages || changes != report.Changes || tombstones != report.Tombstones || contents != report.Contents || uint64(len(vcons)) != report.VCons {
		t.Errorf("%d messages, %d changes, %d tombstones, %d contents, %d vCons; the report says %+v", messages, changes, tombstones, contents, len(vcons), report)
	}
	return vcons, report
}

func checkReport(t testing.TB, r *convert.Report) {
	t.Helper()
	sum := func(m map[convert.Reason]uint64) (n uint64) {
		for _, c := range m {
			n += c
		}
		return n
	}
	for _, m := range []map[convert.Reason]uint64{r.Left, r.LeftLinks, r.LeftAttachments} {
		for why := range m { // a ledger has no other characters
			if len(why) > 48 || strings.Trim(string(why), "abcdefghijklmnopqrstuvwxyz0123456789 -") != "" {
				t.Errorf("no ledger can say %q", why)
			}
		}
	}
	if r.Records != r.Messages+r.Changes+r.Tombstones+sum(r.Left) {
		t.Errorf("records do not add up: %+v", r)
	}
	if r.Links != r.Replies+sum(r.LeftLinks) {
		t.Errorf("links do not add up: %+v", r)
	}
	if r.Attachments != r.Contents+sum(r.LeftAttachments) {
		t.Errorf("attachments do not add up: %+v", r)
	}
}

// checkContents reads each content, whole and from its middle on, and finds the
// part of a message that it belongs to.
func checkContents(t testing.TB, v *convert.VCon) {
	t.Helper()
	if len(v.Contents) != len(v.Attachments) {
		t.Fatalf("%d contents, %d attachments", len(v.Contents), len(v.Attachments))
	}
	for i, c := range v.Contents {
		whole := contentOf(t, c, 0)
		if int64(len(whole)) != c.Size() {
			t.Errorf("attachment %d: %d bytes, its size is %d", i, len(whole), c.Size())
		}
		if rest := contentOf(t, c, c.Size()/2); rest != whole[c.Size()/2:] {
			t.Errorf("attachment %d: another content from its middle on", i)
		}
		a := &v.Attachments[i]
		at := slices.IndexFunc(v.Dialog, func(d codec.Dialog) bool {
			x := externalPart(&d, a.DialogObjectRef)
			return x != nil && x.Cached && (x.Size == nil && c.Size() == 0 || x.Size != nil && *x.Size == uint64(c.Size())) && x.Filename == a.Filename && x.MediaType == a.MediaType
		})
		if at < 0 && c.Size() > 0 {
			t.Errorf("attachment %d: no part of a message is %s", i, a.DialogObjectRef)
		}
	}
}

func contentOf(t testing.TB, c *convert.Content, offset int64) string {
	t.Helper()
	r, err := c.Open(offset)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// externalPart is the external part of d that a reference is to.
func externalPart(d *codec.Dialog, ref string) *codec.ExternalPart {
	for part := range 1024 {
		if ref != fmt.Sprintf("mid:%s:%d@anon.invalid", d.MessageID, part) {
			continue
		}
		if part == 0 {
			return d.ExternalPart
		}
		for i := range d.MultiPart.Parts {
			if p := &d.MultiPart.Parts[i]; *p.PartIndex == uint64(part) {
				return p.ExternalPart
			}
		}
	}
	return nil
}

func checkVCon(t testing.TB, v *codec.VCon) (messages, changes, tombstones uint64) {
	t.Helper()
	b, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := v.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := codec.DecodeJSON(j)
	if err != nil {
		t.Fatal(err)
	}
	if b2, err := back.AppendCBOR(nil); err != nil || string(b2) != string(b) {
		t.Errorf("JSON and CBOR differ: %v", err)
	}
	ids := make(map[codec.Binary]bool)
	last := codec.Date("")
	for i := range v.Dialog {
		d := &v.Dialog[i]
		at := d.Start
		if len(d.PartyHistory) > 0 {
			changes++
			at = d.PartyHistory[0].Time
			for _, e := range d.PartyHistory {
				if int(*e.Party) >= len(v.Parties) {
					t.Errorf("dialog %d: no such party", i)
				}
			}
		} else if d.Type == "tombstone" {
			tombstones++
		} else {
			messages++
			if level, missing := mimi.Verify(d, v.Parties[*d.Originator].IMURI, v.Room.ID); level != mimi.Verified08 {
				t.Errorf("dialog %d: %v %v", i, level, missing)
			}
			if ids[d.MessageID] {
				t.Errorf("dialog %d: id is not unique", i)
			}
			ids[d.MessageID] = true
		}
		if at < last {
			t.Errorf("dialog %d: at %s, after %s", i, at, last)
		}
		last = at
	}
	return messages, changes, tombstones
}

// lines shows a vCon's dialogs, one a line: time, sender, text or events, and
// the line of the message that it replies to.
func lines(v *convert.VCon) []string {
	var out []string
	at := make(map[codec.Binary]int)
	for i := range v.Dialog {
		d := &v.Dialog[i]
		if len(d.PartyHistory) > 0 {
			var events []string
			for _, e := range d.PartyHistory {
				s := e.Event + " " + v.Parties[*e.Party].Name
				if e.Originator != nil && *e.Originator != *e.Party {
					s += " by " + v.Parties[*e.Originator].Name
				}
				if e.Room != nil {
					s += " " + cmp.Or(e.Room.Subject, e.Room.Name)
				}
				events = append(events, s)
			}
			out = append(out, clock(d.PartyHistory[0].Time)+" "+strings.Join(events, ", "))
			continue
		}
		at[d.MessageID] = i
		if d.Type == "tombstone" {
			out = append(out, clock(d.Start)+" "+v.Parties[*d.Originator].Name+" (deleted)")
			continue
		}
		s := clock(d.Start) + " " + v.Parties[*d.Originator].Name + ": " + mimi.PlainText(d)
		if d.InReplyTo != "" {
			s += fmt.Sprintf(" (to %d)", at[d.InReplyTo])
		}
		out = append(out, s)
	}
	return out
}

func clock(d codec.Date) string { return strings.TrimSuffix(string(d[len("2006-01-"):]), "Z") }

func equal(t testing.TB, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("line %d is\n\t%q, want\n\t%q", i, g, w)
		}
	}
}
