package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A hosted run has a program in the place of the person: `send`, `receive`, `open` and `share` with
// --json (docs/subprocess.md).
type hosted struct {
	*host.Conn
	pause  *transfer.Pauser
	answer time.Duration // how long an answer is waited for
	marks  host.Marks
	done   host.Done
}

// wantsJSON finds --json before the command line is parsed: one that makes no sense is
// told in JSON, too.
func wantsJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	// The flags that may stand before the command have no values.
	command := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if command < 0 || !slices.Contains([]string{"send", "receive", "open", "share"}, args[command]) {
		return false
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// runHosted is run, with the host on stdin and stdout: nothing else is read there or
// written.
func runHosted(args []string, stdin io.Reader, stdout, stderr io.Writer) (exit int) {
	// A host that is gone is an error of the write, which ends the transfer in order.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := withSignals(context.Background())
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h := &hosted{pause: new(transfer.Pauser), answer: defaultAnswer}
	h.Conn = host.New(host.Options{
		Write:  func(line []byte) error { _, err := stdout.Write(line); return err },
		Cancel: cancel, Pause: h.pause,
	})
	ui := newTerminal(strings.NewReader(""), stderr, stderr)
	ui.host, ui.quiet, ui.screen = h, true, false
	// What waits for the host's import has no other end: a commit is not cut off.
	defer context.AfterFunc(ctx, h.End)()
	// The one goroutine that nobody waits for: see terminal.line.
	go h.ReadCommands(stdin)
	return h.run(ctx, stderr, func() (string, error) { return execute(ctx, ui, args, stderr) })
}

// run runs a command, and tells the host how it ended: whatever happens, once.
func (h *hosted) run(ctx context.Context, stderr io.Writer, command func() (name string, err error)) (exit int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "vcon-transfer: panic: %v\n%s", p, debug.Stack())
			exit = exitOther
			h.done = host.Done{Exit: exit, Code: host.CodeInternal, Message: "a bug in vcon-transfer; what it said is on standard error"}
		}
		h.Close()
		if err := h.Emit(h.done); err != nil && exit == exitDone {
			fmt.Fprintf(stderr, "vcon-transfer: all is done, and the host cannot be told: %v\n", err)
			exit = exitOther
		}
	}()
	name, err := command()
	if err == nil {
		h.done.OK, h.done.Code = true, host.CodeOK
		return exitDone
	}
	d := &h.done
	d.OK = false // with --strict all may be done, and an error all the same
	d.Exit, d.Message, d.Hint = explain(ctx, name, err)
	if (d.Hint == hintAgain || d.Hint == hintAgainOrNew) && !d.Resume {
		d.Hint = "Nothing is kept of it: begin again, with a new offer."
	}
	d.Code = codeOf(err, d.Exit)
	fmt.Fprintf(stderr, "vcon-transfer: %s\n", d.Message)
	return d.Exit
}

// codeOf is the stable token of an error: the library's, unless this program knows
// better what failed, as the exit code says.
func codeOf(err error, exit int) string {
	if o, ok := errors.AsType[offerError](err); ok {
		err = host.Fail(host.CodeOffer, o.error)
	}
	if code := host.CodeOf(err); host.ExitOf(code) == exit {
		return code
	}
	switch exit {
	case exitQuarantined:
		return host.CodeQuarantined
	case exitUsage:
		return host.CodeUsage
	case exitOffer:
		return host.CodeOffer
	case exitDeclined:
		return wire.CodeDeclined.String()
	case exitSource:
		return host.CodeSource
	case exitDestination:
		return host.CodeStorage
	case exitPolicy:
		return wire.CodePolicy.String()
	case exitVersion:
		return wire.CodeVersion.String()
	case exitInterrupted:
		return host.CodeInterrupted
	case exitTerminated:
		return "terminated"
	}
	return host.CodeInternal
}

// result is what done says of a transfer that is over.
func (h *hosted) result(r *transfer.Result) {
	h.done = host.DoneOf(r, nil)
	h.done.Rooms = h.marks.List()
}

// kept says in done whether the same command goes on with the transfer.
func (h *hosted) kept(k *kept) {
	if k.entry == nil {
		return
	}
	if c, err := k.entry.Load(); err == nil && c != nil {
		h.done.Resume, h.done.Peer = true, printable(c.Peer, pairing.MaxLabel)
		h.done.Transfer = hex.EncodeToString(c.TransferID[:])
		c.Erase()
	}
}

// hostFlags are those of `send` and `receive` for a program that runs them.
type hostFlags struct {
	json   bool
	answer time.Duration
}

const (
	defaultAnswer = 5 * time.Minute
	minAnswer     = time.Second
	maxAnswer     = time.Hour
)

func (f *hostFlags) bind(c *cobra.Command) {
	c.Flags().BoolVar(&f.json, "json", false, "JSON Lines: events on standard output, commands on standard input; for programs")
	c.Flags().DurationVar(&f.answer, "answer-timeout", defaultAnswer, "how long a person, or the program that runs this one, is waited for")
}

func (f *hostFlags) check(ui *terminal) error {
	if f.answer < minAnswer || f.answer > maxAnswer {
		return usageError{fmt.Errorf("--answer-timeout is between %v and %v", minAnswer, maxAnswer)}
	}
	if f.json != (ui.host != nil) {
		return usageError{errors.New("--json is written in full, as --json")}
	}
	if ui.host != nil {
		ui.host.answer = f.answer
	}
	return nil
}

// answered asks the host outside of a session, which has its own deadlines.
func answered[T any](ctx context.Context, h *hosted, ask func(context.Context) (T, error)) (T, error) {
	within, cancel := context.WithTimeout(ctx, h.answer)
	defer cancel()
	v, err := ask(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = host.ErrNoAnswer
	}
	return v, err
}

// sends puts the host in the place of the person at the old device.
func (h *hosted) sends(o *transfer.SendOptions, consented bool) {
	if consented {
		h.TellConsent()
	}
	if o.Resume != nil {
		_ = h.Emit(host.ResumedOf(o.Resume))
	}
	o.Source = h.marks.Source(o.Source)
	o.Prompter, o.Progress, o.Pause = h, h.Progress, h.pause
	o.Connected, o.Interrupted = h.Connected, h.Interrupted
}

// receives is sends for the new device. The files of an offer are still written.
func (h *hosted) receives(o *transfer.ReceiveOptions, f *receiveFlags) {
	if f.qr == "event" {
		h.ShowPNG()
	}
	if o.Resume != nil {
		_ = h.Emit(host.ResumedOf(o.Resume))
	}
	if s, ok := o.Sink.(host.Store); ok {
		o.Sink = h.marks.Sink(s)
	}
	o.Prompter, o.Progress, o.Pause = hostedPrompt{h, o.Prompter}, h.Progress, h.pause
	o.Connected, o.Interrupted = h.Connected, h.Interrupted
}

// A hostedPrompt also writes the offer into the files that were asked for, first: who
// has the event may look for them.
type hostedPrompt struct {
	*hosted
	files transfer.ReceivePrompter
}

func (p hostedPrompt) ShowOffer(ctx context.Context, offer *pairing.Offer) error {
	if err := p.files.ShowOffer(ctx, offer); err != nil {
		return err
	}
	return p.hosted.ShowOffer(ctx, offer)
}
