package gen

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// What people send, and how large it is: about 2 to the power of bits.
var media = []struct {
	kind, filename string
	bits           float64
	disposition    mimi.Disposition
}{
	{"image/jpeg", "IMG_%04d.jpg", 18, mimi.Inline},
	{"image/png", "screenshot-%d.png", 16, mimi.Inline},
	{"audio/ogg;codecs=opus", "voice-%d.ogg", 15, mimi.Render},
	{"video/mp4", "VID_%04d.mp4", 23, mimi.Attachment},
	{"application/pdf", "Rechnung %d (Kopie).pdf", 17, mimi.Attachment},
	{"application/zip", "архив-%d.zip", 19, mimi.Attachment},
	{"image/webp", "sticker_%d.webp", 13, mimi.Inline},
}

// maxInline is the size up to which an attachment has its content in the vCon.
const maxInline = 12 << 10

// attachment adds a message with an external part, and its content if it is
// small.
func (g *Generator) attachment(r *room, sender uint32, c *mimi.Content) {
	m := media[g.rng.IntN(len(media))]
	size := uint64(math.Exp2(m.bits + 1.5*g.rng.NormFloat64()))
	e := &mimi.ExternalPart{
		URL:      fmt.Sprintf("https://media.example/%016x", g.rng.Uint64()),
		Size:     max(1, size),
		Filename: fmt.Sprintf(m.filename, g.rng.IntN(9000)+1),
		HashAlg:  1,
	}
	if g.rng.IntN(3) == 0 {
		e.Description = g.line()
	}
	c.Body = mimi.NestedPart{Disposition: m.disposition, Cardinality: mimi.External, ContentType: m.kind, External: e}
	seed := g.rng.Uint64()
	inline := e.Size <= maxInline && !g.NoInline
	var content []byte
	if inline {
		content = read(seed, e.Size)
		sum := sha256.Sum256(content)
		e.ContentHash = sum[:]
	} else {
		key, hash := g.salt(), read(seed, sha256.Size)
		e.EncAlg, e.Key, e.Nonce, e.ContentHash = 1, key[:], hash[:12], hash
	}
	id := g.add(r, sender, c)
	r.remember(said{id: id, sender: sender})
	if !inline {
		return
	}
	// The dialog was just added; nobody has seen it yet.
	x := r.dialogs[len(r.dialogs)-1].ExternalPart
	x.Cached = true
	party := r.members[0]
	r.held = append(r.held, codec.Attachment{
		Start:           mimi.DateOf(g.millis + 1500),
		Party:           &party,
		MediaType:       m.kind,
		Filename:        e.Filename,
		ContentHash:     x.ContentHash,
		DialogObjectRef: "mid:" + string(codec.BinaryOf(id[:])) + ":0@anon.invalid",
		Encoding:        codec.EncodingBase64URL,
		Body:            codec.Body{Kind: codec.BodyBytes, Data: content},
	})
}

func read(seed, size uint64) []byte {
	b, err := io.ReadAll(AttachmentOf(seed, int64(size)))
	if err != nil {
		panic(fmt.Sprintf("gen: %v", err))
	}
	return b
}

// Attachment returns size bytes that do not compress, the same each time.
func Attachment(size int64) io.Reader { return AttachmentOf(0, size) }

// AttachmentOf is Attachment with a seed of its own. The longer of two with one
// seed begins with the shorter.
func AttachmentOf(seed uint64, size int64) io.Reader {
	return &attachment{rng: rand.NewPCG(seed, 0x6174746163686564), left: size}
}

type attachment struct {
	rng  *rand.PCG
	left int64
	buf  [8]byte
	rest []byte // of buf
}

func (a *attachment) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), a.left)]
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	for ; len(p)-n >= 8; n += 8 {
		binary.LittleEndian.PutUint64(p[n:], a.rng.Uint64())
	}
	if n < len(p) {
		binary.LittleEndian.PutUint64(a.buf[:], a.rng.Uint64())
		m := copy(p[n:], a.buf[:])
		a.rest = a.buf[m:]
		n += m
	}
	a.left -= int64(n)
	return n, nil
}

// escape makes text of HTML.
func escape(s string) string {
	var b bytes.Buffer
	for _, c := range s {
		switch c {
		case '<':
			b.WriteString("&lt;")
		case '&':
			b.WriteString("&amp;")
		case '\n':
			b.WriteString("<br>")
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
