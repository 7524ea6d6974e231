package transfer_test

import (
	"context"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// receiveAgainst runs Receive against a sender that the test plays.
type receiveAgainst struct {
	t       testing.TB
	network *network
	sink    *memorySink
	people  *people
	timing  transfer.Timing
	offer   *pairing.Offer
	result  *transfer.Result
	err     error
	took    time.Duration
	done    chan struct{}
}

func startReceive(t testing.TB, timing transfer.Timing) *receiveAgainst {
	return startReceiveInto(t, timing, nil)
}

func startReceiveInto(t testing.TB, timing transfer.Timing, wrap func(transfer.Sink) transfer.Sink) *receiveAgainst {
	r := &receiveAgainst{t: t, network: newNetwork(), sink: newSink(t), people: newPeople(), timing: timing, done: make(chan struct{})}
	start := time.Now()
	var sink transfer.Sink = r.sink
	if wrap != nil {
		sink = wrap(sink)
	}
	go func() {
		defer close(r.done)
		r.result, r.err = transfer.Receive(t.Context(), transfer.ReceiveOptions{
			Sink: sink, Acceptors: []transfer.Acceptor{r.network}, Prompter: r.people, Timing: timing,
			Offer: pairing.ReceiverOptions{Label: "new phone"},
		})
		r.took = time.Since(start)
	}()
	r.offer = <-r.people.offer
	return r
}

// pair is the handshake of an honest sender, up to ready.
func (r *receiveAgainst) pair() *rawLink {
	r.t.Helper()
	l, s := greet(r.t, r.network, newSender(r.t, r.offer))
	l.request(s)
	r.people.code <- l.session.CheckCode()
	l.record(confirm)
	if kind, _ := l.read(); kind != ready {
		r.t.Fatalf("record %d, want ready", kind)
	}
	return l
}

// resume is another connection of the transfer, up to confirm.
func (r *receiveAgainst) resume(session *pairing.Session, e uint32) *rawLink {
	r.t.Helper()
	l, s := greet(r.t, r.network, resumeSender(r.t, session, e-1))
	l.request(s)
	l.record(confirm)
	return l
}

// wait waits for Receive to return, which it must within limit.
func (r *receiveAgainst) wait(limit time.Duration) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(limit):
		r.t.Fatalf("Receive has not returned after %v", limit)
	}
}

// refused checks that Receive ended with this code and nothing was committed.
func (r *receiveAgainst) refused(code wire.Code) {
	r.t.Helper()
	r.wait(time.Hour)
	if r.err == nil || transfer.CodeOf(r.err) != code {
		r.t.Errorf("receive: %v, want code %v", r.err, code)
	}
	if r.sink.commits > 0 {
		r.t.Error("something was committed")
	}
}

// sendAgainst runs Send against a receiver that the test plays.
type sendAgainst struct {
	t        testing.TB
	network  *network
	source   transfer.Source
	people   *people
	receiver *pairing.Receiver
	result   *transfer.Result
	err      error
	progress []transfer.Progress
	done     chan struct{}
	cancel   context.CancelFunc
}

func startSend(t testing.TB, source transfer.Source, timing transfer.Timing) *sendAgainst {
	t.Helper()
	receiver, err := pairing.NewReceiver(pairing.ReceiverOptions{Label: "new phone"})
	if err != nil {
		t.Fatal(err)
	}
	s := &sendAgainst{t: t, network: newNetwork(), source: source, people: newPeople(), receiver: receiver, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	go func() {
		defer close(s.done)
		s.result, s.err = transfer.Send(ctx, transfer.SendOptions{
			Source: source, Offer: receiver.Offer(), Dialer: s.network, Prompter: s.people, Timing: timing, Label: "old phone",
			Progress: func(p transfer.Progress) { s.progress = append(s.progress, p) },
		})
	}()
	return s
}

// accept is the handshake of an honest receiver on the next connection, up to and
// without M3's answer.
func (s *sendAgainst) accept(r *pairing.Receiver) *rawLink {
	s.t.Helper()
	l, m3 := s.answer(r)
	l.write(wire.Accept, m3)
	return l
}

func (s *sendAgainst) answer(r *pairing.Receiver) (*rawLink, []byte) {
	s.t.Helper()
	var conn wire.Conn
	select {
	case conn = <-s.network.conns:
	case <-time.After(time.Hour):
		s.t.Fatal("the sender does not come")
	}
	l := &rawLink{t: s.t, conn: conn, frames: wire.NewReader(conn), writer: wire.NewWriter(conn)}
	m1, peer, err := r.Hello(l.frame(wire.Hello))
	if err != nil {
		s.t.Fatal(err)
	}
	l.write(wire.Bundle, m1)
	if _, err := peer.OpenRequest(l.frame(wire.Request)); err != nil {
		s.t.Fatal(err)
	}
	m3, session, err := peer.Accept(pairing.Accept{})
	if err != nil {
		s.t.Fatal(err)
	}
	l.keys(session, pairing.RoleReceiver)
	return l, m3
}

// pair is the handshake up to ready.
func (s *sendAgainst) pair() *rawLink {
	s.t.Helper()
	l := s.accept(s.receiver)
	if kind, _ := l.read(); kind != confirm {
		s.t.Fatalf("record %d, want confirm", kind)
	}
	<-s.people.code
	l.record(ready)
	return l
}

// wait waits for Send to return, which it must within limit.
func (s *sendAgainst) wait(limit time.Duration) {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(limit):
		s.t.Fatalf("Send has not returned after %v", limit)
	}
}

func (s *sendAgainst) refused(code wire.Code) {
	s.t.Helper()
	s.wait(time.Hour)
	if s.err == nil || transfer.CodeOf(s.err) != code {
		s.t.Errorf("send: %v, want code %v", s.err, code)
	}
}

// complete moves one segment over l, as an honest sender, and checks the result.
func (r *receiveAgainst) complete(l *rawLink, data []byte) {
	r.t.Helper()
	l.record(page, pageOf(r.t, 0, onePage(data))...)
	l.chunk(padded(append(head(1, 0, 1, 0, uint64(len(data))), data...)), true)
	l.record(end, endOf(r.t, endFor(l.session, data))...)
	if _, ok := l.until(receipt); !ok {
		r.t.Fatal("no receipt")
	}
	l.record(bye)
	r.wait(time.Hour)
	if r.err != nil || r.sink.commits != 1 {
		r.t.Errorf("receive: %v, %d commits", r.err, r.sink.commits)
	}
}
