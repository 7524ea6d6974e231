package sqlite

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

func TestMessagesQuery(t *testing.T) {
	c := newChat(t, "Ann")
	const n = 2*viewRows + 7
	for i := range n {
		c.say(said{by: "Ann", text: fmt.Sprint(i), at: time.Duration(i/2) * time.Minute}) // two at a time
	}
	s := newStore(t)
	transferTo(t, s, info(1, ""), c.source())
	all := conversation(t, s, roomURI)
	minute := func(i int) time.Time { return base.Add(time.Duration(i) * time.Minute) }
	for _, tt := range []struct {
		name       string
		q          Query
		first, end int
	}{
		{"all", Query{}, 0, n},
		{"since", Query{Since: minute(3)}, 6, n},
		{"until", Query{Until: minute(3)}, 0, 6},
		{"span", Query{Since: minute(3), Until: minute(5)}, 6, 10},
		{"nothing", Query{Since: minute(5), Until: minute(5)}, 0, 0},
		{"last one", Query{Limit: 1}, n - 1, n},
		{"last page", Query{Limit: viewRows}, n - viewRows, n},
		{"more than there are", Query{Limit: n + 1}, 0, n},
		{"as many as there are", Query{Limit: n}, 0, n},
		{"last of a span", Query{Since: minute(3), Until: minute(5), Limit: 3}, 7, 10},
		{"before", Query{Before: all[9].Key}, 0, 9},
		{"page before", Query{Before: all[9].Key, Limit: 4}, 5, 9},
		{"before the first", Query{Before: all[0].Key}, 0, 0},
		{"before what is later than until", Query{Before: all[50].Key, Until: minute(2)}, 0, 4},
		{"before what is not here", Query{Before: segment.Key{1}, Limit: 2}, n - 2, n},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := collect(t, s.Messages(t.Context(), roomURI, tt.q))
			if !slices.Equal(briefs(got), briefs(all[tt.first:tt.end])) {
				t.Errorf("%d messages, want %d", len(got), tt.end-tt.first)
			}
		})
	}
	for i := range all {
		if all[i].Text != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, all[i].Text)
		}
	}
	stopped := 0
	for range s.Messages(t.Context(), roomURI, Query{}) {
		if stopped++; stopped == 3 {
			break
		}
	}
}

func TestSearch(t *testing.T) {
	texts := []string{
		0:  "The Harbour master's boat, re-painted",
		1:  "Съешь ещё этих мягких французских булок",
		2:  "Zażółć gęślą jaźń, Łódź",
		3:  "یہ ایک پیغام ہے",
		4:  "كِتَابٌ مفيد",
		5:  "港で船を見ました",
		6:  "स्वागत है",
		7:  "Cafe\u0301 naïve façade",
		8:  "❤ ⛵ !!!",
		9:  "SELECT * FROM x; DROP TABLE items; --",
		10: "say \"hello\" NEAR the pier AND NOT here",
		11: "สวัสดีชาวโลก",
		12: "it costs 100% of £5_000",
	}
	c := newChat(t, "Ann", "Ben")
	for i, text := range texts {
		c.say(said{by: "Ann", text: text, at: time.Duration(i) * time.Hour})
	}
	m := c.say(said{by: "Ben", text: "quokka before", at: 100 * time.Hour})
	c.say(said{by: "Ben", text: "wombat after", at: 101 * time.Hour, replaces: m.MessageID})
	m = c.say(said{by: "Ben", text: "platypus", at: 102 * time.Hour})
	c.say(said{by: "Ben", null: true, at: 103 * time.Hour, replaces: m.MessageID})
	c.say(said{by: "Ben", text: "echidna", at: 104 * time.Hour, expires: &mimi.Expiration{Time: uint32(base.AddDate(0, 6, 0).Unix())}})
	c.say(said{by: "Ben", text: "numbat", react: true, at: 105 * time.Hour, reply: m.MessageID})
	s := newStore(t)
	transferTo(t, s, info(1, ""), c.source())
	find := func(text string, q Query) []string {
		t.Helper()
		var out []string
		for _, m := range collect(t, s.Search(t.Context(), text, q)) {
			out = append(out, m.Text)
		}
		return out
	}
	for query, want := range map[string][]int{
		"harbour":                      {0},
		"HARBOUR boat":                 {0},
		"harbour absent":               nil,
		"harb":                         {0}, // the last word may go on
		"harb boat":                    nil, // another may not
		"re-painted":                   {0},
		"master's":                     {0},
		"СЪЕШЬ":                        {1},
		"еще":                          {1},
		"ещё булок":                    {1},
		"zażółć":                       {2},
		"zazolc":                       {2}, // ó is o, ł is l
		"zazołc":                       {2},
		"gesla jazn":                   {2},
		"lodz":                         {2},
		"پیغام":                        {3},
		"پيغام":                        {3}, // with the Arabic yeh
		"كتاب":                         {4}, // without vowel signs
		"کتاب":                         {4}, // with the Urdu kaf
		"船":                            {5},
		"港で":                           {5},
		"船港":                           nil,
		"स्वागत":                       {6},
		"cafe":                         {7},
		"café":                         {7},
		"FACADE":                       {7},
		"❤":                            {8},
		"!!!":                          {8},
		"drop table":                   {9},
		"*":                            {9},
		"--":                           {9},
		"hello\"":                      {10},
		"\"hello\" NEAR":               {10},
		"NOT":                          {10},
		"OR":                           nil,
		"text:hello":                   nil,
		"NEAR(hello pier)":             nil,
		"ชาว":                          {11},
		"100%":                         {12},
		"%":                            {12},
		"":                             nil,
		"  ":                           nil,
		"\x00":                         nil,
		"\xff\xfe":                     nil,
		"quokka":                       nil,
		"platypus":                     nil,
		"echidna":                      nil,
		"numbat":                       nil,
		strings.Repeat("harbour ", 99): {0},
	} {
		var texted []string
		for _, i := range want {
			texted = append(texted, texts[i])
		}
		if got := find(query, Query{}); !slices.Equal(got, texted) {
			t.Errorf("%q finds %q, want %q", query, got, texted)
		}
	}
	if got := find("wombat", Query{}); !slices.Equal(got, []string{"wombat after"}) {
		t.Errorf("edited: %q", got)
	}
	if got := find("the", Query{}); len(got) != 2 || got[0] != texts[10] {
		t.Errorf("newest first: %q", got)
	}
	for _, tt := range []struct {
		q    Query
		want int
	}{
		{Query{Limit: 1}, 1}, {Query{Since: base.Add(time.Hour)}, 1}, {Query{Until: base.Add(time.Hour)}, 1},
		{Query{Room: roomURI}, 2}, {Query{Room: "mimi://example.com/r/none"}, 0},
	} {
		if got := find("the", tt.q); len(got) != tt.want {
			t.Errorf("%+v finds %q", tt.q, got)
		}
	}
}

func TestFold(t *testing.T) {
	long := strings.Repeat("ж", maxIndexed)
	if n := len(fold(long)); n > maxIndexed {
		t.Errorf("%d bytes", n)
	}
	if q := matchQuery(strings.Repeat("a ", maxTerms+5)); strings.Count(q, `"a"`) != maxTerms {
		t.Errorf("%d words", strings.Count(q, `"a"`))
	}
	if q := matchQuery(strings.Repeat("a", maxQuery+9)); len(q) != maxQuery+3 {
		t.Errorf("%d bytes", len(q))
	}
	if got := fold("ＡＢＣ１"); got != "abc1" {
		t.Errorf("full width: %q", got)
	}
	for in, want := range map[string]string{"abc": "abc", "a b\n c": "a b c", "abcdef": "abcd…", "żółty": "żółty", "żółtyż": "żółt…"} {
		if got := clip(in, 5); got != want {
			t.Errorf("clip %q: %q", in, got)
		}
	}
	if got := bounded("żżż", 3); got != "ż" {
		t.Errorf("%q", got)
	}
}

// FuzzSearch: any text is a valid query, and finds what it is part of as a word.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{"harbour", `"`, "a AND b*", "NEAR(", "船", "\x00", "é", "-x:y", "()"} {
		f.Add(seed)
	}
	s, err := Open(f.Context(), f.TempDir()+"/history.db", Options{Now: now, unsynced: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	c := newChat(f, "Ann")
	c.say(said{by: "Ann", text: "the harbour at night"})
	transferTo(f, s, info(1, ""), c.source())
	f.Fuzz(func(t *testing.T, text string) {
		for _, q := range []string{text, "harbour " + text} {
			for _, err := range s.Search(t.Context(), q, Query{}) {
				if err != nil {
					t.Fatalf("%q: %v", q, err)
				}
			}
		}
		if utf8.ValidString(text) && utf8.RuneCountInString(clip(text, snippet)) > snippet {
			t.Errorf("clip %q", text)
		}
	})
}

// FuzzPrepare: what a segment holds is prepared or refused, item by item; a record
// gives the dialog object back. The store itself is left out: its state would make
// one input behave in two ways.
func FuzzPrepare(f *testing.F) {
	c := newChat(f, "Ann", "Ben")
	m := c.say(said{by: "Ann", text: "one"})
	c.say(said{by: "Ben", text: "two", reply: m.MessageID, at: at(1)})
	c.say(said{by: "Ann", null: true, replaces: m.MessageID, at: at(2)})
	c.add(&codec.Dialog{PartyHistory: []codec.PartyEvent{{Party: new(uint32(1)), Time: "2024-05-01T08:00:09Z", Event: "self_add"}}})
	for _, src := range []*history.Source{c.source(), sourceOf(decodeSample(f))} {
		for _, l := range leaves(f, src) {
			if l.e.Type == segment.SegmentType {
				f.Add(l.data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		seg, err := segment.Decode(data)
		if err != nil {
			return
		}
		rows := make([]uint32, len(seg.Parties))
		for i := range rows {
			rows[i] = uint32(1000 + i)
		}
		for i, p := range prepareAll(seg, rows) {
			if p.reason != "" {
				if p.reason != segment.Malformed && p.reason != segment.TooLarge {
					t.Errorf("item %d: %s", i, p.reason)
				}
				continue
			}
			d, err := codec.DecodeDialogCBOR(p.record)
			if err == nil {
				err = d.MapParties(func(row uint32) (uint32, error) { return row - 1000, nil })
			}
			if err != nil {
				t.Fatalf("item %d: %v", i, err)
			}
			got, err1 := codec.AppendDialogCBOR(nil, d)
			want, err2 := codec.AppendDialogCBOR(nil, seg.Items[i].Dialog)
			if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
				t.Fatalf("item %d: record differs: %v, %v", i, err1, err2)
			}
			if as, err := decodeAttachments(p.attachments); err != nil || len(as) != len(seg.Items[i].Attachments) {
				t.Fatalf("item %d: %d attachments, %v", i, len(as), err)
			}
		}
	})
}

// Readers see whole segments while an import goes on.
func TestReadWhileImporting(t *testing.T) {
	c := manyMessages(t, 1200)
	all := leaves(t, c.source())
	s := newStore(t)
	begin(t, s, info(1, ""), all)
	stageOne(t, s, all[1])
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				for _, err := range s.Messages(t.Context(), roomURI, Query{Limit: 300}) {
					if err != nil {
						t.Error(err)
						return
					}
				}
				for _, err := range s.Search(t.Context(), "boats", Query{Limit: 5}) {
					if err != nil {
						t.Error(err)
						return
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for _, l := range all[2:] {
		stageOne(t, s, l)
	}
	close(done)
	wg.Wait()
	checked(t, s)
}
