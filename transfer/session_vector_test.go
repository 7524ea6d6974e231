package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A recordedSession is one of testdata/vectors/transfer: every byte of one transfer
// with fixed randomness and a fixed clock. A later version that reads it keeps the
// promise of docs/wire-format.md.
type recordedSession struct {
	Comment      string `json:"comment"`
	Time         string `json:"time"`
	RandReceiver string `json:"rand_receiver"` // the receiver's randomness: SHA-256(this || u64 counter), in blocks
	RandSender   string `json:"rand_sender"`
	OfferText    string `json:"offer_text"`
	CheckCode    string `json:"check_code"`
	TransferID   string `json:"transfer_id"`
	Root         string `json:"root"`
	Segment      string `json:"segment"`    // the content of the one segment
	Attachment   string `json:"attachment"` // and of its attachment
	FromSender   string `json:"from_sender"`
	FromReceiver string `json:"from_receiver"`
}

// counterRand is a stream of SHA-256(seed || counter).
type counterRand struct {
	seed  string
	n     byte
	block []byte
}

func (c *counterRand) Read(p []byte) (int, error) {
	if len(c.block) == 0 {
		sum := sha256.Sum256(append([]byte(c.seed), 0, 0, 0, 0, 0, 0, 0, c.n))
		c.block, c.n = sum[:], c.n+1
	}
	n := copy(p, c.block)
	c.block = c.block[n:]
	return n, nil
}

// A tap records what is written to a connection.
type tap struct {
	wire.Conn
	mu      sync.Mutex
	written bytes.Buffer
}

func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.written.Write(p)
	return t.Conn.Write(p)
}

// tapped is a network that keeps the one connection's bytes.
type tapped struct {
	*network
	sender, receiver *tap
}

func (n *tapped) Accept(ctx context.Context, v wire.Rendezvous) (wire.Conn, error) {
	c, err := n.network.Accept(ctx, v)
	if err == nil {
		n.receiver = &tap{Conn: c}
		c = n.receiver
	}
	return c, err
}

func (n *tapped) Dial(ctx context.Context, r pairing.Route, v wire.Rendezvous) (wire.Conn, error) {
	c, err := n.network.Dial(ctx, r, v)
	if err == nil {
		n.sender = &tap{Conn: c}
		c = n.sender
	}
	return c, err
}

func TestRecordedSession(t *testing.T) {
	testRecorded(t, "session.json", recordedSession{
		Comment: "one room, one segment, one attachment, nothing held; clock at 2000-01-01T00:00:00Z",
		Time:    "2000-01-01T00:00:00Z",
	}, false)
}

// In the second vector each side is paused once.
func TestRecordedSessionWithPauses(t *testing.T) {
	testRecorded(t, "session-pauses.json", recordedSession{
		Comment: "the same; the sender pauses when it shows the check code, the receiver when it asks for it",
		Time:    "2000-01-01T00:00:00Z",
	}, true)
}

func testRecorded(t *testing.T, name string, rec recordedSession, pauses bool) {
	synctest.Test(t, func(t *testing.T) {
		got := record(t, rec, pauses)
		path := filepath.Join("..", "testdata", "vectors", "transfer", name)
		if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
			b, err := json.MarshalIndent(got, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var want recordedSession
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("the session has other bytes than its vector:\n got %+v\nwant %+v", got, want)
		}
	})
}

// record runs the session of a vector.
func record(t *testing.T, rec recordedSession, pauses bool) recordedSession {
	return recordOn(t, &tapped{network: newNetwork()}, rec, pauses)
}

func recordOn(t *testing.T, n *tapped, rec recordedSession, pauses bool) recordedSession {
	src := newSource(1, 1, 1, 100, 70)
	// What a segment and its attachment hold plays no role for the session.
	people, sink := newPeople(), newSink(t)
	rec.RandReceiver, rec.RandSender = "vcon-transfer vector receiver", "vcon-transfer vector sender"
	var pauseR, pauseS transfer.Pauser
	done := make(chan error, 1)
	go func() {
		_, err := transfer.Receive(t.Context(), transfer.ReceiveOptions{
			Sink: sink, Acceptors: []transfer.Acceptor{n}, Prompter: &pausing{people, pauses, &pauseR}, Pause: &pauseR,
			Offer: pairing.ReceiverOptions{Label: "new phone", Rand: &counterRand{seed: rec.RandReceiver}},
		})
		done <- err
	}()
	offer := <-people.offer
	rec.OfferText = offer.Text()
	people.onCode = func() {
		synctest.Wait() // nothing else runs while the code is shown
		if pauses {
			if err := pauseOnce(t.Context(), &pauseS); err != nil {
				t.Error(err)
			}
		}
	}
	result, err := transfer.Send(t.Context(), transfer.SendOptions{
		Source: src, Offer: offer, Dialer: n, Prompter: &noting{people, &rec.CheckCode}, Label: "old phone",
		Rand: &counterRand{seed: rec.RandSender}, Pause: &pauseS,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	rec.TransferID, rec.Root = hex.EncodeToString(result.TransferID[:]), hex.EncodeToString(result.Root[:])
	for _, data := range src.segments {
		rec.Segment = hex.EncodeToString(data)
	}
	for _, data := range src.content {
		rec.Attachment = hex.EncodeToString(data)
	}
	rec.FromSender = hex.EncodeToString(n.sender.written.Bytes())
	rec.FromReceiver = hex.EncodeToString(n.receiver.written.Bytes())
	return rec
}

// noting notes the check code that is shown.
type noting struct {
	*people
	code *string
}

func (p *noting) ShowCheckCode(ctx context.Context, code string) error {
	*p.code = code
	return p.people.ShowCheckCode(ctx, code)
}

// pausing pauses before it asks for the check code.
type pausing struct {
	*people
	pauses bool
	pause  *transfer.Pauser
}

func (p *pausing) AskCheckCode(ctx context.Context, i segment.TransferInfo, tries int) (string, error) {
	code, err := p.people.AskCheckCode(ctx, i, tries)
	if err == nil && p.pauses {
		err = pauseOnce(ctx, p.pause)
	}
	return code, err
}

// pauseOnce pauses and goes on.
func pauseOnce(ctx context.Context, p *transfer.Pauser) error {
	err := p.Pause(ctx)
	synctest.Wait()
	p.Resume()
	synctest.Wait()
	return err
}
