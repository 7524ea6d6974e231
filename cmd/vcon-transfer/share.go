package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/sealedfile"
)

type shareFlags struct {
	scopeFlags
	to           []string
	out          string
	identity     identityFlags
	host         hostFlags
	label        string
	policy       policyFlags
	lifetime     time.Duration
	classic, yes bool
	export       exportFlags
}

func newShare(ui *terminal) *cobra.Command {
	var f shareFlags
	c := &cobra.Command{
		Use:   "share SOURCE...",
		Short: "seal the history of a room for new members, into one file that only they can open",
		Long: "Seal the history of one room, from some point in the past on, for members who joined it. The file can go by\n" +
			"any way, the internet included. It is signed: who opens it sees who shared what, under which policy.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return shareRoom(c.Context(), ui, &f, args) },
	}
	p := c.Flags()
	f.scopeFlags.bind(c)
	p.StringArrayVar(&f.to, "to", nil, "file with the recipients' public keys or requests, one a line, or with one key in binary; may be repeated")
	p.StringVar(&f.out, "out", "", "the sealed file")
	f.identity.bind(c)
	f.host.bind(c)
	p.StringVar(&f.label, "label", hostname(), "who shares, as the recipients see it")
	f.policy.bind(c)
	p.DurationVar(&f.lifetime, "expires", sealedfile.DefaultLifetime, "how long it can be opened, at most 30 days")
	p.BoolVar(&f.classic, "classic", false, "allow X25519 keys, which a quantum computer opens")
	p.BoolVar(&f.yes, "yes", false, "do not ask for consent")
	f.export.bind(c)
	return c
}

// shareRoom seals a room for others, as a person sees it.
func shareRoom(ctx context.Context, ui *terminal, f *shareFlags, sources []string) error {
	if err := f.host.check(ui); err != nil {
		return err
	}
	switch {
	case len(f.to) == 0 || f.out == "" || f.identity.file+f.identity.host == "":
		return usageError{errors.New("say for whom with --to, into which file with --out, and who signs with --identity")}
	case len(f.rooms) != 1:
		return usageError{errors.New("say which room with --room: one at a time")}
	case f.lifetime <= 0 || f.lifetime > pairing.MaxShareLife:
		return usageError{fmt.Errorf("--expires is at most %v", pairing.MaxShareLife)}
	}
	o := sealedfile.SealOptions{
		Intent: pairing.CatchUp, Label: f.label, Role: f.policy.role, Lifetime: f.lifetime, Classic: f.classic,
	}
	var err error
	if o.Signer, err = f.identity.signer(ctx, ui); err != nil {
		return err
	}
	if o.Recipients, err = readRecipients(f.to); err != nil {
		return err
	}
	if o.Policy, err = f.policy.read(); err != nil {
		return err
	}
	if o.Scope, err = f.scope(); err != nil {
		return err
	}
	exports, err := f.export.options("")
	if err != nil {
		return err
	}
	o.Consent = func(ctx context.Context, h *pairing.ShareHead, overview *segment.Overview) error {
		if ui.host != nil {
			return hostConsent(ctx, ui.host, h, overview, f.yes)
		}
		ui.say("For %s of the room, in a file that can be opened until %s:", plural(uint64(h.Recipients), "member"), day(h.NotAfter))
		return sealConsent(ctx, ui, overview, f.yes, "Share it?")
	}
	return sealInto(ctx, ui, f.out, func() (history.Reader, error) { return openSource(ctx, ui, sources, exports) }, o)
}

// hostConsent asks the host. What it narrows has to be asked for anew: the head of the
// file says what is in it.
func hostConsent(ctx context.Context, h *hosted, head *pairing.ShareHead, o *segment.Overview, yes bool) error {
	if yes {
		h.TellConsent()
	}
	scope := segment.Scope{Rooms: []string{head.Room}, Since: head.Since, Until: head.Until, CatchUp: true}
	got, err := answered(ctx, h, func(ctx context.Context) (segment.Scope, error) {
		return h.Consent(ctx, transfer.ConsentRequest{Intent: pairing.CatchUp, Room: head.Room, Overview: o, Scope: scope})
	})
	if err == nil && !(got.Since.Equal(scope.Since) && got.Until.Equal(scope.Until) && got.MaxMessages == 0 && !got.NoMedia) {
		err = fmt.Errorf("%w: a narrower scope is given by the flags of share", transfer.ErrDeclined)
	}
	return err
}

// sealConsent shows what is about to be sealed, and asks.
func sealConsent(ctx context.Context, ui *terminal, o *segment.Overview, yes bool, question string) error {
	sayRooms(ui, o)
	if yes {
		return nil
	}
	return confirm(ctx, ui, question)
}

// sealInto seals a source into a file that is there only when it is whole, and says
// what names it.
func sealInto(ctx context.Context, ui *terminal, out string, open func() (history.Reader, error), o sealedfile.SealOptions) error {
	if err := free(out); err != nil {
		return err
	}
	source := history.NewLazySource(open)
	defer source.Close()
	if err := source.Open(); err != nil {
		return err
	}
	o.Source = source
	o.Progress = func(p transfer.Progress) { ui.progress(p, "writing it") }
	if ui.host != nil {
		o.Progress = ui.host.Progress
	}
	var r *sealedfile.Result
	err := wholeFile(out, func(w io.Writer) (err error) {
		r, err = sealedfile.Seal(ctx, w, o)
		return err
	})
	ui.endProgress()
	if err != nil {
		return fileError{err}
	}
	if ui.host != nil {
		ui.host.result(&transfer.Result{TransferID: r.ID, Root: r.Root, Ledger: r.Ledger})
		return nil
	}
	ui.say("Sealed: %s, %s, into %s. It can be opened until %s.", plural(r.Head.Messages, "message"),
		plural(r.Head.Attachments, "attachment"), out, day(r.Head.NotAfter))
	if _, err := fmt.Fprintf(ui.out, "file id: %x\nroot: %x\n", r.ID, r.Root); err != nil {
		return destinationError{fmt.Errorf("write standard output: %w", err)}
	}
	return nil
}

// day is an instant for a person, to the minute.
func day(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
