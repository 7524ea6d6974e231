package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// table is docs/wire-format.md's table of frames, written down a second time.
var table = []struct {
	t        wire.Type
	name     string
	min, max int
	flags    wire.Flags
}{
	{1, "hello", 69, 69, 0},
	{2, "bundle", 48, 16384, 0},
	{3, "request", 48, 65536, 0},
	{4, "accept", 48, 4096, 0},
	{5, "control", 17, 262161, 0},
	{6, "data", 16, 65552, 1},
	{7, "error", 48, 272, 0},
}

// header encodes one that the Writer would refuse.
func header(t wire.Type, f wire.Flags, n int64) []byte {
	return []byte{byte(t), byte(f), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

func payload(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7)
	}
	return p
}

// endless counts how much of it is read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestTable(t *testing.T) {
	for _, row := range table {
		if row.t.String() != row.name {
			t.Errorf("type %d is %q, want %q", row.t, row.t, row.name)
		}
		for _, c := range []struct {
			what string
			f    wire.Flags
			n    int
			want wire.Code // zero: accepted
		}{
			{"shortest", 0, row.min, 0},
			{"too short", 0, row.min - 1, wire.CodeProtocol},
			{"longest", 0, row.max, 0},
			{"too long", 0, row.max + 1, wire.CodeLimit},
			{"flags", row.flags, row.max, 0},
			{"critical", wire.Critical, row.max, wire.CodeProtocol},
			{"another flag", 0x02, row.max, wire.CodeProtocol},
			{"last", wire.Last, row.max, map[bool]wire.Code{true: 0, false: wire.CodeProtocol}[row.flags == wire.Last]},
		} {
			t.Run(row.name+"/"+c.what, func(t *testing.T) {
				p := payload(c.n)
				var out bytes.Buffer
				err := wire.NewWriter(&out).WriteFrame(row.t, c.f, p)
				if c.want == 0 {
					if err != nil || !bytes.Equal(out.Bytes(), append(header(row.t, c.f, int64(c.n)), p...)) {
						t.Errorf("write: %v, %d bytes", err, out.Len())
					}
				} else if !refusedWith(err, c.want) || out.Len() != 0 {
					t.Errorf("write: %v, %d bytes; want %v", err, out.Len(), c.want)
				}
				// The reader decides by the header: there is no payload to read.
				src := &endless{}
				in := io.MultiReader(bytes.NewReader(header(row.t, c.f, int64(c.n))), src)
				f, err := wire.NewReader(in).ReadFrame()
				if c.want == 0 {
					if err != nil || f.Type != row.t || f.Flags != c.f || len(f.Payload) != c.n {
						t.Errorf("read: %v, %v %v with %d bytes", err, f.Type, f.Flags, len(f.Payload))
					}
				} else if !refusedWith(err, c.want) || src.read != 0 {
					t.Errorf("read: %v after %d bytes; want %v", err, src.read, c.want)
				}
			})
		}
	}
}

func refusedWith(err error, c wire.Code) bool {
	e, ok := errors.AsType[*wire.FrameError](err)
	return ok && e.Code == c && wire.CodeOf(fmt.Errorf("read: %w", err)) == c
}

func TestUnknownTypes(t *testing.T) {
	hello := append(header(wire.Hello, 0, wire.HelloSize), payload(wire.HelloSize)...)
	unknown := func(n int) []byte { return append(header(0x42, 0, int64(n)), payload(n)...) }
	for _, c := range []struct {
		name string
		in   []byte
		want wire.Code // zero: the hello behind it is read
	}{
		{"skipped", unknown(5), 0},
		{"empty", unknown(0), 0},
		{"with flags of its own", append(header(0xff, 0x7f, 1), 0), 0},
		{"longest", unknown(wire.MaxUnknown), 0},
		{"too long", unknown(wire.MaxUnknown + 1), wire.CodeLimit},
		{"most in a row", bytes.Repeat(unknown(1), wire.MaxSkipped), 0},
		{"too many in a row", bytes.Repeat(unknown(1), wire.MaxSkipped+1), wire.CodeLimit},
		{"critical", append(header(0x42, wire.Critical, 1), 0), wire.CodeVersion},
		{"largest length", header(0x42, 0, 0xffffffff), wire.CodeLimit},
		{"zero", header(0, 0, 0), wire.CodeProtocol},
		{"zeros", make([]byte, 100), wire.CodeProtocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := wire.NewReader(bytes.NewReader(append(c.in, hello...)))
			for range 2 {
				f, err := r.ReadFrame()
				if c.want == 0 && (err != nil || f.Type != wire.Hello || !bytes.Equal(f.Payload, payload(wire.HelloSize))) {
					t.Fatalf("read %v, %v", f.Type, err)
				}
				if c.want != 0 && !refusedWith(err, c.want) { // also the second time
					t.Fatalf("read: %v, want %v", err, c.want)
				}
				if c.want == 0 {
					break
				}
			}
		})
	}
	t.Run("counted anew after a known frame", func(t *testing.T) {
		row := append(bytes.Repeat(unknown(1), wire.MaxSkipped), hello...)
		r := wire.NewReader(bytes.NewReader(bytes.Repeat(row, 3)))
		for range 3 {
			if _, err := r.ReadFrame(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestExpect(t *testing.T) {
	for _, row := range table {
		for _, other := range table {
			in := &endless{}
			r := wire.NewReader(io.MultiReader(bytes.NewReader(header(row.t, 0, int64(row.min))), in))
			r.Expect(other.t, wire.Error)
			_, err := r.ReadFrame()
			if ok := row.t == other.t || row.t == wire.Error; ok != (err == nil) || !ok && (!refusedWith(err, wire.CodeProtocol) || in.read > 0) {
				t.Errorf("expecting %v, %v arrives: %v after %d bytes", other.t, row.t, err, in.read)
			}
		}
		r := wire.NewReader(io.MultiReader(bytes.NewReader(header(row.t, 0, int64(row.min))), &endless{}))
		r.Expect(wire.Hello)
		r.Expect()
		if _, err := r.ReadFrame(); err != nil {
			t.Errorf("expecting everything, %v arrives: %v", row.t, err)
		}
	}
	// Unknown types are skipped whatever is expected.
	r := wire.NewReader(bytes.NewReader(append(header(0x42, 0, 0), append(header(wire.Data, 0, 16), payload(16)...)...)))
	r.Expect(wire.Data)
	if f, err := r.ReadFrame(); err != nil || f.Type != wire.Data {
		t.Errorf("read %v, %v", f.Type, err)
	}
}

func TestErrorText(t *testing.T) {
	_, err := wire.AppendFrame(nil, wire.Frame{Type: wire.Data, Payload: payload(wire.MaxData + 1)})
	if err == nil || err.Error() != "frame data is too long" {
		t.Errorf("error is %q", err)
	}
	_, _, err = wire.ParseFrame(header(0x42, wire.Critical, 0))
	if err == nil || err.Error() != "frame type 0x42 is unknown and critical" {
		t.Errorf("error is %q", err)
	}
	if got := wire.CodeOf(io.EOF); got != wire.CodeInternal {
		t.Errorf("CodeOf(io.EOF) = %v", got)
	}
}
