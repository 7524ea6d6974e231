package convert_test

import (
	"context"
	"fmt"
	"io/fs"
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
func all(t testing.TB, kind convert.Kind, fsys fs.FS, name string, opts convert.Options) ([]*codec.VCon, *convert.Report) {
	t.Helper()
	vcons, report, err := convert.All(context.Background(), kind, fsys, name, opts)
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, report)
	var messages, changes uint64
	for _, v := range vcons {
		m, c := checkVCon(t, v)
		messages += m
		changes += c
	}
	if messages != report.Messages || changes != report.Changes || uint64(len(vcons)) != report.VCons {
		t.Errorf("%d messages, %d changes, %d vCons; the report says %+v", messages, changes, len(vcons), report)
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
	if r.Records != r.Messages+r.Changes+sum(r.Left) {
		t.Errorf("records do not add up: %+v", r)
	}
	if r.Links != r.Replies+sum(r.LeftLinks) {
		t.Errorf("links do not add up: %+v", r)
	}
}

func checkVCon(t testing.TB, v *codec.VCon) (messages, changes uint64) {
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
	return messages, changes
}

// lines shows a vCon's dialogs, one a line: time, sender, text or events, and
// the line of the message that it replies to.
func lines(v *codec.VCon) []string {
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
					s += " " + e.Room.Subject
				}
				events = append(events, s)
			}
			out = append(out, clock(d.PartyHistory[0].Time)+" "+strings.Join(events, ", "))
			continue
		}
		at[d.MessageID] = i
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
