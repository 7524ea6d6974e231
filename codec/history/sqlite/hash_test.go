package sqlite

import (
	"crypto/sha512"
	"encoding/base64"
	"os"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

func TestHashChecks(t *testing.T) {
	content := []byte("a picture")
	other := sha256Of([]byte("ciphertext"))
	sum512 := sha512.Sum512(content)
	core := "sha512-" + base64.RawURLEncoding.EncodeToString(sum512[:])
	for _, tt := range []struct {
		name     string
		declared string
		change   func(d *codec.Dialog, a *codec.Attachment)
		want     HashCheck
	}{
		{"plaintext", sha256Of(content), nil, HashMatches},
		{"another", other, nil, HashMismatch},
		{"ciphertext", other, func(d *codec.Dialog, _ *codec.Attachment) {
			d.ExternalPart.EncAlg, d.ExternalPart.Key = new(uint64(1)), "AAAA"
		}, HashUnchecked},
		{"ciphertext, and a hash of the cache", other, func(d *codec.Dialog, _ *codec.Attachment) {
			d.ExternalPart.EncAlg, d.ExternalPart.CacheRef = new(uint64(1)), sha256Of(content)
		}, HashMatches},
		{"none", "", nil, HashUnchecked},
		{"unknown algorithm", "md5:AAAA", nil, HashUnchecked},
		{"vcon-core", core, func(d *codec.Dialog, _ *codec.Attachment) { d.ExternalPart.ContentHash = "" }, HashMatches},
		{"vcon-core, another", "sha512-AAAA", func(d *codec.Dialog, _ *codec.Attachment) { d.ExternalPart.ContentHash = "" }, HashMismatch},
		{"several", "", func(d *codec.Dialog, a *codec.Attachment) {
			raw, err := codec.RawOf([]string{"md5-AAAA", sha256Of(content)})
			if err != nil {
				t.Fatal(err)
			}
			a.Extra = codec.Fields{"content_hash": raw}
		}, HashMatches},
		{"no external part", sha256Of(content), func(d *codec.Dialog, _ *codec.Attachment) { d.ExternalPart, d.Body = nil, body("see there") }, HashMatches},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			c := withPicture(t, content, tt.declared, tt.change)
			transferTo(t, s, info(1, ""), c.source())
			ms := conversation(t, s, roomURI)
			if len(ms) != 1 || len(ms[0].Attachments) != 1 {
				t.Fatalf("%+v", ms)
			}
			a := ms[0].Attachments[0]
			if !a.Have || a.Hash != tt.want || a.Size != uint64(len(content)) || a.Name != "p.png" {
				t.Errorf("%+v is %v, want %v", a, a.Hash, tt.want)
			}
			if err := os.Remove(a.Path); err != nil {
				t.Fatal(err)
			}
			if a := conversation(t, s, roomURI)[0].Attachments[0]; a.Have || a.Path != "" {
				t.Errorf("removed: %+v", a)
			}
			if r, err := s.Check(t.Context()); err != nil || r.Lost != 1 || r.OK() {
				t.Errorf("check %+v, %v", r, err)
			}
			// It is asked for again.
			all := leaves(t, c.source())
			if w := begin(t, s, info(2, ""), all); !w[len(w)-1].Need {
				t.Error("what was removed is not wanted")
			}
		})
	}
	for h, want := range map[HashCheck]string{HashMatches: "matches", HashMismatch: "mismatch", HashUnchecked: "not checkable"} {
		if h.String() != want {
			t.Errorf("%q", h)
		}
	}
}
