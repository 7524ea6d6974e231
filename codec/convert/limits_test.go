package convert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// TestExportLimit reads a file that is as long as it may be, and one that is a byte
// longer: the limit itself is 64 GiB.
func TestExportLimit(t *testing.T) {
	const text = `[{"id":1},{"id":2}]`
	for _, limit := range []int64{int64(len(text)) - 1, int64(len(text))} {
		r := &run{ctx: context.Background(), report: &Report{}}
		j := r.jsonOf(strings.NewReader(text))
		j.in.file = limit
		err := j.array(func(int) error { return j.skip() })
		if err == nil {
			err = j.end()
		}
		if ok := limit == int64(len(text)); ok != (err == nil) || !ok && !errors.Is(err, errExportTooLong) {
			t.Errorf("%d bytes of %d: %v", limit, len(text), err)
		}
	}
}

// TestHeldText: texts that became files are held up to maxHeldText together.
func TestHeldText(t *testing.T) {
	r := &run{report: &Report{held: maxHeldText - 10}}
	for i, want := range []bool{true, true, false} {
		f := r.textFile("message.txt", plainText, "12345")
		if held := f.content != nil; held != want || f.size != 5 {
			t.Errorf("text %d of 5 bytes: held %v, size %d", i, held, f.size)
		}
	}
}

// TestSaidOfFilesAndRooms: descriptions are cut at maxAbout, addresses longer than
// maxAddress are left out of a file and cut in a room.
func TestSaidOfFilesAndRooms(t *testing.T) {
	for _, more := range []int{0, 1} {
		r, _ := collector(Options{})
		m := r.room("x")
		msg := &message{files: []file{{description: strings.Repeat("d", maxAbout+more), url: strings.Repeat("u", maxAddress+more)}}}
		m.fit(msg)
		f := &msg.files[0]
		if len(f.description) != maxAbout || (len(f.url) == maxAddress) != (more == 0) || (f.url == "") != (more == 1) {
			t.Errorf("a file, %d more: %d bytes are said, an address of %d", more, len(f.description), len(f.url))
		}
		room := &codec.Room{Subject: strings.Repeat("s", maxAbout+more), Avatar: strings.Repeat("a", maxAddress+more)}
		if err := m.changes(1, change{event: "room", room: room}); err != nil {
			t.Fatal(err)
		}
		if len(room.Subject) != maxAbout || len(room.Avatar) != maxAddress {
			t.Errorf("a room, %d more: %d bytes are said, an address of %d", more, len(room.Subject), len(room.Avatar))
		}
		if cut, left := r.report.Mended[NameTooLong], r.report.Mended[FieldUnknown]; cut != uint64(3*more) || left != uint64(more) {
			t.Errorf("%d more: %d were cut, %d left", more, cut, left)
		}
	}
}

func TestCanBeFile(t *testing.T) {
	part := strings.Repeat("a", maxPathPart) + "/"
	for name, want := range map[string]bool{
		part + "b": true, "b/" + part[:maxPathPart]: true, "a" + part + "b": false,
		strings.Repeat(part, maxPath/len(part)): true,
		strings.Repeat("a/", maxPath/2):         true,
		strings.Repeat("a/", maxPath/2) + "b":   false,
		"a\x00b":                                false,
		strings.Repeat(part, maxPath/len(part)) + strings.Repeat("b", len(part)): false,
	} {
		if got := canBeFile(name); got != want {
			t.Errorf("a name of %d bytes: %v", len(name), got)
		}
	}
}

// stream is a file system whose files cannot seek, as those of an archive.
type stream struct{ fs.FS }

func (s stream) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	return struct{ fs.File }{f}, err
}

// TestHeldMail: mail in archives is held up to MaxHeldMail together.
func TestHeldMail(t *testing.T) {
	r := &run{ctx: context.Background(), report: &Report{}, fsys: stream{fstest.MapFS{"a.eml": {Data: bytes.Repeat([]byte("x"), 10)}}}}
	for before, ok := range map[int64]bool{MaxHeldMail - 10: true, MaxHeldMail - 9: false} {
		b := &mailbox{run: r, files: []string{"a.eml"}, held: map[int32][]byte{}, holding: before}
		if err := b.hold(0); (err == nil) != ok || ok != (len(b.held[0]) == 10) {
			t.Errorf("%d bytes are held: %v", before, err)
		}
	}
}

// TestReferences: of a long list, a mail's thread is that of the first one, and it
// answers the last one.
func TestReferences(t *testing.T) {
	for _, n := range []int{MaxReferences, MaxReferences + 1} {
		var ids strings.Builder
		for i := range n {
			fmt.Fprintf(&ids, "<%d@x.example> ", i)
		}
		r := &run{ctx: context.Background(), report: &Report{}}
		b := &mailbox{run: r, nodes: map[[16]byte]int32{}, known: map[[16]byte]bool{}}
		h := "From: a@x.example\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <own@x.example>\r\nReferences: " + ids.String() + "\r\n\r\n"
		s := newMailScanner(strings.NewReader(h), false)
		m, err := s.next()
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if why := b.enter(m); why != "" {
			t.Fatal(why)
		}
		e := b.mails[0]
		if len(b.nodes) != MaxReferences+1 || e.root != b.nodes[sum16("id", "0@x.example")] || e.answers[0] != b.nodes[sum16("id", fmt.Sprintf("%d@x.example", n-1))] {
			t.Errorf("%d references: %d nodes, %+v", n, len(b.nodes), e)
		}
	}
}

// TestMembersOfAThread: so many people as MaxMembers, and no more.
func TestMembersOfAThread(t *testing.T) {
	r, _ := collector(Options{})
	th := &mailThread{mailbox: &mailbox{run: r}, room: r.room("x"), members: map[string]bool{}}
	for i := range MaxMembers - 2 {
		th.members[fmt.Sprint(i)] = true
	}
	h := mailHeader{"from": {"a@x.example"}, "to": {"b@x.example, c@x.example"}}
	if _, err := th.people(h, 1); err != nil {
		t.Fatal(err)
	}
	if !th.members["b@x.example"] || th.members["c@x.example"] || r.report.Mended[TooManyPeople] != 1 {
		t.Errorf("%d members, %+v", len(th.members), r.report.Mended)
	}
}
