package main

import (
	"context"
	"fmt"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/local"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// guide:new-device

func newDevice(ctx context.Context, sink transfer.Sink, ui transfer.ReceivePrompter) (*transfer.Result, error) {
	listener, err := local.Listen(ctx, local.Options{Addr: "127.0.0.1:0"}) // the zero value: all private addresses
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	var routes []pairing.Route
	for _, addr := range listener.Addrs() {
		routes = append(routes, pairing.Route{Kind: pairing.RouteTCP, Addr: addr})
	}
	return transfer.Receive(ctx, transfer.ReceiveOptions{
		Sink:      sink,
		Acceptors: []transfer.Acceptor{lan{listener}},
		Offer:     pairing.ReceiverOptions{Routes: routes, Label: "new phone"},
		Prompter:  ui,
	})
}

// lan makes the listener a transfer.Acceptor.
type lan struct{ *local.Listener }

func (l lan) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	return l.Listener.Accept(ctx)
}

// guide:old-device

func oldDevice(ctx context.Context, source transfer.Source, ui *people) (*transfer.Result, error) {
	offer, err := pairing.ParseOffer(ui.scan(ctx)) // what the QR code says
	if err != nil {
		return nil, err
	}
	return transfer.Send(ctx, transfer.SendOptions{
		Source:   source,
		Offer:    offer,
		Dialer:   dialer{},
		Prompter: ui,
		Scope:    segment.Scope{}, // everything
		Label:    "old phone",
	})
}

// A dialer goes where the offer says that the new device listens.
type dialer struct{}

func (dialer) Dial(ctx context.Context, route pairing.Route, _ wire.Rendezvous) (wire.Conn, error) {
	if route.Kind != pairing.RouteTCP {
		return nil, fmt.Errorf("dial: cannot go by %v", route.Kind)
	}
	return local.Dial(ctx, route.Addr.String())
}

// guide:end

// people are both persons: the offer is scanned, and six digits are copied from one
// screen to the other, the first time with a mistake.
type people struct {
	offer, code chan string
	mistyped    bool
}

func (p *people) ShowOffer(_ context.Context, offer *pairing.Offer) error {
	p.offer <- offer.Text()
	return nil
}

func (p *people) scan(ctx context.Context) string {
	select {
	case text := <-p.offer:
		return text
	case <-ctx.Done():
		return ""
	}
}

func (p *people) Consent(_ context.Context, req transfer.ConsentRequest) (segment.Scope, error) {
	return req.Scope, nil
}

func (p *people) ShowCheckCode(_ context.Context, code string) error {
	p.code <- code
	return nil
}

func (p *people) AskCheckCode(ctx context.Context, _ segment.TransferInfo, triesLeft int) (string, error) {
	select {
	case code := <-p.code:
		if triesLeft < pairing.CheckCodeTries {
			p.mistyped = true
			return code, nil
		}
		p.code <- code // to be read again
		return string(code[:5]) + string('0'+(code[5]-'0'+1)%10), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (p *people) Warn(context.Context, transfer.Warning) {}
