package segment

import (
	"crypto/sha256"
	"testing"
)

// BenchmarkCutEncode makes all segments of a history, as a source does: heads
// were taken before, items are in memory.
func BenchmarkCutEncode(b *testing.B) {
	const n = 100_000
	room, parties := engineering(50)
	items := talk(1, n, parties)
	hs := heads(b, room, items)
	b.ReportAllocs()
	var buf []byte
	var total, segments int
	for b.Loop() {
		total, segments = 0, 0
		for span := range CutNewestFirst(hs) {
			from := span[0].Ref
			var err error
			buf, _, _, err = Encode(room, items[from:from+uint64(len(span))], buf[:0])
			if err != nil {
				b.Fatal(err)
			}
			total += len(buf)
			segments++
		}
	}
	b.SetBytes(int64(total))
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(segments), "segments")
}

func BenchmarkHead(b *testing.B) {
	room, parties := engineering(50)
	items := talk(1, 1000, parties)
	var k Keyer
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := k.Head(room, items[i%1000], 0); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkCut(b *testing.B) {
	hs := regimes[0].gen(1).heads(100_000)
	b.ReportAllocs()
	for b.Loop() {
		for range CutNewestFirst(hs) {
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	room, parties := engineering(50)
	data, _, _, err := Encode(room, talk(1, 1000, parties), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRoot(b *testing.B) {
	h := NewRootHasher([32]byte{1})
	b.ReportAllocs()
	for b.Loop() {
		h.Segment(sha256.Sum256(nil), 1000)
	}
}
