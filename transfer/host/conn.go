package host

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/transfer"
)

var (
	// ErrClosed says that the host's commands have ended where an answer was awaited.
	ErrClosed = errors.New("the host's commands ended where an answer was awaited")
	// ErrGone says that the host takes no events any more.
	ErrGone = errors.New("the host takes no events any more")
	// ErrCancelled is the command cancel.
	ErrCancelled = errors.New("the host cancelled")
)

// A Conn is the host, for one transfer. Its methods may be called from any goroutine.
type Conn struct {
	opts Options

	out  sync.Mutex // one line at a time
	line []byte
	over bool // done was said, or could not be

	mu      sync.Mutex
	waiting map[string]chan *Command // by the answer's name
	closed  bool                     // no more commands
	window  int
	resized chan struct{} // has room for one word that it was
	wait    sync.WaitGroup
	meter   throttle
}

// Options configure New.
type Options struct {
	// Write takes one event, with its line feed, and keeps nothing of it. It is called
	// from one goroutine at a time.
	Write func(line []byte) error
	// Cancel ends the transfer: with ErrCancelled, or ErrGone when Write failed. It may
	// be nil.
	Cancel func(cause error)
	// Pause is that of the transfer; may be nil.
	Pause *transfer.Pauser
	// PNG adds the QR code to the offer.
	PNG bool
	// Consented says that the host has asked the person: consent is told, not asked for.
	Consented bool
}

// New begins a conversation with a host. Close ends it.
func New(opts Options) *Conn {
	return &Conn{opts: opts, waiting: make(map[string]chan *Command), window: DefaultWindow, resized: make(chan struct{}, 1)}
}

// Emit tells the host e. After Done it does nothing.
func (c *Conn) Emit(e Event) error {
	c.out.Lock()
	defer c.out.Unlock()
	if c.over {
		return nil
	}
	_, last := e.(Done)
	body, err := marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", e.event(), err)
	}
	b := appendHead(c.line[:0], e.event())
	if len(body) > 2 {
		b = append(b, ',')
	}
	b = append(append(b, body[1:]...), '\n')
	if c.line = b; cap(b) > maxKept {
		c.line = nil
	}
	c.over = last
	return c.write(b)
}

// appendHead appends how an event begins.
func appendHead(b []byte, event string) []byte {
	return append(append(append(b, `{"v":1,"event":"`...), event...), '"')
}

// emitLine is Emit of a line that is ready.
func (c *Conn) emitLine(line []byte) error {
	c.out.Lock()
	defer c.out.Unlock()
	if c.over {
		return nil
	}
	return c.write(line)
}

// write is called with c.out.
func (c *Conn) write(line []byte) error {
	err := c.opts.Write(line)
	if err == nil {
		return nil
	}
	c.over = true
	c.stop(ErrGone)
	return ErrGone
}

// maxKept is the largest buffer that is kept for the next event.
const maxKept = 64 << 10

// marshal is encoding/json without its escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Tell is Emit of a Warning.
func (c *Conn) Tell(code, message string) { _ = c.Emit(Warning{Code: code, Message: message}) }

// ReadCommands takes commands from r, line by line, until it ends.
func (c *Conn) ReadCommands(r io.Reader) {
	defer c.End()
	lines := bufio.NewReaderSize(r, maxKept)
	var line []byte
	for {
		part, err := lines.ReadSlice('\n')
		if len(line) <= MaxCommand {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			c.Command(text)
		}
		if err != nil {
			return
		}
		line = line[:0]
	}
}

// Command takes one command, without waiting for what it causes. One that makes no
// sense is a warning: bad-command, or unexpected-command for an answer to which there
// is no question.
func (c *Conn) Command(line []byte) {
	cmd, err := parseCommand(line)
	if err != nil {
		c.Tell("bad-command", err.Error())
		return
	}
	switch cmd.Cmd {
	case "cancel":
		c.stop(ErrCancelled)
	case "pause":
		if c.opts.Pause != nil {
			c.wait.Go(c.pause)
		}
	case "resume":
		if c.opts.Pause != nil {
			c.opts.Pause.Resume()
		}
	case "window":
		c.setWindow(*cmd.Size)
	default:
		if !c.answer(cmd) {
			c.Tell("unexpected-command", "nobody waits for the command "+cmd.Cmd)
		}
	}
}

func (c *Conn) pause() {
	ctx, cancel := context.WithTimeout(context.Background(), pauseTime)
	defer cancel()
	err := c.opts.Pause.Pause(ctx)
	_ = c.Emit(Paused{Told: err == nil})
}

// stop ends the transfer, and the waits for a host that has nothing to say any more:
// those of a Sink have no other end.
func (c *Conn) stop(cause error) {
	if c.opts.Cancel != nil {
		c.opts.Cancel(cause)
	}
	c.End()
}

// End says that there will be no more commands. Whoever waits for one, now or later,
// has ErrClosed.
func (c *Conn) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	ended := make(map[chan *Command]bool) // one may wait under several names
	for name, answers := range c.waiting {
		delete(c.waiting, name)
		if !ended[answers] {
			ended[answers] = true
			close(answers)
		}
	}
}

// Close waits for what commands have begun.
func (c *Conn) Close() {
	c.End()
	c.wait.Wait()
}

// listen makes the commands with one of the names wait for the caller, who takes them
// from answers. It is closed when there will be none.
func (c *Conn) listen(room int, names ...string) (answers chan *Command, over func()) {
	answers = make(chan *Command, room)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		close(answers)
		return answers, func() {}
	}
	for _, name := range names {
		c.waiting[name] = answers
	}
	return answers, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, name := range names {
			if c.waiting[name] == answers {
				delete(c.waiting, name)
			}
		}
	}
}

// answer hands a command to who waits for it, if somebody does and has room.
func (c *Conn) answer(cmd *Command) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.waiting[cmd.Cmd] <- cmd: // never ready when nobody waits: the channel is nil
		return true
	default:
		return false
	}
}

// ask tells e and waits for one of the answers with the names.
func (c *Conn) ask(ctx context.Context, e Event, names ...string) (*Command, error) {
	answers, over := c.listen(1, names...)
	defer over()
	if err := c.Emit(e); err != nil {
		return nil, err
	}
	return next(ctx, answers)
}

// next waits for a command.
func next(ctx context.Context, answers <-chan *Command) (*Command, error) {
	select {
	case cmd, ok := <-answers:
		if !ok {
			return nil, ErrClosed
		}
		return cmd, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ShowPNG is Options.PNG, once that is known.
func (c *Conn) ShowPNG() { c.opts.PNG = true }

// TellConsent is Options.Consented, once that is known.
func (c *Conn) TellConsent() { c.opts.Consented = true }
