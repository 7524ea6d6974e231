package reference

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

const (
	chunkSize  = 65536
	sealedSize = chunkSize + 16
)

// chunkNonce is section "HPKE", "Sealed stream".
func chunkNonce(index uint64, last bool) []byte {
	n := append(make([]byte, 3), binary.BigEndian.AppendUint64(nil, index)...)
	if last {
		return append(n, 1)
	}
	return append(n, 0)
}

// openFile opens the file form: what may be given out, the error's name, and
// the chunk at which it came.
func openFile(key, sealed []byte) (released []byte, fault string, chunk uint64) {
	for index := uint64(0); ; index++ {
		piece := sealed[:min(len(sealed), sealedSize)]
		sealed = sealed[len(piece):]
		last := len(sealed) == 0
		if len(piece) < 16 {
			return released, "truncated", index
		}
		plain, err := open(key, chunkNonce(index, last), piece, nil)
		if err != nil {
			fault = "open"
			if _, err := open(key, chunkNonce(index, !last), piece, nil); err == nil {
				fault = map[bool]string{true: "truncated", false: "trailing"}[last]
			}
			return released, fault, index
		}
		if last && index > 0 && len(plain) == 0 {
			return released, "empty chunk", index
		}
		released = append(released, plain...)
		if last {
			return released, "", 0
		}
	}
}

func TestSealedStreams(t *testing.T) {
	var file struct {
		Streams []struct {
			Name, Key    string
			ChunkSizes   []int  `json:"chunk_sizes"`
			SealedSHA256 string `json:"sealed_sha256"`
		}
		Cases []struct {
			Name, Key string
			Pieces    []struct {
				Stream   string
				From, To int
				Hex      string
			}
			SHA256, Error string
			Chunk         uint64
			Release       int
			ReleaseSHA256 string `json:"release_sha256"`
		}
		Chunks []struct {
			Key                string
			Index              uint64
			Last               bool
			AAD, Plain, Sealed string
		}
	}
	load(t, "hpke/stream.json", &file)
	if len(file.Streams) == 0 || len(file.Cases) == 0 || len(file.Chunks) == 0 {
		t.Fatal("no cases")
	}

	sealed := map[string][]byte{}
	for _, s := range file.Streams {
		at, out := 0, []byte(nil)
		for i, size := range s.ChunkSizes {
			plain := make([]byte, size)
			for j := range plain {
				plain[j] = byte((at + j) ^ (at+j)>>8 ^ (at+j)>>16)
			}
			at += size
			nonce := chunkNonce(uint64(i), i == len(s.ChunkSizes)-1)
			out = append(out, seal(t, unhex(t, s.Key), nonce, plain, nil)...)
		}
		if !hashIs(out, s.SealedSHA256) {
			t.Errorf("%s: sealed otherwise", s.Name)
		}
		sealed[s.Name] = out
	}
	for _, c := range file.Cases {
		var in []byte
		for _, p := range c.Pieces {
			if p.Stream != "" {
				in = append(in, sealed[p.Stream][p.From:max(p.From, p.To)]...)
			}
			in = append(in, unhex(t, p.Hex)...)
		}
		if !hashIs(in, c.SHA256) {
			t.Errorf("%s: put together otherwise", c.Name)
		}
		released, fault, chunk := openFile(unhex(t, c.Key), in)
		if fault != c.Error || chunk != c.Chunk || len(released) != c.Release || !hashIs(released, c.ReleaseSHA256) {
			t.Errorf("%s: %q at %d after %d bytes, want %q at %d after %d",
				c.Name, fault, chunk, len(released), c.Error, c.Chunk, c.Release)
		}
	}
	for _, c := range file.Chunks {
		plain, err := open(unhex(t, c.Key), chunkNonce(c.Index, c.Last), unhex(t, c.Sealed), unhex(t, c.AAD))
		if err != nil || !bytes.Equal(plain, unhex(t, c.Plain)) {
			t.Errorf("chunk %d: %v", c.Index, err)
		}
	}
}

func hashIs(b []byte, want string) bool {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]) == want
}

func TestSetups(t *testing.T) {
	var file struct {
		Setups []struct {
			Suite           uint64
			IkmR, SkR, PkR  string
			IkmE, Info, PSK string
			PSKID           string `json:"psk_id"`
			Enc, AAD, Plain string
			Sealed          string
			ExporterContext string `json:"exporter_context"`
			Exported        string
		}
		Expands []struct{ Salt, Ikm, Secret, Label, Context, Out string }
		Hashes  []struct {
			Label string
			Parts []string
			Hash  string
		}
	}
	load(t, "hpke/setup.json", &file)
	if len(file.Setups) == 0 || len(file.Expands) == 0 || len(file.Hashes) == 0 {
		t.Fatal("no cases")
	}
	for i, c := range file.Setups {
		s, _ := suiteOf(c.Suite)
		sk := s.deriveKey(t, unhex(t, c.IkmR))
		pk := s.public(t, sk)
		enc, secret := s.encapsulate(t, pk, unhex(t, c.IkmE))
		if hex.EncodeToString(sk) != c.SkR || hex.EncodeToString(pk) != c.PkR || hex.EncodeToString(enc) != c.Enc {
			t.Errorf("setup %d: keys or enc differ", i)
		}
		if !bytes.Equal(s.decapsulate(t, sk, enc), secret) {
			t.Errorf("setup %d: both sides differ", i)
		}
		ctx := s.setup(t, secret, unhex(t, c.Info), unhex(t, c.PSK), unhex(t, c.PSKID))
		if got := ctx.seal(t, unhex(t, c.Plain), unhex(t, c.AAD)); hex.EncodeToString(got) != c.Sealed {
			t.Errorf("setup %d: sealed otherwise", i)
		}
		exported := unhex(t, c.Exported)
		if !bytes.Equal(ctx.export(t, unhex(t, c.ExporterContext), len(exported)), exported) {
			t.Errorf("setup %d: exported otherwise", i)
		}
	}
	for i, c := range file.Expands {
		prk := extract(t, unhex(t, c.Salt), unhex(t, c.Ikm))
		out := unhex(t, c.Out)
		if hex.EncodeToString(prk) != c.Secret ||
			!bytes.Equal(expand(t, prk, c.Label, unhex(t, c.Context), len(out)), out) {
			t.Errorf("expand %d differs", i)
		}
	}
	for i, c := range file.Hashes {
		var parts [][]byte
		for _, p := range c.Parts {
			parts = append(parts, unhex(t, p))
		}
		if hex.EncodeToString(labeledHash(c.Label, parts...)) != c.Hash {
			t.Errorf("hash %d differs", i)
		}
	}
}
