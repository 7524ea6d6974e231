package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/sealedfile"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

type openFlags struct {
	sinkFlags
	keys          []string
	trust, policy string
	expect        string
	stateDir      stateFlags
	classic, yes  bool
	stdout        bool
	host          hostFlags
	strict        strictFlag
}

func newOpen(ui *terminal) *cobra.Command {
	var f openFlags
	c := &cobra.Command{
		Use:   "open FILE",
		Short: "verify a sealed file, show who shared what, and import it",
		Args:  cobra.ExactArgs(1),
		RunE:  func(c *cobra.Command, args []string) error { return openFile(c.Context(), ui, &f, args[0]) },
	}
	p := c.Flags()
	p.StringArrayVar(&f.keys, "key", nil, "file with your recipient key (default: those of the requests of this device); may be repeated")
	f.sinkFlags.bind(c)
	p.StringVar(&f.trust, "trust", "", "file of public identities: only what one of them has shared")
	p.StringVar(&f.policy, "policy", "", "file with your own copy of the room's policy on sharing its history: what breaks it is refused")
	p.StringVar(&f.expect, "expect", "", "the file id or the root, as who shared it has it on the screen: another file is refused")
	p.StringVar(&f.stateDir.dir, "state-dir", "", "where the keys of requests are (default: in the user's data directory)")
	f.stateDir.key.bind(c)
	p.BoolVar(&f.classic, "classic", false, "allow a file that a quantum computer opens")
	p.BoolVar(&f.yes, "yes", false, "do not ask")
	p.BoolVar(&f.stdout, "stdout", false, "instead of importing, write what is verified to standard output: vCons in JSON, one a line")
	f.strict.bind(c)
	f.host.bind(c)
	p.StringVar(&f.toHost, "to-host", "", "with --json: import into the program that runs this one; what is in flight to it is in this folder")
	c.MarkFlagsMutuallyExclusive("stdout", "json")
	for _, other := range []string{"store", "out", "format"} {
		c.MarkFlagsMutuallyExclusive("stdout", other)
	}
	return c
}

// openFile verifies and imports, as a person sees it.
func openFile(ctx context.Context, ui *terminal, f *openFlags, path string) error {
	if err := errors.Join(f.host.check(ui), f.check()); err != nil {
		return err
	}
	if f.toHost != "" && !f.host.json {
		return usageError{errors.New("--to-host needs --json")}
	}
	o := sealedfile.OpenOptions{Classic: f.classic, Progress: func(p transfer.Progress) { ui.progress(p, "storing it") }}
	var err error
	if o.Expect, err = readExpected(f.expect); err != nil {
		return err
	}
	if f.trust != "" {
		if o.Trust, err = readIdentities(f.trust); err != nil {
			return err
		}
	}
	if o.Policy, err = readPolicy(f.policy); err != nil {
		return err
	}
	var requests *statedir.Dir // when no key is given
	if len(f.keys) == 0 {
		if requests, err = f.stateDir.requests(ctx, ui); err != nil {
			return err
		}
		defer requests.Close()
	}
	if o.Keys, err = f.readKeys(requests); err != nil {
		return err
	}
	defer func() {
		for _, k := range o.Keys {
			k.Erase()
		}
	}()
	file, err := os.Open(path)
	if err != nil {
		return sourceError{fmt.Errorf("read sealed file: %w", err)}
	}
	defer file.Close()
	o.Consent = func(ctx context.Context, c *sealedfile.Claim) error {
		if ui.host != nil {
			_, err := answered(ctx, ui.host, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, ui.host.Import(ctx, sharedEvent(c, !f.yes))
			})
			return err
		}
		ui.endProgress()
		f.sayClaim(ui, c)
		if f.yes {
			return nil
		}
		return confirm(ctx, ui, "Import it?")
	}
	sink := &openedLater{open: func(ctx context.Context) (sink, error) { return f.openSink(ctx, ui, f.host.answer) }}
	defer sink.Close()
	o.Sink = sink
	if f.stdout {
		o.Sink = &stdoutSink{out: ui.out}
	}
	if h := ui.host; h != nil {
		o.Sink, o.Progress = h.marks.Sink(sink), h.Progress
	}
	r, err := sealedfile.Open(ctx, file, o)
	ui.endProgress()
	if err != nil {
		return fileError{err}
	}
	if requests != nil && !f.stdout { // what was only looked at can still be imported
		requestDone(ui, requests, r.Key)
	}
	if ui.host != nil {
		ui.host.result(&transfer.Result{TransferID: r.ID, Root: r.Root, Ledger: r.Ledger, Peer: r.Head.Label})
		return f.strict.judge(&r.Ledger)
	}
	where := "imported into " + f.where()
	if f.stdout {
		where = "written"
	}
	ui.say("Done: %s %s.", plural(r.Ledger.Source-sumOf(r.Ledger.Excluded), "item"), where)
	sayAll(ui, ledgerLines(r.Ledger))
	sayComplete(ui, r.Ledger)
	return f.strict.judge(&r.Ledger)
}

// readKeys are those of --key, else those of the requests that this device made.
func (f *openFlags) readKeys(requests *statedir.Dir) (all []*hpke.PrivateKey, err error) {
	if requests != nil {
		waiting, err := requests.Requests()
		if err != nil {
			return nil, destinationError{err}
		}
		for _, r := range waiting {
			all = append(all, r.Key)
		}
		if len(all) == 0 {
			err = usageError{errors.New("no request of this device is open: say which key opens it, with --key")}
		}
		return all, err
	}
	for _, name := range f.keys {
		k, err := readRecipientKey(name)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// readExpected reads --expect.
func readExpected(text string) (*[32]byte, error) {
	if text == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		return nil, usageError{errors.New("--expect is a file id or a root: 64 hexadecimal digits")}
	}
	return (*[32]byte)(b), nil
}

// sharedEvent is a claim as a host sees it.
func sharedEvent(c *sealedfile.Claim, want bool) host.Shared {
	h := c.Head
	e := host.Shared{
		ID: hex.EncodeToString(c.ID[:]), Root: hex.EncodeToString(c.Root[:]), Sharer: h.Sharer.Text(), Label: printable(h.Label, pairing.MaxLabel),
		Intent: "same-account", Room: h.Room, RoomName: h.RoomName, Role: h.Role, Created: h.Created.UTC(), Expires: h.NotAfter.UTC(),
		Recipients: uint64(h.Recipients), Messages: c.Messages, Attachments: c.Attachments, Left: host.LedgerOf(c.Ledger), Want: want,
	}
	if h.Intent == pairing.CatchUp {
		e.Intent = "catch-up"
	}
	for at, t := range map[**time.Time]time.Time{&e.Since: h.Since, &e.Until: h.Until} {
		if !t.IsZero() {
			*at = new(t.UTC())
		}
	}
	if p := c.Policy; p != nil {
		e.Policy = &host.SharedPolicy{Sharing: p.Sharing.String(), Roles: p.Roles, Automatically: p.Automatically, MaxPeriod: p.MaxPeriod}
	}
	return e
}

// sayClaim shows what a person needs to decide. Words of the sharer are quoted.
func (f *openFlags) sayClaim(ui *terminal, c *sealedfile.Claim) {
	h := c.Head
	what := "The history of a device of yours, it says"
	if h.Intent == pairing.CatchUp {
		what = fmt.Sprintf("The history of the room %q", printable(orElse(h.RoomName, h.Room), 64))
	}
	ui.say("%s: %s, %s, sealed at %s for %s.", what, plural(c.Messages, "message"), plural(c.Attachments-sumOf(c.Ledger.AttachmentsExcluded), "attachment"),
		day(h.Created), plural(uint64(h.Recipients), "recipient"))
	if h.Intent == pairing.CatchUp {
		ui.say("  room %s", printable(h.Room, 200))
	}
	ui.say("  by %q, who signs as %s", printable(h.Label, pairing.MaxLabel), h.Sharer.Text())
	if !h.Since.IsZero() {
		ui.say("  from %s on", day(h.Since))
	}
	if !h.Until.IsZero() {
		ui.say("  until %s", day(h.Until))
	}
	if p := c.Policy; p != nil {
		ui.say("  under a policy that, they claim, lets the roles %s share %s; theirs is %d", roleList(p.Roles), period(p.MaxPeriod), h.Role)
		if f.policy == "" {
			ui.say("  Nobody has compared that with the room's own policy: --policy does.")
		}
	}
	sayLeft(ui, "not in it:", c.Ledger)
	ui.say("  file id: %x", c.ID)
	ui.say("  root: %x", c.Root)
	switch {
	case f.trust == "" && f.expect == "":
		ui.say("Nobody vouches for who shared it. Only go on if the root is the one on their screen, or you know that identity.")
	case f.trust == "":
		ui.say("It is the file that you expect.")
	default:
		ui.say("It is signed by an identity that you trust.")
	}
}

func roleList(roles []uint32) string {
	all := make([]string, len(roles))
	for i, r := range roles {
		all[i] = strconv.FormatUint(uint64(r), 10)
	}
	return strings.Join(all, ", ")
}

// period says seconds in days, where there are some.
func period(seconds uint32) string {
	const day = 24 * 60 * 60
	if seconds >= 2*day {
		return plural(uint64(seconds/day), "day")
	}
	return (time.Duration(seconds) * time.Second).String()
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// An openedLater sink is opened when something is imported: who says no, or has a file
// that is refused, has no new store.
type openedLater struct {
	sink
	open func(context.Context) (sink, error)
}

func (l *openedLater) Begin(ctx context.Context, info segment.TransferInfo) (err error) {
	if l.sink == nil {
		if l.sink, err = l.open(ctx); err != nil {
			l.sink = nil
			return err
		}
	}
	return l.sink.Begin(ctx, info)
}

func (l *openedLater) Close() error {
	if l.sink == nil {
		return nil
	}
	return l.sink.Close()
}

func (l *openedLater) Abort(ctx context.Context, cause error) error {
	if l.sink == nil {
		return nil
	}
	return l.sink.Abort(ctx, cause)
}
