package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// The formula of the specification, written out once more.
func TestRoot(t *testing.T) {
	u64 := func(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }
	h := func(s string) string { x := sha256.Sum256([]byte(s)); return string(x[:]) }
	transfer := [32]byte{7}
	seg, sum := ID{1}, [32]byte{2}
	a := AttachmentEntry{MessageID: "AQID", Part: 1, Size: 500, MediaType: "image/png", Filename: "a.png", Declared: "sha256:x", SHA256: &sum}

	r := NewRootHasher(transfer)
	d := string(make([]byte, 32))
	if got := r.Sum(); string(got[:]) != h("vcon-transfer/1 root\x00"+string(transfer[:])+u64(0)+u64(0)+d) {
		t.Error("root of nothing")
	}
	r.Segment(seg, 1000)
	d = h(d + h("\x01"+string(seg[:])))
	r.Attachment(&a, sum)
	name := codec.AppendText(codec.AppendArray(nil, 6), "AQID")
	name = append(name, 1, 0x19, 500>>8, 500&0xff)
	for _, s := range []string{"image/png", "a.png", "sha256:x"} {
		name = codec.AppendText(name, s)
	}
	d = h(d + h("\x02"+lp(string(name))+u64(500)+string(sum[:])))
	if got := r.Sum(); string(got[:]) != h("vcon-transfer/1 root\x00"+string(transfer[:])+u64(2)+u64(1500)+d) {
		t.Error("root of a segment and an attachment")
	}
	if r.Leaves() != 2 || r.Bytes() != 1500 {
		t.Errorf("%d leaves, %d bytes", r.Leaves(), r.Bytes())
	}

	whole := r.Sum()
	a.SHA256 = nil // known or not, the name is the same
	again := NewRootHasher(transfer)
	again.Segment(seg, 1000)
	again.Attachment(&a, sum)
	if again.Sum() != whole {
		t.Error("the hash in the manifest is part of the name")
	}
	swapped := NewRootHasher(transfer)
	swapped.Attachment(&a, sum)
	swapped.Segment(seg, 1000)
	if swapped.Sum() == whole {
		t.Error("order does not matter")
	}
	other := NewRootHasher([32]byte{8})
	other.Segment(seg, 1000)
	other.Attachment(&a, sum)
	if other.Sum() == whole {
		t.Error("the transfer does not matter")
	}
	if n := testing.AllocsPerRun(100, func() { r.Segment(seg, 1) }); n > 0 {
		t.Errorf("%v allocations for a leaf", n)
	}
}
