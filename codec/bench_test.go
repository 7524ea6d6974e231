package codec

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// sampleDialogs is n MIMI messages of the usual size.
func sampleDialogs(n int) []Dialog {
	ds := make([]Dialog, n)
	zero := uint64(0)
	for i := range ds {
		who := uint32(1 + i%40)
		ds[i] = Dialog{
			Type: "text", Start: Date(fmt.Sprintf("2022-02-08T%02d:%02d:%02d.%03dZ", i/3600%24, i/60%60, i%60, i%1000)),
			Duration: &zero, Parties: []uint32{0}, Originator: &who,
			MediaType: "text/markdown;variant=GFM", Encoding: EncodingNone,
			Body:      Body{Kind: BodyText, Data: fmt.Appendf(nil, "message %d: the build of the second branch is green again, who merges?", i)},
			MessageID: BinaryOf(bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 16)),
			Salt:      BinaryOf(bytes.Repeat([]byte{byte(i >> 4)}, 16)),
		}
		if i%3 == 0 && i > 0 {
			ds[i].InReplyTo = ds[i-1].MessageID
		}
	}
	return ds
}

func sampleVCon(n int) *VCon {
	v := &VCon{Version: Version, UUID: "018e3bd0-0000-8000-8000-000000000000", Room: &Room{ID: "mimi://example.com/r/x"}, Dialog: sampleDialogs(n)}
	for i := range 41 {
		v.Parties = append(v.Parties, Party{IMURI: fmt.Sprintf("mimi://example.com/u/%d", i), Name: fmt.Sprintf("Person %d", i)})
	}
	return v
}

const benchDialogs = 100_000

var benchOptions = Options{MaxBytes: 1 << 30}

func perMessage(b *testing.B, bytes int) {
	b.SetBytes(int64(bytes))
	b.ReportMetric(benchDialogs*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkAppendCBOR(b *testing.B) {
	v := sampleVCon(benchDialogs)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = v.AppendCBOR(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
	perMessage(b, len(buf))
}

func BenchmarkDecodeCBOR(b *testing.B) {
	buf := must(sampleVCon(benchDialogs).AppendCBOR(nil))(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := benchOptions.DecodeCBOR(buf); err != nil {
			b.Fatal(err)
		}
	}
	perMessage(b, len(buf))
}

func BenchmarkAppendJSON(b *testing.B) {
	v := sampleVCon(benchDialogs)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = v.AppendJSON(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
	perMessage(b, len(buf))
}

func BenchmarkDecodeJSON(b *testing.B) {
	buf := must(sampleVCon(benchDialogs).AppendJSON(nil))(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := benchOptions.DecodeJSON(buf); err != nil {
			b.Fatal(err)
		}
	}
	perMessage(b, len(buf))
}

func benchScan(b *testing.B, buf []byte) {
	b.ReportAllocs()
	for b.Loop() {
		s := NewScanner(bytes.NewReader(buf))
		n := 0
		for e, err := s.Next(); err == nil; e, err = s.Next() {
			if e.Kind == EventDialog {
				n++
			}
		}
		if n != benchDialogs {
			b.Fatal(n)
		}
	}
	perMessage(b, len(buf))
}

func BenchmarkScanCBOR(b *testing.B) {
	benchScan(b, must(sampleVCon(benchDialogs).AppendCBOR(nil))(b))
}

func BenchmarkScanJSON(b *testing.B) {
	benchScan(b, must(sampleVCon(benchDialogs).AppendJSON(nil))(b))
}

// benchCopy is a Copy, or the same by way of a whole vCon in memory.
func benchCopy(b *testing.B, buf []byte, f Format, copies func([]byte, CopyOptions) ([]byte, error)) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := copies(buf, CopyOptions{Format: f}); err != nil {
			b.Fatal(err)
		}
	}
	perMessage(b, len(buf))
}

func discarded(src []byte, o CopyOptions) ([]byte, error) {
	return nil, Copy(io.Discard, bytes.NewReader(src), int64(len(src)), o)
}

func BenchmarkCopy(b *testing.B) {
	v := sampleVCon(benchDialogs)
	for name, buf := range map[string][]byte{"CBOR": must(v.AppendCBOR(nil))(b), "JSON": must(v.AppendJSON(nil))(b)} {
		for _, f := range formats {
			b.Run(name+"To"+strings.ToUpper(f.String()), func(b *testing.B) { benchCopy(b, buf, f, discarded) })
			b.Run(name+"To"+strings.ToUpper(f.String())+"Whole", func(b *testing.B) { benchCopy(b, buf, f, whole) })
		}
	}
}
