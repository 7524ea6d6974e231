// Command vcon-transfer moves message history from an old device to a new one,
// end to end encrypted. It is thin: flags, terminal, exit codes. What it does is
// in the packages transfer, pairing, codec and hpke.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program but for the process.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if wantsJSON(args) {
		return runHosted(args, stdin, stdout, stderr)
	}
	ctx, stop := withSignals(context.Background())
	defer stop()
	ui := newTerminal(stdin, stdout, stderr)
	command, err := execute(ctx, ui, args, stdout)
	ui.endProgress()
	if err == nil {
		return exitDone
	}
	exit, message, hint := explain(ctx, command, err)
	fmt.Fprintf(stderr, "vcon-transfer: %s\n", message)
	if hint != "" {
		fmt.Fprintf(stderr, "  %s\n", hint)
	}
	return exit
}

// execute runs the command that args name.
func execute(ctx context.Context, ui *terminal, args []string, stdout io.Writer) (command string, err error) {
	root := newRoot(ui)
	root.SetArgs(args)
	root.SetIn(ui.in)
	root.SetOut(stdout)
	root.SetErr(ui.err)
	c, err := root.ExecuteContextC(ctx)
	return c.Name(), err
}

// newRoot assembles the commands.
func newRoot(ui *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "vcon-transfer",
		Short: "move message history from device to device, end to end encrypted",
		Long: "vcon-transfer moves message history from an old device to a new one, end to end encrypted.\n" +
			"Run `vcon-transfer demo` to see it work on this machine.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().BoolVarP(&ui.quiet, "quiet", "q", ui.quiet, "no progress and no remarks; prompts and results stay")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newDemo(ui), newReceive(ui), newSend(ui), newRelay(ui),
		newConvert(ui), newInspect(ui), newHistory(ui), newStatus(ui), newIdentity(ui),
		newShare(ui), newOpen(ui), newKey(ui), newVersion(ui),
	)
	strict(root)
	return root
}

// A signalError is why the context ended: the exit code says which signal.
type signalError struct{ os.Signal }

func (s signalError) Error() string { return "interrupted" }

// withSignals returns a context that ends with SIGINT or SIGTERM. A second signal
// ends the process at once.
func withSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(signalError{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(errors.New("done"))
		<-done
	}
}
