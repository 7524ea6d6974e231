package pairing

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSummaryFit(t *testing.T) {
	var s Summary
	for i := range MaxRooms + 10 {
		s.Rooms = append(s.Rooms, RoomCount{
			ID: strings.Repeat("i", MaxRoomID), Name: strings.Repeat("é", MaxRoomName), Messages: math.MaxUint64,
			First: math.MinInt64, Last: math.MaxInt64 - int64(i),
		})
	}
	s.Rooms[3].ID += "too long to be named"
	s.Rooms[4].Name = "a\x00b\u202ec\xff"
	s.Intent, s.Label = SameAccount, strings.Repeat("x", MaxLabel-1)+"é"
	s.Identity, s.Signature = make([]byte, MaxIdentity), make([]byte, MaxIdentity)
	s.Time = time.Now()
	f := s.fit()
	if len(f.Rooms) != MaxRooms || f.RoomsTotal != MaxRooms+10 || f.MaxVersion != Version {
		t.Errorf("%d rooms of %d", len(f.Rooms), f.RoomsTotal)
	}
	if f.Rooms[3].Name != "a\ufffdb\ufffdc\ufffd" || f.Label != strings.Repeat("x", MaxLabel-1) || len(f.Rooms[0].Name) != MaxRoomName {
		t.Errorf("texts came as %q and %q", f.Rooms[3].Name, f.Label)
	}
	if len(s.Rooms) != MaxRooms+10 || s.Rooms[3].Name == f.Rooms[3].Name {
		t.Error("the caller's summary was changed")
	}
	r := newReceiver(t, ReceiverOptions{})
	sender := newSender(t, r.Offer(), SenderOptions{})
	m1, conn, _ := r.Hello(sender.Hello())
	sender.OpenBundle(m1)
	m2, err := sender.Request(s)
	if err != nil {
		t.Fatalf("largest summary: %v", err)
	}
	got, err := conn.OpenRequest(m2)
	if err != nil {
		t.Fatal(err)
	}
	got.unknown = nil
	if !reflect.DeepEqual(*got, f) {
		t.Error("largest summary came back changed")
	}
	if _, err := (&Summary{Intent: SameAccount, MaxVersion: 1, Identity: make([]byte, MaxIdentity+1)}).marshal(); !errors.Is(err, ErrLimit) {
		t.Errorf("identity over its limit: %v", err)
	}
}

func TestSummaryMalformed(t *testing.T) {
	s := summary()
	s.Intent = SameAccount
	s = s.fit()
	s.Identity, s.Signature = []byte{1}, []byte{2}
	raw, err := s.marshal()
	if err != nil {
		t.Fatal(err)
	}
	room := []any{"i", "n", 1, 1, 1}
	for name, b := range map[string][]byte{
		"not a map":      {0x80},
		"no intent":      change(t, raw, summaryIntent, nil),
		"version 0":      change(t, raw, summaryMaxVersion, nil),
		"zero messages":  change(t, raw, summaryMessages, 0),
		"negative":       change(t, raw, summaryMessages, -1),
		"float":          change(t, raw, summaryBytes, 1.5),
		"label":          change(t, raw, summaryLabel, "\x1b"),
		"long label":     change(t, raw, summaryLabel, strings.Repeat("l", MaxLabel+1)),
		"identity":       change(t, raw, summaryIdentity, make([]byte, MaxIdentity+1)),
		"signature":      change(t, raw, summarySignature, make([]byte, MaxIdentity+1)),
		"no total":       change(t, raw, summaryRoomsTotal, nil),
		"rooms is text":  change(t, raw, summaryRooms, "x"),
		"rooms empty":    change(t, raw, summaryRooms, []any{}),
		"room short":     change(t, raw, summaryRooms, []any{room[:4]}),
		"room long":      change(t, raw, summaryRooms, []any{append(room[:5:5], 1)}),
		"room id":        change(t, raw, summaryRooms, []any{[]any{strings.Repeat("i", MaxRoomID+1), "n", 1, 1, 1}}),
		"room name":      change(t, raw, summaryRooms, []any{[]any{"i", strings.Repeat("i", MaxRoomName+1), 1, 1, 1}}),
		"room control":   change(t, raw, summaryRooms, []any{[]any{"i", "\r", 1, 1, 1}}),
		"room id null":   change(t, raw, summaryRooms, []any{[]any{nil, "n", 1, 1, 1}}),
		"too many rooms": change(t, change(t, raw, summaryRooms, repeat(room, MaxRooms+1)), summaryRoomsTotal, 1000),
		"many unknown":   manyUnknown(t, raw, MaxUnknownFields+1),
	} {
		_, err := parseSummary(b)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{
		"rooms at the limit": change(t, change(t, raw, summaryRooms, repeat(room, MaxRooms)), summaryRoomsTotal, 1000),
		"later version":      change(t, raw, summaryMaxVersion, 7),
		"later field":        change(t, raw, 12, "later"),
	} {
		got, err := parseSummary(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := got.marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: changed", name)
		}
	}
}

func repeat(v any, n int) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func TestAcceptMalformed(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":         {nil, ErrMalformed},
		"no version":    {[]byte{0xa0}, ErrVersion},
		"false":         {encode(fields{1: encode(1), 2: encode(false)}), ErrMalformed},
		"number":        {encode(fields{1: encode(1), 2: encode(1)}), ErrMalformed},
		"empty receipt": {encode(fields{1: encode(1), 3: encode([]byte{})}), ErrMalformed},
		"long receipt":  {encode(fields{1: encode(1), 3: encode(make([]byte, MaxReceipt+1))}), ErrMalformed},
		"many unknown":  {manyUnknown(t, encode(fields{1: encode(1)}), MaxUnknownFields+1), ErrMalformed},
	} {
		if _, err := parseAccept(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	later := encode(fields{1: encode(1), 9: encode("later")})
	a, err := parseAccept(later)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := a.marshal(); err != nil || !bytes.Equal(again, later) {
		t.Errorf("unknown field is lost: %v", err)
	}
}
