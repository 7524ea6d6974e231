package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/local"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
)

type receiveFlags struct {
	sinkFlags
	listen, advertise, socket string
	noLAN                     bool
	relay, relayTokenFile     string
	qr, offerOut, label, room string
	catchUp, noCode           bool
	expires                   time.Duration
	state                     stateFlags
	timeout                   timeoutFlag
	host                      hostFlags
	transport                 transportFlag
	identity                  identityFlags
	strict                    strictFlag
	trust, attestation        string
	request                   string
}

func newReceive(ui *terminal) *cobra.Command {
	var f receiveFlags
	c := &cobra.Command{
		Use:   "receive",
		Short: "on the new device: show the offer, wait, ask for the six digits, import",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return receive(c.Context(), ui, &f)
		},
	}
	p := c.Flags()
	f.sinkFlags.bind(c)
	p.StringVar(&f.toHost, "to-host", "", "with --json: import into the program that runs this one; what is in flight to it is in this folder")
	p.StringVar(&f.listen, "listen", "", "TCP address for the LAN (default: private addresses, a free port)")
	p.StringVar(&f.advertise, "advertise", "", "address that the offer names instead, for port forwarding")
	p.StringVar(&f.socket, "socket", "", "listen on this unix socket")
	p.BoolVar(&f.noLAN, "no-lan", false, "do not listen on TCP")
	p.StringVar(&f.relay, "relay", "", "also meet on the relay with this URL")
	p.StringVar(&f.relayTokenFile, "relay-token-file", "", "file with the token that the relay wants for new channels")
	p.StringVar(&f.qr, "qr", "terminal", "where to draw the QR code: terminal, none, a file that ends in .png, or, with --json, event")
	p.StringVar(&f.offerOut, "offer-out", "", "write the offer's text into this file (0600)")
	p.DurationVar(&f.expires, "expires", pairing.DefaultLifetime, "lifetime of the offer")
	p.StringVar(&f.label, "label", hostname(), "what this device is called on the other one's screen")
	p.BoolVar(&f.catchUp, "catch-up", false, "ask a group member for the history of a room that you joined")
	p.StringVar(&f.room, "room", "", "with --catch-up: the room to ask for")
	f.state.bind(c)
	f.timeout.bind(c)
	f.host.bind(c)
	f.transport.bind(c)
	f.identity.bind(c)
	f.strict.bind(c)
	p.StringVar(&f.attestation, "attestation", "", "file by which the account attests this device (vcon-transfer identity attest), for send --attest")
	p.StringVar(&f.request, "request", "", "write a request for a sealed file into this file, instead of waiting")
	p.StringVar(&f.trust, "trust", "", "file of public identities: only these old devices may send")
	p.BoolVar(&f.noCode, "no-code", false, "with --trust: that the old device signs takes the place of the six digits")
	withoutConnection(c, "request", "store", "out", "format", "to-host", "listen", "advertise", "socket", "no-lan", "relay", "relay-token-file",
		"qr", "offer-out", "trust", "no-code", "expires")
	return c
}

// receive is the new device's side, as a person or a host sees it.
func receive(ctx context.Context, ui *terminal, f *receiveFlags) error {
	if err := errors.Join(f.host.check(ui), f.check()); err != nil {
		return err
	}
	if f.request != "" {
		return f.writeRequest(ctx, ui)
	}
	if err := f.transport.open(); err != nil {
		return err
	}
	defer f.transport.close()
	token, err := relayToken(f.relayTokenFile)
	if err != nil {
		return err
	}
	sink, err := f.openSink(ctx, ui, f.host.answer)
	if err != nil {
		return err
	}
	defer sink.Close()
	k, err := f.state.find(ctx, ui, pairing.RoleReceiver, f.place(), f.state.fresh)
	if err != nil {
		return err
	}
	defer k.close()
	acceptors, routes, closeAll, err := f.wait(ctx, ui, k.found, token)
	if err != nil {
		return err
	}
	defer closeAll()
	prompt := &receivePrompt{ui: ui, f: f}
	offer, err := f.offer(ctx, ui, routes)
	if err != nil {
		return err
	}
	if k.found != nil {
		sayGoingOn(ui, k.found)
		f.sayNoOffer(ui)
		if !f.transport.given() {
			sayMoved(ui, k.found.Routes, routes)
		}
	}
	options := transfer.ReceiveOptions{
		Sink: sink, Acceptors: acceptors, Offer: offer, Prompter: prompt, Interrupted: ui.interrupted,
		Progress: func(p transfer.Progress) { ui.progress(p, "storing it") },
		State:    k.state(), Resume: k.found,
		Timing: f.transport.timing(f.timeout.timing(f.host.answer)), Pause: new(transfer.Pauser),
	}
	if h := ui.host; h != nil {
		h.receives(&options, f)
		defer h.kept(k)
	}
	defer suspendable(ui, options.Pause)()
	result, err := transfer.Receive(ctx, options)
	if f.offerOut != "" {
		os.Remove(f.offerOut) // the offer is used or dead
	}
	if err != nil {
		return err
	}
	ui.endProgress()
	sayLeftState(ui, result)
	if ui.host != nil {
		ui.host.result(result)
		return f.strict.judge(&result.Ledger)
	}
	summarize(ui, result, "received into", f.where())
	return f.strict.judge(&result.Ledger)
}

// offer is what this device says of itself.
func (f *receiveFlags) offer(ctx context.Context, ui *terminal, routes []pairing.Route) (o pairing.ReceiverOptions, err error) {
	o = pairing.ReceiverOptions{Routes: routes, Label: f.label, Lifetime: f.expires, Room: f.room, NoCode: f.noCode}
	if o.Signer, err = f.identity.signer(ctx, ui); err != nil {
		return o, err
	}
	if o.Attestation, err = readAttestation(f.attestation, o.Signer); err != nil {
		return o, err
	}
	if f.trust != "" {
		if o.Trust, err = readIdentities(f.trust); err != nil {
			return o, err
		}
	}
	if f.catchUp {
		o.Intent = pairing.CatchUp
	}
	return o, nil
}

// sayNoOffer tells who waits for an offer in a file that there will be none. What is
// there is of the process that died, and of no use.
func (f *receiveFlags) sayNoOffer(ui *terminal) {
	files := []string{f.offerOut}
	if filepath.Ext(f.qr) == ".png" {
		files = append(files, f.qr)
	}
	for _, file := range files {
		if file != "" {
			os.Remove(file)
			ui.say("There is no offer in %s: none is needed. `--new` makes one, and begins again.", file)
		}
	}
}

func (f *receiveFlags) check() error {
	switch {
	case f.sinkFlags.check() != nil:
		return f.sinkFlags.check()
	case f.toHost != "" && !f.host.json:
		return usageError{errors.New("--to-host needs --json")}
	case f.noLAN && f.relay == "" && f.socket == "":
		return usageError{errors.New("--no-lan leaves no route: add --relay or --socket")}
	case f.noLAN && (f.listen != "" || f.advertise != ""):
		return usageError{errors.New("--no-lan excludes --listen and --advertise")}
	case f.qr == "event" && !f.host.json:
		return usageError{errors.New("--qr event goes with --json")}
	case f.qr != "terminal" && f.qr != "none" && f.qr != "event" && filepath.Ext(f.qr) != ".png":
		return usageError{fmt.Errorf("--qr %q is neither terminal, none, event, nor a file that ends in .png", f.qr)}
	case f.transport.given() && (f.noLAN || f.listen != "" || f.advertise != "" || f.socket != "" || f.relay != ""):
		return usageError{errors.New("--transport-fd excludes every route of this program's own")}
	case len(f.label) > pairing.MaxLabel || printable(f.label, pairing.MaxLabel) != f.label:
		return usageError{fmt.Errorf("--label has at most %d bytes and no control characters", pairing.MaxLabel)}
	case f.noCode && f.trust == "":
		return usageError{errors.New("--no-code goes with --trust")}
	case f.room != "" && !f.catchUp:
		return usageError{errors.New("--room goes with --catch-up")}
	case f.relay != "" && relay.CheckURL(f.relay) != nil:
		return usageError{relay.CheckURL(f.relay)}
	case f.expires < pairing.MinLifetime || f.expires > pairing.MaxLifetime:
		return usageError{fmt.Errorf("--expires is between %v and %v", pairing.MinLifetime, pairing.MaxLifetime)}
	}
	return f.timeout.check()
}

// wait opens the routes: where a stored transfer had them, if there is one. When that
// cannot be on the LAN any more, the old device still finds this one on the relay.
func (f *receiveFlags) wait(ctx context.Context, ui *terminal, stored *transfer.Checkpoint, token string) ([]transfer.Acceptor, []pairing.Route, func(), error) {
	if f.transport.given() {
		return []transfer.Acceptor{&f.transport}, nil, func() {}, nil
	}
	if stored == nil {
		return f.routes(ctx, ui, token)
	}
	if err := f.listenAgain(stored); err != nil {
		return nil, nil, nil, err
	}
	acceptors, routes, closeAll, err := f.routes(ctx, ui, token)
	if err != nil && f.relay != "" {
		ui.warn("relay-only", "the old device cannot reach this one directly (%v). Only the relay is left.", err)
		f.noLAN, f.socket = true, ""
		acceptors, routes, closeAll, err = f.routes(ctx, ui, token)
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("wait where the old device looks: %w; `--new` begins again, with a new code", err)
	}
	return acceptors, routes, closeAll, nil
}

// routes opens what the old device can reach us by. The first route goes into the
// offer: a relay, which is reachable from everywhere, else the default route's
// address, else the socket.
func (f *receiveFlags) routes(ctx context.Context, ui *terminal, token string) (acceptors []transfer.Acceptor, routes []pairing.Route, closeAll func(), err error) {
	closeAll = func() {}
	if f.relay != "" {
		acceptors = append(acceptors, &spoken{relay: relay.NewAcceptor(relay.Options{URL: f.relay, Token: token}), ui: ui})
		routes = append(routes, pairing.Route{Kind: pairing.RouteRelay, Path: f.relay})
	}
	if f.noLAN && f.socket == "" {
		return acceptors, routes, closeAll, nil
	}
	options := local.Options{Addr: f.listen, Socket: f.socket}
	if f.socket != "" && !f.noLAN && f.listen == "" && f.relay == "" {
		// A socket alone is what was asked for: nothing else is opened.
		f.noLAN = true
	}
	if !f.noLAN && options.Addr == "" {
		options.Addr = ":0"
	}
	listener, err := local.Listen(ctx, options)
	if err != nil {
		return nil, nil, nil, host.Fail(host.CodeListen, fmt.Errorf("listen: %w", err))
	}
	acceptors = append(acceptors, lan{listener})
	if f.advertise != "" {
		addr, err := netip.ParseAddrPort(f.advertise)
		if err != nil {
			listener.Close()
			return nil, nil, nil, usageError{fmt.Errorf("--advertise: %w", err)}
		}
		routes = append(routes, pairing.Route{Kind: pairing.RouteTCP, Addr: addr})
	}
	for _, addr := range listener.Addrs() {
		if f.advertise == "" || addr.String() != f.advertise {
			routes = append(routes, pairing.Route{Kind: pairing.RouteTCP, Addr: addr})
		}
	}
	if f.socket != "" {
		path, err := filepath.Abs(f.socket)
		if err != nil {
			return nil, nil, nil, err
		}
		routes = append(routes, pairing.Route{Kind: pairing.RouteUnix, Path: path})
	}
	return acceptors, routes[:min(len(routes), pairing.MaxRoutes)], func() { listener.Close() }, nil
}

// A receivePrompt speaks with the person at the new device.
type receivePrompt struct {
	ui    *terminal
	f     *receiveFlags
	asked int // tries left when the code was asked for last
}

func (p *receivePrompt) ShowOffer(_ context.Context, offer *pairing.Offer) error {
	text := offer.Text()
	if p.f.offerOut != "" {
		if err := writePrivate(p.f.offerOut, []byte(text+"\n")); err != nil {
			return destinationError{fmt.Errorf("write offer: %w", err)}
		}
	}
	if err := showQR(p.ui, offer, p.f.qr); err != nil {
		return err
	}
	if p.f.qr != "terminal" || !p.ui.screen {
		p.ui.remark("Waiting for the old device. The offer is good until %s.", offer.Expiry.Local().Format("15:04:05"))
	}
	return nil
}

func (p *receivePrompt) AskCheckCode(ctx context.Context, peer segment.TransferInfo, tries int) (string, error) {
	switch p.asked {
	case 0:
		what := fmt.Sprintf("%s from %q", plural(peer.Messages, "message"), printable(peer.Sender, 40))
		if peer.SharedBy != "" {
			what = fmt.Sprintf("%s shared by %q", plural(peer.Messages, "message"), printable(peer.SharedBy, 40))
		}
		p.ui.say("The old device is here: %s.", what)
	case tries:
		p.ui.say("A check code has six digits.")
	default:
		p.ui.say("These are not the digits on the old device. %s left.", tryCount(tries))
	}
	p.asked = tries
	return p.ui.ask(ctx, "Type the six digits that it shows: ")
}

func tryCount(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

func (p *receivePrompt) Warn(_ context.Context, w transfer.Warning) {
	switch w {
	case transfer.WarnTaken:
		p.ui.warn(host.WarnTaken, "somebody else who has seen the code tried to use it too. It was refused.")
	case transfer.WarnUntrusted:
		p.ui.warn(host.WarnUntrusted, "a device that is not in the file of --trust tried to send. It was refused.")
	case transfer.WarnClock:
		p.ui.warn(host.WarnClock, "the clocks of the two devices differ by more than a minute.")
	case transfer.WarnReceipt:
		p.ui.warn(host.WarnReceipt, "everything is imported, but the old device may not know it. Run this command here and `send` there once more before you wipe it.")
	}
}
