package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

// A terminal is the person: results go to out, questions, codes and remarks to
// err, progress to err when it is a screen, answers come from in, line by line.
type terminal struct {
	out, err io.Writer
	in       io.Reader
	piped    io.Reader // what a SOURCE reads from, that is no file
	host     *hosted   // in the place of the person; nil is a person
	quiet    bool
	screen   bool // err is a terminal
	columns  int
	rows     int

	mu      sync.Mutex
	drawn   bool // a progress line is on the screen
	lines   chan line
	reading bool
}

type line struct {
	text string
	err  error
}

func newTerminal(in io.Reader, out, err io.Writer) *terminal {
	t := &terminal{in: in, piped: in, out: out, err: err, columns: 80, rows: 24}
	if f, ok := err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.screen = true
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			t.columns, t.rows = w, h
		}
	}
	return t
}

// say writes a line of the conversation with the person.
func (t *terminal) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	fmt.Fprintf(t.err, format+"\n", args...)
}

// remark is say, for what --quiet leaves out.
func (t *terminal) remark(format string, args ...any) {
	if !t.quiet {
		t.say(format, args...)
	}
}

// warn tells of something that stops nothing, with a token for a host.
func (t *terminal) warn(code, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if t.host != nil {
		t.host.Tell(code, text)
		return
	}
	t.say("Warning: %s", text)
}

// ask asks one question and waits for a line. It returns io.EOF when there is
// nobody to answer.
func (t *terminal) ask(ctx context.Context, question string) (string, error) {
	t.mu.Lock()
	t.clear()
	fmt.Fprint(t.err, question)
	t.mu.Unlock()
	text, err := t.line(ctx)
	if ctx.Err() != nil || !t.screen {
		fmt.Fprintln(t.err)
	}
	return text, err
}

// line waits for a line.
func (t *terminal) line(ctx context.Context) (string, error) {
	t.mu.Lock()
	if !t.reading {
		t.reading = true
		t.lines = make(chan line)
		// The one goroutine that nobody waits for: a read of the terminal
		// cannot be called off, and ends with the process.
		go t.read()
	}
	t.mu.Unlock()
	select {
	case l := <-t.lines:
		return l.text, l.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (t *terminal) read() {
	r := bufio.NewReaderSize(t.in, maxLine)
	for {
		text, err := r.ReadSlice('\n')
		if len(text) > 0 && err == io.EOF {
			err = nil // a last line without its end
		}
		t.lines <- line{strings.TrimSpace(string(text)), err}
		for err != nil {
			t.lines <- line{"", err} // to whoever asks next
		}
	}
}

// maxLine bounds a typed or pasted answer; the text of an offer is the longest.
const maxLine = 8 << 10

// progress draws the one progress line; at the end of the data with what follows.
func (t *terminal) progress(p transfer.Progress, storing string) {
	if t.quiet || !t.screen {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	text := progressLine(p, storing)
	if len(text) > t.columns-1 {
		text = text[:t.columns-1]
	}
	fmt.Fprintf(t.err, "\r%s\x1b[K", text)
	t.drawn = true
}

// progressLine says how far it is, and never that all is there before it is.
func progressLine(p transfer.Progress, storing string) string {
	text := fmt.Sprintf("%s of %s messages, %s", count(p.Messages), count(p.TotalMessages), size(p.Bytes))
	if p.Storing {
		return text + "; " + storing
	}
	text += " of " + size(p.TotalBytes)
	if seconds := p.Elapsed.Seconds(); seconds > 1 && p.Bytes > p.Held {
		rate := float64(p.Bytes-p.Held) / seconds
		left := time.Duration(float64(p.TotalBytes-p.Bytes)/rate) * time.Second
		text += fmt.Sprintf(", %s/s, %s left", size(uint64(rate)), left.Round(time.Second))
	}
	return text
}

// endProgress leaves the progress line behind.
func (t *terminal) endProgress() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
}

func (t *terminal) clear() {
	if t.drawn {
		fmt.Fprint(t.err, "\r\x1b[K")
		t.drawn = false
	}
}

// interrupted tells of a connection that is lost and not back yet, or of another device
// that is paused.
func (t *terminal) interrupted(i transfer.Interruption) {
	if i.Paused {
		what := "The other device is paused. Waiting for it"
		if i.Cause != nil {
			what = "The connection to the paused device was lost. Waiting"
		}
		t.say("%s until %s.", what, clockTime(i.Until))
		return
	}
	t.say("The connection was lost. Looking for another one until %s.", i.Until.Local().Format("15:04:05"))
	switch {
	case i.Route.Kind == pairing.RouteRelay:
		t.remark("Does the relay answer, and is `vcon-transfer receive` still running?")
	case i.Route.Kind != 0:
		t.remark("Is the new device awake, and still on this network?")
	default:
		t.remark("Is the old device awake, and the network or the relay between them there?")
	}
}

// printable makes a text of the peer or of the history fit for a terminal.
func printable(s string, n int) string { return host.Printable(s, n) }

// count writes 12345 as 12,345.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is "1 message" or "2 messages".
func plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}

// size writes a number of bytes for people.
func size(n uint64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}
