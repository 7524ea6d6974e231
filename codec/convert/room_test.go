package convert

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// collector is a run whose vCons are kept.
func collector(opts Options) (*run, *[]*VCon) {
	all := new([]*VCon)
	if opts.MaxMessages == 0 {
		opts.MaxMessages = DefaultMessages
	}
	opts.Host = "x.example"
	return &run{ctx: context.Background(), opts: opts, report: &Report{}, yield: func(v *VCon, _ error) bool {
		*all = append(*all, v)
		return true
	}}, all
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestRoomKinds(t *testing.T) {
	r, all := collector(Options{})
	m := r.roomOf("42", "The Room")
	alice, bob := person{key: "a1", name: "Alice", tel: "+49 1"}, person{key: "b2", name: "Bob"}
	first := must(m.add(&message{sender: alice, millis: 2000, text: "hello", salt: salt("1")}))
	if err := m.react(first, bob, "👍", 5000); err != nil {
		t.Fatal(err)
	}
	if err := m.react(first, bob, "👍", 6000); err != nil { // the same once more
		t.Fatal(err)
	}
	must(m.add(&message{sender: bob, millis: 3000, text: "an answer", reply: &first, topic: "t", salt: salt("2"),
		origin: mimi.Origin{ForwardedFrom: "Carol", EditedAt: "2024-01-01T00:00:00Z"}}))
	must(m.notice(3500, "The clock was changed", salt("3")))
	must(m.tombstone(3600, bob, "4"))
	if err := m.changes(1000, change{event: "add", who: bob, by: alice}, change{event: "room", who: roomItself, by: alice}); err != nil {
		t.Fatal(err)
	}
	r.report.Records += 6 // react counts its own
	if err := m.flush(); err != nil {
		t.Fatal(err)
	}
	if len(*all) != 1 {
		t.Fatalf("%d vCons", len(*all))
	}
	v := (*all)[0]
	var got []string
	for i := range v.Dialog {
		d := &v.Dialog[i]
		switch {
		case len(d.PartyHistory) > 0:
			got = append(got, fmt.Sprintf("%s %s", d.PartyHistory[0].Event, v.Parties[*d.PartyHistory[0].Party].Name))
		default:
			got = append(got, fmt.Sprintf("%s %s %s %s", d.Type, d.Disposition, v.Parties[*d.Originator].Name, mimi.PlainText(d)))
		}
	}
	want := []string{"add Bob", "text  Alice hello", "text  Bob an answer", "text  The Room The clock was changed", "tombstone  Bob ", "text reaction Bob 👍"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("dialogs are\n%s, want\n%s", strings.Join(got, "|"), strings.Join(want, "|"))
	}
	if o := mimi.OriginOf(&v.Dialog[2]); o.ForwardedFrom != "Carol" || o.EditedAt != "2024-01-01T00:00:00Z" || o.Kind != "" {
		t.Errorf("origin %+v", o)
	}
	if v.Dialog[2].TopicID == "" || v.Dialog[2].InReplyTo != v.Dialog[1].MessageID {
		t.Errorf("topic %q, reply to %q", v.Dialog[2].TopicID, v.Dialog[2].InReplyTo)
	}
	if p := v.Parties[1]; p.IMURI != "mimi://x.example/u/a1" || p.Tel != "+49 1" {
		t.Errorf("party %+v", p)
	}
	if c := r.report; c.Messages != 4 || c.Tombstones != 1 || c.Changes != 1 || c.Left[RecordTwice] != 1 || c.Mended[NoticeAsText] != 1 {
		t.Errorf("report %+v", c)
	}
}

func TestLongTextBecomesAFile(t *testing.T) {
	for n, files := range map[int]int{MaxMessageText: 0, MaxMessageText + 1: 1} {
		r, all := collector(Options{})
		m := r.room("x")
		must(m.add(&message{sender: person{key: "a"}, text: strings.Repeat("é", n)[:n/2*2], salt: salt("1")}))
		text := strings.Repeat("x", n)
		must(m.add(&message{sender: person{key: "a"}, text: text, salt: salt("2")}))
		must(0, m.flush())
		v := (*all)[len(*all)-1]
		if len(v.Attachments) != files && n > MaxMessageText {
			t.Fatalf("%d bytes: %d attachments", n, len(v.Attachments))
		}
		if files == 1 {
			c := v.Contents[len(v.Contents)-1]
			if c.Size() != int64(n) {
				t.Errorf("content of %d bytes", c.Size())
			}
		}
	}
}

func TestManyFiles(t *testing.T) {
	for n, left := range map[int]uint64{MaxFilesOfMessage: 0, MaxFilesOfMessage + 1: 1} {
		r, all := collector(Options{})
		m := r.room("x")
		files := make([]file, n)
		for i := range files {
			files[i] = file{name: fmt.Sprint(i), content: bytesContent([]byte{byte(i)})}
		}
		must(m.add(&message{sender: person{key: "a"}, text: "all of them", files: files, salt: salt("1")}))
		must(0, m.flush())
		v := (*all)[0]
		if len(v.Attachments) != MaxFilesOfMessage || r.report.LeftAttachments[TooManyFiles] != left || r.report.Attachments != uint64(n) {
			t.Errorf("%d files: %d attachments, %+v", n, len(v.Attachments), r.report)
		}
		d := v.Dialog[0]
		if level, missing := mimi.Verify(&d, v.Parties[*d.Originator].IMURI, v.Room.ID); level != mimi.Verified08 {
			t.Errorf("%d files: %v %v", n, level, missing)
		}
	}
}

// TestTwoForms holds the parts of a message that has its text in two forms.
func TestTwoForms(t *testing.T) {
	r, all := collector(Options{})
	m := r.room("x")
	var files []file
	for range MaxFilesOfMessage + 1 {
		files = append(files, file{name: "a.txt", content: bytesContent([]byte("abc"))})
	}
	must(m.add(&message{sender: person{key: "a"}, text: "x", html: "<b>x</b>", salt: salt("1")}))
	must(m.add(&message{sender: person{key: "a"}, text: "y", html: "<b>y</b>", files: files, salt: salt("2")}))
	must(m.add(&message{sender: person{key: "a"}, text: "z", html: strings.Repeat("z", MaxMessageText+1), salt: salt("3")}))
	must(m.add(&message{sender: person{key: "a"}, text: "z", html: strings.Repeat("z", MaxMessageText), salt: salt("4")}))
	must(0, m.flush())
	v := (*all)[0]
	for i, want := range []string{"x", "y", "z", "z"} {
		if got, _, _ := strings.Cut(mimi.PlainText(&v.Dialog[i]), "\n"); got != want {
			t.Errorf("dialog %d reads %q", i, got)
		}
	}
	if p := v.Dialog[0].MultiPart; p.PartSemantics != mimi.ChooseOne.String() || len(p.Parts) != 2 {
		t.Errorf("two forms: %+v", p)
	}
	p := v.Dialog[1].MultiPart
	if len(p.Parts) != MaxFilesOfMessage+1 || *p.Parts[1].PartIndex != 4 || !strings.Contains(v.Attachments[0].DialogObjectRef, ":4@") {
		t.Errorf("%d parts, %s", len(p.Parts), v.Attachments[0].DialogObjectRef)
	}
	c := r.report
	if c.LeftAttachments[TooManyFiles] != 1 || c.Attachments != c.Contents+1 || c.Mended[TextAsFile] != 1 {
		t.Errorf("report %+v", c)
	}
}

func TestLongNames(t *testing.T) {
	r, all := collector(Options{})
	m := r.roomOf(strings.Repeat("k", MaxName+1), strings.Repeat("é", MaxName))
	must(m.add(&message{sender: person{key: strings.Repeat("p", MaxName), name: strings.Repeat("n", MaxName)}, salt: salt("1")}))
	must(0, m.flush())
	v := (*all)[0]
	if !strings.HasPrefix(v.Room.ID, "mimi://x.example/r/h-") || len(v.Room.Name) > MaxName || !strings.HasSuffix(v.Room.Name, "é…") {
		t.Errorf("room %s, a name of %d bytes", v.Room.ID, len(v.Room.Name))
	}
	if len(v.Parties[1].Name) != MaxName || strings.Contains(v.Parties[1].IMURI, "h-") {
		t.Error("a name and a key of the longest length were cut")
	}
	if r.report.Mended[NameTooLong] != 1 {
		t.Errorf("mended %v", r.report.Mended)
	}
}

func TestMixedRooms(t *testing.T) {
	r, all := collector(Options{MaxMessages: 1 << 30})
	s := rooms{run: r}
	for i := range maxMixed + 3 {
		m := must(s.of(fmt.Sprint(i%3), fmt.Sprint("room ", i%3)))
		must(m.add(&message{sender: person{key: "a"}, millis: int64(i), salt: salt(fmt.Sprint(i))}))
		if want := 3 * (i / maxMixed); len(*all) != want {
			t.Fatalf("%d vCons after %d messages, want %d", len(*all), i+1, want)
		}
	}
	must(0, s.flush())
	if len(*all) != 6 || r.report.Messages != maxMixed+3 {
		t.Errorf("%d vCons, %+v", len(*all), r.report)
	}
	s = rooms{run: r, byKey: make(map[string]*room)}
	for i := range MaxRooms {
		s.byKey[fmt.Sprint(i)] = &room{}
	}
	if _, err := s.of("0", ""); err != nil {
		t.Error(err)
	}
	if _, err := s.of("one more", ""); err == nil {
		t.Error("one room too many was taken")
	}
}

func TestOpenZip(t *testing.T) {
	archive := func(names ...string) *bytes.Reader {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, name := range names {
			f := must(w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store}))
			must(f.Write([]byte("content of " + name)))
		}
		must(0, w.Close())
		return bytes.NewReader(b.Bytes())
	}
	b := archive("chat/a.txt", "../outside.txt", "/abs.txt")
	fsys, err := OpenZip(b, b.Size())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fs.ReadFile(fsys, "chat/a.txt"); err != nil || string(got) != "content of chat/a.txt" {
		t.Errorf("%q, %v", got, err)
	}
	for _, name := range []string{"../outside.txt", "/abs.txt"} {
		if _, err := fs.ReadFile(fsys, name); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	if _, err := OpenZip(strings.NewReader("PK\x03\x04"), 4); err == nil {
		t.Error("half an archive was opened")
	}
	names := make([]string, MaxFiles+1)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	for n, ok := range map[int]bool{MaxFiles: true, MaxFiles + 1: false} {
		b := archive(names[:n]...)
		if _, err := OpenZip(b, b.Size()); (err == nil) != ok {
			t.Errorf("%d files: %v", n, err)
		}
	}
}
