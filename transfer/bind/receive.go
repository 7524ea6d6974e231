package bind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/local"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// receiving is the new device's side.
type receiving struct {
	ReceiveConfig
	patience
	keep     keeping
	identity pairing.Identity
	trust    []pairing.Identity
}

func (r *receiving) run(ctx context.Context, t *Transfer) (*transfer.Result, error) {
	// 1. Where it goes, before the offer is shown: what cannot be written is found out
	// while nobody waits for it.
	sink, err := r.openSink(t)
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	// 2. What is gone on with. Of one that cannot be, a new offer is what is left.
	k, err := r.keep.open(pairing.RoleReceiver, r.Fresh)
	if err != nil {
		return nil, err
	}
	defer k.close()
	t.kept = k.there.Load
	if k.lost != nil {
		t.conn.Tell(warnState, host.Printable(k.lost.Error(), maxWarning))
	}
	// 3. Where it comes from.
	w, err := r.wait(ctx, t, k.found)
	if err != nil {
		return nil, host.Fail(host.CodeListen, err)
	}
	defer w.close()
	if k.found != nil {
		_ = t.conn.Emit(host.ResumedOf(k.found))
	}
	offer := pairing.ReceiverOptions{
		Routes: w.routes, Label: r.Label, Lifetime: time.Duration(r.OfferSeconds) * time.Second, Room: r.Room,
	}
	offer.Signer, offer.Trust, offer.NoCode, offer.Attestation = r.signer(ctx, t, r.identity), r.trust, r.NoCode, r.Attestation
	if r.CatchUp {
		offer.Intent = pairing.CatchUp
	}
	return transfer.Receive(ctx, transfer.ReceiveOptions{
		Sink: t.marks.Sink(sink), Acceptors: w.acceptors, Offer: offer, Prompter: t.conn,
		Progress: t.conn.Progress, Connected: t.conn.Connected, Interrupted: t.conn.Interrupted,
		Pause: &t.pause, Timing: r.timing(), State: k.state(), Resume: k.found,
	})
}

// Codes of warnings that only this side has.
const (
	warnState = "state" // an unfinished transfer is not gone on with
	warnRelay = "relay" // the relay cannot be used yet
	warnRoute = "route" // the other device cannot reach this one where it looks
)

// maxWarning bounds the message of a warning, in runes.
const maxWarning = 200

// A destination is where a history goes.
type destination interface {
	host.Store
	io.Closer
}

// openSink opens the destination.
func (r *receiving) openSink(t *Transfer) (destination, error) {
	if r.ToHost != "" {
		return host.OpenSink(t.conn, r.ToHost, host.SinkOptions{Answer: time.Duration(r.PersonSeconds) * time.Second})
	}
	format := codec.FormatCBOR
	if r.Format == "json" {
		format = codec.FormatJSON
	}
	s, err := history.OpenDir(r.Folder, history.DirOptions{Format: format})
	if err != nil {
		return nil, host.Fail(host.CodeStorage, err)
	}
	return s, nil
}

// A waiting is what the old device can reach this one by.
type waiting struct {
	acceptors []transfer.Acceptor
	routes    []pairing.Route
	listener  *local.Listener // or nil
}

func (w *waiting) close() {
	if w.listener != nil {
		w.listener.Close()
	}
}

// wait opens the routes: where a stored transfer had them, if there is one. When that
// cannot be on the LAN any more, the old device still finds this one on the relay.
func (r *receiving) wait(ctx context.Context, t *Transfer, stored *transfer.Checkpoint) (*waiting, error) {
	if stored != nil {
		r.again(stored.Routes)
	}
	w, err := r.open(ctx, t)
	if err != nil && stored != nil && r.Relay != "" {
		t.conn.Tell(warnRoute, "the old device cannot reach this one directly; only the relay is left")
		r.NoLAN, r.Socket = true, ""
		w, err = r.open(ctx, t)
	}
	return w, err
}

// open makes the first route that of the offer: a relay, which is reachable from
// everywhere, else the address of the default route, else the socket.
func (r *receiving) open(ctx context.Context, t *Transfer) (*waiting, error) {
	w := &waiting{}
	if r.Relay != "" {
		a := relay.NewAcceptor(relay.Options{URL: r.Relay, Token: r.RelayToken})
		w.acceptors = append(w.acceptors, &spoken{relay: a, tell: t.conn.Tell})
		w.routes = append(w.routes, pairing.Route{Kind: pairing.RouteRelay, Path: r.Relay})
	}
	// A socket alone is what was asked for: nothing else is opened.
	tcp := !r.NoLAN && (r.Listen != "" || r.Socket == "" || r.Relay != "")
	if !tcp && r.Socket == "" {
		return w, nil
	}
	options := local.Options{Socket: r.Socket}
	if tcp {
		if options.Addr = r.Listen; options.Addr == "" {
			options.Addr = ":0"
		}
	}
	l, err := local.Listen(ctx, options)
	if err != nil {
		return nil, err
	}
	w.listener = l
	w.acceptors = append(w.acceptors, lan{l})
	for _, addr := range l.Addrs() {
		w.routes = append(w.routes, pairing.Route{Kind: pairing.RouteTCP, Addr: addr})
	}
	if r.Socket != "" {
		w.routes = append(w.routes, pairing.Route{Kind: pairing.RouteUnix, Path: absolute(r.Socket)})
	}
	w.routes = w.routes[:min(len(w.routes), pairing.MaxRoutes)]
	return w, nil
}

// again makes this device wait where it was: on the same port, relay and socket.
func (r *receiving) again(routes []pairing.Route) {
	for _, route := range routes {
		switch route.Kind {
		case pairing.RouteTCP:
			name, given, _ := net.SplitHostPort(r.Listen) // checked, or empty
			if !r.NoLAN && (given == "" || given == "0") {
				r.Listen = net.JoinHostPort(name, strconv.Itoa(int(route.Addr.Port())))
			}
		case pairing.RouteRelay:
			if r.Relay == "" {
				r.Relay = route.Path
			}
		case pairing.RouteUnix:
			if r.Socket == "" {
				r.Socket = route.Path
			}
		}
	}
}

// lan is an Acceptor on this device's own addresses and its socket.
type lan struct{ *local.Listener }

func (l lan) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	return l.Listener.Accept(ctx)
}

// spoken is an Acceptor on a relay that tells, once for each reason, what keeps it from
// there: otherwise a wrong URL would look like an old device that does not come.
type spoken struct {
	relay *relay.Acceptor
	tell  func(code, message string)
	said  relay.Reason
}

func (s *spoken) Accept(ctx context.Context, meet wire.Rendezvous) (wire.Conn, error) {
	conn, err := s.relay.Accept(ctx, meet)
	e, ok := errors.AsType[*relay.Error](err)
	if ok && ctx.Err() == nil && e.Reason != relay.NoPeer && e.Reason != s.said {
		s.said = e.Reason
		s.tell(warnRelay, fmt.Sprintf("the relay cannot be used yet: %v; %s", e.Reason, e.Reason.Hint()))
	}
	return conn, err
}

// A dialer is the old device's: TCP, unix sockets and relays. The token is for the app's
// own relay: another one is named by whoever made the offer.
type dialer struct{ url, token string }

func (d dialer) Dial(ctx context.Context, route pairing.Route, meet wire.Rendezvous) (wire.Conn, error) {
	switch route.Kind {
	case pairing.RouteTCP:
		return local.Dial(ctx, route.Addr.String())
	case pairing.RouteUnix:
		return local.Dial(ctx, local.SocketPrefix+route.Path)
	case pairing.RouteRelay:
		options := relay.Options{URL: route.Path}
		if route.Path == d.url {
			options.Token = d.token
		}
		return relay.Dial(ctx, options, meet)
	}
	return nil, fmt.Errorf("dial: unknown kind of route %d", route.Kind)
}
