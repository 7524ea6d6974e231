package codec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func sortMends(lists ...[]Mend) {
	for _, l := range lists {
		slices.SortFunc(l, func(a, b Mend) int { return cmp.Compare(a.Offset, b.Offset) })
	}
}

// TestMendPlaces: what is mended becomes U+FFFD, one for each surrogate and each
// byte, and its place is told, in short texts and in such as are left out of an
// element, before and behind them.
func TestMendPlaces(t *testing.T) {
	long := strings.Repeat("x", MaxInlineBody+1)
	for _, tt := range []struct{ broken, mended string }{
		{`\ud800`, "\ufffd"},
		{`\udc00`, "\ufffd"},
		{`\ud83d\ud83d\ude00`, "\ufffd😀"},
		{`\ud83d\u0041`, "\ufffdA"},
		{`\ud83d\n`, "\ufffd\n"},
		{`\ud83dx`, "\ufffdx"},
		{"\xff", "\ufffd"},
		{"\xc3", "\ufffd"},
		{"\xe2\x82", "\ufffd\ufffd"},
		{"\xed\xa0\xbd\xed\xb8\x80", strings.Repeat("\ufffd", 6)},
		{"\xff\\ud800\xffa\\udfff", "\ufffd\ufffd\ufffda\ufffd"},
		{"\ufffd\\ufffd\xff", "\ufffd\ufffd\ufffd"},
	} {
		for _, around := range []string{"", long, long + `\"é`} {
			for i, place := range []string{
				`{"subject":"%s"}`,
				`{"dialog":[{"start":"` + long + `","body":"%s","salt":"` + long + `"},{"salt":"%[1]s"}],"x":"%[1]s"}`,
				`{"attachments":[{"encoding":"none","body":"%s"},{"body":"a","encoding":"base64url","filename":"%[1]s"}]}`,
				`{"analysis":[{"body":"%s"}],"parties":[{"name":"%[1]s"}]}`,
			} {
				src := fmt.Appendf(nil, place, around+tt.broken+around)
				clean := fmt.Appendf(nil, place, around+tt.mended+around)
				clean = []byte(strings.ReplaceAll(string(clean), "\n", `\n`))
				name := fmt.Sprintf("%q at %d, %d around", tt.broken, i, len(around))
				checkMends(t, name, src)
				n := 0
				got := must(copied(src, CopyOptions{Format: FormatCBOR, Mend: func(Mend) { n++ }}))(t)
				if want := must(copied(clean, CopyOptions{Format: FormatCBOR}))(t); string(got) != string(want) {
					t.Errorf("%s: another text", name)
				}
				if n != strings.Count(place, "%") {
					t.Errorf("%s: %d were mended", name, n)
				}
				if _, err := copied(clean, CopyOptions{Format: FormatCBOR, Mend: func(Mend) { t.Error("mended without need") }}); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestMendNames: names are mended too, but two names that become one are refused.
func TestMendNames(t *testing.T) {
	mend := func(Mend) {}
	for src, want := range map[string]string{
		`{"a\ud800":1}`:                              `{"a\ufffd":1}`,
		`{"\ud800":1,"\ud801":2}`:                    "",
		`{"dialog":[{"\ud800":1}]}`:                  `{"dialog":[{"\ufffd":1}]}`,
		`{"dialog":[{"\ud800":1,"\ud801":2}]}`:       "",
		`{"x":{"y":{"\ud800":1,"\ufffd":2}}}`:        "",
		"{\"room\":{\"\xff\":1,\"\xfe\":2}}":         "",
		"{\"analysis\":[{\"\xff\":1},{\"\xfe\":2}]}": `{"analysis":[{"\ufffd":1},{"\ufffd":2}]}`,
	} {
		got, err := copied([]byte(src), CopyOptions{Format: FormatCBOR, Mend: mend})
		_, wholeErr := whole([]byte(src), CopyOptions{Format: FormatCBOR, Mend: mend})
		_, scanErr := drain(Options{Mend: mend}.NewScanner(strings.NewReader(src)))
		if want == "" {
			for _, err := range []error{err, wholeErr, scanErr} {
				if err == nil || !strings.HasSuffix(err.Error(), "duplicate name") {
					t.Errorf("%q: %v", src, err)
				}
			}
			continue
		}
		if clean := must(copied([]byte(want), CopyOptions{Format: FormatCBOR}))(t); err != nil || string(got) != string(clean) {
			t.Errorf("%q: %x, %v", src, got, err)
		}
		checkMends(t, src, []byte(src))
	}
}
