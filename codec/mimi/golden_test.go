package mimi_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// A golden is one message and what wire-format says of it.
type golden struct {
	Name      string `json:"name"`
	Content   string `json:"content"` // hex
	Sender    string `json:"sender"`
	Room      string `json:"room"`
	MessageID string `json:"message_id"` // hex, of -08
	Dialog    string `json:"dialog"`     // CBOR in hex
	JSON      string `json:"dialog_json"`
}

const goldenFile = "vectors/mimi/dialogs.json"

// TestGoldenDialogs holds the form of dialogs, of the draft's messages and of some
// that it has no example of, and that they turn back.
func TestGoldenDialogs(t *testing.T) {
	if update() {
		b, err := json.MarshalIndent(makeGoldens(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("../../testdata/"+goldenFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var all []golden
	if err := json.Unmarshal(testdata.Read(goldenFile), &all); err != nil {
		t.Fatal(err)
	}
	made := makeGoldens(t)
	if len(all) != len(made) {
		t.Fatalf("%d vectors, %d made", len(all), len(made))
	}
	for i, g := range all {
		if g != made[i] {
			t.Errorf("%s is made as\n%+v, want\n%+v", g.Name, made[i], g)
		}
		for form, decode := range map[string]func() (*codec.Dialog, error){
			"CBOR": func() (*codec.Dialog, error) { return codec.DecodeDialogCBOR(unhex(t, g.Dialog)) },
			"JSON": func() (*codec.Dialog, error) {
				v, err := codec.DecodeJSON([]byte(`{"dialog":[` + g.JSON + `]}`))
				if err != nil {
					return nil, err
				}
				return &v.Dialog[0], nil
			},
		} {
			d, err := decode()
			if err != nil {
				t.Fatalf("%s: %s: %v", g.Name, form, err)
			}
			c, err := mimi.ContentOf(d)
			if err != nil || !bytes.Equal(c.Bytes(), unhex(t, g.Content)) {
				t.Errorf("%s: %s: comes back otherwise: %v", g.Name, form, err)
			}
			if level, missing := mimi.Verify(d, g.Sender, g.Room); level != mimi.Verified08 {
				t.Errorf("%s: %s: %v %v", g.Name, form, level, missing)
			}
		}
	}
}

func makeGoldens(t *testing.T) (all []golden) {
	add := func(name, sender string, content []byte) {
		c, err := mimi.ParseContent(content)
		if err != nil {
			t.Fatal(err)
		}
		d, id, err := c.DialogID(mimi.Envelope{SenderURI: sender, RoomURI: room, Originator: 1, Start: mimi.DateOf(1644387225019)})
		if err != nil {
			t.Fatal(err)
		}
		b, err := codec.AppendDialogCBOR(nil, d)
		if err != nil {
			t.Fatal(err)
		}
		j, err := codec.AppendDialogJSON(nil, d)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, golden{name, hex.EncodeToString(content), sender, room, id.String(), hex.EncodeToString(b), string(j)})
	}
	for _, v := range vectors(t, "08") {
		add(v.name, v.sender, v.bytes)
	}
	body := func(s string) []byte { return unhex(t, message(salt16, null, empty, null, null, "a0", s)) }
	add("null part, nothing else", bob, body("83 01 60 00"))
	add("empty text", bob, body("85 00 60 01 60 40"))
	add("text that is no UTF-8", bob, body("85 01 60 01 6a746578742f706c61696e 42fffe"))
	add("unknown disposition", bob, body("83 18ff 62656e 00"))
	add("every field of an external part", bob, body("8f 06 60 02 6161 6162 1affffffff 1bffffffffffffffff 19ffff 4101 4102 4103 18ff 4104 6163 6164"))
	add("relative expiry", bob, unhex(t, message(salt16, null, empty, "82f5190258", null, "a0", hello)))
	add("not deterministic", bob, unhex(t, "9f"+message(salt16, null, empty, null, null, "bf 02 00 01 00 ff", hello)[2:]+"ff"))
	return all
}
