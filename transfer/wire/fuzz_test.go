package wire_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// FuzzReadFrame: what parses re-encodes to the same bytes, however it arrives, and only errors of this
// package come out.
func FuzzReadFrame(f *testing.F) {
	for _, row := range table {
		b, err := wire.AppendFrame(nil, wire.Frame{Type: row.t, Flags: row.flags, Payload: payload(row.min)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(append(b, b...))
	}
	f.Add(header(0x42, 0, 0))
	f.Add(header(0x42, wire.Critical, 0))
	f.Fuzz(func(t *testing.T, in []byte) {
		// 1. Frame by frame, unknown ones included.
		var known []wire.Frame
		var again []byte
		rest := in
		var parseErr error
		for run := 0; len(rest) > 0; {
			var fr wire.Frame
			if fr, rest, parseErr = wire.ParseFrame(rest); parseErr != nil {
				break
			}
			var err error
			if again, err = wire.AppendFrame(again, fr); err != nil {
				t.Fatalf("what was parsed cannot be encoded: %v", err)
			}
			if run++; !strings.HasPrefix(fr.Type.String(), "type ") {
				known = append(known, fr)
				run = 0
			} else if run > wire.MaxSkipped {
				parseErr = io.EOF
				break
			}
		}
		if !bytes.HasPrefix(in, again) || parseErr == nil && len(again) != len(in) {
			t.Fatalf("%x re-encodes to %x", in, again)
		}
		// 2. From a stream, in one piece and byte by byte.
		for _, src := range []io.Reader{bytes.NewReader(in), iotest.OneByteReader(bytes.NewReader(in))} {
			r := wire.NewReader(src)
			for i := 0; ; i++ {
				fr, err := r.ReadFrame()
				if err != nil {
					_, ours := errors.AsType[*wire.FrameError](err)
					if !ours && err != io.EOF && err != io.ErrUnexpectedEOF {
						t.Fatalf("error is a %T: %v", err, err)
					}
					if i != len(known) || (err == io.EOF) != (parseErr == nil) {
						t.Fatalf("%d of %d frames, then %v; parsing ended with %v", i, len(known), err, parseErr)
					}
					break
				}
				if i >= len(known) || fr.Type != known[i].Type || fr.Flags != known[i].Flags || !bytes.Equal(fr.Payload, known[i].Payload) {
					t.Fatalf("frame %d differs", i)
				}
			}
		}
	})
}

func TestNoAllocationPerFrame(t *testing.T) {
	p := payload(wire.MaxData)
	w := wire.NewWriter(io.Discard)
	raw, err := wire.AppendFrame(nil, wire.Frame{Type: wire.Data, Payload: p})
	if err != nil {
		t.Fatal(err)
	}
	src := &loop{raw: raw}
	r := wire.NewReader(src)
	for name, step := range map[string]func() error{
		"WriteFrame": func() error { return w.WriteFrame(wire.Data, 0, p) },
		"WriteAppend": func() error {
			return w.WriteAppend(wire.Data, 0, len(p), func(b []byte) ([]byte, error) { return append(b, p...), nil })
		},
		"ReadFrame": func() error { _, err := r.ReadFrame(); return err },
		"Expect":    func() error { r.Expect(wire.Data, wire.Control); return nil },
	} {
		if got := testing.AllocsPerRun(100, func() {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("%s allocates %v times", name, got)
		}
	}
}

// loop gives the same bytes for ever.
type loop struct {
	raw []byte
	at  int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.raw[l.at:])
	l.at = (l.at + n) % len(l.raw)
	return n, nil
}

func BenchmarkWriter(b *testing.B) {
	p := payload(wire.MaxData)
	w := wire.NewWriter(io.Discard)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.WriteFrame(wire.Data, 0, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	raw, err := wire.AppendFrame(nil, wire.Frame{Type: wire.Data, Payload: payload(wire.MaxData)})
	if err != nil {
		b.Fatal(err)
	}
	r := wire.NewReader(&loop{raw: raw})
	b.SetBytes(wire.MaxData)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadFrame(); err != nil {
			b.Fatal(err)
		}
	}
}
