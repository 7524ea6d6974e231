package transfer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// pair is steps 3 to 7 of security.md §3: it reaches the receiver over the
// offer's route, checks its bundle, asks for consent, and proves that it knows
// the offer. The history stays where it is.
func (s *sender) pair(ctx context.Context) (*link, error) {
	d, err := s.dial(ctx, s.peer, s.opts.Offer.Route, meet(s.opts.Offer, pairing.RoleSender))
	if err != nil {
		return nil, err
	}
	d = s.nearer(ctx, d)
	s.result.Route = d.route
	if err := s.attested(); err != nil {
		err = d.refuse(s.peer, err)
		d.close()
		return nil, err
	}
	s.connected(false)
	if err := s.consent(ctx, d); err != nil {
		d.close()
		return nil, err
	}
	m2, err := s.peer.Request(s.summary)
	if err != nil {
		d.close()
		return nil, fail(wire.CodeInternal, err)
	}
	l, err := d.finish(s, s.peer, m2)
	if isLost(err) {
		// A person took their time and the connection did not last. The same
		// bytes on another connection are the same handshake.
		if d, err = s.dial(ctx, s.peer, d.route, meet(s.opts.Offer, pairing.RoleSender)); err != nil {
			return nil, err
		}
		l, err = d.finish(s, s.peer, m2)
	}
	return l, err
}

// nearer replaces a connection over a relay by a direct one, if one of the
// addresses in the bundle answers, with the same M0 and M1, within nearerTime.
func (s *sender) nearer(ctx context.Context, d *dialed) *dialed {
	if d.route.Kind != pairing.RouteRelay {
		return d
	}
	search, cancel := context.WithTimeout(ctx, nearerTime)
	defer cancel()
	found := make(chan *dialed, len(s.bundle.Routes))
	var wait sync.WaitGroup
	for _, route := range s.bundle.Routes {
		if route.Kind != pairing.RouteTCP {
			continue
		}
		wait.Go(func() {
			n, err := s.dial(search, s.peer, route, meet(s.opts.Offer, pairing.RoleSender))
			if err != nil || !n.stop() {
				return // or search ended, which has closed it
			}
			n.stop = context.AfterFunc(ctx, func() { n.conn.Close() })
			found <- n
			cancel()
		})
	}
	wait.Wait()
	close(found)
	best := d
	for n := range found {
		best.close()
		best = n
	}
	return best
}

// connected tells the host of a connection.
func (s *sender) connected(verified bool) {
	if s.opts.Connected != nil {
		s.opts.Connected(Connection{Route: s.result.Route, Peer: s.bundle.Label, Identity: s.bundle.Signer, Verified: verified})
	}
}

// attested refuses a receiver that none of the accounts has named as its device.
func (s *sender) attested() error {
	if len(s.opts.Accounts) == 0 {
		return nil
	}
	err := s.bundle.Attested(s.opts.Accounts, s.opts.Attested, time.Now())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pairing.ErrAttestation):
		return fail(wire.CodeUntrusted, err)
	}
	return fail(wire.CodeStorage, err)
}

// consent asks the person, and fixes the scope and what the peer is told of it.
func (s *sender) consent(ctx context.Context, d *dialed) error {
	if rooms := s.opts.Scope.Rooms; s.intent == pairing.CatchUp && s.bundle.Room != "" && len(rooms) == 1 && rooms[0] != s.bundle.Room {
		// Whatever asks the person: nobody consents to a room and sends another.
		return d.refuse(s.peer, fail(wire.CodeDeclined, fmt.Errorf("%w: the new device asks for another room than was chosen", ErrDeclined)))
	}
	overview, err := s.opts.Source.Overview(ctx, s.opts.Scope)
	if err != nil {
		return d.refuse(s.peer, fail(wire.CodeSource, err))
	}
	ask, cancel := context.WithTimeout(ctx, s.opts.Timing.Person)
	defer cancel()
	scope, err := s.opts.Prompter.Consent(ask, ConsentRequest{
		Intent: s.intent, Label: s.bundle.Label, Identity: s.bundle.Signer, Room: s.bundle.Room,
		Route: d.route, Overview: overview, Scope: s.opts.Scope,
	})
	if err != nil && ask.Err() != nil && ctx.Err() == nil {
		return d.refuse(s.peer, failf(wire.CodeTimeout, "nobody answered the question for consent"))
	} else if err != nil {
		return d.refuse(s.peer, fail(wire.CodeDeclined, err))
	}
	scope.CatchUp = s.opts.Scope.CatchUp
	if overview, err = s.opts.Source.Overview(ctx, scope); err != nil {
		return d.refuse(s.peer, fail(wire.CodeSource, err))
	}
	s.scope = scope
	s.summary = summaryOf(overview, s.intent, s.opts.Label)
	s.meter.expect(overview.Messages, overview.Bytes)
	return nil
}

// resume is M0 to M3 with the resumption secret, on the first route that answers.
func (s *sender) resume(ctx context.Context) (*link, error) {
	err := error(&lost{errors.New("no route")})
	for _, route := range s.routes() {
		if s.keep.over() {
			return nil, fail(wire.CodeExpired, ErrOver)
		}
		peer, perr := pairing.NewResumeSender(pairing.ResumeOptions{
			Session: s.session, Intent: s.intent, LastConnection: s.last, Rand: s.opts.Rand, Program: s.opts.Program,
		})
		if perr != nil {
			return nil, fail(wire.CodeInternal, perr)
		}
		s.last = peer.Connection()
		if perr := s.keep.save(ctx, func(c *Checkpoint) { c.Connection = s.last }); perr != nil {
			peer.Close()
			return nil, perr
		}
		var l *link
		l, err = s.resumeOver(ctx, peer, route)
		peer.Close()
		if err == nil {
			s.connected(s.code == "")
		}
		if e, ok := errors.AsType[*Error](err); err == nil || ok && e.Peer && e.Code != wire.CodeBusy {
			return l, err
		}
		// Whoever answered there could not prove to be our peer: the address may
		// belong to somebody else by now. Or it is our peer and has seen a higher
		// connection number, and the next try has one too.
		err = &lost{err}
	}
	return nil, err
}

func (s *sender) resumeOver(ctx context.Context, peer *pairing.Sender, route pairing.Route) (*link, error) {
	d, err := s.dial(ctx, peer, route, meet(s.session, pairing.RoleSender))
	if err != nil {
		return nil, err
	}
	s.summary.Time = time.Now()
	m2, err := peer.Request(s.summary)
	if err != nil {
		d.close()
		return nil, fail(wire.CodeInternal, err)
	}
	return d.finish(s, peer, m2)
}

// routes are where the receiver may be: the one that worked first.
func (s *sender) routes() []pairing.Route {
	routes := []pairing.Route{s.result.Route}
	for _, r := range s.bundle.Routes {
		if r != s.result.Route {
			routes = append(routes, r)
		}
	}
	return routes
}

// A dialed connection has had M0 and M1.
type dialed struct {
	conn   *counted
	frames *wire.Reader
	writer *wire.Writer
	route  pairing.Route
	stop   func() bool
}

// dial connects, sends M0 and checks M1.
func (s *sender) dial(ctx context.Context, peer *pairing.Sender, route pairing.Route, meet wire.Rendezvous) (*dialed, error) {
	patience := s.opts.Timing.Reconnect
	if s.session != nil {
		patience = s.opts.Timing.Peer // there may be other routes
	}
	reach, cancel := context.WithTimeout(ctx, patience)
	c, err := s.opts.Dialer.Dial(reach, route, meet)
	cancel()
	if err != nil {
		return nil, &lost{err}
	}
	conn := &counted{Conn: c}
	d := &dialed{conn: conn, frames: wire.NewReader(conn), writer: wire.NewWriter(conn), route: route}
	d.stop = context.AfterFunc(ctx, func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(s.opts.Timing.Hello))
	if err := d.writer.WriteFrame(wire.Hello, 0, peer.Hello()); err != nil {
		return nil, d.lost(err)
	}
	m1, err := d.read(peer, wire.Bundle)
	if err != nil {
		return nil, err
	}
	bundle, err := peer.OpenBundle(m1)
	if err != nil {
		d.close()
		return nil, offerError(err)
	}
	if s.bundle == nil {
		s.bundle = bundle
	}
	return d, nil
}

// finish sends M2, opens M3, and gives the connection its keys.
func (d *dialed) finish(s *sender, peer *pairing.Sender, m2 []byte) (*link, error) {
	d.conn.SetDeadline(time.Now().Add(s.opts.Timing.Hello))
	if err := d.writer.WriteFrame(wire.Request, 0, m2); err != nil {
		return nil, d.lost(err)
	}
	m3, err := d.read(peer, wire.Accept)
	if err != nil {
		return nil, err
	}
	_, session, err := peer.OpenAccept(m3)
	if err != nil {
		if errors.Is(err, pairing.ErrVersion) {
			d.farewell(s, session)
		}
		d.close()
		return nil, offerError(err)
	}
	if s.session == nil {
		s.session, s.code = session, session.CheckCode()
		s.result.TransferID, s.result.Peer = session.TransferID(), s.bundle.Label
	}
	s.result.Route = d.route
	k, err := newKeys(session, pairing.RoleSender)
	if err != nil {
		d.close()
		return nil, err
	}
	d.stop()
	return newLink(k, d.conn, d.frames, d.writer, s.opts.Timing), nil
}

// farewell tells a receiver of a version that this program no longer speaks why it
// stops: confirm and error are the same in all versions ("Versions").
func (d *dialed) farewell(s *sender, session *pairing.Session) {
	defer session.Erase()
	k, err := newKeys(session, pairing.RoleSender)
	if err != nil {
		return
	}
	l := newLink(k, d.conn, d.frames, d.writer, s.opts.Timing)
	if l.send(recordConfirm, nil) == nil {
		_ = l.send(recordError, appendError(nil, wire.CodeVersion))
	}
}

// read reads the expected message of the handshake, or the peer's sealed refusal.
func (d *dialed) read(peer *pairing.Sender, want wire.Type) ([]byte, error) {
	d.frames.Expect(want, wire.Error)
	f, err := d.frames.ReadFrame()
	if err != nil {
		if _, ok := errors.AsType[*wire.FrameError](err); ok {
			d.close()
			return nil, fail(wire.CodeOf(err), err)
		}
		return nil, d.lost(err)
	}
	if f.Type == wire.Error {
		defer d.close()
		said, err := peer.OpenError(f.Payload)
		if err != nil {
			return nil, fail(wire.CodeVerification, err)
		}
		return nil, &Error{Code: wire.Code(said.Code), Peer: true}
	}
	return f.Payload, nil
}

// refuse tells the peer, sealed, why this side stops, and returns cause.
func (d *dialed) refuse(peer *pairing.Sender, cause error) error {
	d.conn.SetDeadline(time.Now().Add(time.Second))
	_ = d.writer.WriteFrame(wire.Error, 0, peer.SealError(uint16(CodeOf(cause)), ""))
	return cause
}

func (d *dialed) lost(err error) error {
	d.close()
	return &lost{err}
}

func (d *dialed) close() {
	d.stop()
	d.conn.Close()
}
