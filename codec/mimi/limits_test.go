package mimi_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

func str(major byte, n int) string {
	return fmt.Sprintf("%x", codec.AppendHead(nil, major, uint64(n))) + strings.Repeat("61", n)
}

func TestLimits(t *testing.T) {
	ext := func(s string) string { return message(salt16, null, empty, null, null, s, hello) }
	body := func(s string) string { return message(salt16, null, empty, null, null, "a0", s) }
	null3 := "83016000"
	for name, c := range map[string]struct {
		limit int
		make  func(n int) string
	}{
		"MaxContentBytes": {mimi.MaxContentBytes, func(n int) string {
			fixed := body("85 01 60 01 60 5a00000000")
			rest := n - len(strings.ReplaceAll(fixed, " ", ""))/2
			return body(fmt.Sprintf("85 01 60 01 60 5a%08x", rest)) + strings.Repeat("61", rest)
		}},
		"MaxTopicID": {mimi.MaxTopicID, func(n int) string { return message(salt16, null, str(2, n), null, null, "a0", hello) }},
		"MaxParts": {mimi.MaxParts, func(n int) string {
			return body(fmt.Sprintf("85 01 60 03 02 99%04x", n-1) + strings.Repeat(null3, n-1))
		}},
		"MaxPartDepth": {mimi.MaxPartDepth, func(n int) string { return body(nested(n)) }},
		"MaxExtensionDepth, arrays": {mimi.MaxExtensionDepth, func(n int) string {
			return ext("a1 00" + strings.Repeat("81", n-1) + "00")
		}},
		"MaxExtensionDepth, maps": {mimi.MaxExtensionDepth, func(n int) string { return ext(strings.Repeat("a100", n) + "00") }},
		"MaxExtensionDepth, tags": {mimi.MaxExtensionDepth, func(n int) string {
			return ext("a1 00" + strings.Repeat("c1", n-1) + "00")
		}},
		"MaxExtensionItems": {mimi.MaxExtensionItems, func(n int) string {
			return ext(fmt.Sprintf("a1 00 9a%08x", n-3) + strings.Repeat("00", n-3)) // map, key, array
		}},
		"MaxExtensionKey":         {mimi.MaxExtensionKey, func(n int) string { return ext("a1" + str(3, n) + "00") }},
		"MaxKeyInteger":           {mimi.MaxKeyInteger, func(n int) string { return ext(fmt.Sprintf("a1 1b%016x 00", n)) }},
		"MaxKeyInteger, negative": {mimi.MaxKeyInteger, func(n int) string { return ext(fmt.Sprintf("a1 3b%016x 00", n-1)) }},
		"MaxKeyInteger, inside":   {mimi.MaxKeyInteger, func(n int) string { return ext(fmt.Sprintf("a1 00 a1 1b%016x 00", n)) }},
	} {
		if _, err := mimi.ParseContent(unhex(t, c.make(c.limit))); err != nil {
			t.Errorf("%s: at the limit: %v", name, err)
		}
		var pe *mimi.ParseError
		if _, err := mimi.ParseContent(unhex(t, c.make(c.limit+1))); !errors.As(err, &pe) {
			t.Errorf("%s: above the limit: %v", name, err)
		}
	}
	if _, err := mimi.ParseContent(unhex(t, ext("a1 60 00"))); err == nil {
		t.Error("an empty extension key is accepted")
	}
}

func TestURILimit(t *testing.T) {
	c := &mimi.Content{Body: mimi.NestedPart{Disposition: mimi.Render}}
	fits, long := strings.Repeat("u", mimi.MaxURI), strings.Repeat("u", mimi.MaxURI+1)
	d, err := c.Dialog(mimi.Envelope{SenderURI: fits, RoomURI: fits})
	if err != nil {
		t.Fatal(err)
	}
	if level, _ := mimi.Verify(d, fits, fits); level != mimi.Verified08 {
		t.Errorf("level %v", level)
	}
	for _, uri := range []string{"", long} {
		if _, err := c.Dialog(mimi.Envelope{SenderURI: uri, RoomURI: fits}); !errors.Is(err, mimi.ErrURI) {
			t.Errorf("sender: %v", err)
		}
		if _, err := c.Dialog(mimi.Envelope{SenderURI: fits, RoomURI: uri}); !errors.Is(err, mimi.ErrURI) {
			t.Errorf("room: %v", err)
		}
		if level, missing := mimi.Verify(d, uri, uri); level != mimi.NotDerivable || strings.Join(missing, " ") != "originator.im_uri room.id" {
			t.Errorf("level %v, missing %v", level, missing)
		}
	}
	if id := mimi.MessageIDv8(long, fits, nil, c.Salt); id != (mimi.MessageID{}) {
		t.Errorf("an id for a uri without one: %v", id)
	}
	if id := mimi.MessageIDv8(fits, long, nil, c.Salt); id != (mimi.MessageID{}) {
		t.Errorf("an id for a uri without one: %v", id)
	}
}

func TestDialogLimits(t *testing.T) {
	part := codec.Part{Cardinality: "nullpart"}
	multi := func(parts []codec.Part) *codec.MultiPart {
		return &codec.MultiPart{PartSemantics: "processAll", Parts: parts}
	}
	of := func(d *codec.Dialog) error {
		d.Type, d.Salt = "text", codec.BinaryOf(make([]byte, mimi.SaltSize))
		_, err := mimi.ContentOf(d)
		return err
	}
	many := make([]codec.Part, mimi.MaxParts)
	if err := of(&codec.Dialog{MultiPart: multi(many[:mimi.MaxParts-1])}); err != nil {
		t.Error(err)
	}
	if err := of(&codec.Dialog{MultiPart: multi(many)}); err == nil {
		t.Error("too many parts are accepted")
	}
	deep := multi([]codec.Part{part, part})
	for range mimi.MaxPartDepth - 2 {
		deep = multi([]codec.Part{part, {MultiPart: deep}})
	}
	if err := of(&codec.Dialog{MultiPart: deep}); err != nil {
		t.Error(err)
	}
	deep = multi([]codec.Part{part, {MultiPart: deep}})
	if err := of(&codec.Dialog{MultiPart: deep}); err == nil {
		t.Error("parts too deep are accepted")
	}
	if mimi.PlainText(&codec.Dialog{MultiPart: deep}) != "" || len(mimi.Mentions(&codec.Dialog{MultiPart: multi(many)})) != 0 {
		t.Error("text from nothing")
	}
	topic := make([]byte, mimi.MaxTopicID+1)
	if err := of(&codec.Dialog{TopicID: codec.BinaryOf(topic[1:])}); err != nil {
		t.Error(err)
	}
	if err := of(&codec.Dialog{TopicID: codec.BinaryOf(topic)}); err == nil {
		t.Error("a long topic is accepted")
	}
}
