package convert

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// A jsonRecord stands for what a converter reads.
type jsonRecord struct {
	ID   flexible       `json:"id"`
	Text string         `json:"text"`
	Rest jsontext.Value `json:",embed"`
}

// readAll reads {"name": ..., "messages": [...]} by way of what converters use.
func readAll(in io.Reader) (got []string, r *run, err error) {
	r = &run{ctx: context.Background(), report: &Report{}}
	j := r.jsonOf(in)
	err = j.object(func(name string) error {
		if name != "messages" {
			return nil
		}
		return j.array(func(i int) error {
			var m jsonRecord
			ok, err := j.read(&m)
			if ok {
				r.unknown(m.Rest)
			}
			got = append(got, fmt.Sprintf("%d %v %s %s", i, ok, m.ID, m.Text))
			return err
		})
	})
	if err == nil {
		err = j.end()
	}
	return got, r, err
}

func TestJSONRead(t *testing.T) {
	got, r, err := readAll(strings.NewReader(`{"x":{"messages":[1]},"messages":[{"id":1,"text":"a"},{"id":"two","text":"b","new":7,"none":null},
		3,{"text":"lone \ud800","id":null},{"id":true},{"id":"a","id":"b"},{"id":1.5,"text":7}],"name":"after"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := "0 true 1 a|1 true two b|2 false  |3 true  lone \uFFFD|4 true true |5 true b |6 false 1.5 "
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("read\n%s, want\n%s", s, want)
	}
	if r.report.Mended[FieldUnknown] != 1 || r.report.Mended[BrokenText] != 1 {
		t.Errorf("mended %v", r.report.Mended)
	}
}

func TestJSONReadErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{``, "truncated JSON"},
		{`{"messages":[{"id":1}`, "truncated JSON"},
		{`{"messages":[{"id":1`, "truncated JSON"},
		{`{"messages":[}`, "malformed JSON"},
		{`{"messages":[]} x`, "malformed JSON"},
		{`{"messages":[]} {}`, "trailing JSON"},
		{`{"name":nul}`, "malformed JSON"},
	} {
		if _, _, err := readAll(strings.NewReader(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.in, err, tt.want)
		}
	}
	for _, in := range []string{`{"messages":7}`, `7`, `{"messages":"x"}`} {
		if _, r, err := readAll(strings.NewReader(in)); err != nil || r.report.Left[RecordMalformed] != 1 {
			t.Errorf("%s: %v, %v", in, err, r.report.Left)
		}
	}
}

// TestJSONRecordLimit: a record of up to MaxRecord bytes is read, and so is any
// number of them; a longer one is refused.
func TestJSONRecordLimit(t *testing.T) {
	record := func(n int) io.Reader {
		return io.MultiReader(strings.NewReader(`{"id":1,"text":"`), io.LimitReader(letters{}, int64(n)), strings.NewReader(`"}`))
	}
	const slack = 128 << 10 // what the decoder has read ahead
	export := func(sizes ...int) io.Reader {
		in := []io.Reader{strings.NewReader(`{"messages":[`)}
		for i, n := range sizes {
			if i > 0 {
				in = append(in, strings.NewReader(","))
			}
			in = append(in, record(n))
		}
		return io.MultiReader(append(in, strings.NewReader(`]}`))...)
	}
	if got, _, err := readAll(export(MaxRecord-slack, MaxRecord-slack, 1)); err != nil || len(got) != 3 {
		t.Errorf("%d records, %v", len(got), err)
	}
	if _, _, err := readAll(export(1, MaxRecord+1)); err == nil || !strings.Contains(err.Error(), "a record of more than") {
		t.Errorf("a record that is too long: %v", err)
	}
}

// letters never end.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestJSONValues reads values that stand one after the other.
func TestJSONValues(t *testing.T) {
	for _, tt := range []struct{ in, want, err string }{
		{"", "", ""},
		{"\n", "", ""},
		{`{"id":1}`, "0:1 ", ""},
		{"{\"id\":1}\n{\"id\":\"b\"}\n\n7 [1,2] {\"id\":3}\n", "0:1 1:b 4:3 ", ""},
		{"{\"id\":1}\n{\"id\":2", "0:1 ", "truncated JSON"},
		{"{\"id\":1}\n}", "0:1 ", "malformed JSON"},
	} {
		r := &run{ctx: context.Background(), report: &Report{}}
		j := r.jsonOf(strings.NewReader(tt.in))
		got := ""
		err := j.values(func(i int) error {
			var m jsonRecord
			if j.dec.PeekKind() != '{' {
				return nil // passed over
			}
			ok, err := j.read(&m)
			if ok {
				got += fmt.Sprintf("%d:%s ", i, m.ID)
			}
			return err
		})
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %q, %v; want %q, %s", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestFields(t *testing.T) {
	r := &run{ctx: context.Background(), report: &Report{}}
	f, ok := fieldsOf(jsontext.Value(`{"a":"x","b":7,"c":true,"d":null,"e":{"f":1},"g":[1,{}],"h":"-_8=","i":{"j":1},"k":0,"l":"","m":"12","n":[],"o":1.5}`))
	if !ok {
		t.Fatal("no object")
	}
	n, isInt := f.int("b")
	m, isText := f.int("m")
	if _, ok := f.int("o"); ok {
		t.Error("1.5 is a whole number")
	}
	if f.text("a") != "x" || n != 7 || !isInt || m != 12 || !isText || !f.is("c") || f.take("d") != nil || len(f.list("g")) != 2 || string(f.bytes("h")) != "\xfb\xff" {
		t.Errorf("left are %v", f)
	}
	if e := f.object("e"); e.size("f") != 1 || len(e) != 0 {
		t.Errorf("object %v", e)
	}
	if f.text("i") != "" || f.object("k") != nil || f.list("l") != nil || f.bytes("nothing") != nil {
		t.Error("a member of another form was taken")
	}
	r.rest(f) // i and o; k, l and n say nothing
	if r.report.Mended[FieldUnknown] != 2 {
		t.Errorf("mended %v of %v", r.report.Mended, f)
	}
}

func TestLeaveMany(t *testing.T) {
	r := &Report{}
	for n, want := range map[int64]uint64{-1: 0, 0: 0, 3: 3, maxCounted: maxCounted, maxCounted + 1: maxCounted, 1<<63 - 1: maxCounted} {
		*r = Report{}
		if r.leaveMany(n, NotAMessage); r.Left[NotAMessage] != want || r.Records != want {
			t.Errorf("%d: %+v", n, r)
		}
	}
}
