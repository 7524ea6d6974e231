package host

import (
	"bytes"
	"context"
	"fmt"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// This file is the Conn as the Prompter of both sides.

// Consent is that of transfer.SendPrompter: the host answers with yes or no, and with
// a scope that may be narrower.
func (c *Conn) Consent(ctx context.Context, r transfer.ConsentRequest) (segment.Scope, error) {
	o := r.Overview
	e := Consent{
		Peer: Printable(r.Label, pairing.MaxLabel), Identity: identityText(r.Identity), Intent: "same-account", Room: r.Room, Route: r.Route.String(),
		Messages: o.Messages, Attachments: o.Attachments, Bytes: o.Bytes, Left: LedgerOf(o.Left), Want: !c.opts.Consented,
		Rooms: make([]RoomInfo, 0, len(o.Rooms)),
	}
	if r.Intent == pairing.CatchUp {
		e.Intent = "catch-up"
	}
	for _, room := range o.Rooms {
		info := RoomInfo{ID: room.ID, Name: room.Name, Messages: room.Messages, Attachments: room.Attachments, Bytes: room.Bytes}
		if room.Messages > 0 {
			first, last := instant(room.First), instant(room.Last)
			info.First, info.Last = &first, &last
		}
		e.Rooms = append(e.Rooms, info)
	}
	if !e.Want {
		return r.Scope, c.Emit(e)
	}
	cmd, err := c.ask(ctx, e, "consent")
	if err != nil {
		return r.Scope, err
	}
	if !*cmd.OK {
		return r.Scope, transfer.ErrDeclined
	}
	return narrower(r.Scope, cmd)
}

// narrower applies the scope of an answer. It cannot widen what was shown.
func narrower(s segment.Scope, cmd *Command) (segment.Scope, error) {
	if cmd.Rooms != nil {
		if len(*cmd.Rooms) == 0 {
			return s, fmt.Errorf("%w: no room is chosen", transfer.ErrDeclined)
		}
		chosen := make(map[string]bool)
		for _, room := range s.Rooms {
			chosen[room] = true
		}
		for _, room := range *cmd.Rooms {
			if len(chosen) > 0 && !chosen[room] {
				return s, fmt.Errorf("%w: the host consents to a room that was not asked for", transfer.ErrDeclined)
			}
		}
		s.Rooms = *cmd.Rooms
	}
	if cmd.Since != nil && cmd.Since.After(s.Since) {
		s.Since = *cmd.Since
	}
	if cmd.Until != nil && (s.Until.IsZero() || cmd.Until.Before(s.Until)) {
		s.Until = *cmd.Until
	}
	if !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return s, fmt.Errorf("%w: since is not before until", transfer.ErrDeclined)
	}
	if n := cmd.MaxMessages; n != nil && *n > 0 && (s.MaxMessages == 0 || *n < s.MaxMessages) {
		s.MaxMessages = *n
	}
	s.NoMedia = s.NoMedia || cmd.NoMedia != nil && *cmd.NoMedia
	return s, nil
}

// ShowCheckCode is that of transfer.SendPrompter.
func (c *Conn) ShowCheckCode(_ context.Context, code string) error {
	return c.Emit(CheckCode{Code: code})
}

// ShowOffer is that of transfer.ReceivePrompter.
func (c *Conn) ShowOffer(_ context.Context, o *pairing.Offer) error {
	e := Offer{Text: o.Text(), Expires: o.Expiry.UTC(), Routes: []string{o.Route.String()}}
	if c.opts.PNG {
		code, err := o.QR()
		if err != nil {
			return err
		}
		var png bytes.Buffer
		if err := code.PNG(&png, pngScale); err != nil {
			return err
		}
		e.PNG = png.Bytes()
	}
	return c.Emit(e)
}

// pngScale is how many pixels wide a module of the QR code is.
const pngScale = 8

// AskCheckCode is that of transfer.ReceivePrompter.
func (c *Conn) AskCheckCode(ctx context.Context, peer segment.TransferInfo, tries int) (string, error) {
	cmd, err := c.ask(ctx, CheckCode{
		Want: true, Tries: tries, Peer: Printable(peer.Sender, pairing.MaxLabel),
		SharedBy: Printable(peer.SharedBy, pairing.MaxLabel), Messages: peer.Messages, Bytes: peer.Bytes,
	}, "check_code")
	if err != nil {
		return "", err
	}
	return *cmd.Code, nil
}

// Codes of warnings.
const (
	WarnTaken       = "taken"           // somebody else tried to use the offer
	WarnClock       = "clock"           // the clocks differ by more than a minute
	WarnUntrusted   = "untrusted"       // a sender that is not trusted was refused
	WarnReceipt     = "receipt"         // the old device may not know that all is imported
	WarnInterrupted = "connection-lost" // another one is looked for
	WarnPeerPaused  = "peer-paused"     // the other device is paused
	WarnNoForm      = "no-json-form"    // something of a room that JSON cannot hold does not reach the host
)

// Warn is that of transfer.ReceivePrompter.
func (c *Conn) Warn(_ context.Context, w transfer.Warning) {
	switch w {
	case transfer.WarnTaken:
		c.Tell(WarnTaken, "somebody else who has seen the offer tried to use it too, and was refused")
	case transfer.WarnClock:
		c.Tell(WarnClock, "the clocks of the two devices differ by more than a minute")
	case transfer.WarnUntrusted:
		c.Tell(WarnUntrusted, "a sender that is not among the trusted identities was refused")
	case transfer.WarnReceipt:
		c.Tell(WarnReceipt, "everything is imported, but the old device may not know it; run the same again on both")
	}
}

// Interrupted is that of the options of both sides.
func (c *Conn) Interrupted(i transfer.Interruption) {
	until := i.Until.UTC()
	w := Warning{Code: WarnInterrupted, Message: "the connection was lost; another one is looked for", Until: &until}
	if i.Paused {
		w.Code, w.Message = WarnPeerPaused, "the other device is paused and is waited for"
	}
	_ = c.Emit(w)
}

// Connected is that of the options of both sides.
func (c *Conn) Connected(n transfer.Connection) {
	e := Connected{Peer: Printable(n.Peer, pairing.MaxLabel), Identity: identityText(n.Identity), Verified: n.Verified}
	if n.Route.Kind != 0 {
		e.Route = n.Route.String()
	}
	_ = c.Emit(e)
}

// AllowRoute asks whether the route of an offer may be used; ErrDeclined is no.
func (c *Conn) AllowRoute(ctx context.Context, r pairing.Route) error {
	cmd, err := c.ask(ctx, Route{Route: r.String(), Want: true}, "route")
	if err == nil && !*cmd.OK {
		err = transfer.ErrDeclined
	}
	return err
}

// Import asks whether what is shared is to be imported, unless that was said before. The
// error is transfer.ErrDeclined, or why there is no answer.
func (c *Conn) Import(ctx context.Context, s Shared) error {
	if !s.Want {
		return c.Emit(s)
	}
	cmd, err := c.ask(ctx, s, "import")
	if err == nil && !*cmd.OK {
		err = transfer.ErrDeclined
	}
	return err
}

// StateKey asks the host for the key that seals the state of unfinished transfers.
func (c *Conn) StateKey(ctx context.Context) (key []byte, err error) {
	cmd, err := c.ask(ctx, NeedSecret{Secret: "state-key", Want: true}, "secret")
	if err != nil {
		return nil, err
	}
	return cmd.Secret, nil
}

func identityText(id pairing.Identity) string {
	if id == (pairing.Identity{}) {
		return ""
	}
	return id.Text()
}
