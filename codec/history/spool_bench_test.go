package history

import (
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// converted is what becomes of real logs in a spool, and of how many messages.
func converted(tb testing.TB) (data []byte, messages int) {
	tb.Helper()
	vcons, _, err := convert.All(tb.Context(), convert.IRC, testdata.Sub("irc"), ".", convert.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, v := range vcons {
		messages += len(v.Dialog)
		if data, err = v.AppendCBOR(data); err != nil {
			tb.Fatal(err)
		}
	}
	return data, messages
}

// A converted history of real logs takes so little of the disk that 64 MiB are enough
// for more than half a million messages.
func TestSpoolOfRealLogs(t *testing.T) {
	data, messages := converted(t)
	var p packer
	packed, chunks := 0, len(data)/spoolChunk
	for n := range chunks {
		c, err := p.pack(data[n*spoolChunk : (n+1)*spoolChunk])
		if err != nil {
			t.Fatal(err)
		}
		packed += len(c) + spoolTag
	}
	each := float64(packed) / float64(messages) * float64(len(data)) / float64(chunks*spoolChunk)
	t.Logf("%d messages: %d bytes each, %.0f on disk", messages, len(data)/messages, each)
	if chunks < 10 || each > float64(64<<20)/600_000 {
		t.Errorf("%.0f bytes a message in %d chunks", each, chunks)
	}
}

// Packing a chunk costs more than sealing it, and less than converting it.
func BenchmarkSpoolChunk(b *testing.B) {
	data, _ := converted(b)
	data = data[:len(data)/spoolChunk*spoolChunk]
	chunk := func(i int) []byte { at := i * spoolChunk % len(data); return data[at : at+spoolChunk] }
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	var p packer
	var out []byte
	b.Run("seal", func(b *testing.B) {
		b.SetBytes(spoolChunk)
		b.ReportAllocs()
		for i := range b.N {
			out = aead.Seal(out[:0], nonceOf(int64(i)), chunk(i), nil)
		}
	})
	b.Run("pack", func(b *testing.B) {
		b.SetBytes(spoolChunk)
		b.ReportAllocs()
		packed := 0
		for i := range b.N {
			c, err := p.pack(chunk(i))
			if err != nil {
				b.Fatal(err)
			}
			packed += len(c)
		}
		b.ReportMetric(float64(packed)/float64(b.N)/spoolChunk, "ratio")
	})
	b.Run("unpack", func(b *testing.B) {
		b.SetBytes(spoolChunk)
		b.ReportAllocs()
		c, err := p.pack(chunk(0))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if out, err = p.unpack(out[:0], c); err != nil {
				b.Fatal(err)
			}
		}
	})
}
