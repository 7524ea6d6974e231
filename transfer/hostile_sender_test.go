package transfer_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// withAttachment lists one segment and an attachment of a size.
func withAttachment(data []byte, size uint64) *segment.Page {
	p := onePage(data)
	p.Entries = append(p.Entries, segment.Entry{Type: segment.AttachmentType, Attachment: segment.AttachmentEntry{
		MessageID: "m", Size: size, MediaType: "image/png",
	}})
	return p
}

func unitOf(data []byte, entry uint32) []byte {
	return append(head(1, 0, entry, 0, uint64(len(data))), data...)
}

// TestHostileSender plays an old device that is paired, whose check code was
// typed, and that then breaks the rules in one place. Each ends the transfer with
// a code, tells the other side that code, and commits nothing.
func TestHostileSender(t *testing.T) {
	a, b := []byte("segment a"), []byte("segment b")
	send := func(bodies ...func(t testing.TB, l *rawLink)) []func(testing.TB, *rawLink) { return bodies }
	thePage := func(number uint32, p *segment.Page) func(testing.TB, *rawLink) {
		return func(t testing.TB, l *rawLink) { l.record(page, pageOf(t, number, p)...) }
	}
	data := func(b []byte, last bool) func(testing.TB, *rawLink) {
		return func(_ testing.TB, l *rawLink) { l.chunk(b, last) }
	}
	record := func(kind byte, body ...byte) func(testing.TB, *rawLink) {
		return func(_ testing.TB, l *rawLink) { l.record(kind, body...) }
	}
	theEnd := func(change func(*segment.End), segments ...[]byte) func(testing.TB, *rawLink) {
		return func(t testing.TB, l *rawLink) {
			e := endFor(l.session, segments...)
			change(&e)
			l.record(end, endOf(t, e)...)
		}
	}
	honest := func(*segment.End) {}
	long := append(u32(0), bytes.Repeat([]byte{0x80}, segment.MaxPage+1)...)
	for _, c := range []struct {
		name string
		does []func(testing.TB, *rawLink)
		code wire.Code
	}{
		{"page out of order", send(thePage(1, onePage(a))), wire.CodeProtocol},
		{"page twice", send(thePage(0, onePage(a)), thePage(0, onePage(a))), wire.CodeProtocol},
		{"page too long", send(record(page, long...)), wire.CodeProtocol},
		{"page without a body", send(record(page)), wire.CodeProtocol},
		{"page that is no CBOR", send(record(page, 0, 0, 0, 0, 0xff)), wire.CodeProtocol},
		{"page far ahead of the data", send(thePage(0, onePage(a)), thePage(1, onePage(b)), thePage(2, onePage([]byte("c")))), wire.CodeProtocol},
		{"segment outside a room", send(thePage(0, &segment.Page{Entries: onePage(a).Entries[1:]})), wire.CodeProtocol},
		{"attachment before a segment", send(thePage(0, &segment.Page{Entries: withAttachment(a, 5).Entries[:1]}),
			thePage(1, &segment.Page{Entries: withAttachment(a, 5).Entries[2:]})), wire.CodeProtocol},
		{"unit that was not asked for", send(data(unitOf(a, 1), false)), wire.CodeProtocol},
		{"unit of another entry", send(thePage(0, onePage(a, b)), data(unitOf(b, 2), false)), wire.CodeProtocol},
		{"unit of another page", send(thePage(0, onePage(a)), data(head(1, 1, 1, 0, 9), false)), wire.CodeProtocol},
		{"unit that is shorter", send(thePage(0, onePage(a)), data(head(1, 0, 1, 0, 8), false)), wire.CodeProtocol},
		{"unit that is longer", send(thePage(0, onePage(a)), data(head(1, 0, 1, 0, 1<<63), false)), wire.CodeProtocol},
		{"unit of 2^64-1 bytes", send(thePage(0, onePage(a)), data(head(1, 0, 1, 0, 1<<64-1), false)), wire.CodeProtocol},
		{"segment at an offset", send(thePage(0, onePage(a)), data(head(1, 0, 1, 1, 8), false)), wire.CodeProtocol},
		{"segment for an attachment", send(thePage(0, withAttachment(a, 9)), data(append(unitOf(a, 1), head(1, 0, 2, 0, 9)...), false)), wire.CodeProtocol},
		{"attachment for a segment", send(thePage(0, onePage(a)), data(head(2, 0, 1, 0, 9), false)), wire.CodeProtocol},
		{"absent segment", send(thePage(0, onePage(a)), data(head(3, 0, 1, 0, 0), false)), wire.CodeProtocol},
		{"absent attachment with content", send(thePage(0, withAttachment(a, 9)), data(append(unitOf(a, 1), head(3, 0, 2, 0, 9)...), false)), wire.CodeProtocol},
		{"absent attachment at an offset", send(thePage(0, withAttachment(a, 9)), data(append(unitOf(a, 1), head(3, 0, 2, 9, 0)...), false)), wire.CodeProtocol},
		{"unknown kind of unit", send(thePage(0, onePage(a)), data(head(4, 0, 1, 0, 9), false)), wire.CodeProtocol},
		{"segment of other bytes", send(thePage(0, onePage(a)), data(append(head(1, 0, 1, 0, 9), "segment A"...), false)), wire.CodeVerification},
		{"attachment with another hash", send(thePage(0, withAttachment(a, 1)),
			data(append(append(unitOf(a, 1), head(2, 0, 2, 0, 1)...), make([]byte, 33)...), false)), wire.CodeVerification},
		{"empty chunk", send(data(nil, false)), wire.CodeProtocol},
		{"padding before the data", send(thePage(0, onePage(a)), data(head(0, 0, 0, 0, 7), false)), wire.CodeProtocol},
		{"padding that is not zero", send(thePage(0, onePage(a)), data(nonZero(padded(unitOf(a, 1))), true)), wire.CodeProtocol},
		{"padding of another length", send(thePage(0, onePage(a)), data(append(unitOf(a, 1), head(0, 0, 0, 0, 2)...), false)), wire.CodeProtocol},
		{"padding of nothing", send(data(head(0, 0, 0, 0, 1), false)), wire.CodeProtocol},
		{"padding for ever", send(data(head(0, 0, 0, 0, 1<<64-1), false)), wire.CodeProtocol},
		{"padding twice", send(thePage(0, onePage(a)), data(append(padded(unitOf(a, 1)), head(0, 0, 0, 0, 0)...), true)), wire.CodeProtocol},
		{"padding with an offset", send(data(head(0, 0, 0, 1, 0), false)), wire.CodeProtocol},
		{"data after the last chunk", send(thePage(0, onePage(a)), data(padded(unitOf(a, 1)), true), func(_ testing.TB, l *rawLink) {
			l.writer.WriteFrame(wire.Data, 0, make([]byte, 100))
		}), wire.CodeVerification},
		{"end before the data", send(thePage(0, onePage(a)), theEnd(honest, a)), wire.CodeProtocol},
		{"end inside a unit", send(thePage(0, onePage(a)), data(unitOf(a, 1)[:30], true), theEnd(honest, a)), wire.CodeProtocol},
		{"end inside a head", send(data(make([]byte, 3), true), theEnd(honest)), wire.CodeProtocol},
		{"end before the last chunk", send(thePage(0, onePage(a)), data(padded(unitOf(a, 1)), false), theEnd(honest, a)), wire.CodeProtocol},
		{"end with another root", send(thePage(0, onePage(a)), data(padded(unitOf(a, 1)), true), theEnd(honest, b)), wire.CodeVerification},
		{"end with another ledger", send(thePage(0, onePage(a)), data(padded(unitOf(a, 1)), true),
			theEnd(func(e *segment.End) { e.Ledger.Source++ }, a)), wire.CodeVerification},
		{"end that is no CBOR", send(record(end, 0xff)), wire.CodeProtocol},
		{"nothing at all", send(theEnd(honest)), wire.CodeProtocol},
		{"another record", send(record(99)), wire.CodeProtocol},
		{"a record of the receiver", send(record(staged, make([]byte, 24)...)), wire.CodeProtocol},
		{"confirm again", send(record(confirm)), wire.CodeProtocol},
		{"bye without a receipt", send(record(bye)), wire.CodeProtocol},
		{"a chunk for a record", send(data([]byte{page, 0}, false)), 0},
		{"error without a code", send(record(errorType)), wire.CodeProtocol},
		{"error with a code of the future", send(record(errorType, 0xff, 0xff)), 0xffff},
		{"a record that does not open", send(func(_ testing.TB, l *rawLink) { l.writer.WriteFrame(wire.Control, 0, make([]byte, 17)) }), wire.CodeVerification},
		{"a record under the other direction's key", send(func(_ testing.TB, l *rawLink) {
			l.writer.WriteFrame(wire.Control, 0, l.in.Seal(nil, nonce(l.nOut), []byte{end}, nil))
		}), wire.CodeVerification},
		{"a record twice", send(record(keepAlive), func(_ testing.TB, l *rawLink) { l.nOut--; l.record(keepAlive) }), wire.CodeVerification},
		{"a frame of the handshake", send(func(_ testing.TB, l *rawLink) { l.writer.WriteFrame(wire.Hello, 0, make([]byte, wire.HelloSize)) }), wire.CodeProtocol},
		{"more reasons than a ledger holds", manyReasons(), wire.CodeLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startReceive(t, transfer.Timing{Reconnect: time.Second})
				l := r.pair()
				for _, do := range c.does {
					do(t, l)
				}
				if c.code == 0 { // no rule is broken yet
					l.conn.Close()
					r.refused(wire.CodeTimeout)
					return
				}
				told, ok := l.until(errorType)
				r.refused(c.code)
				if e, _ := asError(r.err); e == nil || !e.Peer && (!ok || !bytes.Equal(told, []byte{byte(c.code >> 8), byte(c.code)})) {
					t.Errorf("the sender was told %x, want code %d", told, c.code)
				}
				if r.sink.aborted != 1 {
					t.Errorf("%d aborts", r.sink.aborted)
				}
				if r.took > time.Minute {
					t.Errorf("took %v", r.took)
				}
			})
		})
	}
}

func nonZero(b []byte) []byte {
	b[len(b)-1] = 1
	return b
}

// manyReasons leaves out one item on each page, each for another reason.
func manyReasons() (does []func(testing.TB, *rawLink)) {
	for i := range segment.MaxReasons + 1 {
		does = append(does, func(t testing.TB, l *rawLink) {
			p := &segment.Page{Left: segment.Ledger{Source: 1, Excluded: map[segment.Reason]uint64{segment.Reason(fmt.Sprint("reason ", i)): 1}}}
			l.record(page, pageOf(t, uint32(i), p)...)
		})
	}
	return append(does, func(t testing.TB, l *rawLink) {
		l.chunk(nil, true)
		e := endFor(l.session)
		e.Ledger.Source = segment.MaxReasons + 1
		l.record(end, endOf(t, e)...)
	})
}

// The history before the check code was typed: refused, whatever it is.
func TestHistoryBeforeTheCode(t *testing.T) {
	for _, kind := range []byte{page, end, bye, ready, receipt} {
		synctest.Test(t, func(t *testing.T) {
			r := startReceive(t, transfer.Timing{})
			l, s := greet(t, r.network, newSender(t, r.offer))
			l.request(s)
			l.record(confirm)
			l.record(kind, 0)
			r.refused(wire.CodeProtocol)
			if r.sink.begun != 0 {
				t.Error("the import began")
			}
		})
	}
}

// After the commit nothing that the old device says makes the import undone, or
// reported as failed.
func TestAfterTheCommit(t *testing.T) {
	for name, says := range map[string]func(*rawLink){
		"nothing":                     func(l *rawLink) { l.conn.Close() },
		"an error":                    func(l *rawLink) { l.record(errorType, 0, byte(wire.CodeVerification)) },
		"a record that does not open": func(l *rawLink) { l.writer.WriteFrame(wire.Control, 0, make([]byte, 20)) },
		"a page":                      func(l *rawLink) { l.record(page, 0, 0, 0, 0) },
		"that it lives, for ever": func(l *rawLink) {
			for l.record(keepAlive) == nil {
				time.Sleep(time.Second) // fake time
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startReceive(t, transfer.Timing{})
				l := r.pair()
				data := []byte("a segment")
				l.record(page, pageOf(t, 0, onePage(data))...)
				l.chunk(padded(unitOf(data, 1)), true)
				l.record(end, endOf(t, endFor(l.session, data))...)
				if _, ok := l.until(receipt); !ok {
					t.Fatal("no receipt")
				}
				says(l)
				r.wait(10 * time.Minute)
				if r.err != nil || r.sink.commits != 1 || r.sink.aborted != 0 {
					t.Errorf("receive: %v, %d commits, %d aborts", r.err, r.sink.commits, r.sink.aborted)
				}
				if len(r.people.warnings) != 1 || r.people.warnings[0] != transfer.WarnReceipt {
					t.Errorf("warnings %v", r.people.warnings)
				}
			})
		})
	}
}
