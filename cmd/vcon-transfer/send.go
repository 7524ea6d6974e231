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
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

type sendFlags struct {
	scopeFlags
	offerFile, scan       string
	yes, public           bool
	label, relayTokenFile string
	export                exportFlags
	offerFD, sourceFD     fdFlag
	state                 stateFlags
	timeout               timeoutFlag
	host                  hostFlags
	transport             transportFlag
	identity              identityFlags
	strict                strictFlag
	attest                string
	request, toFile       string
	policy                policyFlags
}

func newSend(ui *terminal) *cobra.Command {
	var f sendFlags
	c := &cobra.Command{
		Use:   "send SOURCE...",
		Short: "on the old device: read the offer, show what will be sent and to whom, ask, send, wait for the receipt",
		Long: "Send a history to the device that shows the offer. SOURCE is a vCon file or folder (CBOR or JSON),\n" +
			"a store (*.db), another program's export, or - for standard input.",
		Args: func(_ *cobra.Command, args []string) error { return f.checkSources(args) },
		RunE: func(c *cobra.Command, args []string) error {
			return send(c.Context(), ui, &f, args)
		},
	}
	p := c.Flags()
	p.StringVar(&f.offerFile, "offer-file", "", "read the offer's text from this file")
	p.Var(&f.offerFD, "offer-fd", "read the offer's text from this file descriptor")
	p.Var(&f.sourceFD, "source-fd", "read SOURCE, a vCon, from this file descriptor")
	p.StringVar(&f.scan, "scan", "", "read the QR code from this picture or screenshot")
	f.scopeFlags.bind(c)
	p.BoolVar(&f.yes, "yes", false, "do not ask for consent")
	p.BoolVar(&f.public, "allow-public-route", false, "take an offer that leads to a public address")
	p.StringVar(&f.label, "label", hostname(), "what this device is called on the other one's screen; who shares, in a catch-up")
	p.StringVar(&f.relayTokenFile, "relay-token-file", "", "file with the token that the relay wants for new channels")
	f.export.bind(c)
	f.state.bind(c)
	f.timeout.bind(c)
	f.host.bind(c)
	f.transport.bind(c)
	f.identity.bind(c)
	f.policy.bind(c)
	f.strict.bind(c)
	p.StringVar(&f.attest, "attest", "", "file of public identities of accounts: refuse a new device that none of them has attested")
	p.StringVar(&f.request, "for", "", "with --to-file: the request of the new device (vcon-transfer receive --request)")
	p.StringVar(&f.toFile, "to-file", "", "seal the history into this file, for a request, instead of sending it")
	c.MarkFlagsRequiredTogether("for", "to-file")
	withoutConnection(c, "to-file", "offer-file", "scan", "offer-fd", "source-fd", "allow-public-route", "relay-token-file")
	c.MarkFlagsMutuallyExclusive("offer-file", "scan", "offer-fd")
	return c
}

// checkSources refuses arguments that name no history, or one that cannot be read.
func (f *sendFlags) checkSources(args []string) error {
	switch {
	case f.sourceFD != 0 && len(args) > 0:
		return errors.New("--source-fd is the only SOURCE")
	case f.sourceFD == 0 && len(args) == 0:
		return errors.New("no SOURCE")
	case f.host.json && slices.Contains(args, "-"):
		return errors.New("standard input has the commands of --json: give the SOURCE with --source-fd")
	}
	return nil
}

// given tells whether an offer is: a new transfer begins.
func (f *sendFlags) given() bool { return f.offerFile != "" || f.scan != "" || f.offerFD != 0 }

// send is the old device's side, as a person or a host sees it.
func send(ctx context.Context, ui *terminal, f *sendFlags, sources []string) error {
	if err := f.host.check(ui); err != nil {
		return err
	}
	scope, err := f.scope()
	if err != nil {
		return err
	}
	if err := f.policy.cap(&scope); err != nil {
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
	if f.toFile != "" {
		return f.sealFor(ctx, ui, scope, func() (history.Reader, error) { return openSource(ctx, ui, sources, exports) })
	}
	if err := f.transport.open(); err != nil {
		return err
	}
	defer f.transport.close()
	if f.sourceFD != 0 {
		file, err := f.sourceFD.open("source")
		if err != nil {
			return err
		}
		defer file.Close()
		ui.piped, sources = file, []string{"-"}
	}
	k := &kept{}
	if !slices.Contains(sources, "-") {
		// What comes in on standard input may be another history than the one that was
		// consented to. Else: an offer that is given begins a new transfer.
		k, err = f.state.find(ctx, ui, pairing.RoleSender, f.place(sources), f.state.fresh || f.given())
	}
	if err != nil {
		return err
	}
	defer k.close()
	if ui.host != nil && k.found == nil && !f.given() {
		return usageError{errors.New("nothing is unfinished, and no offer is given: --offer-fd, --offer-file or --scan")}
	}
	source := history.NewLazySource(func() (history.Reader, error) { return openSource(ctx, ui, sources, exports) })
	defer source.Close()
	if k.found == nil || k.found.Receipt == nil {
		if err := source.Open(); err != nil {
			return err
		}
	}
	options := transfer.SendOptions{
		Source: source,
		Dialer: &routes{relayToken: token}, Scope: scope, Label: f.label, State: k.state(), Resume: k.found,
		Prompter: &sendPrompt{ui: ui, yes: f.yes}, Interrupted: ui.interrupted, AllowPublicRoutes: f.public,
		Progress: func(p transfer.Progress) { ui.progress(p, "waiting for the new device to store it") },
		Timing:   f.transport.timing(f.timeout.timing(f.host.answer)), Pause: new(transfer.Pauser),
	}
	if options.Signer, err = f.identity.signer(ctx, ui); err != nil {
		return err
	}
	if f.attest != "" {
		if options.Accounts, err = readIdentities(f.attest); err != nil {
			return err
		}
		options.Attested = f.seen
	}
	if f.transport.given() {
		options.Dialer = &f.transport
	}
	if h := ui.host; h != nil {
		h.sends(&options, f.yes)
		defer h.kept(k)
	}
	defer suspendable(ui, options.Pause)()
	var result *transfer.Result
	var offer *pairing.Offer
	if k.found != nil {
		sayGoingOn(ui, k.found)
		result, offer, err = goOn(ctx, ui, options)
	} else {
		offer, err = f.readOffer(ctx, ui)
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
	if ui.host != nil {
		ui.host.result(result)
		return f.strict.judge(&result.Ledger)
	}
	summarize(ui, result, "sent to", fmt.Sprintf("%q", printable(result.Peer, 64)))
	return f.strict.judge(&result.Ledger)
}

// seen keeps the highest version of an account's attestations.
func (f *sendFlags) seen(account pairing.Identity, version uint64) (uint64, error) {
	highest, err := statedir.HighestAttested(f.state.path(), account, version)
	if err != nil {
		return 0, destinationError{err}
	}
	return highest, nil
}

// checkOffer asks about what makes an offer doubtful, before any connection.
func (f *sendFlags) checkOffer(ctx context.Context, ui *terminal, offer *pairing.Offer) error {
	if offer.Intent == pairing.CatchUp && len(f.rooms) != 1 {
		return offerError{fmt.Errorf("the new device asks for the history of one room: say which with --room: %w", pairing.ErrIntent)}
	}
	if offer.Expired() {
		ui.warn("expired", "by this device's clock the code has expired. Trying all the same.")
	}
	if offer.Route.Kind == pairing.RouteRelay && !f.yes && !f.transport.given() {
		if ui.host != nil {
			_, err := answered(ctx, ui.host, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, ui.host.AllowRoute(ctx, offer.Route)
			})
			return err
		}
		return confirm(ctx, ui, fmt.Sprintf("The code leads to the relay %s. The relay cannot read anything, but a code from a stranger would look like this too. Go on?",
			printable(offer.Route.Path, 100)))
	}
	return nil
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
	}
	p.ui.say("%s, which calls itself %q (%s):", to, printable(r.Label, 64), printable(r.Route.String(), 100))
	if r.Identity != (pairing.Identity{}) {
		p.ui.say("  it signs as %s", r.Identity.Text())
	}
	sayRooms(p.ui, o)
	if p.yes {
		return r.Scope, nil
	}
	p.ui.say("Only go on if that device is in front of you, or with somebody you know.")
	return r.Scope, confirm(ctx, p.ui, "Send it?")
}

// sayRooms shows what a question for consent is about.
func sayRooms(ui *terminal, o *segment.Overview) {
	for i, room := range o.Rooms {
		if i == maxRoomsShown {
			ui.say("  and %s more", plural(uint64(len(o.Rooms)-i), "room"))
			break
		}
		ui.say("  %s", roomLine(room))
	}
	ui.say("  in all %s, %s, about %s", plural(o.Messages, "message"), plural(o.Attachments, "attachment"), size(o.Bytes))
	sayLeft(ui, "not sent", o.Left)
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
