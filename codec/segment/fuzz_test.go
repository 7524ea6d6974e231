package segment

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// ours tells whether err is one that callers expect.
func ours(err error) bool {
	_, a := errors.AsType[*Error](err)
	_, b := errors.AsType[*codec.Error](err)
	return a || b
}

func FuzzParsePage(f *testing.F) {
	for _, p := range []*Page{{}, samplePage()} {
		b, err := AppendPage(nil, p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePage(data)
		if err != nil {
			if !ours(err) {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		b, err := AppendPage(nil, p)
		if err != nil || !bytes.Equal(b, data) {
			t.Fatalf("%x became %x: %v", data, b, err)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	b, err := AppendAnswer(nil, &Answer{Wants: []Want{{Need: true, Offset: 300}, {Have: [32]byte{1}}, {}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ParseAnswer(data)
		if err != nil {
			if !ours(err) {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		b, err := AppendAnswer(nil, a)
		if err != nil || !bytes.Equal(b, data) {
			t.Fatalf("%x became %x: %v", data, b, err)
		}
	})
}

func FuzzParseEnd(f *testing.F) {
	b, err := AppendEnd(nil, &End{Root: [32]byte{1}, Ledger: samplePage().Left})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseEnd(data)
		if err != nil {
			if !ours(err) {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		b, err := AppendEnd(nil, e)
		if err != nil || !bytes.Equal(b, data) {
			t.Fatalf("%x became %x: %v", data, b, err)
		}
	})
}

// What decodes encodes to a segment with the same items, and that one is stable.
func FuzzDecodeSegment(f *testing.F) {
	v := rawSegment(f)
	seed, err := v.AppendCBOR(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	room, parties := engineering(3)
	room.Extra = codec.Fields{"analysis": {0x80}}
	ev := event("add", 1, 2, time.Unix(1_700_000_000, 0), parties)
	seed, _, _, err = EncodeRoster(room, RosterSpan{Whole: true, Parties: parties[1:]}, []Item{ev}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	items := talk(3, 3, parties[1:])
	items[1].Dialog.Start = ""
	items[2].Again = true
	seed, _, _, err = Encode(Room{ID: "vcon:x"}, items, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			if !ours(err) {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		encodeIt := func(s *Segment) ([]byte, SegmentEntry, error) {
			if s.Kind == Roster {
				b, e, _, err := EncodeRoster(s.Room, RosterSpan{Whole: s.Whole, Parties: s.Roster}, s.Items, nil)
				return b, e, err
			}
			b, e, _, err := Encode(s.Room, s.Items, nil)
			return b, e, err
		}
		b, e, err := encodeIt(s)
		if err != nil {
			return // a roster that holds a party twice, a text that is not UTF-8
		}
		again, err := Decode(b)
		if err != nil {
			t.Fatalf("what was encoded does not decode: %v", err)
		}
		if !again.Matches(e) || !s.Matches(e) {
			t.Fatalf("%+v does not match", e)
		}
		var k Keyer
		for i := range s.Items {
			h, err := k.Head(s.Room, s.Items[i], 0)
			h2, err2 := k.Head(again.Room, again.Items[i], 0)
			if h != h2 || (err == nil) != (err2 == nil) {
				t.Fatalf("item %d: head %+v became %+v (%v, %v)", i, h, h2, err, err2)
			}
		}
		b2, e2, err := encodeIt(again)
		if err != nil || e2 != e || !bytes.Equal(b, b2) {
			t.Fatalf("not stable: %v", err)
		}
	})
}
