package sqlite

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// The process dies before Commit: the mark stays, what was staged too, and the
// next run completes it.
func TestKilledAndCompleted(t *testing.T) {
	c := manyMessages(t, 2500)
	all := leaves(t, c.source())
	path := filepath.Join(t.TempDir(), "history.db")
	s, closeIt := openStore(t, path)
	begin(t, s, info(1, ""), all)
	half := len(all) / 2
	for _, l := range all[:half] {
		stageOne(t, s, l)
	}
	closeIt()

	s, closeIt = openStore(t, path)
	defer closeIt()
	rooms, err := s.ListRooms(t.Context())
	if err != nil || len(rooms) != 1 || !rooms[0].Incomplete {
		t.Fatalf("%+v, %v", rooms, err)
	}
	transfers, err := s.Transfers(t.Context())
	if err != nil || len(transfers) != 1 || transfers[0].Complete {
		t.Fatalf("%+v, %v", transfers, err)
	}
	receipt := func(n byte, want string) {
		t.Helper()
		if got, err := s.Receipt(t.Context(), info(n, "").ID); err != nil || string(got) != want {
			t.Errorf("the receipt of %d is %q, %v", n, got, err)
		}
	}
	receipt(1, "")
	wants := begin(t, s, info(1, ""), all)
	need := 0
	for _, w := range wants {
		if w.Need {
			need++
		}
	}
	if need != len(all)-half {
		t.Errorf("%d of %d are wanted", need, len(all)-1)
	}
	ledger := transferTo(t, s, info(1, ""), c.source())
	if rooms, err = s.ListRooms(t.Context()); err != nil || rooms[0].Incomplete || rooms[0].Messages != 2500 {
		t.Errorf("%+v, %v", rooms, err)
	}
	transfers, err = s.Transfers(t.Context())
	if err != nil || len(transfers) != 1 || !transfers[0].Complete || !transfers[0].Ledger.Equal(ledger) || string(transfers[0].Receipt) != "receipt" || transfers[0].Root != [32]byte{1} {
		t.Errorf("%+v, %v", transfers, err)
	}
	receipt(1, "receipt")
	receipt(2, "")
	checked(t, s)
}

func TestSuperseded(t *testing.T) {
	c := manyMessages(t, 20)
	all := leaves(t, c.source())
	for _, tt := range []struct {
		name   string
		change func(in *segment.TransferInfo)
		want   bool
	}{
		{"the same device again", func(*segment.TransferInfo) {}, true},
		{"more", func(in *segment.TransferInfo) { in.Messages++ }, true},
		{"less", func(in *segment.TransferInfo) { in.Messages-- }, false},
		{"another device", func(in *segment.TransferInfo) { in.Sender = "laptop" }, false},
		{"somebody else", func(in *segment.TransferInfo) { in.SharedBy = "Eve" }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			begin(t, s, info(1, ""), all)
			if err := s.Abort(t.Context(), errors.New("cable was cut")); err != nil {
				t.Fatal(err)
			}
			in := info(2, "")
			tt.change(&in)
			transferTo(t, s, in, c.source())
			rooms, err := s.ListRooms(t.Context())
			if err != nil || len(rooms) != 1 || rooms[0].Incomplete == tt.want {
				t.Errorf("%+v, %v", rooms, err)
			}
			list, err := s.Transfers(t.Context())
			if err != nil || len(list) != 2 || !list[0].Complete || list[1].Superseded != tt.want || list[1].Cause != "cable was cut" {
				t.Errorf("%+v, %v", list, err)
			}
			if list[0].SharedBy != in.SharedBy || list[0].Sender != in.Sender || !list[0].Started.Equal(base) || list[0].Messages != in.Messages {
				t.Errorf("%+v", list[0])
			}
		})
	}
}

func TestTransferOrder(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	room := segment.RoomEntry{ID: roomURI}
	_, err1 := s.Have(ctx, room, nil)
	_, err2 := s.StageSegment(ctx, room, segment.SegmentEntry{}, nil)
	for _, err := range []error{err1, err2, s.Commit(ctx, segment.End{}, nil)} {
		if !errors.Is(err, ErrNoTransfer) {
			t.Errorf("without begin: %v", err)
		}
	}
	if err := s.Abort(ctx, nil); err != nil {
		t.Errorf("abort without begin: %v", err)
	}
	in := info(1, "")
	in.Messages, in.Bytes, in.Sender = math.MaxUint64, math.MaxUint64, strings.Repeat("ж", maxLabel)
	if err := s.Begin(ctx, in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Have(ctx, room, make([]segment.Entry, maxHave)); err != nil {
		t.Errorf("the most entries: %v", err)
	}
	if _, err := s.Have(ctx, room, make([]segment.Entry, maxHave+1)); err == nil {
		t.Error("too many entries")
	}
	if err := s.Abort(ctx, errors.New(strings.Repeat("x", 2*maxLabel))); err != nil {
		t.Fatal(err)
	}
	list, err := s.Transfers(ctx)
	if err != nil || len(list[0].Cause) != maxLabel || len(list[0].Sender) != maxLabel || list[0].Messages != math.MaxInt64 {
		t.Errorf("%d %d %v", len(list[0].Cause), len(list[0].Sender), err)
	}
}

// A cancelled import leaves nothing of its segment.
func TestCancelled(t *testing.T) {
	c := manyMessages(t, 20)
	all := leaves(t, c.source())
	s := newStore(t)
	begin(t, s, info(1, ""), all)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := all[len(all)-1]
	if _, err := s.StageSegment(ctx, l.room, l.e.Segment, l.data); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n := s.counts(t); n != 0 {
		t.Errorf("%d items", n)
	}
	// What the failed transaction interned is not believed to be there.
	stageOne(t, s, l)
	checked(t, s)
}

// A later version of a room's roster and metadata takes the place of an earlier
// one, except that of somebody else who shares it.
func TestLatestRoster(t *testing.T) {
	named := func(name string, people ...string) *chat {
		c := newChat(t, people...)
		c.v.Room.Name = name
		c.say(said{by: "Ann", text: "hi"})
		return c
	}
	s := newStore(t)
	expect := func(name string, people int) {
		t.Helper()
		rooms, err := s.Rooms(t.Context())
		if err != nil || rooms[0].Room.Meta.Name != name || len(rooms[0].Roster) != people+1 {
			t.Errorf("%+v, %v", rooms, err)
		}
		list, err := s.ListRooms(t.Context())
		if err != nil || int(list[0].Participants) != people {
			t.Errorf("%+v, %v", list, err)
		}
	}
	transferTo(t, s, info(1, "Eve"), named("shared", "Ann", "Ben").source())
	expect("shared", 2) // and the room, whose party has a name
	transferTo(t, s, info(2, ""), named("own", "Ann").source())
	expect("own", 1)
	transferTo(t, s, info(3, ""), named("later", "Ann", "Ben", "Cai").source())
	expect("later", 3)
	transferTo(t, s, info(4, "Eve"), named("shared again", "Ann").source())
	expect("later", 3)
	// The first one again: its roster segment is held, and is the latest now.
	transferTo(t, s, info(5, ""), named("own", "Ann").source())
	expect("own", 1)
}

func TestStartedIsKept(t *testing.T) {
	s := newStore(t)
	in := info(1, "")
	in.Started = time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC)
	if err := s.Begin(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Transfers(t.Context()); err != nil || !list[0].Started.Equal(in.Started) {
		t.Errorf("%+v, %v", list, err)
	}
}
