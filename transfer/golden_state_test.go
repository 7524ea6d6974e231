package transfer_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/testdata/golden"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// A goldenState is what the two state directories hold. In each there are two transfers:
// "cut", which newSource(1, 2, 6, 5000, 3000) can go on with, and "all", which has
// everything that a checkpoint may have.
type goldenState struct {
	Key      string                      `json:"key"`
	Sender   map[string]goldenCheckpoint `json:"sender"` // by place
	Receiver map[string]goldenCheckpoint `json:"receiver"`

	paths   map[pairing.Role]string
	dirs    map[pairing.Role]*statedir.Dir   // open
	entries map[pairing.Role]*statedir.Entry // of "cut"
}

// A goldenCheckpoint is a checkpoint in forms that do not change with the program.
type goldenCheckpoint struct {
	Suite, Intent          uint8
	TransferID, Resumption string
	Connection             uint32
	Paired, Expires        int64 // milliseconds since 1970
	Peer                   string
	Routes                 []string
	Progress               [5]uint64 // bytes, in all; messages, in all; held
	Code                   string
	Rooms                  []string
	Since, Until           string
	MaxMessages            uint64
	NoMedia, CatchUp       bool
	Root                   string // of the end, and what it counts
	Source, Imported       uint64
	Receipt                string
	Started                string // of the info
	Sender, SharedBy       string
	Messages, Bytes        uint64
}

func goldenOf(c *transfer.Checkpoint) goldenCheckpoint {
	g := goldenCheckpoint{
		Suite: uint8(c.Suite), Intent: uint8(c.Intent),
		TransferID: hex.EncodeToString(c.TransferID[:]), Resumption: hex.EncodeToString(c.Resumption[:]),
		Connection: c.Connection, Paired: c.Paired.UnixMilli(), Expires: c.Expires.UnixMilli(), Peer: c.Peer,
		Progress: [5]uint64{c.Progress.Bytes, c.Progress.TotalBytes, c.Progress.Messages, c.Progress.TotalMessages, c.Progress.Held},
		Code:     c.Code, Rooms: c.Scope.Rooms, Since: c.Scope.Since.UTC().Format(time.RFC3339Nano), Until: c.Scope.Until.UTC().Format(time.RFC3339Nano),
		MaxMessages: c.Scope.MaxMessages, NoMedia: c.Scope.NoMedia, CatchUp: c.Scope.CatchUp, Receipt: hex.EncodeToString(c.Receipt),
		Started: c.Info.Started.UTC().Format(time.RFC3339Nano), Sender: c.Info.Sender, SharedBy: c.Info.SharedBy,
		Messages: c.Info.Messages, Bytes: c.Info.Bytes,
	}
	for _, r := range c.Routes {
		g.Routes = append(g.Routes, r.String())
	}
	if c.End != nil {
		g.Root, g.Source, g.Imported = hex.EncodeToString(c.End.Root[:]), c.End.Ledger.Source, c.End.Ledger.Imported
	}
	return g
}

// The state directories of every version: what they hold is what it was, and this program
// goes on with the transfer to its end, on both sides.
func TestGoldenState(t *testing.T) {
	const name = "state"
	if path := golden.New(t, goldens, name); path != "" {
		synctest.Test(t, func(t *testing.T) { makeState(t, path) })
	}
	golden.Each(t, goldens, name, func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			var g goldenState
			readJSON(t, path+".json", &g)
			g.open(t, func(role pairing.Role, dir string) { copyState(t, filepath.Join(path, folderOf(role)), dir) })
			time.Sleep(10 * time.Minute) // since the transfers were cut
			found := map[pairing.Role]*transfer.Checkpoint{}
			for role, places := range map[pairing.Role]map[string]goldenCheckpoint{pairing.RoleSender: g.Sender, pairing.RoleReceiver: g.Receiver} {
				if len(places) != 2 {
					t.Fatalf("%d transfers of %v", len(places), role)
				}
				for place, want := range places {
					e, err := g.dirs[role].Take(statedir.Name{Role: role, Place: place})
					if err != nil {
						t.Fatal(err)
					}
					defer e.Close()
					c, err := e.Load()
					if err != nil || c == nil {
						t.Fatalf("%q of %v: %v, %v", place, role, c, err)
					}
					if got := goldenOf(c); !reflect.DeepEqual(got, want) {
						t.Errorf("%q of %v is\n%+v\nwant\n%+v", place, role, got, want)
					}
					if place == "cut" {
						found[role], g.entries[role] = c, e
					}
				}
			}
			g.goOn(t, found)
		})
	})
}

// goOn ends the transfer that was cut.
func (g *goldenState) goOn(t *testing.T, found map[pairing.Role]*transfer.Checkpoint) {
	src, sink, n, people := newSource(1, 2, 6, 5000, 3000), newSink(t), newNetwork(), newPeople()
	done := make(chan error, 1)
	go func() {
		_, err := transfer.Receive(t.Context(), transfer.ReceiveOptions{
			Sink: sink, Acceptors: []transfer.Acceptor{n}, Prompter: people,
			Resume: found[pairing.RoleReceiver], State: g.entries[pairing.RoleReceiver],
		})
		done <- err
	}()
	if _, err := transfer.Send(t.Context(), transfer.SendOptions{
		Source: src, Dialer: n, Prompter: people, Resume: found[pairing.RoleSender], State: g.entries[pairing.RoleSender],
	}); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := sink.equal(src); err != nil {
		t.Error(err)
	}
	for role, e := range g.entries {
		if c, err := e.Load(); c != nil || err != nil {
			t.Errorf("%v keeps %v, %v", role, c, err)
		}
	}
}

// makeState cuts a transfer and keeps what the two devices know of it then.
func makeState(t *testing.T, path string) {
	key := bytes.Repeat([]byte{0x5e, 0xa1}, statedir.KeySize/2)
	g := &goldenState{Key: hex.EncodeToString(key), Sender: map[string]goldenCheckpoint{}, Receiver: map[string]goldenCheckpoint{}}
	g.open(t, func(pairing.Role, string) {})
	for role, places := range map[pairing.Role]map[string]goldenCheckpoint{pairing.RoleSender: g.Sender, pairing.RoleReceiver: g.Receiver} {
		all, err := g.dirs[role].Take(statedir.Name{Role: role, Place: "all"})
		if err != nil {
			t.Fatal(err)
		}
		c := sampleCheckpoint(role)
		c.Paired = time.Now().Round(0)
		c.Expires = c.Paired.Add(transfer.MaxLifetime)
		if err := all.Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		all.Close()
		places["all"] = goldenOf(c)
		if g.entries[role], err = g.dirs[role].Take(statedir.Name{Role: role, Place: "cut"}); err != nil {
			t.Fatal(err)
		}
	}

	r := newRun(t, newSource(1, 2, 6, 5000, 3000))
	r.routes = sampleCheckpoint(pairing.RoleSender).Routes[:1]
	r.sendState, r.receiveState = g.entries[pairing.RoleSender], g.entries[pairing.RoleReceiver]
	r.network.faults = func(int) (toReceiver, toSender transfertest.Faults) {
		return transfertest.Faults{CutAfter: 40_000}, transfertest.Faults{}
	}
	r.network.down = func(n int) bool { return n > 0 }
	r.do(t)
	if r.sendErr == nil || r.receiveErr == nil {
		t.Fatal("the transfer was not cut")
	}
	for role, e := range g.entries {
		c, err := e.Load()
		if err != nil || c == nil {
			t.Fatalf("%v: %v, %v", role, c, err)
		}
		e.Close()
		if role == pairing.RoleSender {
			g.Sender["cut"] = goldenOf(c)
		} else {
			g.Receiver["cut"] = goldenOf(c)
		}
	}
	for role := range g.dirs {
		copyState(t, g.paths[role], filepath.Join(path, folderOf(role)))
	}
	writeJSON(t, path+".json", g)
}

// open opens the directories of both devices, new ones with what fill brings.
func (g *goldenState) open(t *testing.T, fill func(pairing.Role, string)) {
	t.Helper()
	key, err := hex.DecodeString(g.Key)
	if err != nil {
		t.Fatal(err)
	}
	g.paths, g.dirs, g.entries = map[pairing.Role]string{}, map[pairing.Role]*statedir.Dir{}, map[pairing.Role]*statedir.Entry{}
	for _, role := range []pairing.Role{pairing.RoleSender, pairing.RoleReceiver} {
		g.paths[role] = filepath.Join(t.TempDir(), "state")
		fill(role, g.paths[role])
		if g.dirs[role], err = statedir.Open(g.paths[role], statedir.Options{Key: key}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { g.dirs[role].Close() })
	}
}

func folderOf(role pairing.Role) string {
	if role == pairing.RoleSender {
		return "sender"
	}
	return "receiver"
}

// copyState copies what a state directory keeps, which is closed to others: a golden
// cannot be, in a working tree.
func copyState(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".transfer") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
