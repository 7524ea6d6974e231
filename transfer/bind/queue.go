package bind

import (
	"bytes"
	"sync"
)

// A queue holds the events that the listener has not had yet, so that neither waits for
// the other: a slow listener does not stop the transfer, and one that gives a command
// while it takes an event does not stop itself. It grows only by what the app causes:
// of progress only the newest is kept.
type queue struct {
	mu     sync.Mutex
	lines  [][]byte
	closed bool
	more   chan struct{} // holds one when there may be something to take
}

// progress begins an event that the next one of its kind makes old.
const progress = `{"v":1,"event":"progress"`

// put takes a line, with its line feed, and keeps nothing of it.
func (q *queue) put(line []byte) error {
	line = bytes.Clone(bytes.TrimSuffix(line, []byte("\n")))
	q.mu.Lock()
	defer q.mu.Unlock()
	if last := len(q.lines) - 1; last >= 0 && isProgress(line) && isProgress(q.lines[last]) {
		q.lines[last] = line
		return nil
	}
	q.lines = append(q.lines, line)
	q.wake()
	return nil
}

func isProgress(line []byte) bool { return bytes.HasPrefix(line, []byte(progress)) }

// close says that nothing more is put.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// next waits for the next line. There is none any more when ok is false.
func (q *queue) next() (line string, ok bool) {
	for {
		if line, ok, over := q.take(); ok || over {
			return line, ok
		}
		<-q.more
	}
}

func (q *queue) take() (line string, ok, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		return "", false, q.closed
	}
	first := q.lines[0]
	q.lines[0] = nil
	q.lines = q.lines[1:]
	return string(first), true, false
}
