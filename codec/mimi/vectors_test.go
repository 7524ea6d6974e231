package mimi_test

import (
	"bytes"
	"encoding/hex"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

const room = "mimi://example.com/r/engineering_team"

// A vector is one example of the MIMI content draft.
type vector struct {
	name   string
	bytes  []byte
	id     string // hex, from the comments of the .edn file
	sender string
}

var edn = struct{ id, sender *regexp.Regexp }{
	regexp.MustCompile(`(?s)message ID = h'([0-9a-f]+)\n#\s*([0-9a-f]+)'`),
	regexp.MustCompile(`1: "(mimi:[^"]+)"`),
}

// vectors returns the 14 messages of a version of the draft.
func vectors(t testing.TB, draft string) []vector {
	t.Helper()
	var all []vector
	for _, name := range testdata.Glob("mimi/content-draft-" + draft + "/*.cbor") {
		text := string(testdata.Read(strings.TrimSuffix(name, "cbor") + "edn"))
		id, sender := edn.id.FindStringSubmatch(text), edn.sender.FindStringSubmatch(text)
		if id == nil || sender == nil {
			continue // implied-original and report are not messages of this format
		}
		all = append(all, vector{
			name:   strings.TrimSuffix(path.Base(name), ".cbor"),
			bytes:  testdata.Read(name),
			id:     id[1] + id[2],
			sender: sender[1],
		})
	}
	if len(all) != 14 {
		t.Fatalf("draft %s: %d messages, want 14", draft, len(all))
	}
	return all
}

func TestDraftMessages(t *testing.T) {
	for _, draft := range []string{"07", "08"} {
		for _, v := range vectors(t, draft) {
			t.Run(draft+"/"+v.name, func(t *testing.T) {
				c, err := mimi.ParseContent(v.bytes)
				if err != nil {
					t.Fatal(err)
				}
				if !c.Deterministic() {
					t.Error("not deterministic")
				}
				if got := c.Append(nil); !bytes.Equal(got, v.bytes) {
					t.Errorf("re-encoded\n%x, want\n%x", got, v.bytes)
				}
				formula := mimi.MessageIDv8
				if draft == "07" {
					formula = mimi.MessageIDv7
				}
				if got := formula(v.sender, room, v.bytes, c.Salt); got.String() != v.id {
					t.Errorf("message id %s, want %s", got, v.id)
				}
			})
		}
	}
}

func TestDraftMessagesAsDialogs(t *testing.T) {
	for _, draft := range []string{"07", "08"} {
		for _, v := range vectors(t, draft) {
			t.Run(draft+"/"+v.name, func(t *testing.T) {
				d := dialogOf(t, v)
				if draft == "07" {
					id, err := hex.DecodeString(v.id)
					if err != nil {
						t.Fatal(err)
					}
					d.MessageID = codec.BinaryOf(id)
				}
				for _, form := range []string{"memory", "CBOR", "JSON", "CBOR, JSON, CBOR"} {
					d := through(t, form, d)
					back, err := mimi.ContentOf(d)
					if err != nil {
						t.Fatalf("%s: %v", form, err)
					}
					if got := back.Bytes(); !bytes.Equal(got, v.bytes) {
						t.Errorf("%s: came back as\n%x, want\n%x", form, got, v.bytes)
					}
					want := mimi.Verified08
					if draft == "07" {
						want = mimi.Verified07
					}
					if level, missing := mimi.Verify(d, v.sender, room); level != want || missing != nil {
						t.Errorf("%s: level %v (missing %v), want %v", form, level, missing, want)
					}
				}
			})
		}
	}
}

// dialogOf parses a vector and makes its dialog.
func dialogOf(t testing.TB, v vector) *codec.Dialog {
	t.Helper()
	c, err := mimi.ParseContent(v.bytes)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Dialog(mimi.Envelope{SenderURI: v.sender, RoomURI: room, Originator: 1, Start: "2022-02-08T22:13:45.019Z"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// draftDialog makes the dialog of one vector of -08.
func draftDialog(t testing.TB, name string) *codec.Dialog {
	t.Helper()
	for _, v := range vectors(t, "08") {
		if v.name == name {
			return dialogOf(t, v)
		}
	}
	t.Fatalf("no vector %s", name)
	return nil
}
