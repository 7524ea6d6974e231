package transfer_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// answerOf is the body of an answer record.
func answerOf(t testing.TB, number uint32, wants ...segment.Want) []byte {
	t.Helper()
	b, err := segment.AppendAnswer(u32(number), &segment.Answer{Wants: wants})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// receiptOf is the body of a receipt record.
func receiptOf(t testing.TB, s *pairing.Session, transferID [32]byte, e segment.End) []byte {
	t.Helper()
	plain := append(transferID[:], make([]byte, 8)...)
	plain, err := segment.AppendEnd(plain, &e)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := pairing.SealReceipt(s.Suite(), s.Resumption(), nil, plain)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// TestHostileReceiver plays a new device that is paired and breaks the rules in
// one place: the sender ends with this code, and never with success.
func TestHostileReceiver(t *testing.T) {
	need, held := segment.Want{Need: true}, segment.Want{}
	hash := segment.Want{Have: [32]byte{1}}
	// The source has two segments, the first with an attachment of 50 bytes whose
	// hash the manifest names.
	newSource := func() *memorySource {
		src := newSource(1, 1, 2, 100, 50)
		e := &src.pages[0].Entries[2].Attachment
		sum := sha256.Sum256(src.content[e.MessageID])
		e.SHA256 = &sum
		return src
	}
	answers := func(wants ...segment.Want) func(testing.TB, *rawLink) {
		return func(t testing.TB, l *rawLink) {
			l.until(page)
			l.record(answer, answerOf(t, 0, wants...)...)
		}
	}
	record := func(kind byte, body ...byte) func(testing.TB, *rawLink) {
		return func(_ testing.TB, l *rawLink) { l.record(kind, body...) }
	}
	// finished answers honestly, reads to the end, and gives this receipt.
	finished := func(change func(id *[32]byte, e *segment.End)) func(testing.TB, *rawLink) {
		return func(t testing.TB, l *rawLink) {
			l.until(page)
			l.record(answer, answerOf(t, 0, need, need, need, need)...)
			var e segment.End
			for {
				f, err := l.frames.ReadFrame()
				if err != nil {
					t.Errorf("no end: %v", err)
					return
				}
				if f.Type != wire.Control {
					continue
				}
				plain, err := l.in.Open(nil, nonce(l.nIn), f.Payload, nil)
				if err != nil {
					t.Error(err)
					return
				}
				l.nIn++
				if plain[0] == end {
					parsed, err := segment.ParseEnd(plain[1:])
					if err != nil {
						t.Error(err)
						return
					}
					e = *parsed
					break
				}
			}
			e.Ledger.Imported, e.Ledger.AttachmentsImported = 20, 2
			id := l.session.TransferID()
			change(&id, &e)
			l.record(receipt, receiptOf(t, l.session, id, e)...)
		}
	}
	stagedOf := func(n ...uint64) (b []byte) {
		for _, v := range n {
			b = binary.BigEndian.AppendUint64(b, v)
		}
		return b
	}
	for _, c := range []struct {
		name string
		does func(testing.TB, *rawLink)
		code wire.Code
	}{
		{"answer too short", answers(need, need, need), wire.CodeProtocol},
		{"answer too long", answers(need, need, need, need, need), wire.CodeProtocol},
		{"answer of nothing", answers(), wire.CodeProtocol},
		{"answer to another page", func(t testing.TB, l *rawLink) {
			l.until(page)
			l.record(answer, answerOf(t, 1, need, need, need, need)...)
		}, wire.CodeProtocol},
		{"answer that is no CBOR", record(answer, 0, 0, 0, 0, 0xff), wire.CodeProtocol},
		{"answer without a body", record(answer), wire.CodeProtocol},
		{"segment from an offset", answers(segment.Want{Need: true, Offset: 1}, need, need, need), wire.CodeProtocol},
		{"segment held under a hash", answers(hash, need, need, need), wire.CodeProtocol},
		{"attachment held without a hash", answers(need, held, need, need), wire.CodeProtocol},
		{"attachment held under another hash", answers(need, hash, need, need), wire.CodeVerification},
		{"attachment behind its end", answers(need, segment.Want{Need: true, Offset: 51}, need, need), wire.CodeProtocol},
		{"ready again", record(ready), wire.CodeProtocol},
		{"a record of the sender", record(page, 0, 0, 0, 0), wire.CodeProtocol},
		{"an unknown record", record(200), wire.CodeProtocol},
		{"staged too short", record(staged, make([]byte, 23)...), wire.CodeProtocol},
		{"staged before anything was sent", record(staged, stagedOf(1, 100, 10)...), wire.CodeProtocol},
		{"staged without an end", record(staged, stagedOf(1<<64-1, 1<<64-1, 1<<64-1)...), wire.CodeProtocol},
		{"staged again without news", record(staged, stagedOf(0, 0, 0)...), wire.CodeProtocol},
		{"receipt before the end", func(t testing.TB, l *rawLink) {
			l.until(page)
			l.record(receipt, receiptOf(t, l.session, l.session.TransferID(), segment.End{})...)
		}, wire.CodeProtocol},
		{"receipt that does not open", func(t testing.TB, l *rawLink) {
			finished(func(*[32]byte, *segment.End) { l.session.Erase() })(t, l)
		}, wire.CodeVerification},
		{"receipt of another transfer", finished(func(id *[32]byte, _ *segment.End) { id[0]++ }), wire.CodeVerification},
		{"receipt of another history", finished(func(_ *[32]byte, e *segment.End) { e.Root[0]++ }), wire.CodeVerification},
		{"receipt that does not balance", finished(func(_ *[32]byte, e *segment.End) { e.Ledger.Imported-- }), wire.CodeVerification},
		{"receipt for fewer items", finished(func(_ *[32]byte, e *segment.End) { e.Ledger.Imported--; e.Ledger.Source-- }), wire.CodeVerification},
		{"receipt for fewer attachments", finished(func(_ *[32]byte, e *segment.End) {
			e.Ledger.AttachmentsImported--
			e.Ledger.Attachments--
		}), wire.CodeVerification},
		{"receipt without a body", func(t testing.TB, l *rawLink) {
			l.until(page)
			l.record(answer, answerOf(t, 0, need, need, need, need)...)
			l.record(receipt)
		}, wire.CodeVerification},
		{"none: the honest one", finished(func(*[32]byte, *segment.End) {}), 0},
		{"data", func(_ testing.TB, l *rawLink) { l.writer.WriteFrame(wire.Data, 0, make([]byte, 100)) }, wire.CodeProtocol},
		{"a record that does not open", func(_ testing.TB, l *rawLink) { l.writer.WriteFrame(wire.Control, 0, make([]byte, 17)) }, wire.CodeVerification},
		{"an error", record(errorType, 0, byte(wire.CodeStorage)), wire.CodeStorage},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSend(t, newSource(), transfer.Timing{Reconnect: time.Second})
				l := s.pair()
				c.does(t, l)
				if c.code == 0 {
					if s.wait(time.Minute); s.err != nil {
						t.Errorf("send: %v", s.err)
					}
					return
				}
				told, ok := l.until(errorType)
				if want := []byte{byte(c.code >> 8), byte(c.code)}; ok && !bytes.Equal(told, want) {
					t.Errorf("the receiver was told %x, want %x", told, want)
				}
				l.conn.Close()
				s.wait(time.Minute)
				s.refused(c.code)
				if e, _ := asError(s.err); e == nil || !ok && !e.Peer {
					t.Error("the receiver was not told why")
				}
			})
		})
	}
}

// A receiver that goes on as if nothing was wrong learns it all the same, and
// soon: the sender does not stream a large attachment into the void first.
func TestGarbageWhileStreaming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSend(t, newSource(1, 1, 1, 100, 50<<20), transfer.Timing{Reconnect: time.Second})
		l := s.pair()
		l.until(page)
		l.record(answer, answerOf(t, 0, segment.Want{Need: true}, segment.Want{Need: true})...)
		l.writer.WriteFrame(wire.Control, 0, make([]byte, 17))
		n := 0
		for {
			f, err := l.frames.ReadFrame()
			if err != nil {
				break
			}
			n += len(f.Payload)
		}
		s.refused(wire.CodeVerification)
		if n > 1<<20 {
			t.Errorf("%d bytes came after the garbage", n)
		}
	})
}
