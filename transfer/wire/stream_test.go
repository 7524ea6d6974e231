package wire_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// sizes of the payload of data frames around every boundary of the reader's buffer.
var sizes = []int{16, 17, 4084, 4085, 4086, 4090, 4091, 8186, 8192, 20_000, 65_535, 65_536, 65_551, 65_552}

func TestRoundTrip(t *testing.T) {
	var stream bytes.Buffer
	w := wire.NewWriter(&stream)
	for i, n := range sizes {
		var f wire.Flags
		if i%3 == 0 {
			f = wire.Last
		}
		var err error
		if i%2 == 0 {
			err = w.WriteFrame(wire.Data, f, payload(n))
		} else {
			err = w.WriteAppend(wire.Data, f, n, func(b []byte) ([]byte, error) { return append(b, payload(n)...), nil })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, in := range map[string]io.Reader{
		"whole":     bytes.NewReader(stream.Bytes()),
		"byte-wise": iotest.OneByteReader(bytes.NewReader(stream.Bytes())),
		"halves":    iotest.HalfReader(bytes.NewReader(stream.Bytes())),
		"data+EOF":  iotest.DataErrReader(bytes.NewReader(stream.Bytes())),
	} {
		r := wire.NewReader(in)
		for i, n := range sizes {
			f, err := r.ReadFrame()
			if err != nil || f.Type != wire.Data || !bytes.Equal(f.Payload, payload(n)) || (f.Flags == wire.Last) != (i%3 == 0) {
				t.Fatalf("%s: frame %d of %d bytes: %v, %d bytes", name, i, n, err, len(f.Payload))
			}
			if cap(f.Payload) != len(f.Payload) {
				t.Fatalf("%s: appending to a payload would overwrite the next frame", name)
			}
			clear(f.Payload) // it may be opened in place
		}
		for range 2 {
			if _, err := r.ReadFrame(); err != io.EOF {
				t.Errorf("%s: at the end: %v", name, err)
			}
		}
	}
}

func TestTruncationIsNotTheEnd(t *testing.T) {
	var stream bytes.Buffer
	w := wire.NewWriter(&stream)
	w.WriteFrame(wire.Data, 0, payload(20))
	w.WriteFrame(wire.Data, wire.Last, payload(30))
	for n := range stream.Len() {
		r := wire.NewReader(bytes.NewReader(stream.Bytes()[:n]))
		var err error
		frames := 0
		for ; err == nil; frames++ {
			_, err = r.ReadFrame()
		}
		frames--
		whole := n == 0 || n == 26
		if whole != (err == io.EOF) || !whole && err != io.ErrUnexpectedEOF || (n >= 26) != (frames == 1) {
			t.Errorf("cut after %d bytes: %d frames, %v", n, frames, err)
		}
		if _, _, err := wire.ParseFrame(stream.Bytes()[:min(n, 25)]); !refusedWith(err, wire.CodeProtocol) {
			t.Errorf("parse %d bytes: %v", n, err)
		}
	}
}

// A claimed length must not cost memory: what is allocated follows what arrived.
func TestMemoryFollowsWhatArrives(t *testing.T) {
	for _, arrived := range []int{0, 1000, 5000, 40_000, 200_000} {
		in := append(header(wire.Control, 0, wire.MaxControl), payload(arrived)...)
		src := bytes.NewReader(in)
		r := wire.NewReader(src)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.ReadFrame()
		runtime.ReadMemStats(&after)
		if err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
		got := int(after.TotalAlloc - before.TotalAlloc)
		// Doubling: all buffers together are at most four times what arrived.
		if limit := 4*arrived + 16384; got > limit {
			t.Errorf("%d bytes arrived, %d were allocated, want at most %d", arrived, got, limit)
		}
	}
}

func TestTimeoutLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transfertest.Pipe()
		raw, err := wire.AppendFrame(nil, wire.Frame{Type: wire.Data, Payload: payload(100)})
		if err != nil {
			t.Fatal(err)
		}
		r := wire.NewReader(b)
		for i, c := range raw {
			b.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := r.ReadFrame(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("after %d bytes: %v", i, err)
			}
			a.Write([]byte{c})
		}
		b.SetReadDeadline(time.Time{})
		if f, err := r.ReadFrame(); err != nil || !bytes.Equal(f.Payload, payload(100)) {
			t.Errorf("read %v", err)
		}
	})
}

type failing struct{ n int }

func (f *failing) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 3, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestWriterErrors(t *testing.T) {
	w := wire.NewWriter(&failing{n: 1})
	if err := w.WriteFrame(wire.Data, 0, payload(15)); !refusedWith(err, wire.CodeProtocol) {
		t.Errorf("too short: %v", err)
	}
	if err := w.WriteFrame(wire.Data, 0, payload(16)); err != nil {
		t.Errorf("a refused frame makes the writer useless: %v", err)
	}
	for range 2 {
		if err := w.WriteFrame(wire.Data, 0, payload(16)); err != io.ErrClosedPipe {
			t.Errorf("write: %v", err)
		}
		if err := w.WriteAppend(wire.Data, 0, 16, nil); err != io.ErrClosedPipe {
			t.Errorf("write: %v", err)
		}
	}
	broken := errors.New("broken")
	for name, seal := range map[string]func([]byte) ([]byte, error){
		"fails":      func(b []byte) ([]byte, error) { return append(b, payload(16)...), broken },
		"too short":  func(b []byte) ([]byte, error) { return append(b, payload(15)...), nil },
		"too long":   func(b []byte) ([]byte, error) { return append(b, payload(17)...), nil },
		"other end":  func(b []byte) ([]byte, error) { return nil, nil },
		"no payload": func(b []byte) ([]byte, error) { return b, nil },
	} {
		var out bytes.Buffer
		w := wire.NewWriter(&out)
		err := w.WriteAppend(wire.Data, 0, 16, seal)
		if err == nil || out.Len() != 0 {
			t.Errorf("%s: %v, %d bytes", name, err, out.Len())
		}
		if again := w.WriteFrame(wire.Data, 0, payload(16)); again != err || out.Len() != 0 {
			t.Errorf("%s: afterwards %v, %d bytes", name, again, out.Len())
		}
	}
	if err := wire.NewWriter(shortWriter{}).WriteFrame(wire.Data, 0, payload(16)); err != io.ErrShortWrite {
		t.Errorf("short write: %v", err)
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestReaderThatGetsNothing(t *testing.T) {
	if _, err := wire.NewReader(stuck{}).ReadFrame(); err != io.ErrNoProgress {
		t.Errorf("read: %v", err)
	}
}
