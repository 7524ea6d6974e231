package transfer_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/testdata/golden"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

var goldens = filepath.Join("..", "testdata", "golden")

// A goldenSession is one whole session that two programs of a version had, with every
// write of both sides in an order in which they happened.
type goldenSession struct {
	Comment      string   `json:"comment"`
	Protocol     uint8    `json:"protocol"`
	RandReceiver string   `json:"rand_receiver"` // seeds, as in testdata/vectors/transfer
	RandSender   string   `json:"rand_sender"`
	OfferText    string   `json:"offer_text"`
	CheckCode    string   `json:"check_code"`
	TransferID   string   `json:"transfer_id"`
	Root         string   `json:"root"`
	Segment      string   `json:"segment"` // newSource(1, 1, 1, 100, 70) makes it and its attachment
	Attachment   string   `json:"attachment"`
	Pauses       bool     `json:"pauses"`
	Writes       []string `json:"writes"` // "S " or "R ", and the bytes
}

// The recorded sessions of every version: this program, which is told to speak that
// version, takes the part of either side, and is given what the other one said then. It
// answers with the very bytes of then, and comes to the same end.
func TestGoldenSessions(t *testing.T) {
	for _, pauses := range []bool{false, true} {
		name := "session.json"
		if pauses {
			name = "session-pauses.json"
		}
		t.Run(name, func(t *testing.T) {
			if path := golden.New(t, goldens, name); path != "" {
				synctest.Test(t, func(t *testing.T) { writeJSON(t, path, recordGolden(t, pauses)) })
			}
			golden.Each(t, goldens, name, func(t *testing.T, path string) {
				var g goldenSession
				readJSON(t, path, &g)
				program := pairing.Program{Oldest: g.Protocol, Newest: g.Protocol}
				t.Run("receiver", func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { g.receive(t, program) })
				})
				t.Run("sender", func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { g.send(t, program) })
				})
			})
		})
	}
}

// recordGolden is the session of the vectors, with its writes in order.
func recordGolden(t *testing.T, pauses bool) *goldenSession {
	var mu sync.Mutex
	var writes []string
	log := func(side string) func(wire.Conn) wire.Conn {
		return func(c wire.Conn) wire.Conn {
			return &logged{c, func(p []byte) {
				mu.Lock()
				defer mu.Unlock()
				writes = append(writes, side+" "+hex.EncodeToString(p))
			}}
		}
	}
	n := newNetwork()
	n.wrapS, n.wrapR = log("S"), log("R")
	rec := recordOn(t, &tapped{network: n}, recordedSession{}, pauses)
	return &goldenSession{
		Comment:      "one room, one segment, one attachment, nothing held; clock at 2000-01-01T00:00:00Z",
		Protocol:     pairing.Version,
		RandReceiver: rec.RandReceiver, RandSender: rec.RandSender, OfferText: rec.OfferText, CheckCode: rec.CheckCode,
		TransferID: rec.TransferID, Root: rec.Root, Segment: rec.Segment, Attachment: rec.Attachment, Pauses: pauses, Writes: writes,
	}
}

type logged struct {
	wire.Conn
	log func([]byte)
}

func (l *logged) Write(p []byte) (int, error) {
	l.log(p)
	return l.Conn.Write(p)
}

// receive runs a receiver of today against the sender of then.
func (g *goldenSession) receive(t *testing.T, program pairing.Program) {
	n, people, sink := newNetwork(), newPeople(), newSink(t)
	var pause transfer.Pauser
	done := make(chan error, 1)
	var result *transfer.Result
	go func() {
		var err error
		result, err = transfer.Receive(t.Context(), transfer.ReceiveOptions{
			Sink: sink, Acceptors: []transfer.Acceptor{n}, Prompter: &pausing{people, g.Pauses, &pause}, Pause: &pause,
			Offer: pairing.ReceiverOptions{Label: "new phone", Rand: &counterRand{seed: g.RandReceiver}, Program: program},
		})
		done <- err
	}()
	if offer := (<-people.offer).Text(); offer != g.OfferText {
		t.Errorf("offer %s, then %s", offer, g.OfferText)
	}
	people.code <- g.CheckCode
	conn, end := transfertest.Pipe()
	n.conns <- end
	g.play(t, conn, "S")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	g.compare(t, result)
	segments, contents := slices.Collect(maps.Values(sink.segments)), slices.Collect(maps.Values(sink.content))
	if len(segments) != 1 || len(contents) != 1 || hex.EncodeToString(segments[0]) != g.Segment || hex.EncodeToString(contents[0]) != g.Attachment {
		t.Errorf("received %x and %x", segments, contents)
	}
}

// send runs a sender of today against the receiver of then.
func (g *goldenSession) send(t *testing.T, program pairing.Program) {
	offer, err := pairing.ParseOffer(g.OfferText)
	if err != nil {
		t.Fatal(err)
	}
	n, people := newNetwork(), newPeople()
	var pause transfer.Pauser
	people.onCode = func() {
		synctest.Wait()
		if g.Pauses {
			if err := pauseOnce(t.Context(), &pause); err != nil {
				t.Error(err)
			}
		}
	}
	done := make(chan error, 1)
	var result *transfer.Result
	go func() {
		var err error
		result, err = transfer.Send(t.Context(), transfer.SendOptions{
			Source: newSource(1, 1, 1, 100, 70), Offer: offer, Dialer: n, Prompter: people, Label: "old phone",
			Rand: &counterRand{seed: g.RandSender}, Pause: &pause, Program: program,
		})
		done <- err
	}()
	conn, err := n.Accept(t.Context(), wire.Rendezvous{})
	if err != nil {
		t.Fatal(err)
	}
	g.play(t, conn, "R")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	g.compare(t, result)
	if code := <-people.code; code != g.CheckCode {
		t.Errorf("check code %s, then %s", code, g.CheckCode)
	}
}

// play writes what one side wrote then, and reads and compares what the other one says.
func (g *goldenSession) play(t *testing.T, conn wire.Conn, part string) {
	t.Helper()
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	for i, w := range g.Writes {
		side, text, _ := strings.Cut(w, " ")
		want, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if side == part {
			if _, err := conn.Write(want); err != nil {
				t.Fatalf("write %d: %v", i, err)
			}
			continue
		}
		got := make([]byte, len(want))
		if n, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("write %d: %x, %v; then %x", i, got[:n], err, want)
		}
	}
}

func (g *goldenSession) compare(t *testing.T, r *transfer.Result) {
	t.Helper()
	if id, root := hex.EncodeToString(r.TransferID[:]), hex.EncodeToString(r.Root[:]); id != g.TransferID || root != g.Root {
		t.Errorf("transfer %s, root %s; then %s, %s", id, root, g.TransferID, g.Root)
	}
}

// A goldenOffer is a text that a program of a version showed, and what it says.
type goldenOffer struct {
	Text       string `json:"text"`
	Version    uint8  `json:"version"`
	Suite      uint8  `json:"suite"`
	Intent     uint8  `json:"intent"`
	Secret     string `json:"secret"`
	Commitment string `json:"commitment"`
	Expiry     int64  `json:"expiry"` // seconds since 1970
	Route      string `json:"route"`
}

func TestGoldenOffers(t *testing.T) {
	const name = "offers.json"
	if path := golden.New(t, goldens, name); path != "" {
		synctest.Test(t, func(t *testing.T) { writeJSON(t, path, makeOffers(t)) })
	}
	golden.Each(t, goldens, name, func(t *testing.T, path string) {
		var all []goldenOffer
		readJSON(t, path, &all)
		if len(all) == 0 {
			t.Fatal("no offers")
		}
		for _, want := range all {
			offer, err := pairing.ParseOffer(want.Text)
			if err != nil {
				t.Errorf("%s: %v", want.Text, err)
				continue
			}
			if got := offerFields(offer); got != want {
				t.Errorf("read %+v\nwant %+v", got, want)
			}
		}
	})
}

func makeOffers(t *testing.T) (all []goldenOffer) {
	for _, o := range []pairing.ReceiverOptions{
		{Routes: sampleCheckpoint(pairing.RoleSender).Routes[:1]},
		{Routes: sampleCheckpoint(pairing.RoleSender).Routes[1:], Intent: pairing.CatchUp, Room: "mimi://example.com/r/1"},
		{Suite: hpke.SuiteX25519, Lifetime: time.Hour},
	} {
		o.Rand = &counterRand{seed: "vcon-transfer golden offer"}
		r, err := pairing.NewReceiver(o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, offerFields(r.Offer()))
		r.Close()
	}
	return all
}

func offerFields(o *pairing.Offer) goldenOffer {
	return goldenOffer{
		Text: o.Text(), Version: o.Version, Suite: uint8(o.Suite), Intent: uint8(o.Intent),
		Secret: hex.EncodeToString(o.Secret[:]), Commitment: hex.EncodeToString(o.Commitment[:]),
		Expiry: o.Expiry.Unix(), Route: o.Route.String(),
	}
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
