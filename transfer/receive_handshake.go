package transfer

import (
	"context"
	"errors"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// handshake is steps 3 to 7 of security.md §3 on one connection. Whatever goes
// wrong concerns this connection only: the offer and the transfer stay as they
// are, and a stranger learns nothing.
func (r *receiver) handshake(ctx context.Context, conn *counted) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	l, err := r.respond(ctx, conn)
	// Before the link is anybody's: who serves it says a last word when ctx ends.
	if !stop() || err != nil {
		conn.Close()
		return
	}
	r.offerLink(l)
}

// respond reads M0 and M2, and writes M1 and M3.
func (r *receiver) respond(ctx context.Context, conn *counted) (*link, error) {
	frames, writer := wire.NewReader(conn), wire.NewWriter(conn)
	// Half as long as the sender waits for its answer: strangers who are silent in
	// all places are gone before it gives up.
	conn.SetDeadline(time.Now().Add(r.opts.Timing.Hello / 2))
	frames.Expect(wire.Hello)
	f, err := frames.ReadFrame()
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(r.opts.Timing.Hello))
	side, err := r.side(f.Payload)
	if err != nil {
		return nil, err
	}
	m1, peer, err := side.Hello(f.Payload)
	if err != nil {
		return nil, refuse(writer, err)
	}
	if err := writer.WriteFrame(wire.Bundle, 0, m1); err != nil {
		return nil, err
	}

	// The person at the old device now reads what is asked for.
	conn.SetDeadline(time.Now().Add(r.opts.Timing.Person))
	frames.Expect(wire.Request, wire.Error)
	if f, err = r.readRequest(side, conn, frames); err != nil {
		return nil, err
	}
	if f.Type == wire.Error {
		return nil, r.declined(peer, f.Payload)
	}
	conn.SetDeadline(time.Now().Add(r.opts.Timing.Hello))
	summary, k, m3, err := r.admit(ctx, side, peer, f.Payload)
	if errors.Is(err, pairing.ErrTaken) {
		// Once: who has seen the offer can come again and again.
		r.warned.Do(func() { r.opts.Prompter.Warn(ctx, WarnTaken) })
	}
	if errors.Is(err, pairing.ErrUntrusted) {
		r.strange.Do(func() { r.opts.Prompter.Warn(ctx, WarnUntrusted) })
	}
	if err != nil {
		return nil, refuse(writer, err)
	}
	if skew := time.Since(summary.Time); side == r.offer && (skew > clockSkew || skew < -clockSkew) {
		r.opts.Prompter.Warn(ctx, WarnClock)
	}
	return newLink(k, conn, frames, writer, r.opts.Timing), writer.WriteFrame(wire.Accept, 0, m3)
}

// readRequest reads M2. Who only has the offer is not waited for when that is used
// up: the places are for the sender that comes back.
func (r *receiver) readRequest(side *pairing.Receiver, conn *counted, frames *wire.Reader) (wire.Frame, error) {
	if side == r.offer {
		if !r.waitFor(conn) {
			return wire.Frame{}, pairing.ErrUsed
		}
		defer r.waited(conn)
	}
	return frames.ReadFrame()
}

func (r *receiver) waitFor(conn *counted) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reading != nil {
		r.reading[conn] = true
	}
	return r.reading != nil
}

func (r *receiver) waited(conn *counted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.reading, conn)
}

// shut closes what waits to use an offer that is used up.
func (r *receiver) shut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.reading {
		conn.Close()
	}
	r.reading = nil
}

// admit opens M2 and makes M3. The first connection may repeat both until its
// keys have spoken; then only a resume has fresh ones.
func (r *receiver) admit(ctx context.Context, side *pairing.Receiver, peer *pairing.ReceiverConn, m2 []byte) (*pairing.Summary, *keys, []byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := side == r.offer
	summary, err := peer.OpenRequest(m2) // also tells another sender that it is late
	if err != nil {
		return nil, nil, nil, err
	}
	if first && r.spoken {
		return nil, nil, nil, pairing.ErrUsed
	}
	if !first {
		// Before M3 is there: whoever repeats this hello to another process of ours
		// is late there too.
		r.accepted = max(r.accepted, peer.Connection())
		if err := r.keep.save(ctx, func(c *Checkpoint) { c.Connection = r.accepted }); err != nil {
			select {
			case r.failed <- err: // the next connection would fare no better
			default:
			}
			return nil, nil, nil, err
		}
	}
	m3, session, err := peer.Accept(pairing.Accept{})
	if err != nil {
		return nil, nil, nil, err
	}
	if first && r.session != nil {
		return summary, r.keys, m3, nil
	}
	k, err := newKeys(session, pairing.RoleReceiver)
	if err != nil {
		return nil, nil, nil, err
	}
	if first {
		r.resumption, err = pairing.NewResumeReceiver(pairing.ResumeOptions{
			Session: session, Intent: r.intent, Rand: r.opts.Offer.Rand, Program: r.opts.Offer.Program,
		})
		if err != nil {
			return nil, nil, nil, err
		}
		r.session, r.keys = session, k
		r.info, r.identity = infoOf(session, summary), summary.Signer
		r.result.TransferID, r.result.Peer = r.info.ID, r.info.Sender
	}
	return summary, k, m3, nil
}

// side is who answers M0: the offer, or the resumption of the session that it led
// to.
func (r *receiver) side(m0 []byte) (*pairing.Receiver, error) {
	mode, _, err := pairing.PeekHello(m0)
	if err != nil {
		return nil, err
	}
	if mode == pairing.ModePair && r.offer != nil {
		return r.offer, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if mode == pairing.ModePair || r.resumption == nil || r.keep.over() {
		return nil, pairing.ErrStranger
	}
	return r.resumption, nil
}

// declined ends the transfer when the old device says so in its own words,
// sealed under the pairing secret; a stranger cannot. Once a sender has the offer
// it speaks in the session, and these are the words of another one.
func (r *receiver) declined(peer *pairing.ReceiverConn, sealed []byte) error {
	said, err := peer.OpenError(sealed)
	if err != nil {
		return err
	}
	err = &Error{Code: wire.Code(said.Code), Peer: true}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session != nil {
		return err
	}
	select {
	case r.failed <- err:
	default:
	}
	return err
}

// infoOf is what the sink is told of the transfer.
func infoOf(s *pairing.Session, summary *pairing.Summary) segment.TransferInfo {
	info := segment.TransferInfo{
		ID:       s.TransferID(),
		Started:  summary.Time,
		Sender:   summary.Label,
		Messages: summary.Messages,
		Bytes:    summary.Bytes,
	}
	if summary.Intent == pairing.CatchUp {
		info.SharedBy = summary.Label
	}
	return info
}

// refuse tells a peer that knows the secret why, and a stranger nothing.
func refuse(w *wire.Writer, err error) error {
	if refused, ok := errors.AsType[*pairing.RefusedError](err); ok {
		_ = w.WriteFrame(wire.Error, 0, refused.Sealed)
	}
	return err
}
