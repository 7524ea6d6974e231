package convert

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-json-experiment/json/jsontext"
)

// TestOldestFirst: records that come newest first are turned, whole; others stay
// where they are.
func TestOldestFirst(t *testing.T) {
	millis := func(v jsontext.Value) (int64, bool) {
		var n int64
		return n, unmarshal(v, &n) && n > 0
	}
	for _, tt := range []struct{ in, want string }{
		{"", ""}, {"5", "5"}, {"1 2 3", "1 2 3"}, {"3 2 1", "1 2 3"}, {"2 1", "1 2"}, {"1 3 2 4", "1 3 2 4"}, {"9 8 0 7", "7 0 8 9"},
		{"5 5 5", "5 5 5"}, {"4 6 5 3 2", "2 3 5 6 4"}, {"1 3 2", "1 3 2"},
	} {
		for limit, ok := range map[int]bool{len(strings.Fields(tt.in)): true, len(strings.Fields(tt.in)) - 1: false} {
			r, _ := collector(Options{})
			read, err := r.oldestFirst(func(r *run, use func(jsontext.Value) error) error {
				for _, f := range strings.Fields(tt.in) {
					r.report.mend(BrokenText)
					if err := use(jsontext.Value(f)); err != nil {
						return err
					}
				}
				return nil
			}, millis, limit)
			turned := tt.in != tt.want
			if (err == nil) != (ok || !turned) {
				t.Errorf("%q, a limit of %d: %v", tt.in, limit, err)
			}
			if err != nil {
				continue
			}
			var got []string
			must(0, read(r, func(v jsontext.Value) error {
				got = append(got, string(v))
				return nil
			}))
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%q: %v, want %s", tt.in, got, tt.want)
			}
			if n := r.report.Mended[BrokenText]; n != uint64(len(got)) {
				t.Errorf("%q: counted %d times", tt.in, n)
			}
		}
	}
}

func TestRememberUpTo(t *testing.T) {
	all := map[string]int{}
	for i := range 4 {
		rememberUpTo(all, 3, fmt.Sprint(i), i)
	}
	rememberUpTo(all, 3, "0", 7) // known already
	if len(all) != 3 || all["0"] != 7 {
		t.Errorf("%v", all)
	}
}

func TestExportRoot(t *testing.T) {
	is := func(fsys fstest.MapFS) func(string) (bool, error) {
		return func(dir string) (bool, error) { return hasFile(fsys, strings.TrimPrefix(dir+"/mark", "./")) }
	}
	for name, tt := range map[string]struct {
		files []string
		want  string
	}{
		"here":           {[]string{"mark"}, "."},
		"below":          {[]string{"a/mark"}, "a"},
		"below, hidden":  {[]string{"a/mark", ".DS_Store", "__MACOSX/a/._mark"}, "a"},
		"two folders":    {[]string{"a/mark", "b/x"}, ""},
		"beside a file":  {[]string{"a/mark", "x"}, ""},
		"two below":      {[]string{"a/b/mark"}, ""},
		"nothing":        {[]string{"x"}, ""},
		"a folder of it": {[]string{"mark/x"}, ""},
	} {
		fsys := fstest.MapFS{}
		for _, f := range tt.files {
			fsys[f] = &fstest.MapFile{}
		}
		dir, ok, err := exportRoot(fsys, ".", is(fsys))
		if err != nil || ok != (tt.want != "") || ok && dir != tt.want {
			t.Errorf("%s: %q, %v, %v", name, dir, ok, err)
		}
	}
}

func TestMarkup(t *testing.T) {
	var m, q markup
	m.text("a_ <b>\n")
	if text, mediaType := m.result(); mediaType != "" || text != "a_ <b>" {
		t.Errorf("without formatting: %s, %q", mediaType, text)
	}
	m.text(" ")
	m.mention("@Ann", "mimi://h/u/1")
	m.line()
	q.text("x\ny\n")
	m.quote(&q)
	m.quote(&q)
	m.line()
	m.add(span{text: "a ``` b", look: pre})
	m.line()
	m.styled(bold, func() { m.text("t") })
	m.link("t", "https://h/(a b)")
	m.link("", "https://h/x_y")
	m.link(" no link", "x")
	m.markdown(" *as* [is]")
	want := "a\\_ \\<b> [@Ann](mimi://h/u/1)\n> x  \n> y  \n> x  \n> y\n````\na ``` b\n````\n<b>t</b>[t](https://h/%28a%20b%29)https://h/x_y no link *as* [is]"
	if text, mediaType := m.result(); mediaType != markdown || text != want {
		t.Errorf("%s\n%q, want\n%q", mediaType, text, want)
	}
	var empty markup
	empty.line()
	empty.text(" \n")
	if text, mediaType := empty.result(); text != "" || mediaType != "" || !empty.empty() {
		t.Errorf("nothing: %q, %s", text, mediaType)
	}
}

// TestEditsAndAlternatives: an edit names what it replaces; a text in two forms is
// one of which people see one.
func TestEditsAndAlternatives(t *testing.T) {
	r, all := collector(Options{})
	m := r.room("x")
	first := must(m.add(&message{sender: person{key: "a"}, text: "one", html: "<b>one</b>", salt: salt("1")}))
	must(m.add(&message{sender: person{key: "a"}, text: "two", replaces: &first, salt: salt("2")}))
	must(m.add(&message{sender: person{key: "a"}, text: strings.Repeat("x", MaxMessageText+1), html: "<b>x</b>", salt: salt("3")}))
	must(0, m.flush())
	v := (*all)[len(*all)-1]
	if d := (*all)[0].Dialog[0]; d.MultiPart == nil || d.MultiPart.PartSemantics != "chooseOne" || len(d.MultiPart.Parts) != 2 {
		t.Errorf("%+v", d.MultiPart)
	}
	if d := (*all)[0].Dialog[1]; d.Replaces != (*all)[0].Dialog[0].MessageID {
		t.Errorf("replaces %s", d.Replaces)
	}
	if d := v.Dialog[len(v.Dialog)-1]; d.MultiPart == nil || d.MultiPart.PartSemantics != "processAll" {
		t.Errorf("a long text: %+v", d.MultiPart)
	}
}

// TestSlackPeopleLimit: as many people as MaxPeople, and no more.
func TestSlackPeopleLimit(t *testing.T) {
	r, _ := collector(Options{})
	r.fsys = fstest.MapFS{"users.json": {Data: []byte(`[{"id":"A"}]`)}}
	x := &slackExport{run: r, dir: ".", people: make(map[string]person, MaxPeople)}
	for i := range MaxPeople - 1 {
		x.people[fmt.Sprint(i)] = person{}
	}
	if err := x.readPeople(); err != nil {
		t.Error(err)
	}
	if err := x.readPeople(); !errors.Is(err, errPeople) {
		t.Errorf("one too many: %v", err)
	}
}
