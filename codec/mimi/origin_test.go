package mimi_test

import (
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

func TestOrigin(t *testing.T) {
	if (mimi.Origin{}).Extensions() != nil {
		t.Error("nothing to say has an extension")
	}
	for _, o := range []mimi.Origin{
		{Kind: "poll"}, {EditedAt: "2024-01-01T00:00:00Z"}, {ForwardedFrom: "Zoë"},
		{Kind: "call", EditedAt: "2024-01-01T00:00:00Z", ForwardedFrom: "somebody"},
	} {
		c := &mimi.Content{Extensions: o.Extensions(), Body: mimi.NestedPart{Disposition: mimi.Render, Cardinality: mimi.Single, ContentType: "text/plain"}}
		back, err := mimi.ParseContent(c.Bytes())
		if err != nil || !back.Deterministic() {
			t.Fatalf("%+v: %v, deterministic %v", o, err, err == nil && back.Deterministic())
		}
		d, err := back.Dialog(mimi.Envelope{SenderURI: "mimi://a/u/b", RoomURI: "mimi://a/r/c"})
		if err != nil {
			t.Fatal(err)
		}
		if got := mimi.OriginOf(d); got != o {
			t.Errorf("%+v came back as %+v", o, got)
		}
	}
}

// What others write at its place says nothing.
func TestOriginOfOthers(t *testing.T) {
	for _, b := range []string{
		"", "\xa0", "\xff", "\xa1\x01\x02", "\x80",
		"\xa1\x6dvcon_transfer\x01", "\xa1\x6dvcon_transfer\xa1\x64kind\x01", "\xa1\x6dvcon_transfer\xa1\x01\x61x", "\xa1\x41a\x01",
	} {
		d := &codec.Dialog{Extensions: codec.BinaryOf([]byte(b))}
		if got := mimi.OriginOf(d); got != (mimi.Origin{}) {
			t.Errorf("%q: %+v", b, got)
		}
	}
	if got := mimi.OriginOf(&codec.Dialog{Extensions: "not base64!"}); got != (mimi.Origin{}) {
		t.Errorf("no base64: %+v", got)
	}
	d := &codec.Dialog{Extensions: codec.BinaryOf([]byte("\xa2\x01\x61s\x6dvcon_transfer\xa2\x63new\x61x\x64kind\x64poll"))}
	if got := mimi.OriginOf(d); got.Kind != "poll" {
		t.Errorf("beside another extension: %+v", got)
	}
}
