package history

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Signed and encrypted vCons, in both serializations of JWS and JWE and both
// encodings of ours, come back byte for byte.
func TestSealedVConsAreCarriedWhole(t *testing.T) {
	const samples = "../../testdata/vcon/core-draft/"
	read := func(name string) []byte {
		data, err := os.ReadFile(samples + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	signed := read("ab_call_ext_rec_signed.vcon")
	v, err := codec.DecodeJSON(signed)
	if err != nil {
		t.Fatal(err)
	}
	asCBOR, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"uuid":"other","created_at":"2024-05-01T00:00:00Z","dialog":[{"start":"2023-01-01T00:00:00Z"}]}`))
	large := strings.Repeat("QUJD", codec.MaxElement/4+1)
	const sample, alone = "vcon:019f15a6-a752-826f-b9a2-279e0d16bc46", ""
	for _, c := range []struct {
		name, room, form, media string
		start                   codec.Date
		data                    []byte
	}{
		{"signed", sample, "signed", "application/vcon", "2022-06-21T17:53:26.000+00:00", signed},
		{"signed, in CBOR", sample, "signed", "application/vcon+cbor", "2022-06-21T17:53:26.000+00:00", asCBOR},
		{"encrypted", sample, "encrypted", "application/vcon", "", read("ab_call_ext_rec_encrypted.vcon")},
		{"flattened JWS", "vcon:u-1", "signed", "application/vcon", "2024-05-01T00:00:00Z",
			[]byte(`{"payload":"` + payload + `","protected":"e30","header":{"alg":"ES256","uuid":"U-1"},"signature":"AA"}`)},
		{"flattened JWE", alone, "encrypted", "application/vcon", "", []byte(`{"protected":"e30","encrypted_key":"AA","iv":"AA","ciphertext":"AA","tag":"AA"}` + "\n\n")},
		{"no payload at all", alone, "signed", "application/vcon", "", []byte(`{"payload":7,"signatures":[null]}`)},
		{"larger than an element", alone, "signed", "application/vcon", "", []byte(`{"payload":"` + large + `","signatures":[]}`)},
		{"longest name", "vcon:" + strings.Repeat("u", maxSealUUID), "encrypted", "application/vcon", "", []byte(`{"ciphertext":"AA","unprotected":{"uuid":"` + strings.Repeat("u", maxSealUUID) + `"}}`)},
		{"name too long", alone, "encrypted", "application/vcon", "", []byte(`{"ciphertext":"AA","unprotected":{"uuid":"` + strings.Repeat("u", maxSealUUID+1) + `"}}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "x.vcon", c.data)
			r := open(t, path)
			rooms, err := r.Rooms(t.Context())
			if err != nil || len(rooms) != 1 || rooms[0].Items != 1 {
				t.Fatalf("%+v, %v", rooms, err)
			}
			if left, err := r.Left(t.Context()); err != nil || left.Source != 0 || left.Attachments != 0 {
				t.Errorf("left %+v, %v", left, err)
			}
			if id := rooms[0].Room.ID; c.room != "" && id != c.room || len(id) != len(sample) && c.room == "" {
				t.Errorf("the room is %q", id)
			}
			l := list(t, NewSource(r, SourceOptions{}), segment.Scope{})
			items := l.items()
			if len(items) != 1 || len(l.atts) != 1 {
				t.Fatalf("%d items, %d contents", len(items), len(l.atts))
			}
			if d := items[0].Dialog; d.Type != TypeVCon || d.MediaType != c.media || d.Start != c.start ||
				!bytes.Equal(d.Extra["form"], codec.AppendText(nil, c.form)) {
				t.Errorf("%+v", d)
			}
			for _, offset := range []uint64{0, 1, uint64(len(c.data)) - 1, uint64(len(c.data))} {
				content, err := r.OpenAttachment(t.Context(), rooms[0].Room.ID, l.atts[0], offset)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(content)
				if err := errors.Join(err, content.Close()); err != nil || !bytes.Equal(got, c.data[offset:]) {
					t.Errorf("from %d: %d bytes, %v", offset, len(got), err)
				}
			}
			shared := list(t, NewSource(open(t, path), SourceOptions{}), segment.Scope{CatchUp: true, Rooms: []string{rooms[0].Room.ID}})
			if n := shared.left.Excluded[SealedVCon]; len(shared.items()) != 0 || n != 1 {
				t.Errorf("a new member gets %d, %d are excluded", len(shared.items()), n)
			}
			if err := os.WriteFile(path, append(c.data, ' '), 0o600); err != nil {
				t.Fatal(err)
			}
			if content, err := r.OpenAttachment(t.Context(), rooms[0].Room.ID, l.atts[0], 0); err == nil {
				_, err = io.ReadAll(content)
				if err = errors.Join(err, content.Close()); !errors.Is(err, ErrChanged) {
					t.Error(err)
				}
			} else if !errors.Is(err, ErrChanged) {
				t.Error(err)
			}
		})
	}
}

// A signed vCon that is there twice is one item; with the unsigned one of its uuid
// it makes one conversation.
func TestSealedVConsMeetTheirConversation(t *testing.T) {
	dir := t.TempDir()
	const samples = "../../testdata/vcon/core-draft/"
	for i, name := range []string{"ab_call_ext_rec_signed.vcon", "ab_call_ext_rec_signed.vcon", "ab_call_ext_rec_encrypted.vcon", "ab_call_ext_rec.vcon"} {
		data, err := os.ReadFile(samples + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".vcon"), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, dir)
	rooms, err := r.Rooms(t.Context())
	if err != nil || len(rooms) != 1 || rooms[0].Items != 3 {
		t.Errorf("%+v, %v", rooms, err)
	}
	left, err := r.Left(t.Context())
	if err != nil || left.Excluded[Duplicate] != 1 || left.Source != 1 {
		t.Errorf("left %+v, %v", left, err)
	}
}
