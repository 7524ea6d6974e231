package mimi_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample/build"
)

// update says that files below testdata are written anew.
func update() bool { return os.Getenv("VCON_TRANSFER_UPDATE") == "1" }

func TestSampleIsMadeFromTheDraft(t *testing.T) {
	if update() {
		picture, err := build.EncodePicture()
		if err != nil {
			t.Fatal(err)
		}
		c, j := encodeSample(t, picture)
		for name, b := range map[string][]byte{"sample.cbor": c, "sample.json": j} {
			if err := os.WriteFile("../../testdata/sample/"+name, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		t.Fatal(err)
	}
	picture := v.Attachments[0].Body.Data
	got, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	want := build.Picture()
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			// Other machines fuse multiplications and round a little differently.
			a, b := rgba(got, x, y), rgba(want, x, y)
			for i := range a {
				if max(a[i], b[i])-min(a[i], b[i]) > 8<<8 {
					t.Fatalf("pixel %d,%d is %v, want %v", x, y, a, b)
				}
			}
		}
	}
	c, j := encodeSample(t, picture)
	if !bytes.Equal(c, sample.CBOR) {
		t.Error("sample.cbor is not what build makes")
	}
	if !bytes.Equal(j, sample.JSON) {
		t.Error("sample.json is not what build makes")
	}
}

func rgba(m image.Image, x, y int) [4]uint32 {
	r, g, b, a := m.At(x, y).RGBA()
	return [4]uint32{r, g, b, a}
}

func encodeSample(t *testing.T, picture []byte) (cbor, json []byte) {
	t.Helper()
	if n := len(picture); n < 20<<10 || n > 60<<10 {
		t.Errorf("the picture has %d bytes", n)
	}
	v, err := build.VCon(picture)
	if err != nil {
		t.Fatal(err)
	}
	if cbor, err = v.AppendCBOR(nil); err != nil {
		t.Fatal(err)
	}
	if json, err = v.AppendJSON(nil); err != nil {
		t.Fatal(err)
	}
	if json, err = codec.IndentJSON(json); err != nil {
		t.Fatal(err)
	}
	return cbor, json
}

func TestSampleVerifies(t *testing.T) {
	for name, decode := range map[string]func() (*codec.VCon, error){
		"CBOR": func() (*codec.VCon, error) { return codec.DecodeCBOR(sample.CBOR) },
		"JSON": func() (*codec.VCon, error) { return codec.DecodeJSON(sample.JSON) },
	} {
		v, err := decode()
		if err != nil {
			t.Fatal(name, err)
		}
		if len(v.Extra) > 0 || v.Parties[0].IMURI != v.Room.ID {
			t.Errorf("%s: not a vCon with a room", name)
		}
		var texts, events, reactions, edits, deletes int
		for i := range v.Dialog {
			d := &v.Dialog[i]
			if len(d.PartyHistory) > 0 {
				events++
				continue
			}
			texts++
			if level, missing := mimi.Verify(d, v.Parties[*d.Originator].IMURI, v.Room.ID); level != mimi.Verified08 {
				t.Errorf("%s: dialog %d: %v %v", name, i, level, missing)
			}
			for count, is := range map[*int]func(*codec.Dialog) bool{&reactions: mimi.IsReaction, &edits: mimi.IsEdit, &deletes: mimi.IsDelete} {
				if is(d) {
					*count++
				}
			}
		}
		if texts != 14 || events != 1 || reactions != 2 || edits != 1 || deletes != 2 {
			t.Errorf("%s: %d texts, %d events, %d reactions, %d edits, %d deletes", name, texts, events, reactions, edits, deletes)
		}
	}
}
