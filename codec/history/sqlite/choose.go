package sqlite

import (
	"bytes"
	"cmp"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// better reports whether the record that comes takes the place of the one that
// is held. It depends on the two alone, not on which came first: the message id
// decides, then the person's own devices, then what was there earlier, then what
// says more, then the bytes.
func (g *stage) better(row *heldRow, p *prepared) bool {
	return cmp.Or(
		cmp.Compare(trust(p.level), trust(row.level)),
		cmp.Compare(one(!g.t.shared), one(row.own)),
		cmp.Compare(row.head.Instant, p.head.Instant),
		cmp.Compare(len(p.record)+len(p.attachments), len(row.record)+len(row.attachments)),
		bytes.Compare(row.record, p.record),
		bytes.Compare(row.attachments, p.attachments),
	) > 0
}

func trust(l mimi.Level) int {
	switch {
	case l.Verified():
		return 2
	case l == mimi.NotDerivable:
		return 1
	}
	return 0
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sameMessage reports whether two records with one key differ only in what is
// said about the message: when it arrived, who was there, how its franking reads.
// A verified id proves the content; otherwise it is compared.
func sameMessage(a, b *prepared) bool {
	if a.level.Verified() && b.level.Verified() {
		return true
	}
	if a.kind != b.kind || a.act != b.act || a.identity != b.identity {
		return false
	}
	x, y := essence(a.record), essence(b.record)
	return x != nil && bytes.Equal(x, y)
}

// essence is a record without what exporters of one message may write
// differently.
func essence(record []byte) []byte {
	d, err := codec.DecodeDialogCBOR(record)
	if err != nil {
		return nil
	}
	d.Start, d.Duration, d.Parties, d.Originator, d.FrankingTag, d.Frank = "", nil, nil, nil, "", ""
	b, err := codec.AppendDialogCBOR(nil, d)
	if err != nil {
		return nil
	}
	return b
}
