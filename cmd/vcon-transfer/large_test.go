package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/local"
)

const (
	largePerDay   = 1000 // messages
	largeMessages = largeDays * largePerDay

	maxSecondRun = 64 << 10 // bytes, both directions
	maxAppended  = 5 << 20
)

// A hundred thousand messages with reply links go from one device to the other,
// and the store equals the source, message by message. The second run moves
// almost nothing, and one more message little.
func TestLargeHistory(t *testing.T) {
	logs := ircLogs(largeDays)
	source := readerOf(t, logs)
	store := filepath.Join(t.TempDir(), "new.db")

	begun := time.Now()
	first := moveOver(t, source, store)
	t.Logf("%d messages: %.1f s, %d bytes", largeMessages, time.Since(begun).Seconds(), first.Sent+first.Received)
	if n := first.Ledger.Imported; n < largeMessages {
		t.Fatalf("%d items were imported", n)
	}
	sameHistory(t, source, store, largeMessages, largeMessages)

	begun = time.Now()
	second := moveOver(t, source, store)
	moved := second.Sent + second.Received
	t.Logf("again: %.1f s, %d bytes", time.Since(begun).Seconds(), moved)
	if moved > maxSecondRun || second.Ledger.Imported != 0 {
		t.Errorf("the second run moved %d bytes and imported %d items", moved, second.Ledger.Imported)
	}

	last := fmt.Sprintf("%s_#large.raw.txt", dayOf(largeDays-1))
	logs[last] = &fstest.MapFile{Data: append(bytes.Clone(logs[last].Data), "[23:59] <late> one more message\n"...)}
	grown := readerOf(t, logs)
	begun = time.Now()
	third := moveOver(t, grown, store)
	moved = third.Sent + third.Received
	t.Logf("with one more: %.1f s, %d bytes", time.Since(begun).Seconds(), moved)
	if moved > maxAppended || third.Ledger.Imported != 1 {
		t.Errorf("one more message moved %d bytes and imported %d items", moved, third.Ledger.Imported)
	}
	sameHistory(t, grown, store, largeMessages+1, 3*largePerDay)
}

// ircLogs makes logs of days, with the annotations that say what answers what.
func ircLogs(days int) fstest.MapFS {
	random := rand.New(rand.NewPCG(7, 7))
	words := strings.Fields(`the a to of ubuntu install kernel driver please how does it not work with sudo apt-get update
		thanks I have tried that again but my screen is black after boot wireless card works fine for me ok try rebooting
		which version do you use lol never mind it was the cable grüße naïve 日本語 🙂 http://example.com/paste/`)
	fsys := fstest.MapFS{}
	for day := range days {
		var log, links bytes.Buffer
		for line := range largePerDay {
			minute := line * 24 * 60 / largePerDay
			fmt.Fprintf(&log, "[%02d:%02d] <user%d> %d", minute/60, minute%60, random.IntN(400), line)
			for range 3 + random.IntN(20) {
				log.WriteString(" " + words[random.IntN(len(words))])
			}
			log.WriteByte('\n')
			if back := random.IntN(60); back > 20 && back <= line {
				fmt.Fprintf(&links, "%d %d -\n", line-back, line)
			}
		}
		fsys[dayOf(day)+"_#large.raw.txt"] = &fstest.MapFile{Data: log.Bytes()}
		fsys[dayOf(day)+"_#large.annotation.txt"] = &fstest.MapFile{Data: links.Bytes()}
	}
	return fsys
}

func dayOf(n int) string {
	return time.Date(2005, 1, 1+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func readerOf(t *testing.T, logs fstest.MapFS) history.Reader {
	t.Helper()
	vcons, report, err := convert.All(t.Context(), convert.IRC, logs, ".", convert.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Replies < uint64(len(logs)/2*largePerDay/4) {
		t.Fatalf("only %d replies", report.Replies)
	}
	r := history.FromVCons(withoutContents(vcons))
	t.Cleanup(func() { r.Close() })
	return r
}

// moveOver moves a history into a store over loopback, and returns what the sender
// makes of it.
func moveOver(t *testing.T, r history.Reader, path string) *transfer.Result {
	t.Helper()
	ctx := t.Context()
	store, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	listener, err := local.Listen(ctx, local.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	desk := &desk{offers: make(chan *pairing.Offer, 1), codes: make(chan string, 1)}
	type outcome struct {
		result *transfer.Result
		err    error
	}
	received := make(chan outcome, 1)
	go func() {
		result, err := transfer.Receive(ctx, transfer.ReceiveOptions{
			Sink: store, Acceptors: []transfer.Acceptor{lan{listener}}, Prompter: desk,
			Offer: pairing.ReceiverOptions{Routes: []pairing.Route{{Kind: pairing.RouteTCP, Addr: listener.Addrs()[0]}}},
		})
		received <- outcome{result, err}
	}()
	sent, err := transfer.Send(ctx, transfer.SendOptions{
		Source: history.NewSource(r, history.SourceOptions{}), Offer: <-desk.offers, Dialer: &routes{}, Prompter: desk,
	})
	if err != nil {
		t.Fatal("send: ", err)
	}
	got := <-received
	if got.err != nil {
		t.Fatal("receive: ", got.err)
	}
	if got.result.Root != sent.Root || !got.result.Ledger.Equal(sent.Ledger) || sent.Ledger.Balanced() != nil {
		t.Errorf("ledgers or roots differ: %+v, %+v", got.result.Ledger, sent.Ledger)
	}
	return sent
}

// A desk is the person between two devices.
type desk struct {
	offers chan *pairing.Offer
	codes  chan string
}

func (d *desk) ShowOffer(_ context.Context, o *pairing.Offer) error { d.offers <- o; return nil }

func (d *desk) ShowCheckCode(_ context.Context, code string) error { d.codes <- code; return nil }

func (d *desk) Consent(_ context.Context, r transfer.ConsentRequest) (segment.Scope, error) {
	return r.Scope, nil
}

func (d *desk) AskCheckCode(context.Context, segment.TransferInfo, int) (string, error) {
	return <-d.codes, nil
}

func (d *desk) Warn(context.Context, transfer.Warning) {}

// sameHistory compares what a store holds with a source: the same items in the
// same order, byte for byte, and the same conversation to look at. Only the newest
// of the messages are compared.
func sameHistory(t *testing.T, source history.Reader, path string, messages, newest int) {
	t.Helper()
	ctx := t.Context()
	store, err := sqlite.Open(ctx, path, sqlite.Options{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	want, err := source.Rooms(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Rooms(ctx)
	if err != nil || len(got) != len(want) || len(want) != 1 {
		t.Fatalf("%d rooms, want %d: %v", len(got), len(want), err)
	}
	next, stop := iter.Pull2(records(ctx, store, got[0], newest))
	defer stop()
	shown, stopShown := iter.Pull2(store.Messages(ctx, got[0].Room.ID, sqlite.Query{Limit: newest}))
	defer stopShown()
	n, replies := 0, 0
	for a, err := range records(ctx, source, want[0], newest) {
		if err != nil {
			t.Fatal(err)
		}
		b, err, ok := next()
		if err != nil || !ok {
			t.Fatalf("the store ends after %d messages: %v", n, err)
		}
		if a.key != b.key || !bytes.Equal(a.record, b.record) {
			t.Fatalf("message %d of the store is not that of the source", n)
		}
		m, err, _ := shown()
		if err != nil || m.Key != a.key || m.Text != a.text {
			t.Fatalf("message %d is shown as %q, want %q: %v", n, m.Text, a.text, err)
		}
		if a.reply != "" {
			replies++
			if m.ReplyTo == nil || m.ReplyTo.Missing || m.ReplyTo.Key != segment.KeyOfMessage(want[0].Room.ID, a.reply) {
				t.Fatalf("message %d has lost what it replies to", n)
			}
		}
		n++
	}
	if _, _, more := next(); more || n != newest || got[0].Items != uint64(messages) {
		t.Errorf("%d messages of %d, want %d of %d; the store has more: %t", n, got[0].Items, newest, messages, more)
	}
	if replies < newest/4 {
		t.Errorf("only %d replies", replies)
	}
}

type recorded struct {
	key         segment.Key
	record      []byte
	text, reply string
}

// records yields the newest items of a room as their keys hash them.
func records(ctx context.Context, r history.Reader, info history.RoomInfo, newest int) iter.Seq2[recorded, error] {
	return func(yield func(recorded, error) bool) {
		var heads []segment.Head
		for h, err := range r.Heads(ctx, info.Room.ID) {
			if err != nil {
				yield(recorded{}, err)
				return
			}
			heads = append(heads, h)
		}
		heads = heads[max(0, len(heads)-newest):]
		var keyer segment.Keyer
		for at := 0; at < len(heads); at += 1000 {
			part := heads[at:min(at+1000, len(heads))]
			items, err := r.Items(ctx, info.Room.ID, part)
			if err != nil {
				yield(recorded{}, err)
				return
			}
			for i, it := range items {
				record, err := keyer.RecordOf(info.Room, it)
				text := ""
				if it.Dialog.Body.Kind == codec.BodyText {
					text = string(it.Dialog.Body.Data)
				}
				if !yield(recorded{part[i].Key, bytes.Clone(record), text, string(it.Dialog.InReplyTo)}, err) {
					return
				}
			}
		}
	}
}

// withoutContents is the vCons of a conversion, of a layout without attachments.
func withoutContents(converted []*convert.VCon) (all []*codec.VCon) {
	for _, v := range converted {
		all = append(all, v.VCon)
	}
	return all
}
