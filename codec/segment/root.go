package segment

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A RootHasher computes the root of a transfer (security, section 4): one leaf
// for each segment and each attachment, in the order of the manifest, sent or
// held alike. Rooms, and attachments whose content is absent, are no leaves.
//
//	leaf of a segment      SHA-256(01 || id)
//	leaf of an attachment  SHA-256(02 || lp(name) || u64 size || sha256)
//	D_0 = 32 zero bytes    D_i = SHA-256(D_(i-1) || leaf_i)
//	root = SHA-256("vcon-transfer/1 root" || 00 || transfer id || u64 n || u64 bytes || D_n)
type RootHasher struct {
	transfer [32]byte
	d        [32]byte
	n, bytes uint64
	buf      []byte
}

// NewRootHasher begins the root of a transfer.
func NewRootHasher(transfer [32]byte) *RootHasher { return &RootHasher{transfer: transfer} }

// Segment adds a segment of so many bytes.
func (h *RootHasher) Segment(id ID, bytes uint64) {
	h.buf = append(append(h.buf[:0], 1), id[:]...)
	h.leaf(bytes)
}

// Attachment adds an attachment with our own SHA-256 of its whole content. Its
// name is the entry in the manifest without the hash, as a CBOR array.
func (h *RootHasher) Attachment(a *AttachmentEntry, sum [32]byte) {
	name := a.appendName(codec.AppendArray(nil, 6))
	h.buf = appendLP(append(h.buf[:0], 2), name)
	h.buf = append(binary.BigEndian.AppendUint64(h.buf, a.Size), sum[:]...)
	h.leaf(a.Size)
}

func (h *RootHasher) leaf(bytes uint64) {
	leaf := sha256.Sum256(h.buf)
	h.buf = append(append(h.buf[:0], h.d[:]...), leaf[:]...)
	h.d = sha256.Sum256(h.buf)
	h.n++
	h.bytes += bytes
}

// Leaves is the number of leaves so far, and Bytes the sum of their lengths.
func (h *RootHasher) Leaves() uint64 { return h.n }

// Bytes: see Leaves.
func (h *RootHasher) Bytes() uint64 { return h.bytes }

// Sum is the root of what was added so far.
func (h *RootHasher) Sum() [32]byte {
	b := append([]byte(label+"root"), 0)
	b = append(b, h.transfer[:]...)
	b = binary.BigEndian.AppendUint64(b, h.n)
	b = binary.BigEndian.AppendUint64(b, h.bytes)
	return sha256.Sum256(append(b, h.d[:]...))
}
