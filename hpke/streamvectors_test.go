package hpke

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"testing"
)

// streamVectors is testdata/vectors/hpke/stream.json; SOURCES.md beside it says
// what its fields mean.
type streamVectors struct {
	Suite   byte          `json:"suite"`
	Rule    string        `json:"plaintext"`
	Streams []namedStream `json:"streams"`
	Cases   []streamCase  `json:"cases"`
	Chunks  []chunkVector `json:"chunks"`
}

type namedStream struct {
	Name   string   `json:"name"`
	Key    hexBytes `json:"key"`
	Chunks []int    `json:"chunk_sizes"`
	SHA256 hexBytes `json:"sealed_sha256"`
}

type streamCase struct {
	Name          string   `json:"name"`
	Key           hexBytes `json:"key"`
	Pieces        []piece  `json:"pieces"`
	SHA256        hexBytes `json:"sha256"`
	Error         string   `json:"error"`
	Chunk         int      `json:"chunk"`
	Release       int      `json:"release"`
	ReleaseSHA256 hexBytes `json:"release_sha256"`
}

type piece struct {
	Stream string   `json:"stream,omitempty"`
	From   int      `json:"from,omitempty"`
	To     int      `json:"to,omitempty"`
	Hex    hexBytes `json:"hex,omitempty"`
}

type chunkVector struct {
	Key    hexBytes `json:"key"`
	Index  uint64   `json:"index"`
	Last   bool     `json:"last"`
	AAD    hexBytes `json:"aad"`
	Plain  hexBytes `json:"plain"`
	Sealed hexBytes `json:"sealed"`
}

func streamErrors() map[string]error {
	return map[string]error{
		"": nil, "open": ErrOpen, "truncated": ErrTruncated, "trailing": ErrTrailing, "empty chunk": ErrEmptyChunk,
	}
}

func sum(b []byte) hexBytes { h := sha256.Sum256(b); return h[:] }

// sealChunks seals pattern in chunks of these sizes, right or wrong.
func sealChunks(t *testing.T, key []byte, sizes []int) []byte {
	t.Helper()
	sealer, err := NewChunkSealer(SuiteXWing, key)
	check(t, err)
	total := 0
	for _, n := range sizes {
		total += n
	}
	plain := pattern(total)
	var out []byte
	for i, n := range sizes {
		out, err = sealer.Seal(out, plain[:n], nil, i == len(sizes)-1)
		check(t, err)
		plain = plain[n:]
	}
	return out
}

// buildStreamVectors writes down what the format is.
func buildStreamVectors(t *testing.T) *streamVectors {
	t.Helper()
	v := &streamVectors{Suite: byte(SuiteXWing), Rule: "byte i is the low eight bits of i xor i>>8 xor i>>16"}
	const full, sealedFull = MaxChunk, MaxSealedChunk
	key, otherKey := streamKey(0x42), streamKey(0x43)
	sealed := map[string][]byte{}
	for _, s := range []struct {
		name  string
		key   []byte
		sizes []int
	}{
		{"empty", key, []int{0}},
		{"one", key, []int{1}},
		{"short", key, []int{1000}},
		{"full", key, []int{full}},
		{"full+1", key, []int{full, 1}},
		{"three", key, []int{full, full, 100}},
		{"three of another key", otherKey, []int{full, full, 100}},
		{"two full", key, []int{full, full}},
		{"two full and an empty one", key, []int{full, full, 0}},
		{"a short one first", key, []int{1000, full}},
	} {
		sealed[s.name] = sealChunks(t, s.key, s.sizes)
		v.Streams = append(v.Streams, namedStream{s.name, s.key, s.sizes, sum(sealed[s.name])})
	}
	cut := func(name string, from, to int) piece { return piece{Stream: name, From: from, To: to} }
	whole := func(name string) piece { return cut(name, 0, len(sealed[name])) }
	flip := func(name string, at int) []piece {
		return []piece{cut(name, 0, at), {Hex: hexBytes{sealed[name][at] ^ 1}}, cut(name, at+1, len(sealed[name]))}
	}
	three := len(sealed["three"])
	tail := cut("three", 2*sealedFull, three)
	add := func(name, fault string, release int, pieces ...piece) {
		c := streamCase{Name: name, Key: key, Pieces: pieces, Error: fault, Release: release}
		if c.Chunk = release / full; fault == "" {
			c.Chunk = 0
		}
		c.SHA256 = sum(assemble(t, sealed, pieces))
		c.ReleaseSHA256 = sum(pattern(release))
		v.Cases = append(v.Cases, c)
	}
	add("empty", "", 0, whole("empty"))
	add("one byte", "", 1, whole("one"))
	add("short", "", 1000, whole("short"))
	add("one full chunk", "", full, whole("full"))
	add("one byte more than a chunk", "", full+1, whole("full+1"))
	add("three chunks", "", 2*full+100, whole("three"))
	add("two full chunks", "", 2*full, whole("two full"))

	add("nothing at all", "truncated", 0)
	add("cut in the tag of the only chunk", "truncated", 0, cut("empty", 0, 15))
	add("cut in the first chunk", "open", 0, cut("three", 0, 1000))
	add("cut after the first chunk", "truncated", 0, cut("three", 0, sealedFull))
	add("cut after the second chunk", "truncated", full, cut("three", 0, 2*sealedFull))
	add("cut one byte into the last chunk", "truncated", 2*full, cut("three", 0, 2*sealedFull+1))
	add("cut before the last byte", "open", 2*full, cut("three", 0, three-1))
	add("first two swapped", "open", 0, cut("three", sealedFull, 2*sealedFull), cut("three", 0, sealedFull), tail)
	add("last two swapped", "open", full, cut("three", 0, sealedFull), tail, cut("three", sealedFull, 2*sealedFull))
	add("first doubled", "open", full, cut("three", 0, sealedFull), whole("three"))
	add("last doubled", "open", 2*full, whole("three"), tail)
	add("full last doubled", "trailing", full, whole("two full"), cut("two full", sealedFull, 2*sealedFull))
	add("first left out", "open", 0, cut("three", sealedFull, three))
	add("second left out", "open", full, cut("three", 0, sealedFull), tail)
	add("first from another stream", "open", 0, cut("three of another key", 0, sealedFull), cut("three", sealedFull, three))
	add("last from another stream", "open", 2*full, cut("three", 0, 2*sealedFull), cut("three of another key", 2*sealedFull, three))
	add("last from a stream of two", "open", full, cut("three", 0, sealedFull), cut("full+1", sealedFull, len(sealed["full+1"])), piece{Hex: hexBytes{0}})
	add("another key", "open", 0, whole("three of another key"))
	add("empty and one byte", "open", 0, whole("empty"), piece{Hex: hexBytes{0}})
	add("three and one byte", "open", 2*full, whole("three"), piece{Hex: hexBytes{0}})
	add("two full and one byte", "trailing", full, whole("two full"), piece{Hex: hexBytes{0}})
	add("two streams", "trailing", 0, whole("full"), whole("full"))
	add("bit of the first byte", "open", 0, flip("three", 0)...)
	add("bit of the first tag", "open", 0, flip("three", sealedFull-1)...)
	add("bit after the first chunk", "open", full, flip("three", sealedFull)...)
	add("bit of the last byte", "open", 2*full, flip("three", three-1)...)
	add("empty last chunk after data", "empty chunk", 2*full, whole("two full and an empty one"))
	add("chunk that is not full", "open", 0, whole("a short one first"))

	sealer, err := NewChunkSealer(SuiteXWing, key)
	check(t, err)
	for i, c := range []struct{ plain, aad string }{{"first", "aad 0"}, {"", ""}, {"third", ""}, {"", "aad of the last"}} {
		last := i == 3
		ct, err := sealer.Seal(nil, []byte(c.plain), []byte(c.aad), last)
		check(t, err)
		v.Chunks = append(v.Chunks, chunkVector{key, uint64(i), last, hexBytes(c.aad), hexBytes(c.plain), ct})
	}
	return v
}

func assemble(t *testing.T, sealed map[string][]byte, pieces []piece) []byte {
	t.Helper()
	var out []byte
	for _, p := range pieces {
		s, ok := sealed[p.Stream]
		if p.Stream != "" && !ok {
			t.Fatalf("no stream %q", p.Stream)
		}
		out = append(append(out, s[p.From:p.To]...), p.Hex...)
	}
	return out
}

// updated compares made with the file, or writes the file when asked to.
func updated[T any](t *testing.T, name string, made *T) *T {
	t.Helper()
	b, err := json.MarshalIndent(made, "", " ")
	check(t, err)
	b = append(b, '\n')
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
		check(t, os.WriteFile("../testdata/"+name, b, 0o644))
	}
	want, err := os.ReadFile("../testdata/" + name)
	check(t, err)
	if !bytes.Equal(b, want) {
		t.Errorf("%s is not what the code makes", name)
	}
	read := new(T)
	readJSON(t, name, read)
	if reflect.ValueOf(*read).IsZero() {
		t.Fatalf("%s is empty", name)
	}
	return read
}

func TestStreamVectors(t *testing.T) {
	v := updated(t, "vectors/hpke/stream.json", buildStreamVectors(t))
	s, err := ParseSuite(v.Suite)
	check(t, err)
	sealed := map[string][]byte{}
	for _, n := range v.Streams {
		sealed[n.Name] = sealChunks(t, n.Key, n.Chunks)
		equal(t, n.Name, sum(sealed[n.Name]), n.SHA256)
	}
	faults := streamErrors()
	if len(v.Cases) < 30 || len(v.Chunks) < 4 {
		t.Fatalf("%d cases and %d chunks", len(v.Cases), len(v.Chunks))
	}
	for _, c := range v.Cases {
		t.Run(c.Name, func(t *testing.T) {
			stream := assemble(t, sealed, c.Pieces)
			equal(t, "stream", sum(stream), c.SHA256)
			want, ok := faults[c.Error]
			if !ok {
				t.Fatalf("no error %q", c.Error)
			}
			r, err := NewReader(bytes.NewReader(stream), s, c.Key)
			check(t, err)
			got, err := io.ReadAll(r)
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			var place *ChunkError
			if want != nil && (!errors.As(err, &place) || place.Chunk != uint64(c.Chunk)) {
				t.Errorf("%v, want chunk %d", err, c.Chunk)
			}
			if len(got) != c.Release || !bytes.Equal(sum(got), c.ReleaseSHA256) {
				t.Errorf("%d bytes given, want %d", len(got), c.Release)
			}
			if want == nil {
				equal(t, "sealed again", sealFile(t, s, c.Key, got), stream)
			}
		})
	}
	opener, err := NewChunkOpener(s, v.Chunks[0].Key)
	check(t, err)
	for _, c := range v.Chunks {
		pt, err := opener.Open(nil, c.Sealed, c.AAD, c.Last)
		check(t, err)
		equal(t, "chunk", pt, c.Plain)
	}
	if !opener.Finished() {
		t.Error("chunks are not finished")
	}
}
