package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

type sendFlags struct {
	offerFile, scan, since, until string
	rooms                         []string
	maxMessages                   uint64
	noMedia, yes, public          bool
	label, relayTokenFile         string
	export                        exportFlags
	state                         stateFlags
	timeout                       timeoutFlag
}

func newSend(ui *terminal) *cobra.Command {
	var f sendFlags
	c := &cobra.Command{
		Use:   "send SOURCE...",
		Short: "on the old device: read the offer, show what will be sent and to whom, ask, send, wait for the receipt",
		Long: "Send a history to the device that shows the offer. SOURCE is a vCon file or folder (CBOR or JSON),\n" +
			"a store (*.db), another program's export, or - for standard input.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return send(c.Context(), ui, &f, args)
		},
	}
	p := c.Flags()
	p.StringVar(&f.offerFile, "offer-file", "", "read the offer's text from this file")
	p.StringVar(&f.scan, "scan", "", "read the QR code from this picture or screenshot")
	p.StringVar(&f.since, "since", "", "only messages from this date or time on (2026-01-31, or RFC 3339)")
	p.StringVar(&f.until, "until", "", "only messages before this date or time")
	p.StringArrayVar(&f.rooms, "room", nil, "only this room, by its URI; may be repeated")
	p.Uint64Var(&f.maxMessages, "max-messages", 0, "only the newest N messages of each room")
	p.BoolVar(&f.noMedia, "no-media", false, "no attachments")
	p.BoolVar(&f.yes, "yes", false, "do not ask for consent")
	p.BoolVar(&f.public, "allow-public-route", false, "take an offer that leads to a public address")
	p.StringVar(&f.label, "label", hostname(), "what this device is called on the other one's screen; who shares, in a catch-up")
	p.StringVar(&f.relayTokenFile, "relay-token-file", "", "file with the token that the relay wants for new channels")
	f.export.bind(c)
	f.state.bind(c)
	f.timeout.bind(c)
	c.MarkFlagsMutuallyExclusive("offer-file", "scan")
	return c
}

// send is the old device's side, as a person sees it.
func send(ctx context.Context, ui *terminal, f *sendFlags, sources []string) error {
	scope, err := f.scope()
	if err != nil {
		return err
	}
	if err := f.timeout.check(); err != nil {
		return err
	}
	token, err := relayToken(f.relayTokenFile)
	if err != nil {
		return err
	}
	exports, err := f.export.options("")
	if err != nil {
		return err
	}
	k := &kept{}
	if !slices.Contains(sources, "-") {
		// What comes in on standard input may be another history than the one that was
		// consented to. Else: an offer that is given begins a new transfer.
		k, err = f.state.find(ui, pairing.RoleSender, f.place(sources), f.state.fresh || f.offerFile != "" || f.scan != "")
	}
	if err != nil {
		return err
	}
	defer k.close()
	source := &lazySource{open: func() (history.Reader, error) { return openSource(ctx, ui, sources, exports) }}
	defer source.Close()
	if k.found == nil || k.found.Receipt == nil {
		if _, err := source.get(); err != nil {
			return err
		}
	}
	options := transfer.SendOptions{
		Source: source,
		Dialer: &routes{relayToken: token}, Scope: scope, Label: f.label, State: k.state(), Resume: k.found,
		Prompter: &sendPrompt{ui: ui, yes: f.yes}, Interrupted: ui.interrupted, AllowPublicRoutes: f.public,
		Progress: func(p transfer.Progress) { ui.progress(p, "waiting for the new device to store it") },
		Timing:   f.timeout.timing(), Pause: new(transfer.Pauser),
	}
	defer suspendable(ui, options.Pause)()
	var result *transfer.Result
	var offer *pairing.Offer
	if k.found != nil {
		sayGoingOn(ui, k.found)
		result, offer, err = goOn(ctx, ui, options)
	} else {
		offer, err = readOffer(ctx, ui, f.offerFile, f.scan)
	}
	if err != nil {
		return err
	}
	if offer != nil {
		defer offer.Erase()
		if k.found != nil {
			ui.say("A new offer was given: a new transfer begins.")
		}
		if err := f.checkOffer(ctx, ui, offer); err != nil {
			return err
		}
		options.Offer, options.Resume = offer, nil
		if result, err = transfer.Send(ctx, options); err != nil {
			return err
		}
	}
	ui.endProgress()
	sayLeftState(ui, result)
	summarize(ui, result, "sent to", fmt.Sprintf("%q", printable(result.Peer, 64)))
	return nil
}

// checkOffer asks about what makes an offer doubtful, before any connection.
func (f *sendFlags) checkOffer(ctx context.Context, ui *terminal, offer *pairing.Offer) error {
	if offer.Intent == pairing.CatchUp && len(f.rooms) != 1 {
		return offerError{fmt.Errorf("the new device asks for the history of one room: say which with --room: %w", pairing.ErrIntent)}
	}
	if offer.Expired() {
		ui.say("Warning: by this device's clock the code has expired. Trying all the same.")
	}
	if offer.Route.Kind == pairing.RouteRelay && !f.yes {
		return confirm(ctx, ui, fmt.Sprintf("The code leads to the relay %s. The relay cannot read anything, but a code from a stranger would look like this too. Go on?",
			printable(offer.Route.Path, 100)))
	}
	return nil
}

// scope is what the flags select.
func (f *sendFlags) scope() (segment.Scope, error) {
	s := segment.Scope{Rooms: f.rooms, MaxMessages: f.maxMessages, NoMedia: f.noMedia}
	var err error
	if s.Since, err = parseTime(f.since); err != nil {
		return s, usageError{fmt.Errorf("--since: %w", err)}
	}
	if s.Until, err = parseTime(f.until); err != nil {
		return s, usageError{fmt.Errorf("--until: %w", err)}
	}
	if !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return s, usageError{errors.New("--since is not before --until")}
	}
	return s, nil
}

// parseTime reads a date, in the local time zone, or an RFC 3339 time.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is neither a date like 2026-01-31 nor an RFC 3339 time", s)
	}
	return t, nil
}

// A sendPrompt speaks with the person at the old device.
type sendPrompt struct {
	ui  *terminal
	yes bool
}

func (p *sendPrompt) Consent(ctx context.Context, r transfer.ConsentRequest) (segment.Scope, error) {
	o := r.Overview
	to := "To another device of yours"
	if r.Intent == pairing.CatchUp {
		to = "To a member of the room"
		if r.Room != "" && len(r.Scope.Rooms) == 1 && r.Room != r.Scope.Rooms[0] {
			return r.Scope, fmt.Errorf("%w: the new device asks for another room than --room names", transfer.ErrDeclined)
		}
	}
	p.ui.say("%s, which calls itself %q (%s):", to, printable(r.Label, 64), printable(r.Route.String(), 100))
	for i, room := range o.Rooms {
		if i == maxRoomsShown {
			p.ui.say("  and %s more", plural(uint64(len(o.Rooms)-i), "room"))
			break
		}
		p.ui.say("  %s", roomLine(room))
	}
	p.ui.say("  in all %s, %s, about %s", plural(o.Messages, "message"), plural(o.Attachments, "attachment"), size(o.Bytes))
	sayLeft(p.ui, "not sent", o.Left)
	if p.yes {
		return r.Scope, nil
	}
	p.ui.say("Only go on if that device is in front of you, or with somebody you know.")
	return r.Scope, confirm(ctx, p.ui, "Send it?")
}

// maxRoomsShown keeps the question on one screen.
const maxRoomsShown = 12

// roomLine is one room of the consent question.
func roomLine(room segment.OverviewRoom) string {
	name := room.Name
	if name == "" {
		name = room.ID
	}
	line := fmt.Sprintf("%s: %s", printable(name, 40), plural(room.Messages, "message"))
	if room.Attachments > 0 {
		line += ", " + plural(room.Attachments, "attachment")
	}
	if dates := span(time.UnixMilli(room.First), time.UnixMilli(room.Last)); room.Messages > 0 && dates != "" {
		line += ", " + dates
	}
	return line
}

func (p *sendPrompt) ShowCheckCode(_ context.Context, code string) error {
	p.ui.say("Check code: %s", code)
	p.ui.remark("Type it on the new device, if you can see that device. If somebody asks you for it, stop.")
	return nil
}

// confirm asks a question that only a clear yes answers.
func confirm(ctx context.Context, ui *terminal, question string) error {
	answer, err := ui.ask(ctx, question+" [y/N] ")
	if err != nil {
		return fmt.Errorf("%w: nobody answered", transfer.ErrDeclined)
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	return transfer.ErrDeclined
}
