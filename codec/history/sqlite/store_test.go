package sqlite

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

func TestSample(t *testing.T) {
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	src := sourceOf(v)
	ledger := transferTo(t, s, info(1, ""), src)
	t.Logf("%+v", ledger)
	for _, m := range conversation(t, s, v.Room.ID) {
		t.Logf("%+v", m)
	}
	if a, b := names(t, sourceOf(v)), names(t, sourceOfStore(s)); !slices.Equal(a, b) {
		t.Errorf("segments of the source:\n%v\nof the store:\n%v", a, b)
	}
	checked(t, s)
	rooms, err := s.ListRooms(t.Context())
	t.Logf("%+v %v", rooms, err)
}

func TestSpeed(t *testing.T) {
	c := newChat(t, "Ann", "Ben", "Cai")
	for i := range 20000 {
		c.say(said{by: []string{"Ann", "Ben", "Cai"}[i%3], text: fmt.Sprintf("message number %d about boats and the weather over there", i), at: time.Duration(i) * time.Second})
	}
	all := leaves(t, c.source())
	s := newStore(t)
	start := time.Now()
	begin(t, s, info(1, ""), all)
	for _, l := range all {
		stageOne(t, s, l)
	}
	t.Log(len(all), time.Since(start))
}
