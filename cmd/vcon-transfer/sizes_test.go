package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/testdata/gen"
)

const (
	// maxResident is how much memory convert may take, in bytes, whatever it reads.
	maxResident = 64 << 20
	manyBatch   = 10_000 // messages
)

// A vCon of a million messages goes each way, and comes out as expected to the
// byte, in memory that has nothing to do with its size.
func TestConvertManyMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cbor, json := writeHistory(t, dir, "many", manyMessages)
	fewCBOR, fewJSON := writeHistory(t, dir, "fewer", manyMessages/10)
	for _, c := range []struct {
		in, out string
		want    [32]byte
	}{{"many.cbor", "json", json}, {"many.json", "cbor", cbor}, {"fewer.cbor", "cbor", fewCBOR}, {"fewer.json", "json", fewJSON}} {
		t.Run(c.in+" to "+c.out, func(t *testing.T) {
			t.Parallel()
			if got := convertHashed(t, dir, c.in, c.out); got != c.want {
				t.Error("another vCon comes out")
			}
		})
	}
}

// writeHistory writes the same vCon in CBOR and in JSON, element by element, and
// returns the hashes of the two files.
func writeHistory(t *testing.T, dir, name string, n int) (cbor, json [32]byte) {
	t.Helper()
	const split = "SPLIT"
	v := oneRoom(0, 1)
	v.Dialog = []codec.Dialog{{Type: split}}
	headCBOR, tailCBOR, ok1 := bytes.Cut(must(v.AppendCBOR(nil))(t), []byte("\x81\xa1\x64type\x65"+split))
	headJSON, tailJSON, ok2 := bytes.Cut(indented(t, must(v.AppendJSON(nil))(t)), []byte("{\n      \"type\": \""+split+"\"\n    }"))
	if !ok1 || !ok2 {
		t.Fatal("the vCon cannot be split")
	}
	fc, fj := newHashed(t, filepath.Join(dir, name+".cbor")), newHashed(t, filepath.Join(dir, name+".json"))
	fc.Write(codec.AppendArray(headCBOR, n))
	fj.Write(headJSON)
	var c, j []byte
	for made, batch := 0, uint64(0); made < n; batch++ {
		for _, d := range oneRoom(batch, min(manyBatch, n-made)).Dialog {
			if made == n {
				break // the roster's events come on top
			}
			if made > 0 {
				fj.WriteString(",\n    ")
			}
			c = must(codec.AppendDialogCBOR(c[:0], &d))(t)
			fc.Write(c)
			j = must(codec.AppendDialogJSON(j[:0], &d))(t)
			fj.Write(bytes.ReplaceAll(bytes.TrimSpace(indented(t, j)), []byte("\n"), []byte("\n    ")))
			made++
		}
	}
	fc.Write(tailCBOR)
	fj.Write(tailJSON)
	return fc.done(t), fj.done(t)
}

func oneRoom(seed uint64, n int) *codec.VCon {
	g := gen.New(seed)
	g.Rooms, g.NoInline = 1, true
	return g.Messages(n)[0]
}

func indented(t *testing.T, j []byte) []byte { return must(codec.IndentJSON(j))(t) }

// A vCon with a recording of gigabytes inside it goes from CBOR to JSON. The other
// ways, a smaller one is enough: it is far beyond the memory too, and a file of
// JSON has no holes.
func TestConvertLargeBody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		in, out string
		size    int64
	}{{"cbor", "json", largeBody}, {"cbor", "cbor", largeBody / 4}, {"json", "cbor", largeBody / 8}, {"json", "json", largeBody / 16}} {
		t.Run(c.in+" to "+c.out, func(t *testing.T) {
			name := "body." + c.in
			writeBody(t, filepath.Join(dir, name), c.in, c.size)
			want := sha256.New()
			body(c.out, c.size, want, func(size int64, w io.Writer) { streamBody(size, w) })
			if got := convertHashed(t, dir, name, c.out); got != [32]byte(want.Sum(nil)) {
				t.Error("another vCon comes out")
			}
		})
	}
}

// body writes a vCon whose dialog has a body of size bytes, as convert does.
func body(format string, size int64, w io.Writer, content func(int64, io.Writer)) {
	if format == "json" {
		io.WriteString(w, "{\n  \"vcon\": \"0.4.0\",\n  \"dialog\": [\n    {\n      \"type\": \"recording\",\n      \"encoding\": \"base64url\",\n      \"body\": \"")
		e := base64.NewEncoder(base64.RawURLEncoding, w)
		content(size, e)
		e.Close()
		io.WriteString(w, "\"\n    }\n  ],\n  \"attachments\": [\n    {\n      \"filename\": \"after\"\n    }\n  ]\n}\n")
		return
	}
	io.WriteString(w, "\xa3\x64vcon\x650.4.0\x66dialog\x81\xa3\x64body")
	w.Write(codec.AppendHead([]byte{0xd5}, 2, uint64(size)))
	content(size, w)
	io.WriteString(w, "\x64type\x69recording\x68encoding\x69base64url\x6battachments\x81\xa1\x68filename\x65after")
}

const (
	bodyStep  = 32 << 20 // bytes from one block that is not zero to the next
	bodyBlock = 4 << 10
)

// streamBody writes size bytes: zeros with random blocks between.
func streamBody(size int64, w io.Writer) {
	zeros := make([]byte, 64<<10)
	random := rand.NewChaCha8([32]byte{1})
	for at := int64(0); at < size; {
		block := make([]byte, min(bodyBlock, size-at))
		random.Read(block)
		w.Write(block)
		at += int64(len(block))
		for end := min(size, at/bodyStep*bodyStep+bodyStep); at < end; {
			n, _ := w.Write(zeros[:min(int64(len(zeros)), end-at)])
			at += int64(n)
		}
	}
}

// writeBody writes such a vCon; in CBOR the zeros are holes of the file.
func writeBody(t *testing.T, name, format string, size int64) {
	t.Helper()
	f := must(os.Create(name))(t)
	defer f.Close()
	if format == "json" {
		w := bufio.NewWriterSize(f, 1<<20)
		body(format, size, w, streamBody)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return
	}
	body(format, size, f, func(size int64, w io.Writer) {
		random := rand.NewChaCha8([32]byte{1})
		for left := size; left > 0; left -= bodyStep {
			block := make([]byte, min(bodyBlock, left))
			random.Read(block)
			w.Write(block)
			if _, err := f.Seek(min(bodyStep, left)-int64(len(block)), io.SeekCurrent); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// convertHashed runs convert IN - and returns the hash of what it writes. Its
// memory is watched where the system tells.
func convertHashed(t *testing.T, dir, in, format string) [32]byte {
	t.Helper()
	var stderr bytes.Buffer
	c := exec.CommandContext(t.Context(), "vcon-transfer", "convert", "--format", format, in, "-")
	c.Dir, c.Stderr = dir, &stderr
	out := must(c.StdoutPipe())(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	h, peak := sha256.New(), int64(0)
	buf := make([]byte, 64<<10)
	for n := 0; ; n++ {
		got, err := out.Read(buf)
		h.Write(buf[:got])
		if n%16 == 0 {
			peak = max(peak, peakMemory(c.Process.Pid))
		}
		if err != nil {
			break
		}
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	switch {
	case peak == 0 && runtime.GOOS == "linux":
		t.Error("no memory was measured")
	case peak == 0:
		t.Logf("%s does not tell how much memory a process had", runtime.GOOS)
	case peak > maxResident && !raceEnabled:
		t.Errorf("%d MiB resident, want %d at most", peak>>20, maxResident>>20)
	}
	t.Logf("%d MiB resident, %.1f s", peak>>20, (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds())
	return [32]byte(h.Sum(nil))
}

// peakMemory is the most memory that a process had so far, in bytes; 0 where the
// system does not tell. What the process says when it has ended would not do: it
// counts this test's memory too, from before the process was another program.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, line, _ := bytes.Cut(status, []byte("VmHWM:"))
	var n int64
	fmt.Sscanf(string(line), "%d kB", &n)
	return n << 10
}

// A hashed is a file that is hashed while it is written.
type hashed struct {
	*bufio.Writer
	file *os.File
	hash hash.Hash
}

func newHashed(t *testing.T, name string) *hashed {
	t.Helper()
	f := must(os.Create(name))(t)
	h := sha256.New()
	return &hashed{bufio.NewWriterSize(io.MultiWriter(f, h), 1<<20), f, h}
}

func (h *hashed) done(t *testing.T) [32]byte {
	t.Helper()
	if err := h.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := h.file.Close(); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.hash.Sum(nil))
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
