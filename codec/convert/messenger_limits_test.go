package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// TestTelegramPeopleLimit: names are kept up to MaxPeople.
func TestTelegramPeopleLimit(t *testing.T) {
	names := make(map[string]string, MaxPeople+1)
	for i := range MaxPeople - 1 {
		names[fmt.Sprint(i)] = "x"
	}
	for _, tt := range []struct {
		more string
		want error
	}{
		{`[{"from":"one","from_id":"user1"}]`, nil},
		{`[{"from":"one","from_id":"user1"},{"from":"two","from_id":"user2"}]`, errPeople},
	} {
		r := &run{ctx: context.Background(), report: &Report{}}
		tg := &telegram{run: r, names: names}
		if err := tg.meet(r.jsonOf(strings.NewReader(tt.more)), 0); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.more, err)
		}
	}
}

func TestSignalLimits(t *testing.T) {
	r, _ := collector(Options{})
	s := &signal{run: r, recipients: make(map[string]*signalRecipient), chats: make(map[string]*signalChat), people: make(map[string]person)}
	for i := range MaxPeople - 1 {
		s.recipients[fmt.Sprint("x", i)] = nil
	}
	for i := range MaxRooms - 1 {
		s.chats[fmt.Sprint("x", i)] = nil
	}
	one := func(v string) fields {
		f, ok := fieldsOf([]byte(v))
		if !ok {
			t.Fatal(v)
		}
		return f
	}
	for i, want := range []error{nil, errPeople} {
		if err := s.recipient(one(fmt.Sprintf(`{"id":"%d","contact":{}}`, i))); !errors.Is(err, want) {
			t.Errorf("recipient %d: %v", i, err)
		}
	}
	for i, want := range []error{nil, errRooms} {
		if err := s.chat(one(fmt.Sprintf(`{"id":"%d","recipientId":"0"}`, i))); !errors.Is(err, want) {
			t.Errorf("chat %d: %v", i, err)
		}
	}
}

// TestSignalFiles lists at most MaxFiles files, and finds them whatever their
// extension is.
func TestSignalFiles(t *testing.T) {
	m := fstest.MapFS{}
	for i := range MaxFiles {
		m[fmt.Sprintf("e/files/00/%06d.jpg", i)] = &fstest.MapFile{}
	}
	r, _ := collector(Options{})
	r.fsys = m
	s := &signal{run: r, file: "e/main.jsonl"}
	if c, err := s.stored("000007"); c == nil || err != nil {
		t.Errorf("a file that is there: %v, %v", c, err)
	}
	if c, err := s.stored("nothing"); c != nil || err != nil {
		t.Errorf("a file that is not there: %v, %v", c, err)
	}
	m["e/files/01/one.more"] = &fstest.MapFile{}
	s.files = nil
	if _, err := s.stored("000007"); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("one file too many: %v", err)
	}
}

// TestSignalLongText: a text that the message has the beginning of is read from its
// file when a message may be as long, and stays a file otherwise.
func TestSignalLongText(t *testing.T) {
	for _, tt := range []struct {
		size  int
		body  string
		files int
	}{
		{MaxMessageText, "xx", 0}, {MaxMessageText + 1, "xx", 1}, {10, "another beginning", 1},
	} {
		r, _ := collector(Options{})
		// The name is SHA-256(hash "a" || key "b").
		const name = "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"
		r.fsys = fstest.MapFS{"files/fb/" + name + ".txt": {Data: []byte(strings.Repeat("x", tt.size))}}
		x := &signalItem{signal: &signal{run: r, file: "main.jsonl"}, msg: &message{}}
		f, _ := fieldsOf([]byte(`{"contentType":"text/x-signal-plain","locatorInfo":{"plaintextHash":"YQ==","localKey":"Yg==","size":1}}`))
		got, err := x.longText(f, tt.body)
		if err != nil || len(x.msg.files) != tt.files {
			t.Fatalf("%d bytes: %d files, %v", tt.size, len(x.msg.files), err)
		}
		if want := tt.body; tt.files == 0 && len(got) != tt.size || tt.files == 1 && got != want {
			t.Errorf("%d bytes: a text of %d", tt.size, len(got))
		}
		if tt.files == 1 {
			c := x.msg.files[0].content
			rc, err := c.Open(0)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, rc); err != nil || n != int64(tt.size) {
				t.Errorf("content of %d bytes, %v", n, err)
			}
		}
	}
}

func TestExpiry(t *testing.T) {
	for in, want := range map[string]*mimi.Expiration{
		`{}`: nil, `{"expiresInMs":0}`: nil, `{"expiresInMs":"-5"}`: nil,
		`{"expiresInMs":"1"}`:                                                           {Relative: true, Time: 1},
		`{"expiresInMs":"60999"}`:                                                       {Relative: true, Time: 60},
		`{"expiresInMs":"60000","expireStartDate":"0"}`:                                 {Relative: true, Time: 60},
		`{"expiresInMs":"60500","expireStartDate":"10499"}`:                             {Time: 70},
		`{"expiresInMs":"60500","expireStartDate":"10500"}`:                             {Time: 71},
		`{"expiresInMs":"9223372036854775807","expireStartDate":"9223372036854775807"}`: {Time: 1<<32 - 1},
	} {
		f, _ := fieldsOf([]byte(in))
		got := expiry(f)
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: %+v, want %+v", in, got, want)
		}
	}
}

// TestSignalSelf: one's own account is the member of groups that is no contact, if
// there is just one.
func TestSignalSelf(t *testing.T) {
	for _, tt := range []struct {
		members []string
		own     string
	}{
		{nil, ""}, {[]string{"a"}, ""}, {[]string{"a", "me"}, "me"}, {[]string{"me", "a", "me"}, "me"}, {[]string{"me", "a", "other"}, ""},
	} {
		s := &signal{self: person{key: "me", name: "Emil"}, members: tt.members, people: map[string]person{"a": {key: "a", name: "Anna"}}}
		s.guessSelf()
		for _, id := range []string{"me", "other"} {
			if known := s.account(id) == s.self; known != (id == tt.own) {
				t.Errorf("%v: %s is oneself: %v", tt.members, id, known)
			}
		}
	}
}

func TestServiceID(t *testing.T) {
	b := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	const id = "01020304-0506-0708-090a-0b0c0d0e0f10"
	if got := serviceID(b); got != id {
		t.Error(got)
	}
	if got := serviceID(append([]byte{1}, b...)); got != "pni-"+id {
		t.Error(got)
	}
	if got := serviceID(make([]byte, 1<<20)); len(got) != 128 {
		t.Errorf("%d bytes", len(got))
	}
	if serviceID(nil) != "" {
		t.Error("nobody has an id")
	}
}

// TestTelegramNames: people of a roster are named only. A name that two have is
// neither's.
func TestTelegramNames(t *testing.T) {
	tg := &telegram{names: make(map[string]string)}
	for _, p := range [][2]string{{"Anna", "user1"}, {"Anna", "user1"}, {"Boris", "user2"}, {"Boris", "user3"}, {"Boris", "user2"}, {"", "user4"}, {"Dora", ""}} {
		tg.called(p[0], p[1])
	}
	for name, want := range map[string]string{"Anna": "user1", "Boris": "Boris", "Dora": "Dora", "": "deleted"} {
		if got := tg.person(name, "").key; got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
	if got := tg.person("Boris", "user3").key; got != "user3" {
		t.Error(got)
	}
}

// TestTelegramJoin: who is invited by himself has joined.
func TestTelegramJoin(t *testing.T) {
	r, _ := collector(Options{})
	tg := &telegram{run: r, names: map[string]string{"Anna": "user1"}}
	c := &telegramChat{telegram: tg}
	f, _ := fieldsOf([]byte(`{"members":["Anna","Boris"]}`))
	all := c.changed(f, "invite_members", person{key: "user1", name: "Anna"})
	if len(all) != 2 || all[0].event != "self_add" || all[1].event != "add" || all[1].who.key != "Boris" {
		t.Errorf("%+v", all)
	}
}

// TestHexEscapes reads in pieces of every size.
func TestHexEscapes(t *testing.T) {
	const in = `\x0b {"a\\x0b\\\x1F":"\u0001\n\\","x":"\x","\\x":"\x00\x00"}\x0`
	const want = `\u000b {"a\\x0b\\\u001F":"\u0001\n\\","x":"\u00","\\x":"\u0000\u0000"}\u000`
	for size := 1; size <= len(in)+1; size++ {
		h := hexEscapes(iotest.DataErrReader(strings.NewReader(in)))
		var got []byte
		buf := make([]byte, size)
		for {
			n, err := h.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != want {
			t.Errorf("in pieces of %d:\n%s, want\n%s", size, got, want)
		}
	}
}
