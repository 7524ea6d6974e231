package mimi_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

const bob = "mimi://example.com/u/bob-jones"

func raw(t testing.TB, s string) codec.Raw { return codec.Raw(unhex(t, s)) }

func TestVerifyLevels(t *testing.T) {
	for name, c := range map[string]struct {
		vector  string
		change  func(d *codec.Dialog)
		level   mimi.Level
		missing string
	}{
		"as it is": {"attachment", func(d *codec.Dialog) {}, mimi.Verified08, ""},
		"cached": {"attachment", func(d *codec.Dialog) {
			d.ExternalPart.Cached = true
		}, mimi.Verified08, ""},
		"without key and nonce": {"attachment", func(d *codec.Dialog) {
			d.ExternalPart.Key, d.ExternalPart.Nonce = "", ""
		}, mimi.NotDerivable, "external_part.key external_part.nonce"},
		"without any of it, cached": {"attachment", func(d *codec.Dialog) {
			d.ExternalPart.EncAlg, d.ExternalPart.Key, d.ExternalPart.Nonce, d.ExternalPart.Cached = nil, "", "", true
		}, mimi.NotDerivable, "external_part.enc_alg external_part.key external_part.nonce"},
		"without any of it, not cached": {"attachment", func(d *codec.Dialog) {
			d.ExternalPart.EncAlg, d.ExternalPart.Key, d.ExternalPart.Nonce = nil, "", ""
		}, mimi.Mismatch, ""},
		"another file name":   {"attachment", func(d *codec.Dialog) { d.ExternalPart.Filename = "small" }, mimi.Mismatch, ""},
		"another description": {"attachment", func(d *codec.Dialog) { d.ExternalPart.Description = "" }, mimi.Mismatch, ""},
		"another size": {"attachment", func(d *codec.Dialog) {
			*d.ExternalPart.Size++
		}, mimi.Mismatch, ""},
		"another expiry": {"attachment", func(d *codec.Dialog) { d.ExternalPart.Expires = "2022-02-09T07:00:04Z" }, mimi.Mismatch, ""},
		"another salt":   {"reply", func(d *codec.Dialog) { d.Salt = codec.BinaryOf(make([]byte, 16)) }, mimi.Mismatch, ""},
		"another id": {"reply", func(d *codec.Dialog) {
			d.MessageID = codec.BinaryOf(append([]byte{1}, make([]byte, 31)...))
		}, mimi.Mismatch, ""},
		"an id of another hash": {"reply", func(d *codec.Dialog) {
			d.MessageID = codec.BinaryOf(append([]byte{2}, make([]byte, 31)...))
		}, mimi.NotDerivable, "message_id"},
		"an id of 31 bytes":   {"reply", func(d *codec.Dialog) { d.MessageID = codec.BinaryOf(make([]byte, 31)) }, mimi.NotDerivable, "message_id"},
		"no id and no salt":   {"reply", func(d *codec.Dialog) { d.MessageID, d.Salt = "", "" }, mimi.NotDerivable, "message_id salt"},
		"no salt":             {"reply", func(d *codec.Dialog) { d.Salt = "" }, mimi.NotDerivable, "salt"},
		"a salt of 15 bytes":  {"reply", func(d *codec.Dialog) { d.Salt = codec.BinaryOf(make([]byte, 15)) }, mimi.NotDerivable, "salt"},
		"a salt with padding": {"reply", func(d *codec.Dialog) { d.Salt += "==" }, mimi.NotDerivable, "salt"},
		"a number for the salt": {"reply", func(d *codec.Dialog) {
			d.Salt, d.Extra = "", codec.Fields{"salt": raw(t, "05")}
		}, mimi.NotDerivable, "salt"},
		"another text":            {"reply", func(d *codec.Dialog) { d.Body.Data = []byte("No!") }, mimi.Mismatch, ""},
		"another media type":      {"reply", func(d *codec.Dialog) { d.MediaType = "text/plain" }, mimi.Mismatch, ""},
		"no extensions":           {"reply", func(d *codec.Dialog) { d.Extensions = "" }, mimi.Mismatch, ""},
		"extensions cut":          {"reply", func(d *codec.Dialog) { d.Extensions = "oQ" }, mimi.NotDerivable, "mimi_extensions"},
		"extensions of an array":  {"reply", func(d *codec.Dialog) { d.Extensions = "gA" }, mimi.NotDerivable, "mimi_extensions"},
		"extensions null in CBOR": {"reply", func(d *codec.Dialog) { d.Extensions = "9g" }, mimi.Mismatch, ""},
		"a null for replaces": {"reply", func(d *codec.Dialog) {
			d.Extra = codec.Fields{"replaces": raw(t, "f6"), "topic_id": raw(t, "60"), "language": raw(t, "d540")}
		}, mimi.Verified08, ""},
		"a list for language": {"reply", func(d *codec.Dialog) {
			d.Extra = codec.Fields{"language": raw(t, "81626465")}
		}, mimi.NotDerivable, "language"},
		"an unknown parameter": {"reply", func(d *codec.Dialog) {
			d.Extra = codec.Fields{"mood": raw(t, "626f6b")}
		}, mimi.Verified08, ""},
		"replies to half an id": {"reply", func(d *codec.Dialog) { d.InReplyTo = "AXzlSDdATDaW" }, mimi.NotDerivable, "in_reply_to"},
		"replies to no base64":  {"reply", func(d *codec.Dialog) { d.InReplyTo = "@" }, mimi.NotDerivable, "in_reply_to"},
		"unknown disposition":   {"reply", func(d *codec.Dialog) { d.Disposition = "shout" }, mimi.NotDerivable, "disposition"},
		"disposition by number": {"reply", func(d *codec.Dialog) { d.Disposition = "9" }, mimi.Mismatch, ""},
		"a known one by number": {"reply", func(d *codec.Dialog) { d.Disposition = "1" }, mimi.NotDerivable, "disposition"},
		"disposition 256":       {"reply", func(d *codec.Dialog) { d.Disposition = "256" }, mimi.NotDerivable, "disposition"},
		"disposition spelt out": {"reply", func(d *codec.Dialog) { d.Disposition = "render" }, mimi.Verified08, ""},
		"a body in base64url": {"reply", func(d *codec.Dialog) {
			d.Encoding, d.Body.Kind = "base64url", codec.BodyBytes
		}, mimi.Verified08, ""},
		"a body in base64": {"reply", func(d *codec.Dialog) {
			d.Encoding, d.Body.Data = "base64url", []byte("UmlnaHQgb24hIF9Db25ncmF0dWxhdGlvbnNfICdhbGwh\n==")
		}, mimi.Verified08, ""},
		"a body in no base64": {"reply", func(d *codec.Dialog) { d.Encoding = "base64url" }, mimi.NotDerivable, "body"},
		"no encoding":         {"reply", func(d *codec.Dialog) { d.Encoding = "" }, mimi.Verified08, ""},
		"encoding json":       {"reply", func(d *codec.Dialog) { d.Encoding = "json" }, mimi.NotDerivable, "body"},
		"no body":             {"reply", func(d *codec.Dialog) { d.Body = codec.Body{} }, mimi.NotDerivable, "body"},
		"an object for a body": {"reply", func(d *codec.Dialog) {
			d.Body, d.Extra = codec.Body{}, codec.Fields{"body": raw(t, "a0")}
		}, mimi.NotDerivable, "body"},
		"a null body of a delete": {"delete", func(d *codec.Dialog) {
			d.Extra = codec.Fields{"body": raw(t, "f6")}
		}, mimi.Verified08, ""},
		"an empty body of a delete": {"delete", func(d *codec.Dialog) {
			d.Extra = codec.Fields{"body": raw(t, "60")}
		}, mimi.Mismatch, ""},
		"a tombstone": {"reply", func(d *codec.Dialog) { d.Type = "tombstone" }, mimi.NotDerivable, "type"},
		"expiry without a date": {"expiring", func(d *codec.Dialog) {
			d.Expires.AbsoluteTime = ""
		}, mimi.NotDerivable, "expires"},
		"expiry with milliseconds": {"expiring", func(d *codec.Dialog) {
			d.Expires.AbsoluteTime = "2022-02-09T07:00:04.500Z"
		}, mimi.NotDerivable, "expires"},
		"expiry in 2200": {"expiring", func(d *codec.Dialog) {
			d.Expires.AbsoluteTime = "2200-02-09T07:00:04Z"
		}, mimi.NotDerivable, "expires"},
		"expiry elsewhere": {"expiring", func(d *codec.Dialog) {
			d.Expires.AbsoluteTime = "2022-02-09T09:00:04.000+02:00"
		}, mimi.Verified08, ""},
		"expiry relative": {"expiring", func(d *codec.Dialog) {
			d.Expires = &codec.Expires{Relative: true, RelativeTime: 600}
		}, mimi.Mismatch, ""},
		"relative beyond 32 bits": {"expiring", func(d *codec.Dialog) {
			d.Expires = &codec.Expires{Relative: true, RelativeTime: 1 << 32}
		}, mimi.NotDerivable, "expires"},
		"relative with a date": {"expiring", func(d *codec.Dialog) { d.Expires.Relative = true }, mimi.NotDerivable, "expires"},
		"unknown semantics": {"multipart-1", func(d *codec.Dialog) {
			d.MultiPart.PartSemantics = "best"
		}, mimi.NotDerivable, "multi_part.part_semantics"},
		"other semantics": {"multipart-1", func(d *codec.Dialog) { d.MultiPart.PartSemantics = "singleUnit" }, mimi.Mismatch, ""},
		"a part's body is gone": {"multipart-1", func(d *codec.Dialog) {
			d.MultiPart.Parts[0].Body, d.MultiPart.Parts[1].Disposition = codec.Body{}, "?"
		}, mimi.NotDerivable, "part.body part.disposition"},
		"a part of another form": {"multipart-1", func(d *codec.Dialog) {
			d.MultiPart.Parts[1].Extra = codec.Fields{"mediatype": raw(t, "05")}
		}, mimi.NotDerivable, "part.mediatype"},
		"a part without its key": {"multipart-1", func(d *codec.Dialog) {
			alg := uint64(1)
			d.MultiPart.Parts[1] = codec.Part{ExternalPart: &codec.ExternalPart{URL: "https://example.com", EncAlg: &alg}}
		}, mimi.NotDerivable, "external_part.key external_part.nonce"},
		"sha-256 with a hyphen": {"attachment", func(d *codec.Dialog) {
			d.ExternalPart.ContentHash = "sha-256:" + strings.TrimPrefix(d.ExternalPart.ContentHash, "sha256:")
		}, mimi.Verified08, ""},
		"a hash as core writes it": {"attachment", func(d *codec.Dialog) {
			d.ExternalPart.ContentHash = "sha256-" + strings.TrimPrefix(d.ExternalPart.ContentHash, "sha256:")
		}, mimi.Verified08, ""},
		"a hash without a name": {"attachment", func(d *codec.Dialog) { d.ExternalPart.ContentHash = "abc" }, mimi.NotDerivable, "external_part.content_hash"},
		"an unknown hash":       {"attachment", func(d *codec.Dialog) { d.ExternalPart.ContentHash = "md5:abc" }, mimi.NotDerivable, "external_part.content_hash"},
		"a hash by number":      {"attachment", func(d *codec.Dialog) { d.ExternalPart.ContentHash = "1:AAA" }, mimi.NotDerivable, "external_part.content_hash"},
		"encAlg beyond 16 bits": {"attachment", func(d *codec.Dialog) { *d.ExternalPart.EncAlg = 1 << 16 }, mimi.NotDerivable, "external_part.enc_alg"},
		"a date that is none":   {"attachment", func(d *codec.Dialog) { d.ExternalPart.Expires = "soon" }, mimi.NotDerivable, "external_part.expires"},
		"a key that is none":    {"attachment", func(d *codec.Dialog) { d.ExternalPart.Key = "?" }, mimi.NotDerivable, "external_part.key"},
		"a size that is none": {"attachment", func(d *codec.Dialog) {
			d.ExternalPart.Size, d.ExternalPart.Extra = nil, codec.Fields{"size": raw(t, "20")}
		}, mimi.NotDerivable, "external_part.size"},
		"bytes kept for nothing": {"reply", func(d *codec.Dialog) {
			d.Extra = codec.Fields{mimi.KeepParameter: raw(t, "6161")}
		}, mimi.NotDerivable, "mimi_content"},
	} {
		t.Run(name, func(t *testing.T) {
			d := draftDialog(t, c.vector)
			c.change(d)
			sender := bob
			if strings.HasPrefix(c.vector, "multipart") || c.vector == "expiring" {
				sender = "mimi://example.com/u/alice-smith"
			}
			level, missing := mimi.Verify(d, sender, room)
			if level != c.level || strings.Join(missing, " ") != c.missing {
				t.Errorf("%v, missing %v; want %v, %q", level, missing, c.level, c.missing)
			}
			var lack *mimi.MissingError
			if _, err := mimi.ContentOf(d); err != nil && (!errors.As(err, &lack) || len(lack.Missing) == 0 || err.Error() == "") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestVerifyOthers(t *testing.T) {
	d := draftDialog(t, "reply")
	if level, _ := mimi.Verify(d, bob+"x", room); level != mimi.Mismatch {
		t.Errorf("another sender: %v", level)
	}
	if level, _ := mimi.Verify(d, bob, room+"x"); level != mimi.Mismatch {
		t.Errorf("another room: %v", level)
	}
	// Without the lengths, what moves from one URI to the other has the same
	// -07 id; -08 tells them apart.
	c, err := mimi.ContentOf(d)
	if err != nil {
		t.Fatal(err)
	}
	if mimi.MessageIDv7(bob+"m", room[1:], c.Bytes(), c.Salt) != mimi.MessageIDv7(bob, room, c.Bytes(), c.Salt) {
		t.Error("-07 ids differ")
	}
	if mimi.MessageIDv8(bob+"m", room[1:], c.Bytes(), c.Salt) == mimi.MessageIDv8(bob, room, c.Bytes(), c.Salt) {
		t.Error("-08 ids are the same")
	}
	for level, want := range map[mimi.Level]string{
		mimi.Verified08: "verified", mimi.Verified07: "verified (draft -07)", mimi.Mismatch: "mismatch", mimi.NotDerivable: "not derivable",
	} {
		if level.String() != want || level.Verified() != strings.HasPrefix(want, "verified") {
			t.Errorf("%d is %q, %v", level, level, level.Verified())
		}
	}
}

func TestEnvelope(t *testing.T) {
	c := &mimi.Content{Body: mimi.NestedPart{Disposition: mimi.Render, Language: "de"}}
	d, err := c.Dialog(mimi.Envelope{
		SenderURI: bob, RoomURI: room, Originator: 2, Parties: []uint32{1, 2}, Start: mimi.DateOf(1644387225019),
		FrankingTag: []byte{1}, Frank: []byte{2, 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	if d.Start != "2022-02-09T06:13:45.019Z" || *d.Originator != 2 || len(d.Parties) != 2 || *d.Duration != 0 ||
		d.FrankingTag != "AQ" || d.Frank != "AgM" || d.Language != "de" || d.Extensions != "" || d.Extra != nil {
		t.Errorf("%+v", d)
	}
	for ms, want := range map[int64]codec.Date{
		0: "1970-01-01T00:00:00.000Z", -1: "1969-12-31T23:59:59.999Z", 1 << 62: "", -1 << 62: "", 253402300799999: "9999-12-31T23:59:59.999Z",
		253402300800000: "",
	} {
		if got := mimi.DateOf(ms); got != want {
			t.Errorf("%d: %q, want %q", ms, got, want)
		}
	}
}

func TestSemantics(t *testing.T) {
	for name, want := range map[string]string{
		"original": "", "reply": "", "reaction": "reaction", "mention": "", "edit": "edit", "delete": "delete", "unlike": "delete",
		"expiring": "", "attachment": "", "conferencing": "", "multipart-1": "",
		"multipart-2": "", // a reaction to nothing
	} {
		d := through(t, "CBOR, JSON", draftDialog(t, name))
		got := ""
		for word, is := range map[string]bool{"reaction": mimi.IsReaction(d), "edit": mimi.IsEdit(d), "delete": mimi.IsDelete(d)} {
			if is {
				got += word
			}
		}
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
		d.Type = "recording"
		if mimi.IsReaction(d) || mimi.IsEdit(d) || mimi.IsDelete(d) {
			t.Errorf("%s: a recording does something", name)
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		mimi.Unspecified.String(): "unspecified", mimi.Profile.String(): "profile", mimi.Icon.String(): "icon", mimi.Preview.String(): "preview",
		mimi.Disposition(9).String(): "9", mimi.PartSemantics(7).String(): "7", mimi.Cardinality(9).String(): "9",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
