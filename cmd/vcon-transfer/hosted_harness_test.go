package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A hostRun is one `vcon-transfer ... --json`, run as a host runs it. Every event is
// held against the schema, and the end against the contract: done once, and last.
type hostRun struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
	stderr bytes.Buffer
	lines  chan []byte
	read   []string // of lines, so far
	done   map[string]any
	ended  sync.Once
}

// host starts a process with args and --json in dir. files become the descriptors from
// 3 on, and are closed here.
func hostStart(t *testing.T, ctx context.Context, dir string, files []*os.File, args ...string) *hostRun {
	t.Helper()
	h := &hostRun{t: t, name: args[0], lines: make(chan []byte, 4096)}
	h.cmd = exec.CommandContext(ctx, "vcon-transfer", append(args, "--json")...)
	h.cmd.Dir, h.cmd.ExtraFiles = dir, files
	h.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+dir, "TMPDIR="+dir, "TZ=UTC")
	h.cmd.Stderr, h.cmd.WaitDelay = &h.stderr, 5*time.Second
	var err error
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if h.stdout, err = h.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		f.Close()
	}
	go func() {
		defer close(h.lines)
		for r := bufio.NewReader(h.stdout); ; {
			line, err := r.ReadBytes('\n')
			if len(line) > 0 {
				h.lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { h.cmd.Process.Kill(); h.wait() })
	return h
}

// next returns the next event, or nil at the end.
func (h *hostRun) next() map[string]any {
	h.t.Helper()
	line, ok := <-h.lines
	if !ok {
		return nil
	}
	h.read = append(h.read, string(line))
	if h.done != nil {
		h.t.Errorf("%s: an event behind done: %s", h.name, line)
	}
	if err := conforms(line, eventSchema); err != nil {
		h.t.Errorf("%s: %s: %v", h.name, line, err)
	}
	var e map[string]any
	if err := json.Unmarshal(line, &e); err != nil {
		h.t.Fatalf("%s: %q: %v", h.name, line, err)
	}
	if e["event"] == "done" {
		h.done = e
	}
	return e
}

// event returns the next event with a name, past others.
func (h *hostRun) event(name string) map[string]any {
	h.t.Helper()
	for e := h.next(); e != nil; e = h.next() {
		if e["event"] == name {
			return e
		}
	}
	h.wait()
	h.t.Fatalf("%s ended without the event %s:\n%s%s", h.name, name, strings.Join(h.read, ""), &h.stderr)
	return nil
}

// tell sends a command. It has to conform, unless it is said to be bad.
func (h *hostRun) tell(line string) {
	h.t.Helper()
	if err := conforms([]byte(line), commandSchema); err != nil {
		h.t.Errorf("command %s: %v", line, err)
	}
	h.tellBad(line)
}

func (h *hostRun) tellBad(line string) {
	_, _ = io.WriteString(h.stdin, line+"\n") // a process that has ended does not mind
}

// code answers for the check code.
func (h *hostRun) code(code any) { h.tell(fmt.Sprintf(`{"cmd":"check_code","code":%q}`, code)) }

func (h *hostRun) wait() {
	h.ended.Do(func() {
		for range h.lines {
			// to its end, so that it can end
		}
		h.cmd.Wait()
	})
}

// ends reads on until the end, and returns done, which has to have the exit code of
// the process, and that code.
func (h *hostRun) ends(exit int, code string) map[string]any {
	h.t.Helper()
	for h.next() != nil {
	}
	h.wait()
	if h.done == nil {
		h.t.Fatalf("%s: no done:\n%s%s", h.name, strings.Join(h.read, ""), &h.stderr)
	}
	if got := h.cmd.ProcessState.ExitCode(); got != exit || h.done["exit"] != float64(got) || h.done["code"] != code {
		h.t.Errorf("%s ended with %d, and said %v and %v: %v; want %d and %s\n%s", h.name, got, h.done["exit"], h.done["code"], h.done["message"],
			exit, code, strings.Join(h.read, ""))
	}
	return h.done
}

// offered starts a receive and returns it with the text of its offer.
func hostReceive(t *testing.T, ctx context.Context, dir string, args ...string) (*hostRun, string) {
	t.Helper()
	r := hostStart(t, ctx, dir, nil, append([]string{"receive", "--listen", "127.0.0.1:0", "--store", "new.db"}, args...)...)
	return r, r.event("offer")["text"].(string)
}

// hostSend starts a send of the sample.
func hostSend(t *testing.T, ctx context.Context, dir, offer string, args ...string) *hostRun {
	t.Helper()
	return hostStart(t, ctx, dir, []*os.File{textFile(t, offer)}, append([]string{"send", sampleFile(t), "--offer-fd", "3"}, args...)...)
}

// textFile is an open file with a text.
func textFile(t *testing.T, text string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
