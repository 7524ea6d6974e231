package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// BenchmarkImport imports a room of a hundred thousand messages with replies,
// durably, as a transfer does.
func BenchmarkImport(b *testing.B) {
	const n = 100_000
	c := newChat(b, "Ann", "Ben", "Cai", "Dan")
	for i := range n {
		m := said{
			by: []string{"Ann", "Ben", "Cai", "Dan"}[i%4], at: time.Duration(i) * 7 * time.Second,
			text: fmt.Sprintf("message %d: has anybody tried to mount the drive with the other driver (%x)?", i, i*7919),
		}
		switch {
		case i > 10 && i%4 == 0:
			m.reply = c.v.Dialog[i-5].MessageID
		case i > 10 && i%50 == 1:
			m.reply, m.react, m.text = c.v.Dialog[i-3].MessageID, true, "+1"
		case i > 10 && i%100 == 2:
			m.replaces = c.v.Dialog[i-4].MessageID
		}
		c.say(m)
	}
	all := leaves(b, c.source())
	size := 0
	for _, l := range all {
		size += len(l.data)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		b.StopTimer()
		s, err := Open(b.Context(), filepath.Join(b.TempDir(), "history.db"), Options{Now: now})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		begin(b, s, info(1, ""), all)
		for _, l := range all {
			stageOne(b, s, l)
		}
		if err := s.Commit(b.Context(), segment.End{}, nil); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkHistory reads and searches a room of ten thousand messages.
func BenchmarkHistory(b *testing.B) {
	s := newStore(b)
	transferTo(b, s, info(1, ""), manyMessages(b, 10_000).source())
	b.Run("whole room", func(b *testing.B) {
		for b.Loop() {
			if got := len(collect(b, s.Messages(b.Context(), roomURI, Query{}))); got != 10_000 {
				b.Fatal(got)
			}
		}
	})
	b.Run("last 50", func(b *testing.B) {
		for b.Loop() {
			collect(b, s.Messages(b.Context(), roomURI, Query{Limit: 50}))
		}
	})
	b.Run("search", func(b *testing.B) {
		for b.Loop() {
			collect(b, s.Search(b.Context(), "weather boats", Query{Limit: 50}))
		}
	})
	b.Run("heads", func(b *testing.B) {
		for b.Loop() {
			collect(b, s.Heads(b.Context(), roomURI))
		}
	})
	b.Run("list of rooms", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.ListRooms(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
