package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// maxInspectMemory bounds what inspect takes of the machine, whatever it looks into.
const maxInspectMemory = 64 << 20

// inspectAlone runs inspect as a process of its own and says how much memory it
// took at most.
func inspectAlone(t *testing.T, path string) (i inspection, rss int64) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "vcon-transfer", "inspect", "--json", path)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	sample := time.NewTicker(2 * time.Millisecond)
	defer sample.Stop()
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		case <-sample.C:
			rss = max(rss, peakMemory(c.Process.Pid))
		}
	}
	if rss == 0 {
		t.Fatal("no memory was measured")
	}
	if err := json.Unmarshal(out.Bytes(), &i); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %s, %s resident, %v", filepath.Base(path), size(uint64(i.Bytes)), size(uint64(rss)), c.ProcessState.UserTime())
	return i, rss
}

// A vCon of a million messages is inspected in bounded memory, in both encodings,
// and ids that come twice are found.
func TestInspectManyMessages(t *testing.T) {
	for _, format := range []codec.Format{codec.FormatCBOR, codec.FormatJSON} {
		path := filepath.Join(t.TempDir(), "many."+format.String())
		writeMany(t, path, format, inspectedMessages)
		i, rss := inspectAlone(t, path)
		if i.Records["message"] != inspectedMessages+1 || i.IDs["not derivable"] != inspectedMessages+1 || i.Rooms[0].People != 3 {
			t.Errorf("%+v", i)
		}
		if len(i.Problems) != 1 || i.Problems[0].Pointer != fmt.Sprintf("/dialog/%d", inspectedMessages) {
			t.Errorf("problems: %+v", i.Problems)
		}
		if rss > maxInspectMemory && !raceEnabled {
			t.Errorf("%d bytes resident", rss)
		}
	}
}

// writeMany writes n messages, and the first one again.
func writeMany(t *testing.T, path string, format codec.Format, n int) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(file, 1<<20)
	encode, open, next, end := codec.AppendDialogJSON, `{"vcon":"0.4.0","room":{"id":"mimi://example.com/r/many"},"parties":[{"im_uri":"mimi://example.com/r/many"},`+
		`{"im_uri":"mimi://example.com/u/a"},{"im_uri":"mimi://example.com/u/b"},{"im_uri":"mimi://example.com/u/c"}],"dialog":[`, ",", "]}"
	if format == codec.FormatCBOR { // its keys in any order, and dialog first
		encode, next = codec.AppendDialogCBOR, ""
		open = string(codec.AppendHead(codec.AppendText(codec.AppendMap(nil, 4), "dialog"), 4, uint64(n+1)))
		b := codec.AppendText(codec.AppendText(nil, "vcon"), "0.4.0")
		b = codec.AppendText(codec.AppendText(codec.AppendMap(codec.AppendText(b, "room"), 1), "id"), "mimi://example.com/r/many")
		b = codec.AppendArray(codec.AppendText(b, "parties"), 4)
		for _, who := range []string{"r/many", "u/a", "u/b", "u/c"} {
			b = codec.AppendText(codec.AppendText(codec.AppendMap(b, 1), "im_uri"), "mimi://example.com/"+who)
		}
		end = string(b)
	}
	w.WriteString(open)
	id, salt := make([]byte, 32), make([]byte, 15) // too short: nothing is derived
	id[0] = 1
	d := codec.Dialog{Type: "text", Start: "2024-01-01T00:00:00.000Z", Parties: []uint32{0}, Originator: new(uint32(1)), MessageID: codec.BinaryOf(id),
		Salt: codec.BinaryOf(salt), MediaType: "text/plain;charset=utf-8", Encoding: "none", Body: codec.Body{Kind: codec.BodyText, Data: []byte("what I had to say of this")}}
	message, err := encode(nil, &d)
	if err != nil {
		t.Fatal(err)
	}
	in := func() []byte { // how the id is encoded
		if format == codec.FormatCBOR {
			return id
		}
		return []byte(codec.BinaryOf(id))
	}
	at := bytes.Index(message, in())
	for i := range n + 1 {
		binary.BigEndian.PutUint64(id[8:], uint64(i%n))
		copy(message[at:], in())
		if i > 0 {
			w.WriteString(next)
		}
		w.Write(message)
	}
	w.WriteString(end)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// An attachment of two gigabytes, of which the file holds none (it has a hole), is
// passed over.
func TestInspectLargeAttachment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.cbor")
	head := codec.AppendText(codec.AppendMap(codec.AppendArray(codec.AppendText(codec.AppendMap(nil, 2), "attachments"), 1), 2), "body")
	head = codec.AppendHead(append(head, 0xd5), 2, inspectedAttachment) // tag 21, a byte string
	tail := codec.AppendText(codec.AppendText(nil, "encoding"), "base64url")
	tail = codec.AppendText(codec.AppendText(tail, "vcon"), "0.4.0")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.Write(head)
	if err == nil {
		_, err = file.WriteAt(tail, int64(len(head))+inspectedAttachment)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	i, rss := inspectAlone(t, path)
	if a := i.Attachments; a.Count != 1 || a.Content != 1 || a.Bytes != inspectedAttachment || len(i.Problems) > 0 {
		t.Errorf("%+v, %+v", i.Attachments, i.Problems)
	}
	if rss > maxInspectMemory && !raceEnabled {
		t.Errorf("%d bytes resident", rss)
	}
}
