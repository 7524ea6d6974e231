package transfertest_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/testdata/gen"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

func genSource(t testing.TB) transfer.Source {
	g := gen.New(3)
	g.Rooms = 1
	s := history.NewSource(history.FromVCons(g.Messages(1000)), history.SourceOptions{})
	t.Cleanup(func() { s.Close() })
	return s
}

func TestCheckSourceOfOurs(t *testing.T) {
	transfertest.CheckSource(t, genSource(t))
	source, _, done := sampleTransfer()
	defer done()
	transfertest.CheckSource(t, source)
}

func TestCheckSourceFinds(t *testing.T) {
	for _, c := range []struct {
		name, want string
		source     func(transfer.Source) transfer.Source
	}{
		{"an overview of less", "overview: ", func(s transfer.Source) transfer.Source { return modest{s} }},
		{"the oldest first", "a newer one comes behind", func(s transfer.Source) transfer.Source { return oldestFirst{s} }},
		{"attachments from their beginning", "on it is another one", func(s transfer.Source) transfer.Source { return fromZero{s} }},
		{"a buffer that is lost", "does not append", func(s transfer.Source) transfer.Source { return replacing{s} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			heard := &hearing{TB: t}
			done := make(chan struct{})
			go func() { // Fatal ends the goroutine
				defer close(done)
				transfertest.CheckSource(heard, c.source(genSource(t)))
			}()
			<-done
			if got := strings.Join(heard.said, "\n"); !strings.Contains(got, c.want) {
				t.Errorf("CheckSource says %q, want %q", got, c.want)
			}
		})
	}
}

// hearing is a test whose failure is what is wanted.
type hearing struct {
	testing.TB
	said []string
}

func (h *hearing) Error(args ...any) { h.said = append(h.said, fmt.Sprint(args...)) }

func (h *hearing) Errorf(format string, args ...any) { h.Error(fmt.Sprintf(format, args...)) }

func (h *hearing) Fatalf(format string, args ...any) {
	h.Errorf(format, args...)
	runtime.Goexit()
}

type modest struct{ transfer.Source }

func (s modest) Overview(ctx context.Context, scope segment.Scope) (*segment.Overview, error) {
	o, err := s.Source.Overview(ctx, scope)
	if o != nil {
		o.Messages--
	}
	return o, err
}

type oldestFirst struct{ transfer.Source }

func (s oldestFirst) Manifest(ctx context.Context, scope segment.Scope) iter.Seq2[*segment.Page, error] {
	return func(yield func(*segment.Page, error) bool) {
		for p, err := range s.Source.Manifest(ctx, scope) {
			if p != nil {
				p = turned(p)
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// turned is a page whose messages segments, with their attachments, come in the
// other order within each room.
func turned(p *segment.Page) *segment.Page {
	out := &segment.Page{Left: p.Left}
	var groups [][]segment.Entry
	flush := func() {
		for i := len(groups) - 1; i >= 0; i-- {
			out.Entries = append(out.Entries, groups[i]...)
		}
		groups = nil
	}
	for _, e := range p.Entries {
		switch {
		case e.Type == segment.AttachmentType && len(groups) > 0:
			groups[len(groups)-1] = append(groups[len(groups)-1], e)
		case e.Type == segment.SegmentType && e.Segment.Kind == segment.Messages:
			groups = append(groups, []segment.Entry{e})
		default:
			flush()
			out.Entries = append(out.Entries, e)
		}
	}
	flush()
	return out
}

type fromZero struct{ transfer.Source }

func (s fromZero) OpenAttachment(ctx context.Context, room string, seg segment.ID, e segment.AttachmentEntry, _ uint64) (io.ReadCloser, error) {
	return s.Source.OpenAttachment(ctx, room, seg, e, 0)
}

type replacing struct{ transfer.Source }

func (s replacing) AppendSegment(ctx context.Context, id segment.ID, _ []byte) ([]byte, error) {
	return s.Source.AppendSegment(ctx, id, nil)
}
