package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

const vectors = "../../testdata/vectors/wire"

// frameVector is a frame that is read, or one that is refused with a code.
type frameVector struct {
	Name    string `json:"name"`
	Bytes   string `json:"bytes"`
	Type    uint8  `json:"type,omitempty"`
	Flags   uint8  `json:"flags,omitempty"`
	Payload string `json:"payload,omitempty"`
	Error   string `json:"error,omitempty"`
}

type codeVector struct {
	Code uint16 `json:"code"`
	Name string `json:"name"`
}

type wireVectors struct {
	Frames  []frameVector `json:"frames"`
	Refused []frameVector `json:"refused"`
	Codes   []codeVector  `json:"codes"`
}

// wantVectors makes the vectors from the test's own table, not from the package.
func wantVectors() wireVectors {
	var v wireVectors
	valid := func(name string, t wire.Type, f wire.Flags, n int) {
		v.Frames = append(v.Frames, frameVector{
			Name: name, Bytes: hex.EncodeToString(append(header(t, f, int64(n)), payload(n)...)),
			Type: uint8(t), Flags: uint8(f), Payload: hex.EncodeToString(payload(n)),
		})
	}
	refused := func(name string, raw []byte, code wire.Code) {
		v.Refused = append(v.Refused, frameVector{Name: name, Bytes: hex.EncodeToString(raw), Error: code.String()})
	}
	for _, row := range table {
		valid("shortest "+row.name, row.t, 0, row.min)
		refused("too short "+row.name, append(header(row.t, 0, int64(row.min-1)), payload(row.min-1)...), wire.CodeProtocol)
		refused("too long "+row.name, header(row.t, 0, int64(row.max+1)), wire.CodeLimit)
		refused("critical "+row.name, header(row.t, wire.Critical, int64(row.min)), wire.CodeProtocol)
	}
	valid("last data", wire.Data, wire.Last, 16)
	valid("unknown, skipped", 0x42, 0, 3)
	valid("unknown with flags, skipped", 0xff, 0x7f, 0)
	refused("last control", header(wire.Control, wire.Last, 17), wire.CodeProtocol)
	refused("unknown and critical", header(0x42, wire.Critical, 3), wire.CodeVersion)
	refused("unknown and too long", header(0x42, 0, 65537), wire.CodeLimit)
	refused("largest length", header(wire.Data, 0, 0xffffffff), wire.CodeLimit)
	refused("type zero", header(0, 0, 0), wire.CodeProtocol)
	refused("cut in the header", header(wire.Data, 0, 16)[:5], wire.CodeProtocol)
	refused("cut in the payload", append(header(wire.Data, 0, 16), payload(15)...), wire.CodeProtocol)
	for c := wire.CodeInternal; c.Known(); c++ {
		v.Codes = append(v.Codes, codeVector{uint16(c), c.String()})
	}
	return v
}

func TestVectors(t *testing.T) {
	file := filepath.Join(vectors, "frames.json")
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
		b, err := json.MarshalIndent(wantVectors(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v wireVectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Frames) == 0 || len(v.Refused) == 0 || !reflect.DeepEqual(v, wantVectors()) {
		t.Error("the vectors are not those of the table; a change of the format changes docs/wire-format.md, too")
	}
	for _, c := range v.Frames {
		b, p := unhex(t, c.Bytes), unhex(t, c.Payload)
		f, rest, err := wire.ParseFrame(b)
		if err != nil || len(rest) != 0 || uint8(f.Type) != c.Type || uint8(f.Flags) != c.Flags || !bytes.Equal(f.Payload, p) {
			t.Errorf("%s: parsed as %v, %v, %v", c.Name, f.Type, f.Flags, err)
		}
		if again, err := wire.AppendFrame(nil, f); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: encoded as %x, %v", c.Name, again, err)
		}
	}
	for _, c := range v.Refused {
		_, _, err := wire.ParseFrame(unhex(t, c.Bytes))
		if err == nil || wire.CodeOf(err).String() != c.Error {
			t.Errorf("%s: %v, want %s", c.Name, err, c.Error)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
