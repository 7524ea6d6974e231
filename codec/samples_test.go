package codec

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

func sampleFiles(t testing.TB) []string {
	return glob(t, vconDir+"/*.json", vconDir+"/*/*.vcon", vconDir+"/*-*/*.json", vconDir+"/nasty/valid/*.json")
}

// TestSamplesRoundTrip: JSON -> CBOR -> JSON is equal in value, and the CBOR is
// deterministic by the judgement of another encoder.
func TestSamplesRoundTrip(t *testing.T) {
	for _, name := range sampleFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			in := readFile(t, name)
			v := must(DecodeJSON(in))(t)
			c := must(v.AppendCBOR(nil))(t)
			if !IsCanonical(c) {
				t.Error("CBOR is not in core deterministic encoding")
			}
			checkDeterminism(t, c)
			w := must(DecodeCBOR(c))(t)
			if again := must(w.AppendCBOR(nil))(t); !bytes.Equal(again, c) {
				t.Error("CBOR changes when it is read and written again")
			}
			out := must(w.AppendJSON(nil))(t)
			if err := sameJSON(t, in, out); err != nil {
				t.Error(err)
			}
			pretty := must(IndentJSON(out))(t)
			if err := sameJSON(t, in, pretty); err != nil {
				t.Error(err)
			}
		})
	}
}

// checkDeterminism re-encodes c with fxamacker/cbor's core deterministic mode.
func checkDeterminism(t *testing.T, c []byte) {
	t.Helper()
	tags := cbor.NewTagSet()
	dec, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, TimeTagToAny: cbor.TimeTagToRFC3339}.DecModeWithTags(tags)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := dec.Unmarshal(stripDates(c), &v); err != nil {
		t.Fatalf("fxamacker/cbor refuses our CBOR: %v", err)
	}
	again, err := enc.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, stripDates(c)) {
		t.Error("fxamacker/cbor encodes the same value in other bytes")
	}
}

// stripDates removes every tag 0: the library turns it into a time, which loses
// "-00:00".
func stripDates(c []byte) []byte {
	for n := byte(20); n <= 24; n++ {
		c = bytes.ReplaceAll(c, []byte{0xc0, 0x60 + n}, []byte{0x60 + n})
	}
	return c
}

func TestGolden(t *testing.T) {
	const dir = "../testdata/vectors/codec/"
	draft := readFile(t, vconDir+"/engineering-team.draft.json")
	v := must(DecodeJSON(draft))(t)
	c := must(v.AppendCBOR(nil))(t)
	j := must(IndentJSON(must(v.AppendJSON(nil))(t)))(t)
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
		for name, b := range map[string][]byte{"engineering-team.cbor": c, "engineering-team.json": j} {
			if err := os.WriteFile(dir+name, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(c, readFile(t, dir+"engineering-team.cbor")) {
		t.Error("engineering-team.cbor: other bytes")
	}
	if !bytes.Equal(j, readFile(t, dir+"engineering-team.json")) {
		t.Error("engineering-team.json: other bytes")
	}
	w := must(DecodeCBOR(readFile(t, dir+"engineering-team.cbor")))(t)
	if err := sameJSON(t, draft, must(w.AppendJSON(nil))(t)); err != nil {
		t.Error(err)
	}
	if len(w.Dialog) != 12 || len(w.Parties) != 6 || w.Room == nil || w.Room.Name != "Engineering Team" {
		t.Errorf("%d dialogs, %d parties, room %v", len(w.Dialog), len(w.Parties), w.Room)
	}
}

func TestUpgradeSlide(t *testing.T) {
	v := must(DecodeJSON(readFile(t, vconDir+"/ietf118-slide.json")))(t)
	before := must(v.AppendJSON(nil))(t)
	u := v.Upgraded()
	got := must(u.AppendJSON(nil))(t)
	if err := sameJSON(t, readFile(t, vconDir+"/ietf118-slide.expected.json"), got); err != nil {
		t.Error(err)
	}
	if u.Dialog[1].InReplyTo != "28fd19857ad7@example.com" || u.Dialog[6].Body.Kind != BodyAbsent {
		t.Errorf("fields not set: %+v", u.Dialog[1])
	}
	if after := must(v.AppendJSON(nil))(t); !bytes.Equal(before, after) {
		t.Error("Upgraded changed its receiver")
	}
	if again := must(u.Upgraded().AppendJSON(nil))(t); !bytes.Equal(got, again) {
		t.Error("Upgraded is not idempotent")
	}
}
