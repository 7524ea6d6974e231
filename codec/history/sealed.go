package history

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// TypeVCon is the type of a dialog object of ours: a signed or encrypted vCon that
// is carried as a whole. Its file, byte for byte, is the content of its one
// attachment (docs/histories.md, "Signed and encrypted vCons").
const TypeVCon = "vcon"

// SealedVCon is why a signed or encrypted vCon is not shared with a new member.
const SealedVCon segment.Reason = "signed or encrypted vcon"

const (
	formSigned    = "signed"
	formEncrypted = "encrypted"

	mediaVCon     = "application/vcon"
	mediaVConCBOR = "application/vcon+cbor" // no specification names one

	maxSealUUID = 64 // bytes: a name from outside, which becomes that of a room
)

// A sealedUnit is a file that holds a signed or encrypted vCon.
type sealedUnit struct {
	*fileUnit
	dialog   codec.Dialog
	attached codec.Attachment
	size     int64
	sum      [sha256.Size]byte
}

// seal takes a signed or encrypted vCon into the index: a conversation of its own,
// or the one with its uuid, with one record, whose attachment is the whole file.
func (s *scan) seal(seal *codec.Seal) error {
	h := sha256.New()
	n, err := io.Copy(h, &ctxReader{s.ctx, io.NewSectionReader(s.r, 0, s.u.in.length())})
	if err != nil {
		return err
	}
	u := &sealedUnit{fileUnit: s.u, size: n, sum: [sha256.Size]byte(h.Sum(nil))}
	if n > segment.MaxContent {
		s.x.lose(segment.TooLarge)
		return nil
	}
	form, media := formSigned, mediaVCon
	if seal.Encrypted {
		form = formEncrypted
	}
	if s.u.format == codec.FormatCBOR {
		media = mediaVConCBOR
	}
	hash := "sha256:" + base64.RawURLEncoding.EncodeToString(u.sum[:])
	u.dialog = codec.Dialog{
		Type: TypeVCon, Start: createdAt(seal), MediaType: media, ContentHash: hash,
		Extra: codec.Fields{"form": codec.AppendText(nil, form)},
	}
	u.attached = codec.Attachment{MediaType: media, ContentHash: hash}
	id := strings.ToLower(seal.UUID)
	if id == "" || len(id) > maxSealUUID {
		sum := sha256.Sum256(append([]byte("vcon-transfer/1 sealed vcon\x00"), u.sum[:]...))
		id = uuidOf(sum[:16])
	}
	b := s.x.begin(u, segment.Room{ID: segment.RoomOfUUID(id)}, nil)
	b.add(place{}, &u.dialog, nil)
	b.attach(attached{size: u.size, sum: &u.sum}, &u.attached)
	b.end(nil)
	return nil
}

// createdAt is when a signed vCon was made, else when its first dialog began, as
// its payload says: for order only, since nothing is verified. An encrypted one has
// no date.
func createdAt(seal *codec.Seal) codec.Date {
	content, ok := seal.Content()
	if !ok {
		return ""
	}
	var created, other codec.Date
	sc := codec.NewScanner(bytes.NewReader(content))
	for {
		e, err := sc.Next()
		if err != nil {
			break // its end, or no vCon: what was met before counts
		}
		v := new(codec.VCon)
		switch {
		case e.Kind == codec.EventDialog && other == "":
			other = e.Dialog.Start
		case e.Kind == codec.EventField && e.Name == "created_at" && v.Set(e.Name, e.Value) == nil:
			created = v.CreatedAt
		}
	}
	for _, d := range []codec.Date{created, other} {
		if _, ok := d.Instant(); ok {
			return d
		}
	}
	return ""
}

func (u *sealedUnit) item(context.Context, place) (segment.Item, error) {
	d := u.dialog
	return segment.Item{Dialog: &d}, nil
}

func (u *sealedUnit) attachment(context.Context, place) (*codec.Attachment, []codec.Party, error) {
	a := u.attached
	return &a, nil, nil
}

func (u *sealedUnit) open(_ place, offset uint64) (io.ReadCloser, error) {
	return u.openSection(&codec.Section{Length: u.size, Canonical: true}, offset)
}
