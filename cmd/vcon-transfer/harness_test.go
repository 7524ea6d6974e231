package main

import (
	"bufio"
	"bytes"
	"cmp"
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
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be vcon-transfer itself: every test of a command
// runs it as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"vcon-transfer": main})
}

// processTime bounds a process of a test that hangs.
const processTime = 30 * time.Second

// A process is one running vcon-transfer. What it says on standard error can be
// waited for while it runs.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   bytes.Buffer
	ended chan struct{}
	exit  int

	mu    sync.Mutex
	said  strings.Builder
	heard chan struct{} // closed and replaced when something was said, closed for good at the end
}

// start runs vcon-transfer in dir with env added.
func start(ctx context.Context, dir string, env []string, args ...string) (*process, error) {
	return startProgram(ctx, "vcon-transfer", dir, env, args...)
}

// startProgram is start for another program than the one under test.
func startProgram(ctx context.Context, program, dir string, env []string, args ...string) (*process, error) {
	p := &process{name: args[0], ended: make(chan struct{}), heard: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, program, args...)
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), env...)
	p.cmd.WaitDelay = 5 * time.Second
	p.cmd.Stdout = &p.out
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		buf := make([]byte, 4096)
		for {
			n, err := stderr.Read(buf)
			p.mu.Lock()
			p.said.Write(buf[:n])
			close(p.heard)
			p.heard = make(chan struct{})
			p.mu.Unlock()
			if err != nil {
				break
			}
		}
		p.cmd.Wait()
		p.exit = p.cmd.ProcessState.ExitCode()
	}()
	return p, nil
}

// hear waits until the process has said what matches, and returns its last group.
func (p *process) hear(ctx context.Context, pattern string) (string, error) {
	want := regexp.MustCompile(pattern)
	for {
		p.mu.Lock()
		m, heard := want.FindStringSubmatch(p.said.String()), p.heard
		p.mu.Unlock()
		if m != nil {
			return m[len(m)-1], nil
		}
		select {
		case <-heard:
		case <-p.ended:
			if want.MatchString(p.stderr()) {
				continue
			}
			return "", fmt.Errorf("%s ended with %d and did not say %q:\n%s", p.name, p.exit, pattern, p.stderr())
		case <-ctx.Done():
			return "", fmt.Errorf("%s did not say %q:\n%s", p.name, pattern, p.stderr())
		}
	}
}

// tell types a line.
func (p *process) tell(line string) error {
	_, err := io.WriteString(p.stdin, line+"\n")
	return err
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.stdin.Close()
	<-p.ended
	return p.exit
}

func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// signal sends a signal; a process that has ended does not mind.
func (p *process) signal(s os.Signal) { p.cmd.Process.Signal(s) }

// A pairRun is a receive and a send that meet.
type pairRun struct {
	dir     string
	env     []string
	receive []string
	send    []string
	code    func(shown string) []string // what the person types, line by line; nil is what is shown
	between func(offerFile string) error

	receiver, sender string // the programs; "" is the one under test
}

// run runs both sides as processes, copies the digits from the old device's screen
// to the new one, and waits for both.
func (r pairRun) run(ctx context.Context) (receive, send *process, err error) {
	ctx, cancel := context.WithTimeout(ctx, processTime)
	defer cancel()
	file, err := os.MkdirTemp(r.dir, "offer-")
	if err != nil {
		return nil, nil, err
	}
	offer := filepath.Join(file, "offer.txt")
	receive, err = startProgram(ctx, cmp.Or(r.receiver, "vcon-transfer"), r.dir, r.env, append([]string{"receive", "--qr", "none", "--offer-out", offer}, r.receive...)...)
	if err != nil {
		return nil, nil, err
	}
	defer receive.signal(os.Kill) // when something below fails
	if _, err := receive.hear(ctx, "Waiting for the old device"); err != nil {
		return receive, nil, err
	}
	if r.between != nil {
		if err := r.between(offer); err != nil {
			return receive, nil, err
		}
	}
	send, err = startProgram(ctx, cmp.Or(r.sender, "vcon-transfer"), r.dir, r.env, append([]string{"send", "--offer-file", offer}, r.send...)...)
	if err != nil {
		return receive, nil, err
	}
	defer send.signal(os.Kill)
	code, err := send.hear(ctx, `Check code: (\d{6})|^.*\nvcon-transfer: |^vcon-transfer: `)
	if err != nil {
		return receive, send, err
	}
	if code != "" {
		lines := []string{code}
		if r.code != nil {
			lines = r.code(code)
		}
		for i, l := range lines {
			asked := fmt.Sprintf("(?s)(six digits that it shows: .*){%d}", i+1)
			if _, err := receive.hear(ctx, asked); err != nil {
				return receive, send, err
			}
			if err := receive.tell(l); err != nil {
				return receive, send, err
			}
		}
	}
	send.wait()
	receive.wait()
	if ctx.Err() != nil {
		err = fmt.Errorf("receive and send took too long:\n%s\n%s", receive.stderr(), send.stderr())
	}
	return receive, send, err
}

// startRelay runs a relay and returns it with the URL that it prints first.
func startRelay(ctx context.Context, dir string, args ...string) (relay *exec.Cmd, url string, err error) {
	relay = exec.CommandContext(ctx, "vcon-transfer", append([]string{"relay", "--listen", "127.0.0.1:0", "--drain", "2s"}, args...)...)
	relay.Dir = dir
	relay.Cancel = func() error { return relay.Process.Signal(os.Interrupt) }
	relay.WaitDelay = 5 * time.Second
	stdout, err := relay.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := relay.Start(); err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		return nil, "", errors.Join(fmt.Errorf("the relay says %q first", line), err, relay.Process.Kill())
	}
	return relay, url, nil
}
