package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

// A growing is the source of the killed: logs of one room in two files, a chat with
// pictures, and the sample, as vCon files. The second log and the chat grow.
type growing struct {
	dir      string
	logs     fstest.MapFS // of the last day
	pictures int
	lateDay  string // prefix of its names
	late     int    // messages appended
}

const (
	growingPictures = 8
	growingLate     = 25 // messages a time
)

func newGrowing(t *testing.T, ctx context.Context, dir string) *growing {
	t.Helper()
	g := &growing{dir: dir, logs: fstest.MapFS{}, pictures: growingPictures}
	if err := os.WriteFile(filepath.Join(dir, "sample.cbor"), sample.CBOR, 0o600); err != nil {
		t.Fatal(err)
	}
	early := ircLogs(growingDays)
	for _, kind := range []string{"raw", "annotation"} {
		g.lateDay = dayOf(growingDays-1) + "_#large."
		name := g.lateDay + kind + ".txt"
		g.logs[name] = early[name]
		delete(early, name)
	}
	g.put(t, "early", early)
	g.convert(t, ctx, "early", "early.cbor")
	g.write(t, ctx)
	return g
}

func (g *growing) names() []string {
	return []string{"early.cbor", "late.cbor", "chat.cbor", "sample.cbor"}
}

// grow appends messages to the logs, and a picture to the chat.
func (g *growing) grow(t *testing.T, ctx context.Context) {
	t.Helper()
	name := g.lateDay + "raw.txt"
	data := bytes.Clone(g.logs[name].Data)
	for range growingLate {
		g.late++
		data = fmt.Appendf(data, "[23:59] <late> message %d\n", g.late)
	}
	g.logs[name] = &fstest.MapFile{Data: data}
	g.pictures++
	g.write(t, ctx)
}

// write puts the vCon files that grow where they are, each in one step.
func (g *growing) write(t *testing.T, ctx context.Context) {
	t.Helper()
	g.put(t, "late", g.logs)
	g.convert(t, ctx, "late", "late.cbor")
	writeChat(t, g.dir, "WhatsApp Chat - Growing", 2, g.pictures, 0)
	g.convert(t, ctx, "WhatsApp Chat - Growing", "chat.cbor")
}

func (g *growing) put(t *testing.T, name string, files fstest.MapFS) {
	t.Helper()
	dir := filepath.Join(g.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, file := range files {
		if err := os.WriteFile(filepath.Join(dir, name), file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (g *growing) convert(t *testing.T, ctx context.Context, from, to string) {
	t.Helper()
	exits(t, begin(t, ctx, g.dir, "convert", "--quiet", from, "new-"+to), exitDone)
	if err := os.Rename(filepath.Join(g.dir, "new-"+to), filepath.Join(g.dir, to)); err != nil {
		t.Fatal(err)
	}
}

// content is everything that a store holds, as files.
func content(t *testing.T, ctx context.Context, dir, store string) map[string][]byte {
	t.Helper()
	out := store + ".out"
	exits(t, begin(t, ctx, dir, "convert", "--quiet", "--format", "json", store, out), exitDone)
	files := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(dir, out))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Sender, receiver, and every other time a relay between them, are killed at random
// moments, again and again, and the source grows between the rounds and while the
// sender is dead; the same commands go on without a new code, and in the end the store
// is what an undisturbed transfer of the last source brings. VCON_TRANSFER_KILLS=200
// runs so many rounds.
func TestKilledProcesses(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	k := &killing{dir: t.TempDir()}
	k.source = newGrowing(t, ctx, k.dir)
	k.calm, k.addr = newCalmRun(t, ctx, k.dir, "first.db", k.source.names())
	rounds, all := 20, 0
	if raceEnabled {
		rounds = roundsAStore + 1 // one store over TCP, one over a relay
	}
	if n := number("VCON_TRANSFER_KILLS"); n > 0 {
		rounds = n
	}
	for round := range rounds {
		first, last := round%roundsAStore == 0, round%roundsAStore == roundsAStore-1 || round == rounds-1
		store := fmt.Sprintf("killed-%d.db", round/roundsAStore)
		reach := k.calm / 5
		if !first {
			k.source.grow(t, ctx)
			reach = laterReach
		}
		if relayed := round/roundsAStore%2 == 1; first && relayed {
			k.relayAddr = freeAddr(t)
			k.startRelay(t, ctx)
		} else if first && k.relay != nil {
			k.relay.signal(os.Kill)
			k.relay = nil
		}
		begun := time.Now()
		all += k.round(t, ctx, rand.New(rand.NewPCG(uint64(round), 5)), store, reach, !last)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
		t.Logf("round %d, relay %t: %v", round, k.relay != nil, time.Since(begun))
		if !last {
			continue
		}
		calm := fmt.Sprintf("calm-%d.db", round/roundsAStore)
		newCalmRun(t, ctx, k.dir, calm, k.source.names())
		if want := content(t, ctx, k.dir, calm); !maps.EqualFunc(content(t, ctx, k.dir, store), want, bytes.Equal) {
			t.Fatalf("round %d: the store is not what an undisturbed transfer brings", round)
		}
	}
	if all < 2*rounds {
		t.Errorf("%d kills in %d rounds", all, rounds)
	}
	if rounds >= 2*roundsAStore && k.relayed == 0 {
		t.Error("the relay was never killed")
	}
	t.Logf("%d kills in %d rounds, %d of them of the relay", all, rounds, k.relayed)
}

// laterReach bounds the bytes between two kills when little is new.
const laterReach = 40 << 10

// A killing is what the rounds have in common.
type killing struct {
	dir    string
	source *growing
	calm   int64
	addr   string // of the receiver

	relay     *process // nil when they reach each other
	relayAddr string
	relayed   int // how often the relay was killed
}

// startRelay starts the relay, always on the same port.
func (k *killing) startRelay(t *testing.T, ctx context.Context) {
	t.Helper()
	k.relay = begin(t, ctx, k.dir, "relay", "--listen", k.relayAddr)
	heard(t, ctx, k.relay, "On both devices")
}

// Who is killed: the one, the other, both, or the relay.
const (
	killReceiver = iota
	killSender
	killBoth
	killRelay // and every number above it
	killAny   = 6
)

// victim chooses; a relay, when there is one, half the time.
func (k *killing) victim(rnd *rand.Rand) int {
	if k.relay == nil {
		return rnd.IntN(killRelay)
	}
	return rnd.IntN(killAny)
}

// round is one transfer whose processes are killed, each time before reach more bytes
// have passed. With grow the source grows too when the sender is dead: what is new then
// may have to wait for the next round. It returns the number of kills.
func (k *killing) round(t *testing.T, ctx context.Context, rnd *rand.Rand, store string, reach int64, grow bool) (kills int) {
	t.Helper()
	last := !grow
	dir := k.dir
	var wire *tripwire
	var receive []string
	if k.relay != nil {
		wire = newTripwire(t, k.relayAddr)
		receive = []string{"receive", "--no-lan", "--relay", "http://" + wire.Addr().String()}
	} else {
		wire = newTripwire(t, k.addr)
		receive = []string{"receive", "--listen", k.addr, "--advertise", wire.Addr().String()}
	}
	defer wire.Close()
	receive = append(receive, "--store", store, "--qr", "none")
	send := append([]string{"send", "--yes"}, k.source.names()...)
	r := begin(t, ctx, dir, append(slices.Clone(receive), "--offer-out", "offer.txt")...)
	heard(t, ctx, r, "Waiting")
	s := begin(t, ctx, dir, append(slices.Clone(send), "--offer-file", "offer.txt")...)
	code := heard(t, ctx, s, `Check code: (\d{6})`)
	heard(t, ctx, r, "six digits")
	for kills < 4 {
		victim := k.victim(rnd)
		receiver, sender := victim == killReceiver || victim == killBoth, victim == killSender || victim == killBoth
		fell := make(chan struct{})
		wire.set(1+rnd.Int64N(reach), func() {
			if receiver {
				r.signal(os.Kill)
			}
			if sender {
				s.signal(os.Kill)
			}
			if victim >= killRelay {
				k.relay.signal(os.Kill)
			}
			close(fell)
		})
		if code != "" {
			r.tell(code)
			code = ""
		}
		select {
		case <-fell:
		case <-s.ended: // what was on its way when it fell last was enough
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
		wire.set(1<<60, func() {}) // from here on it has fallen or never does
		if !fallen(fell) {
			break
		}
		kills++
		if victim >= killRelay {
			k.relay.wait()
			k.relayed++
			k.startRelay(t, ctx)
		}
		if receiver {
			r.wait()
			r = begin(t, ctx, dir, receive...)
			heard(t, ctx, r, goingOnFrom)
		}
		if sender {
			s.wait()
			if grow {
				k.source.grow(t, ctx)
				grow = false
			}
			s = begin(t, ctx, dir, send...)
			heard(t, ctx, s, "Going on with the transfer to|Done: ")
		}
	}
	exits(t, s, exitDone)
	if strings.Contains(r.stderr(), "has not said that it knows") {
		// Killed between the old device's last word and its own end: nobody comes.
		r.signal(os.Interrupt)
		exits(t, r, exitDone)
		exits(t, begin(t, ctx, dir, "status", "--forget"), exitDone)
	}
	exits(t, r, exitDone)
	if want := ledgerIn(t, r); !slices.Equal(ledgerIn(t, s), want) {
		t.Errorf("the old device says %q, the new one %q", ledgerIn(t, s), want)
	}
	if last { // the store takes seconds to be looked through
		sameLedgers(t, ctx, dir, store, r, s)
	}
	status := begin(t, ctx, dir, "status")
	exits(t, status, exitDone)
	if status.out.String() != "" {
		t.Errorf("left unfinished:\n%s", &status.out)
	}
	left, err := os.ReadDir(filepath.Join(dir, "vcon-transfer", "state"))
	if err != nil || len(left) != 1 || left[0].Name() != "key" {
		t.Errorf("left %v, %v", left, err)
	}
	return kills
}

// goingOnFrom is what the new device says when it is started again.
const goingOnFrom = "Going on with the transfer from|The transfer from .* is complete"

// fallen tells whether the wire was tripped.
func fallen(fell chan struct{}) bool {
	select {
	case <-fell:
		return true
	default:
		return false
	}
}

// newCalmRun is an undisturbed transfer into store; it returns the bytes of the
// sender, and an address for the others.
func newCalmRun(t *testing.T, ctx context.Context, dir, store string, sources []string) (sent int64, addr string) {
	t.Helper()
	addr = freeAddr(t)
	wire := newTripwire(t, addr)
	receive, send, err := pairRun{
		dir: dir, env: []string{"XDG_DATA_HOME=" + dir, "TMPDIR=" + dir},
		receive: []string{"--listen", addr, "--advertise", wire.Addr().String(), "--store", store},
		send:    append([]string{"--yes"}, sources...),
	}.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	exits(t, receive, exitDone)
	exits(t, send, exitDone)
	if !strings.Contains(send.stderr(), "Done: ") {
		t.Fatal(send.stderr())
	}
	return wire.carried(), addr
}

// number is a number in the environment, or 0.
func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return max(n, 0)
}
