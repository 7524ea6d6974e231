package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// sampleCheckpoint has everything that one of the role may have.
func sampleCheckpoint(role pairing.Role) *transfer.Checkpoint {
	paired := time.UnixMilli(1_770_000_000_123)
	c := &transfer.Checkpoint{
		Role: role, Suite: hpke.SuiteXWing, Intent: pairing.CatchUp, TransferID: [32]byte{1, 2}, Resumption: hpke.Secret{3, 4},
		Connection: 7, Paired: paired, Expires: paired.Add(24 * time.Hour), Peer: "phone",
		Routes: []pairing.Route{
			{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort("192.168.1.2:7373")},
			{Kind: pairing.RouteRelay, Path: "https://relay.example"},
		},
		Progress: transfer.Progress{Bytes: 1, TotalBytes: 2, Messages: 3, TotalMessages: 4, Held: 5},
		Receipt:  []byte("receipt"),
	}
	if role == pairing.RoleSender {
		c.Code = "012345"
		c.Scope = segment.Scope{
			Rooms: []string{"mimi://example.com/r/1"}, Since: time.Date(1955, 1, 2, 3, 4, 5, 6, time.UTC),
			Until: time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC), MaxMessages: 9, NoMedia: true, CatchUp: true,
		}
		c.End = &segment.End{Root: [32]byte{9}, Ledger: segment.Ledger{Source: 5, Imported: 5}}
	} else {
		c.Info = segment.TransferInfo{
			ID: c.TransferID, Started: time.UnixMilli(1_769_000_000_000).UTC(), Sender: "old", SharedBy: "Alice", Messages: 8, Bytes: 9,
		}
	}
	return c
}

func TestCheckpointRoundTrip(t *testing.T) {
	for name, change := range map[string]func(*transfer.Checkpoint){
		"everything": func(*transfer.Checkpoint) {},
		"little": func(c *transfer.Checkpoint) {
			c.Receipt, c.End, c.Code, c.Scope, c.Peer, c.Routes, c.Connection = nil, nil, "", segment.Scope{}, "", []pairing.Route{}, 0
			c.Progress, c.Info = transfer.Progress{}, segment.TransferInfo{ID: c.Info.ID}
		},
		"no rooms, which is not all": func(c *transfer.Checkpoint) { c.Scope.Rooms = []string{} },
		"the highest number":         func(c *transfer.Checkpoint) { c.Connection = 1<<32 - 1 },
	} {
		for _, role := range []pairing.Role{pairing.RoleSender, pairing.RoleReceiver} {
			t.Run(fmt.Sprintf("%s of %v", name, role), func(t *testing.T) {
				c := sampleCheckpoint(role)
				change(c)
				b, err := c.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				again, err := transfer.ParseCheckpoint(b)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(fields(c), fields(again)) {
					t.Errorf("read\n%+v\nwant\n%+v", fields(again), fields(c))
				}
				for i := range b {
					if _, err := transfer.ParseCheckpoint(b[:i]); !errors.Is(err, transfer.ErrCheckpoint) {
						t.Fatalf("cut at %d: %v", i, err)
					}
				}
				if _, err := transfer.ParseCheckpoint(append(b, 0)); !errors.Is(err, transfer.ErrCheckpoint) {
					t.Errorf("a byte more: %v", err)
				}
			})
		}
	}
}

// fields are the fields, without the methods that redact them.
func fields(c *transfer.Checkpoint) any {
	type plain transfer.Checkpoint
	p := plain(*c)
	p.Paired, p.Expires = p.Paired.UTC(), p.Expires.UTC()
	return p
}

func TestCheckpointLimits(t *testing.T) {
	rooms := func(n, size int) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = strings.Repeat("r", size)
		}
		return all
	}
	for _, c := range []struct {
		name      string
		good, bad func(*transfer.Checkpoint)
	}{
		{"rooms", func(c *transfer.Checkpoint) { c.Scope.Rooms = rooms(transfer.MaxScopeRooms, 50) },
			func(c *transfer.Checkpoint) { c.Scope.Rooms = rooms(transfer.MaxScopeRooms+1, 50) }},
		{"bytes", func(c *transfer.Checkpoint) { c.Scope.Rooms = rooms(510, 2048) },
			func(c *transfer.Checkpoint) { c.Scope.Rooms = rooms(512, 2048) }},
		{"room", func(c *transfer.Checkpoint) { c.Scope.Rooms = rooms(1, segment.MaxRoomID) },
			func(c *transfer.Checkpoint) { c.Scope.Rooms = rooms(1, segment.MaxRoomID+1) }},
		{"peer", func(c *transfer.Checkpoint) { c.Peer = strings.Repeat("p", pairing.MaxLabel) },
			func(c *transfer.Checkpoint) { c.Peer = strings.Repeat("p", pairing.MaxLabel+1) }},
		{"routes", func(c *transfer.Checkpoint) { c.Routes = make([]pairing.Route, pairing.MaxRoutes) },
			func(c *transfer.Checkpoint) { c.Routes = make([]pairing.Route, pairing.MaxRoutes+1) }},
		{"lifetime", func(c *transfer.Checkpoint) { c.Expires = c.Paired.Add(transfer.MaxLifetime) },
			func(c *transfer.Checkpoint) { c.Expires = c.Paired.Add(transfer.MaxLifetime + time.Millisecond) }},
		{"no lifetime", func(c *transfer.Checkpoint) { c.Expires = c.Paired.Add(time.Millisecond) },
			func(c *transfer.Checkpoint) { c.Expires = c.Paired }},
		{"receipt", func(c *transfer.Checkpoint) { c.Receipt = make([]byte, 88+segment.MaxEnd) },
			func(c *transfer.Checkpoint) { c.Receipt = make([]byte, 89+segment.MaxEnd) }},
		{"code", func(c *transfer.Checkpoint) { c.Code = "123456" }, func(c *transfer.Checkpoint) { c.Code = "12345" }},
		{"long code", func(c *transfer.Checkpoint) { c.Code = "" }, func(c *transfer.Checkpoint) { c.Code = "1234567" }},
		{"digits", func(c *transfer.Checkpoint) { c.Code = "000000" }, func(c *transfer.Checkpoint) { c.Code = "12345x" }},
		{"role", func(*transfer.Checkpoint) {}, func(c *transfer.Checkpoint) { c.Role = 3 }},
		{"other role", func(*transfer.Checkpoint) {}, func(c *transfer.Checkpoint) { c.Role = pairing.RoleReceiver }},
		{"suite", func(c *transfer.Checkpoint) { c.Suite = hpke.SuiteX25519 }, func(c *transfer.Checkpoint) { c.Suite = 3 }},
		{"intent", func(c *transfer.Checkpoint) { c.Intent = pairing.SameAccount }, func(c *transfer.Checkpoint) { c.Intent = 3 }},
		{"secret", func(*transfer.Checkpoint) {}, func(c *transfer.Checkpoint) { c.Resumption = hpke.Secret{} }},
		{"name", func(*transfer.Checkpoint) {}, func(c *transfer.Checkpoint) { c.TransferID = [32]byte{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			good, bad := sampleCheckpoint(pairing.RoleSender), sampleCheckpoint(pairing.RoleSender)
			c.good(good)
			c.bad(bad)
			b, err := good.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := transfer.ParseCheckpoint(b); err != nil {
				t.Error(err)
			}
			if _, err := bad.MarshalBinary(); err == nil {
				t.Error("no error")
			}
		})
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	for _, role := range []pairing.Role{pairing.RoleSender, pairing.RoleReceiver} {
		b, err := sampleCheckpoint(role).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := transfer.ParseCheckpoint(b)
		if err != nil {
			if !errors.Is(err, transfer.ErrCheckpoint) {
				t.Fatalf("foreign error: %v", err)
			}
			return
		}
		again, err := c.MarshalBinary()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("another encoding of the same: %v", err)
		}
	})
}

func TestCheckpointIsRedacted(t *testing.T) {
	c := sampleCheckpoint(pairing.RoleSender)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("kept", "checkpoint", c)
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%x", c), log.String()} {
		if strings.Contains(s, "012345") || strings.Contains(s, "phone") || strings.Contains(s, "0304") || !strings.Contains(s, "redacted") {
			t.Errorf("prints %q", s)
		}
	}
}

// Both sides of the end, and of a clock that was set back.
func TestCheckpointExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for _, x := range []struct {
			paired  time.Duration // from now
			expired bool
		}{
			{-24 * time.Hour, true}, {-24*time.Hour + time.Millisecond, false}, {0, false},
			{transfer.MaxClockBack, false}, {transfer.MaxClockBack + time.Millisecond, true},
		} {
			c := sampleCheckpoint(pairing.RoleSender)
			c.Paired = now.Add(x.paired)
			c.Expires = c.Paired.Add(24 * time.Hour)
			if c.Expired() != x.expired {
				t.Errorf("paired %v from now: expired is %v", x.paired, !x.expired)
			}
		}
	})
}

// What is over is removed and refused, before anybody is called.
func TestResumeOfWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newSource(1, 1, 1, 100, 0), false, nil, nil)
		for _, role := range []pairing.Role{pairing.RoleSender, pairing.RoleReceiver} {
			d := newDevice(w, role.String(), role, nil)
			l := d.start(t.Context())
			l.open()
			c := sampleCheckpoint(role)
			c.Paired = time.Now().Add(-25 * time.Hour)
			c.Expires = c.Paired.Add(24 * time.Hour)
			w.store.certain[c.TransferID] = true
			err := l.Save(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if role == pairing.RoleSender {
				_, err = transfer.Send(l.ctx, transfer.SendOptions{Source: w.source, Dialer: l, Prompter: l, State: l, Resume: c})
			} else {
				_, err = transfer.Receive(l.ctx, transfer.ReceiveOptions{
					Sink: w.sink, Acceptors: []transfer.Acceptor{l}, Prompter: l, State: l, Resume: c,
				})
			}
			if !errors.Is(err, transfer.ErrOver) || transfer.CodeOf(err) != wire.CodeExpired {
				t.Errorf("%v: %v", role, err)
			}
			if got := len(d.disk.Names()); got != 2 { // the key and the lock
				t.Errorf("%v: it is still kept", role)
			}
			if c.Resumption.Equal(hpke.Secret{}) {
				t.Error("the caller's copy was erased")
			}
		}
	})
}

// The lifetime is that of Timing, on both sides, and over while nobody came it is
// over: a cut after it is not healed.
func TestLifetimeEndsBetweenConnections(t *testing.T) {
	for _, c := range []struct {
		cutAt time.Duration
		over  bool
	}{{9 * time.Minute, false}, {11 * time.Minute, true}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(1, 1, 20, 70_000, 0))
			r.timing = transfer.Timing{Lifetime: 10 * time.Minute}
			start := time.Now()
			r.sink.slow = 40 * time.Second // a segment
			r.network.wrap = func(conn wire.Conn) wire.Conn {
				if time.Since(start) < time.Minute {
					time.AfterFunc(c.cutAt, func() { conn.Close() })
				}
				return conn
			}
			r.do(t)
			if !c.over {
				r.succeeded(t)
				return
			}
			if !errors.Is(r.sendErr, transfer.ErrOver) || transfer.CodeOf(r.receiveErr) != wire.CodeExpired || r.sink.commits > 0 {
				t.Errorf("send: %v\nreceive: %v", r.sendErr, r.receiveErr)
			}
		})
	}
}

// A state that cannot be written ends the transfer before the step that rests on it.
func TestStateCannotBeWritten(t *testing.T) {
	for _, role := range []pairing.Role{pairing.RoleSender, pairing.RoleReceiver} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(1, 1, 1, 100, 0))
			full := fullDisk{}
			if role == pairing.RoleSender {
				r.sendState = full
			} else {
				r.receiveState = full
			}
			r.do(t)
			r.refused(t, wire.CodeStorage, wire.CodeStorage)
			own := r.sendErr
			if role == pairing.RoleReceiver {
				own = r.receiveErr
			}
			if e, _ := asError(own); !errors.Is(own, errDisk) || e.Peer {
				t.Errorf("%v: %v", role, own)
			}
			if len(r.sink.segments) > 0 || r.sink.begun > 0 {
				t.Error("something was imported")
			}
			if role == pairing.RoleSender && len(r.people.code) > 0 {
				t.Error("the check code was shown")
			}
		})
	}
}

type fullDisk struct{ transfer.State }

func (fullDisk) Save(_ context.Context, _ *transfer.Checkpoint) error { return errDisk }
func (fullDisk) Remove(context.Context) error                         { return nil }

// A destination that refuses before READY leaves nothing on either device that would
// be gone on with in vain.
func TestNoPlaceLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(8, 1, 1, 1000, 0))
		sent, received := &countedState{}, &countedState{}
		r.sendState, r.receiveState = sent, received
		r.wrapSink = func(s *memorySink) transfer.Sink { return &smallSink{s} }
		r.do(t)
		for side, err := range map[string]error{"sender": r.sendErr, "receiver": r.receiveErr} {
			if transfer.CodeOf(err) != wire.CodeStorage {
				t.Errorf("%s: %v", side, err)
			}
		}
		if sent.saved == 0 || received.saved == 0 || sent.kept || received.kept {
			t.Errorf("kept: sender %+v, receiver %+v", sent, received)
		}
	})
}

// A smallSink has no place for anything.
type smallSink struct{ *memorySink }

func (*smallSink) Begin(context.Context, segment.TransferInfo) error { return errDisk }

// A countedState only tells whether something is kept.
type countedState struct {
	saved int
	kept  bool
}

func (s *countedState) Save(context.Context, *transfer.Checkpoint) error {
	s.saved++
	s.kept = true
	return nil
}

func (s *countedState) Remove(context.Context) error {
	s.kept = false
	return nil
}
