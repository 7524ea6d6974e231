package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// A store is a host's own, as one of docs/subprocess.md has it: items by key, contents
// by hash. It outlives the sink.
type store struct {
	t        *testing.T
	mu       sync.Mutex
	transfer string
	items    map[string]stagedItem // by key
	contents map[string]Attachment
	segments map[string]string // by which transfer each came whole
	gave     map[string]string // and each content, by its key in contents
	lacks    map[string]bool   // segments of which something was rejected
	commits  int
	final    int                              // commits that were answered
	came     map[string]bool                  // batches, of each transfer
	repeats  bool                             // a batch may come again
	batches  []int                            // items of each, as they came
	flying   int                              // batches that are not acknowledged
	most     int                              // of flying, ever
	reject   func(item map[string]any) string // a code, or ""
	slow     time.Duration
	say      func(e map[string]any, answer string) string // what is said instead
	dead     bool                                         // the process is: nothing is heard
	copies   bool                                         // contents, and leaves the files
	conn     *Conn
	answers  chan string
	wait     sync.WaitGroup
}

type stagedItem struct{ transfer, dialog string }

func newStore(t *testing.T) *store {
	return &store{
		t: t, items: make(map[string]stagedItem), contents: make(map[string]Attachment), segments: make(map[string]string),
		gave: make(map[string]string), lacks: make(map[string]bool),
	}
}

// sink opens a sink into dir whose host this is. Its answers come in another goroutine,
// one after the other, as from a pipe.
func (s *store) sink(dir string, o SinkOptions) *Sink {
	s.t.Helper()
	s.conn = New(Options{Write: s.take})
	sink, err := OpenSink(s.conn, dir, o)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, answers := s.conn, make(chan string, 1000)
	s.answers = answers
	s.wait.Go(func() {
		for line := range answers {
			time.Sleep(s.slow)
			s.mu.Lock()
			if strings.Contains(line, `"ack"`) {
				s.flying--
			}
			s.mu.Unlock()
			conn.Command([]byte(line))
		}
	})
	return sink
}

// close ends what sink began.
func (s *store) close(sink *Sink) {
	if err := sink.Close(); err != nil {
		s.t.Error(err)
	}
	close(s.answers)
	s.wait.Wait()
}

func (s *store) take(line []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return nil
	}
	var e map[string]any
	if err := json.Unmarshal(line, &e); err != nil {
		s.t.Errorf("%s: %v", line, err)
		return err
	}
	answer := ""
	switch e["event"] {
	case "have":
		s.transfer = e["transfer"].(string)
		answer = s.have()
	case "batch":
		s.flying++
		s.most = max(s.most, s.flying)
		answer = s.stage(e)
	case "commit":
		s.commits++
		answer = `{"cmd":"committed"}`
	}
	if s.say != nil {
		answer = s.say(e, answer)
	}
	if answer != "" {
		s.answers <- answer
	}
	if strings.Contains(answer, "committed") {
		s.final++
	}
	return nil
}

// have lists what came with other transfers. What it rejected it does not have, and of
// this transfer the journal knows.
func (s *store) have() string {
	cmd := Command{Cmd: "have"}
	for id, by := range s.segments {
		if by != s.transfer && !s.lacks[id] {
			cmd.Segments = append(cmd.Segments, id)
		}
	}
	for key, a := range s.contents {
		if s.gave[key] != s.transfer {
			cmd.Attachments = append(cmd.Attachments, a)
		}
	}
	return s.line(cmd)
}

func (s *store) stage(e map[string]any) string {
	n := uint64(e["batch"].(float64))
	cmd := Command{Cmd: "ack", Batch: &n}
	items, _ := e["items"].([]any)
	s.once(e)
	parties, _ := e["parties"].([]any)
	s.batches = append(s.batches, len(items))
	for i, v := range items {
		item := v.(map[string]any)
		if item["item"] != float64(i) {
			s.t.Errorf("item %d is called %v", i, item["item"])
		}
		dialog := item["dialog"].(map[string]any)
		cited, _ := dialog["parties"].([]any) // a tombstone may have none
		for _, index := range cited {
			if int(index.(float64)) >= len(parties) {
				s.t.Errorf("no party %v in %v", index, parties)
			}
		}
		if code := s.rejects(item); code != "" {
			cmd.Rejected = append(cmd.Rejected, Rejection{&i, code})
			s.lacks[e["segment"].(string)] = true
			continue
		}
		key, text := item["key"].(string), s.line(dialog)
		if old, ok := s.items[key]; ok && old.dialog == text {
			if old.transfer != s.transfer {
				cmd.There = append(cmd.There, i)
			}
			continue
		}
		s.items[key] = stagedItem{s.transfer, text}
	}
	contents, _ := e["attachments"].([]any)
	for i, v := range contents {
		a := v.(map[string]any)
		if code := s.rejects(a); code != "" {
			cmd.Rejected = append(cmd.Rejected, Rejection{&i, code})
			continue
		}
		data, err := os.ReadFile(a["path"].(string))
		sum := sha256.Sum256(data)
		if err != nil || hex.EncodeToString(sum[:]) != a["sha256"] || len(data) != int(a["size"].(float64)) {
			s.t.Errorf("%v is not what %s has: %v", a, a["path"], err)
		}
		if !s.copies {
			os.Remove(a["path"].(string)) // as if it was moved
		}
		room := e["room"].(map[string]any)["id"].(string)
		c := Attachment{room, a["message_id"].(string), uint64(a["part"].(float64)), uint64(len(data)), hex.EncodeToString(sum[:])}
		s.contents[fmt.Sprint(c)], s.gave[fmt.Sprint(c)] = c, s.transfer
	}
	if len(contents) == 0 && e["last"] == true {
		s.segments[e["segment"].(string)] = s.transfer
	}
	return s.line(cmd)
}

// once sees to it that a batch comes once in a transfer, also when a connection is lost
// while it is with the host.
func (s *store) once(e map[string]any) {
	name := s.transfer + s.line(e["segment"]) + s.line(e["attachments"])
	if items, _ := e["items"].([]any); len(items) > 0 {
		name += items[0].(map[string]any)["key"].(string)
	}
	if s.came[name] && !s.repeats {
		s.t.Errorf("batch %v came twice", e["batch"])
	}
	if s.came == nil {
		s.came = make(map[string]bool)
	}
	s.came[name] = true
}

func (s *store) rejects(item map[string]any) string {
	if s.reject == nil {
		return ""
	}
	return s.reject(item)
}

func (s *store) line(v any) string {
	b, err := marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// sampleSource is the sample history.
func sampleSource(t *testing.T) transfer.Source {
	t.Helper()
	name := t.TempDir() + "/sample.cbor"
	if err := os.WriteFile(name, sample.CBOR, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := history.OpenFiles(t.Context(), []string{name}, history.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return history.NewSource(r, history.SourceOptions{})
}

// run moves the sample into a sink.
func (s *store) run(source transfer.Source, sink transfer.Sink) *transfertest.Outcome {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Hour)
	defer cancel()
	return transfertest.Run(ctx, transfer.SendOptions{Source: source}, transfer.ReceiveOptions{Sink: sink})
}
