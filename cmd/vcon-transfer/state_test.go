package main

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

func storedTransfer(n byte, paired time.Time, routes ...pairing.Route) *transfer.Checkpoint {
	paired = paired.Round(0).Truncate(time.Millisecond)
	return &transfer.Checkpoint{
		Role: pairing.RoleSender, Suite: hpke.SuiteXWing, Intent: pairing.SameAccount, TransferID: [32]byte{n},
		Resumption: hpke.Secret{n}, Paired: paired, Expires: paired.Add(time.Hour), Peer: "phone", Routes: routes,
	}
}

// The old device finds the new one where it was, whatever of that the flags say again.
func TestListenAgain(t *testing.T) {
	tcp := func(s string) pairing.Route {
		return pairing.Route{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort(s)}
	}
	relay := pairing.Route{Kind: pairing.RouteRelay, Path: "https://relay.example"}
	socket := pairing.Route{Kind: pairing.RouteUnix, Path: "/run/s"}
	for _, c := range []struct {
		name   string
		flags  receiveFlags
		routes []pairing.Route
		listen string
		relay  string
		socket string
	}{
		{"by default", receiveFlags{}, []pairing.Route{tcp("192.168.1.2:4000")}, ":4000", "", ""},
		{"a free port", receiveFlags{listen: "127.0.0.1:0"}, []pairing.Route{tcp("127.0.0.1:4000")}, "127.0.0.1:4000", "", ""},
		{"a port that is named", receiveFlags{listen: ":5000"}, []pairing.Route{tcp("192.168.1.2:4000")}, ":5000", "", ""},
		{"behind a forwarded one", receiveFlags{}, []pairing.Route{tcp("203.0.113.1:80"), tcp("192.168.1.2:4000")}, ":4000", "", ""},
		{"everywhere", receiveFlags{}, []pairing.Route{relay, tcp("192.168.1.2:4000"), socket}, ":4000", relay.Path, socket.Path},
		{"another relay", receiveFlags{relay: "http://other.example"}, []pairing.Route{relay}, "", "http://other.example", ""},
		{"no LAN", receiveFlags{noLAN: true}, []pairing.Route{relay, tcp("192.168.1.2:4000")}, "", relay.Path, ""},
	} {
		f := c.flags
		if err := f.listenAgain(storedTransfer(1, time.Now(), c.routes...)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if f.listen != c.listen || f.relay != c.relay || f.socket != c.socket {
			t.Errorf("%s: listens on %q, relay %q, socket %q", c.name, f.listen, f.relay, f.socket)
		}
	}
	if err := (&receiveFlags{listen: "nowhere"}).listenAgain(storedTransfer(1, time.Now(), tcp("10.0.0.1:1"))); err == nil {
		t.Error("no error for an address without a port")
	}
}

// What makes two commands different ones.
func TestPlace(t *testing.T) {
	base := (&sendFlags{}).place([]string{"a.cbor", "-"})
	if wd, err := os.Getwd(); err != nil || base != filepath.Join(wd, "a.cbor")+" -" {
		t.Errorf("place is %q", base)
	}
	if base != (&sendFlags{yes: true, label: "x", offerFile: "o"}).place([]string{"./a.cbor", "-"}) {
		t.Error("the same history has two places")
	}
	seen := []string{base}
	for _, p := range []string{
		(&sendFlags{}).place([]string{"a.cbor"}),
		(&sendFlags{}).place([]string{"a.cbor -"}),
		(&sendFlags{scopeFlags: scopeFlags{since: "2026-01-01"}}).place([]string{"a.cbor", "-"}),
		(&sendFlags{scopeFlags: scopeFlags{until: "2026-01-01"}}).place([]string{"a.cbor", "-"}),
		(&sendFlags{scopeFlags: scopeFlags{rooms: []string{"r"}}}).place([]string{"a.cbor", "-"}),
		(&sendFlags{scopeFlags: scopeFlags{rooms: []string{"r", "s"}}}).place([]string{"a.cbor", "-"}),
		(&sendFlags{scopeFlags: scopeFlags{rooms: []string{"r --room s"}}}).place([]string{"a.cbor", "-"}),
		(&sendFlags{scopeFlags: scopeFlags{maxMessages: 1}}).place([]string{"a.cbor", "-"}),
		(&sendFlags{scopeFlags: scopeFlags{noMedia: true}}).place([]string{"a.cbor", "-"}),
		(&receiveFlags{sinkFlags: sinkFlags{store: "a.db"}}).place(),
		(&receiveFlags{sinkFlags: sinkFlags{out: "a"}}).place(),
		(&receiveFlags{sinkFlags: sinkFlags{store: "a.db"}, catchUp: true}).place(),
		(&receiveFlags{sinkFlags: sinkFlags{store: "a.db"}, catchUp: true, room: "r"}).place(),
	} {
		if slices.Contains(seen, p) {
			t.Errorf("%q means two things", p)
		}
		seen = append(seen, p)
	}
}

// The newest of a command's unfinished transfers is taken; what another process is at
// work on is left alone; a new one takes a place that is free.
func TestFindKept(t *testing.T) {
	var said strings.Builder
	ui := newTerminal(strings.NewReader(""), &said, &said)
	f := &stateFlags{dir: filepath.Join(t.TempDir(), "state")}
	find := func(fresh bool) *kept {
		t.Helper()
		k, err := f.find(t.Context(), ui, pairing.RoleSender, "place", fresh)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(k.close)
		return k
	}
	save := func(k *kept, c *transfer.Checkpoint) {
		t.Helper()
		if err := k.state().Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	first := find(false)
	save(first, storedTransfer(1, now.Add(-time.Minute)))
	second := find(true)
	save(second, storedTransfer(2, now))
	if third := find(false); third.found != nil || third.state() == nil {
		t.Errorf("found what is in use: %v", third.found)
	} else {
		third.close()
	}
	first.close()
	second.close()
	k := find(false)
	if k.found == nil || k.found.TransferID != [32]byte{2} {
		t.Errorf("found %v, want the newer one", k.found)
	}
	older := find(false)
	if older.found == nil || older.found.TransferID != [32]byte{1} {
		t.Errorf("found %v, want the other one", older.found)
	}
	k.close()
	older.close()

	fresh := find(true)
	if fresh.found != nil {
		t.Error("a new transfer was to begin")
	}
	save(fresh, storedTransfer(3, now.Add(time.Second)))
	fresh.close()
	if k := find(false); k.found == nil || k.found.TransferID != [32]byte{3} {
		t.Errorf("found %v, want the new one", k.found)
	} else {
		k.close()
	}

	over := find(true)
	save(over, storedTransfer(4, now.Add(-2*time.Hour)))
	over.close()
	if k := find(false); k.found == nil || k.found.TransferID != [32]byte{2} || !strings.Contains(said.String(), "lifetime") {
		t.Errorf("found %v, and said %q", k.found, &said)
	} else {
		k.close()
	}

	for range maxAtOnce {
		find(true)
	}
	said.Reset()
	if k := find(true); k.state() != nil || !strings.Contains(said.String(), "under way") {
		t.Errorf("one more than there is room for: %q", &said)
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		p    transfer.Progress
		want string
	}{
		{transfer.Progress{}, ""},
		{transfer.Progress{Bytes: 43, TotalBytes: 100, Messages: 1, TotalMessages: 2}, "; at least 43 % is there"},
		{transfer.Progress{Messages: 1, TotalMessages: 2}, "; at least 50 % is there"},
		{transfer.Progress{Bytes: 100, TotalBytes: 100}, "; at least 99 % is there"},
		{transfer.Progress{Bytes: 1, TotalBytes: 1000}, ""},
	} {
		if got := share(&transfer.Checkpoint{Progress: c.p}); got != c.want {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
}

// More sources than a place has room for: two such commands still differ.
func TestManySources(t *testing.T) {
	many := make([]string, 2000)
	for i := range many {
		many[i] = "/home/alice/a folder/" + strings.Repeat("x", 40) + ".cbor"
	}
	long := (&sendFlags{}).place(many)
	if other := (&sendFlags{}).place(many[1:]); long == other {
		t.Error("two commands have one place")
	}
	exact := strings.Repeat("x", maxPlace)
	if bounded(exact) != exact || len(bounded(exact+"x")) > maxPlaceShown+100 {
		t.Error("the limit is elsewhere")
	}
	f := &stateFlags{dir: filepath.Join(t.TempDir(), "state")}
	for _, place := range []string{long, exact} {
		for range 2 { // the second has a number
			k, err := f.find(t.Context(), newTerminal(strings.NewReader(""), io.Discard, io.Discard), pairing.RoleSender, place, false)
			if err != nil || k.state() == nil {
				t.Fatal(err)
			}
			defer k.close()
		}
	}
}

// A directory that was not asked for stops no transfer: neither when it cannot be
// locked, nor when the first checkpoint cannot be kept. What is kept has to stay right.
func TestStateIsOptional(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	var said strings.Builder
	ui := newTerminal(strings.NewReader(""), &said, &said)
	f := &stateFlags{}
	good := storedTransfer(1, time.Now())
	bad := storedTransfer(1, time.Now())
	bad.Resumption = hpke.Secret{} // any error of Save

	k, err := f.find(t.Context(), ui, pairing.RoleSender, "place", true)
	if err != nil {
		t.Fatal(err)
	}
	s := k.state()
	if err := s.Save(t.Context(), bad); err != nil || !strings.Contains(said.String(), "cannot be gone on with") {
		t.Errorf("%v, and said %q", err, &said)
	}
	if err := s.Save(t.Context(), good); err != nil {
		t.Error(err)
	}
	if c, err := k.entry.Load(); c != nil || err != nil {
		t.Errorf("kept %v, %v after the warning", c, err)
	}
	s = k.state()
	if err := s.Save(t.Context(), good); err != nil {
		t.Error(err)
	}
	if err := s.Save(t.Context(), bad); err == nil {
		t.Error("what is kept is old, and nobody is told")
	}
	k.close()

	asked := &stateFlags{dir: f.path()}
	if k, err = asked.find(t.Context(), ui, pairing.RoleSender, "place", true); err != nil {
		t.Fatal(err)
	}
	if err := k.state().Save(t.Context(), bad); err == nil {
		t.Error("no error of a directory that was asked for")
	}
	k.close()

	// Every lock is in the way.
	entries, err := os.ReadDir(f.path())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".transfer"); ok {
			if err := os.Mkdir(filepath.Join(f.path(), name+".lock"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	said.Reset()
	if k, err := f.find(t.Context(), ui, pairing.RoleSender, "place", true); err != nil || k.state() != nil || !strings.Contains(said.String(), "cannot be gone on with") {
		t.Errorf("%v, and said %q", err, &said)
	}
	if _, err := asked.find(t.Context(), ui, pairing.RoleSender, "place", true); err == nil {
		t.Error("no error of a directory that was asked for")
	}
}

// What comes in on standard input is not taken for the history that was consented to.
func TestStandardInputIsNotGoneOnWith(t *testing.T) {
	var said strings.Builder
	ui := newTerminal(strings.NewReader(string(sample.CBOR)), &said, &said)
	f := &sendFlags{state: stateFlags{dir: filepath.Join(t.TempDir(), "state")}, timeout: timeoutFlag{defaultTimeout}, host: hostFlags{answer: defaultAnswer}}
	k, err := f.state.find(t.Context(), ui, pairing.RoleSender, f.place([]string{"-"}), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.state().Save(t.Context(), storedTransfer(1, time.Now())); err != nil {
		t.Fatal(err)
	}
	k.close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // of a run that fails
	defer cancel()
	err = send(ctx, ui, f, []string{"-"})
	if _, ok := errors.AsType[offerError](err); !ok || strings.Contains(said.String(), "Going on") {
		t.Errorf("%v, and said %q", err, &said)
	}
}

func TestSayGoingOn(t *testing.T) {
	for _, code := range []string{"", "123456"} {
		var said strings.Builder
		c := storedTransfer(1, time.Now())
		c.Code = code
		sayGoingOn(newTerminal(strings.NewReader(""), &said, &said), c)
		if strings.Contains(said.String(), "No code is needed") != (code == "") || strings.Contains(said.String(), "123456") {
			t.Errorf("with code %q: %q", code, &said)
		}
	}
	var said strings.Builder
	c := storedTransfer(1, time.Now())
	c.Receipt = []byte("sealed")
	sayGoingOn(newTerminal(strings.NewReader(""), &said, &said), c)
	if !strings.Contains(said.String(), "the receipt is here") || strings.Contains(said.String(), "receive") {
		t.Errorf("with a receipt: %q", &said)
	}
}

// What a newer program left unfinished is said and stays as it is; the transfer of this one
// has a place beside it.
func TestNewerStateIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := &stateFlags{dir: path}
	find := func() (*kept, string) {
		t.Helper()
		var stderr strings.Builder
		k, err := f.find(t.Context(), newTerminal(strings.NewReader(""), io.Discard, &stderr), pairing.RoleSender, "place", false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(k.close)
		return k, stderr.String()
	}
	k, _ := find()
	if err := k.state().Save(t.Context(), storedTransfer(1, time.Now())); err != nil {
		t.Fatal(err)
	}
	k.close()
	files, err := filepath.Glob(filepath.Join(path, "*.transfer"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	newer, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	newer[4]++ // the version of the file
	if err := os.WriteFile(files[0], newer, 0o600); err != nil {
		t.Fatal(err)
	}
	k, said := find()
	if k.found != nil || !strings.Contains(said, "written by a newer version") {
		t.Errorf("found %v, says %q", k.found, said)
	}
	if err := k.state().Save(t.Context(), storedTransfer(2, time.Now())); err != nil {
		t.Fatal(err)
	}
	k.close()
	if b, err := os.ReadFile(files[0]); err != nil || !slices.Equal(b, newer) {
		t.Errorf("the newer file has changed: %v", err)
	}
	if k, _ = find(); k.found == nil || k.found.TransferID != [32]byte{2} {
		t.Errorf("found %v afterwards, want the transfer of this program", k.found)
	}
}
