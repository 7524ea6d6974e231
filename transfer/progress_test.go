package transfer_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// A guessing source estimates the bytes of its history wrongly.
type guessing struct {
	*memorySource
	times float64
}

func (g *guessing) Overview(ctx context.Context, s segment.Scope) (*segment.Overview, error) {
	o, err := g.memorySource.Overview(ctx, s)
	if err == nil {
		o.Bytes = uint64(float64(o.Bytes) * g.times)
	}
	return o, err
}

// What is reported never exceeds its totals, and reaches them when all of it is taken
// and not before, on both sides, whatever the source, the sink and the network are like.
func TestProgress(t *testing.T) {
	leftOut := segment.Ledger{Source: 10_000, Excluded: map[segment.Reason]uint64{segment.OutsideScope: 10_000}}
	for _, c := range []struct {
		name   string
		source func() *memorySource
		sink   func(*memorySink, *memorySource)
		faults func(n int) (out, back transfertest.Faults)
		times  float64 // what is estimated
		change bool    // the source, between connections
		shrink bool    // a total of bytes may go down
		more   uint64  // messages than the source has now, at most, in a total
	}{
		{name: "nothing", source: func() *memorySource { return newSource(1, 0, 0, 0, 0) }},
		{name: "messages", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 0) }},
		{name: "files", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 40_000) }},
		{name: "estimated high", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 40_000) }, times: 100, shrink: true},
		{name: "estimated low", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 40_000) }, times: 0.01},
		{name: "estimated as nothing", source: func() *memorySource { return newSource(1, 40, 1, 5_000, 0) }, times: -1},
		{name: "much is left out", source: func() *memorySource {
			s := newSource(1, 4, 20, 5_000, 0)
			s.pages[0].Left = leftOut
			return s
		}},
		{name: "half is held", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 40_000) },
			sink: func(sink *memorySink, src *memorySource) {
				for id, data := range src.segments {
					if id[0] < 128 {
						sink.segments[id] = data
					}
				}
				for name, data := range src.content {
					switch {
					case src.content[name][0] < 80:
						sink.content[name] = data
					case src.content[name][0] < 160:
						sink.partial[name] = append([]byte(nil), data[:30_000]...)
					}
				}
			}},
		{name: "all is held", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 40_000) },
			sink: func(sink *memorySink, src *memorySource) { sink.segments, sink.content = src.segments, src.content }},
		{name: "content is absent", shrink: true, source: func() *memorySource {
			s := newSource(1, 4, 20, 5_000, 40_000)
			for name := range s.content {
				if s.content[name][0] < 128 {
					delete(s.content, name)
				}
			}
			return s
		}},
		{name: "cut", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 40_000) }, faults: cutThrice},
		{name: "cut and changed", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 40_000) }, faults: cutThrice, change: true, more: 20},
		{name: "cut on the way back", source: func() *memorySource { return newSource(1, 4, 20, 5_000, 40_000) },
			faults: func(n int) (out, back transfertest.Faults) {
				out, back = cutThrice(n)
				return back, transfertest.Faults{CutAfter: out.CutAfter / 100}
			}},
	} {
		for _, slow := range []time.Duration{0, 300 * time.Millisecond} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					src := c.source()
					r := newRun(t, src)
					if c.sink != nil {
						c.sink(r.sink, src)
					}
					if c.times != 0 {
						r.guess = &guessing{src, max(c.times, 0)}
					}
					r.network.faults, r.sink.slow = c.faults, slow
					if rnd := rand.New(rand.NewPCG(3, 3)); c.change {
						r.network.down = func(n int) bool {
							for range min(n, 3) {
								src.change(rnd)
							}
							return false
						}
					}
					r.do(t)
					if r.sendErr != nil || r.receiveErr != nil {
						t.Fatalf("send: %v\nreceive: %v", r.sendErr, r.receiveErr)
					}
					if err := r.sink.holds(src); err != nil {
						t.Fatal(err)
					}
					messages := uint64(0)
					for _, p := range src.pages {
						for _, e := range p.Entries {
							messages += e.Segment.Items
						}
					}
					checkProgress(t, "sender", r.progress, messages, messages+c.more, !c.shrink, c.faults == nil)
					checkProgress(t, "receiver", r.arrived, messages, messages+c.more, !c.shrink, c.faults == nil)
				})
			})
		}
	}
}

// cutThrice cuts three connections.
func cutThrice(n int) (out, back transfertest.Faults) {
	if n < 3 {
		out.CutAfter = int64(400_000 * (n + 1))
	}
	return out, back
}

// checkProgress checks all reports of one side. On one connection nothing goes back but
// a total of bytes that was estimated too high or whose content is absent.
func checkProgress(t *testing.T, who string, reports []transfer.Progress, messages, most uint64, grow, steady bool) {
	t.Helper()
	var last transfer.Progress
	for i, p := range reports {
		switch {
		case p.Bytes > p.TotalBytes || p.Messages > p.TotalMessages || p.Held > p.Bytes:
			t.Errorf("%s: report %d exceeds its totals: %+v", who, i, p)
		case p.TotalMessages > most:
			t.Errorf("%s: report %d has %d messages, there are %d", who, i, p.TotalMessages, messages)
		case p.Storing != (p.Bytes == p.TotalBytes):
			t.Errorf("%s: report %d of %d is at its end or not: %+v", who, i, len(reports), p)
		case p.Storing && p.Messages != messages, p.Storing && p.TotalMessages != messages:
			t.Errorf("%s: report %d ends with %d messages, there are %d: %+v", who, i, p.Messages, messages, p)
		case last.Storing && !p.Storing && steady:
			t.Errorf("%s: report %d goes back from the end: %+v", who, i, p)
		case steady && (p.TotalMessages < last.TotalMessages || p.Messages < last.Messages || p.Bytes < last.Bytes),
			steady && grow && !p.Storing && p.TotalBytes < last.TotalBytes:
			t.Errorf("%s: report %d goes back: %+v after %+v", who, i, p, last)
		}
		last = p
	}
	if !last.Storing {
		t.Errorf("%s: the last report is not the end: %+v", who, last)
	}
}

// The receiver says that all is taken before it commits; the sender before it has the
// receipt; and neither before all is there.
func TestProgressStoring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 4, 20, 5_000, 40_000))
		r.sink.slow = 100 * time.Millisecond
		r.wrapSink = func(s *memorySink) transfer.Sink { return &slowCommit{s} }
		r.do(t)
		r.succeeded(t)
		for who, reports := range map[string][]transfer.Progress{"sender": r.progress, "receiver": r.arrived} {
			n := len(reports)
			first := n
			for i := n - 1; i >= 0 && reports[i].Storing; i-- {
				first = i
			}
			if first == n || reports[n-1].Elapsed-reports[first].Elapsed < 50*time.Second {
				t.Errorf("%s: was not told of the minute of the commit: %+v", who, reports[max(0, n-3):])
			}
		}
	})
}

// A slowCommit takes a minute for its commit.
type slowCommit struct{ *memorySink }

func (s *slowCommit) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	time.Sleep(time.Minute) // fake time
	return s.memorySink.Commit(ctx, end, receipt)
}
