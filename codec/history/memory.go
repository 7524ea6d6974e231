package history

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash"
	"io"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// FromVCons is a Reader of vCons in memory, by the rules of OpenFiles. The vCons
// are not copied and must not be changed while it is used.
func FromVCons(vcons []*codec.VCon) Reader {
	m := &memory{index: newIndex()}
	for _, v := range vcons {
		m.take(v)
	}
	m.err = m.finish(context.Background())
	return m
}

// memory is an index of vCons in memory.
type memory struct {
	*index
	err error
}

// Rooms implements Reader.
func (m *memory) Rooms(ctx context.Context) ([]RoomInfo, error) {
	if m.err != nil {
		return nil, m.err
	}
	return m.index.Rooms(ctx)
}

func (m *memory) take(v *codec.VCon) {
	b := m.begin(memoryUnit{v}, roomOf(v, func() string { return contentUUID(v) }), v.Parties)
	for i := range v.Dialog {
		d, own := takeOwn(&v.Dialog[i])
		b.add(place{off: int64(i)}, d, own.Instant)
	}
	for range odd(v.Extra) {
		m.lose(segment.Malformed)
	}
	for i := range v.Attachments {
		a := &v.Attachments[i]
		size := int64(absent)
		if n, ok := segment.SizeOf(plainBody(a)); ok {
			size = int64(n)
		}
		b.attach(attached{place: place{off: int64(i)}, size: size}, a)
	}
	if !supported(v) {
		b.drop(segment.Unsupported)
		return
	}
	b.end(rosterOf(v, v.Parties))
}

// plainBody is a with nothing but its body.
func plainBody(a *codec.Attachment) *codec.Attachment {
	return &codec.Attachment{Body: a.Body, Encoding: a.Encoding}
}

// contentUUID names a vCon that has no name by its parties and dialogs.
func contentUUID(v *codec.VCon) string {
	n := newNamer()
	for i := range v.Parties {
		n.party(&v.Parties[i])
	}
	for i := range v.Dialog {
		n.dialog(&v.Dialog[i])
	}
	return n.uuid()
}

// A memoryUnit is one vCon in memory.
type memoryUnit struct{ v *codec.VCon }

func (u memoryUnit) item(_ context.Context, at place) (segment.Item, error) {
	d, own := takeOwn(&u.v.Dialog[at.off])
	return segment.Item{Dialog: d, Parties: u.v.Parties, Provenance: own.SharedBy}, nil
}

func (u memoryUnit) attachment(_ context.Context, at place) (*codec.Attachment, []codec.Party, error) {
	a := u.v.Attachments[at.off]
	return &a, u.v.Parties, nil
}

func (u memoryUnit) open(at place, offset uint64) (io.ReadCloser, error) {
	c, err := u.v.Attachments[at.off].Content()
	if err != nil || offset > uint64(len(c)) {
		return nil, ErrChanged
	}
	return io.NopCloser(bytes.NewReader(c[offset:])), nil
}

// A namer makes a uuid of a vCon's content, the same from CBOR and JSON, in
// whatever order the arrays come.
type namer struct {
	parties, dialogs hash.Hash
}

func newNamer() *namer { return &namer{sha256.New(), sha256.New()} }

func (n *namer) party(p *codec.Party) {
	if raw, err := codec.AppendPartyCBOR(nil, p); err == nil {
		n.parties.Write(raw)
	}
}

func (n *namer) dialog(d *codec.Dialog) {
	if raw, err := codec.AppendDialogCBOR(nil, d); err == nil {
		n.dialogs.Write(raw)
	}
}

func (n *namer) uuid() string {
	sum := sha256.Sum256(n.dialogs.Sum(n.parties.Sum([]byte("vcon-transfer/1 vcon uuid\x00"))))
	return uuidOf(sum[:16])
}
