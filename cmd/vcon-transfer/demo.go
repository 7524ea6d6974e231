package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

func newDemo(ui *terminal) *cobra.Command {
	var lan bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "both devices and a relay on this machine, with a sample history",
		Long: "Run an old device, a new device and a relay as three processes on this machine, move a sample history\n" +
			"from one to the other, and show what arrived. Nothing is kept. The exit code is 0 only if all of it worked.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return demo(c.Context(), ui, lan)
		},
	}
	c.Flags().BoolVar(&lan, "lan", false, "over this machine's TCP address instead of a relay")
	return c
}

// demoTime bounds a demo that hangs; it takes about two seconds.
const demoTime = time.Minute

// demo runs the real commands as a person would, in one folder that it removes.
func demo(ctx context.Context, ui *terminal, lan bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vcon-transfer-demo-")
	if err != nil {
		return destinationError{err}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &demonstration{ui: ui, program: program, dir: dir}
	defer d.stop()

	history := filepath.Join(dir, "old-phone.cbor")
	if err := os.WriteFile(history, sample.CBOR, 0o600); err != nil {
		return destinationError{err}
	}
	store, offer := filepath.Join(dir, "new-phone.db"), filepath.Join(dir, "offer.txt")

	// 1. The new device shows its offer.
	receive := []string{"receive", "--store", store, "--label", "new phone", "--qr", "none", "--offer-out", offer}
	if lan {
		receive = append(receive, "--listen", "127.0.0.1:0")
	} else {
		relay, err := d.start(ctx, "relay", "relay", "--quiet", "--listen", "127.0.0.1:0")
		if err != nil {
			return err
		}
		url, err := relay.await(ctx, regexp.MustCompile(`(https?://\S+)\n`))
		if err != nil {
			return err
		}
		receive = append(receive, "--no-lan", "--relay", url)
	}
	newPhone, err := d.start(ctx, "new phone", receive...)
	if err != nil {
		return err
	}
	if _, err := newPhone.await(ctx, regexp.MustCompile(`(Waiting)`)); err != nil {
		return err
	}
	o, err := (&sendFlags{offerFile: offer}).readOffer(ctx, ui)
	if err != nil {
		return err
	}
	if err := showQR(ui, o, "terminal"); err != nil {
		return err
	}
	if !ui.screen {
		ui.remark("(no QR code: this is not a terminal)")
	}

	// 2. The old device reads it, and a person copies six digits from one screen
	// to the other.
	oldPhone, err := d.start(ctx, "old phone", "send", history, "--offer-file", offer, "--label", "old phone", "--yes")
	if err != nil {
		return err
	}
	code, err := oldPhone.await(ctx, regexp.MustCompile(`Check code: (\d{6})`))
	if err != nil {
		return err
	}
	if _, err := newPhone.await(ctx, regexp.MustCompile(`(six digits)`)); err != nil {
		return err
	}
	newPhone.hush() // until the old phone has said how it went
	if _, err := io.WriteString(newPhone.stdin, code+"\n"); err != nil {
		return err
	}

	// 3. Success is the receipt, on both sides.
	err = oldPhone.wait()
	newPhone.speak()
	if err := errors.Join(err, newPhone.wait()); err != nil {
		return err
	}

	// 4. What is on the new device now.
	show := exec.CommandContext(ctx, program, "history", "show", "--store", store)
	show.Stdout, show.Stderr = ui.out, ui.err
	if err := show.Run(); err != nil {
		return fmt.Errorf("show the imported history: %w", err)
	}
	return nil
}

// A demonstration is the processes of a demo.
type demonstration struct {
	ui           *terminal
	program, dir string
	running      []*actor
}

// An actor is one process; its words are shown behind its name.
type actor struct {
	ui    *terminal
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{} // closed when its output ended
	err   error

	mu    sync.Mutex
	said  string
	heard chan struct{} // closed and replaced when something was said
	held  []string      // lines that are not shown yet, while quiet
	quiet bool
}

// hush keeps what the process says for later, so that two of them do not talk at
// once.
func (a *actor) hush() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quiet = true
}

// speak shows what was kept, and from now on everything.
func (a *actor) speak() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quiet = false
	for _, line := range a.held {
		a.show(line)
	}
	a.held = nil
}

// show writes one line behind the name, broken where the terminal ends.
func (a *actor) show(line string) {
	if a.quiet {
		a.held = append(a.held, line)
		return
	}
	name := a.name
	for _, part := range wrap(line, 0, a.ui.columns-nameWidth-4) {
		a.ui.remark("%*s │ %s", nameWidth, name, part)
		name = ""
	}
}

// nameWidth is the longest name of an actor.
const nameWidth = len("new phone")

// start runs one command of this program.
func (d *demonstration) start(ctx context.Context, name string, args ...string) (*actor, error) {
	a := &actor{ui: d.ui, name: name, cmd: exec.CommandContext(ctx, d.program, args...), done: make(chan struct{}), heard: make(chan struct{})}
	a.cmd.Dir = d.dir
	a.cmd.Cancel = func() error { return a.cmd.Process.Signal(os.Interrupt) }
	a.cmd.WaitDelay = 3 * time.Second
	r, w := io.Pipe()
	a.cmd.Stdout, a.cmd.Stderr = w, w
	var err error
	if a.stdin, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	d.running = append(d.running, a)
	go func() {
		defer close(a.done)
		a.listen(r)
	}()
	go func() {
		a.err = a.cmd.Wait()
		w.Close()
	}()
	return a, nil
}

// listen shows what the process says, a line at a time; a question has no end of
// line yet, and is remembered all the same.
func (a *actor) listen(r io.Reader) {
	in := bufio.NewReader(r)
	var line strings.Builder
	for {
		c, _, err := in.ReadRune()
		a.mu.Lock()
		if c == '\n' || err != nil && line.Len() > 0 {
			a.show(line.String())
			line.Reset()
		} else if err == nil {
			line.WriteRune(c)
		}
		if err == nil {
			a.said += string(c)
		}
		if err != nil || in.Buffered() == 0 {
			close(a.heard)
			a.heard = make(chan struct{})
		}
		a.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await waits until the process has said what matches, and returns its first
// group.
func (a *actor) await(ctx context.Context, want *regexp.Regexp) (string, error) {
	for {
		a.mu.Lock()
		m, heard := want.FindStringSubmatch(a.said), a.heard
		a.mu.Unlock()
		if m != nil {
			return m[1], nil
		}
		select {
		case <-heard:
		case <-a.done:
			if err := a.wait(); err != nil {
				return "", err
			}
			return "", fmt.Errorf("%s ended early", a.name)
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// wait waits for the end of the process.
func (a *actor) wait() error {
	<-a.done
	if a.err != nil {
		return fmt.Errorf("%s: %w", a.name, a.err)
	}
	return nil
}

// stop ends what still runs, the last one first, and waits for it.
func (d *demonstration) stop() {
	for i := len(d.running) - 1; i >= 0; i-- {
		a := d.running[i]
		a.stdin.Close()
		a.cmd.Process.Signal(os.Interrupt)
		<-a.done
	}
}
