package history

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A fileUnit is one encoded vCon of an index.
type fileUnit struct {
	in      backing
	folder  string // where contents stand that are beside it; "" is nowhere
	format  codec.Format
	parties []codec.Party
	upgrade bool
	large   map[int64]*largeAttachment // by offset: those whose body is not loaded
}

// A largeAttachment is kept in memory, without its body, since finding its
// metadata again would mean to pass over the body again.
type largeAttachment struct {
	a    codec.Attachment
	body *codec.Section
}

func (u *fileUnit) item(_ context.Context, at place) (segment.Item, error) {
	raw, err := u.read(at)
	if err != nil {
		return segment.Item{}, err
	}
	var d *codec.Dialog
	if u.format == codec.FormatJSON {
		v, err := codec.DecodeJSON(wrapJSON("dialog", raw))
		if err != nil || len(v.Dialog) != 1 {
			return segment.Item{}, ErrChanged
		}
		d = &v.Dialog[0]
	} else if d, err = codec.DecodeDialogCBOR(raw); err != nil {
		return segment.Item{}, ErrChanged
	}
	d, own := u.settle(d)
	return segment.Item{Dialog: d, Parties: u.parties, Provenance: own.SharedBy}, nil
}

// settle upgrades a dialog and takes our parameter out of it.
func (u *fileUnit) settle(d *codec.Dialog) (*codec.Dialog, ownDialog) {
	if u.upgrade {
		d = d.Upgraded()
	}
	return takeOwn(d)
}

func (u *fileUnit) attachment(_ context.Context, at place) (*codec.Attachment, []codec.Party, error) {
	var a *codec.Attachment
	if l, ok := u.large[at.off]; ok {
		c := l.a
		a = &c
	} else {
		raw, err := u.read(at)
		if err != nil {
			return nil, nil, err
		}
		if u.format == codec.FormatJSON {
			v, err := codec.DecodeJSON(wrapJSON("attachments", raw))
			if err != nil || len(v.Attachments) != 1 {
				return nil, nil, ErrChanged
			}
			a = &v.Attachments[0]
		} else if a, err = codec.DecodeAttachmentCBOR(raw); err != nil {
			return nil, nil, ErrChanged
		}
	}
	if u.upgrade {
		a = a.Upgraded()
	}
	if sum, ok := sidecarOf(a); ok && a.URL == sidecarURL(sum) {
		a.URL = ""
	}
	return a, u.parties, nil
}

func (u *fileUnit) open(at place, offset uint64) (io.ReadCloser, error) {
	if l, ok := u.large[at.off]; ok {
		return u.openSection(l.body, offset)
	}
	raw, _, err := u.attachment(context.Background(), at)
	if err != nil {
		return nil, err
	}
	if sum, ok := sidecarOf(raw); ok && raw.Body.Kind == codec.BodyAbsent {
		return u.openSidecar(sum, offset)
	}
	c, err := raw.Content()
	if err != nil || offset > uint64(len(c)) {
		return nil, ErrChanged
	}
	return io.NopCloser(bytes.NewReader(c[offset:])), nil
}

// openSection streams a large body. The beginning is skipped without decoding
// where the encoding allows that.
func (u *fileUnit) openSection(body *codec.Section, offset uint64) (io.ReadCloser, error) {
	in, err := u.in.open()
	if err != nil {
		return nil, err
	}
	s := *body
	skip := int64(offset)
	switch {
	case s.Canonical && s.Size() == s.Length: // the bytes themselves
		s.Offset, s.Length = s.Offset+skip, s.Length-skip
		skip = 0
	case s.Canonical: // base64url: three bytes are four characters
		s.Offset, s.Length = s.Offset+skip/3*4, s.Length-skip/3*4
		skip %= 3
	}
	r := s.Open(in)
	if _, err := io.CopyN(io.Discard, r, skip); err != nil {
		return nil, errors.Join(ErrChanged, in.Close())
	}
	return &checkedReader{r, in}, nil
}

// A checkedReader ends with ErrChanged when the file changed while it was read.
type checkedReader struct {
	r  io.Reader
	in openBacking
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil {
		if changed := c.in.check(); changed != nil {
			return 0, changed
		}
	}
	return n, err
}

func (c *checkedReader) Close() error { return c.in.Close() }

// read reads one element.
func (u *fileUnit) read(at place) ([]byte, error) {
	raw := make([]byte, at.len)
	err := u.in.use(func(r io.ReaderAt) error {
		_, err := r.ReadAt(raw, at.off)
		if err == io.EOF {
			return ErrChanged
		}
		return err
	})
	return raw, err
}

func wrapJSON(array string, element []byte) []byte {
	b := make([]byte, 0, len(element)+len(array)+8)
	b = append(append(append(b, `{"`...), array...), `":[`...)
	return append(append(b, element...), "]}"...)
}

// The content of an attachment that DirSink wrote is in a file beside the vCon,
// named by its SHA-256 in hexadecimal, which stands in our parameter.
const sidecarFolder = "attachments"

func sidecarURL(sum [32]byte) string { return sidecarFolder + "/" + attachmentName(sum) }

// sidecarOf is the hash of the content that stands beside the file.
func sidecarOf(a *codec.Attachment) (sum [32]byte, ok bool) {
	own := ownOf(a)
	if len(own.SHA256) != hex.EncodedLen(len(sum)) {
		return sum, false
	}
	_, err := hex.Decode(sum[:], []byte(own.SHA256))
	return sum, err == nil && attachmentName(sum) == own.SHA256
}

// statSidecar is the size of a sidecar file.
func (u *fileUnit) statSidecar(sum [32]byte) (int64, error) {
	f, err := u.openSidecar(sum, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.(*os.File).Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() || info.Size() > segment.MaxContent {
		return 0, segment.ErrContentAbsent
	}
	return info.Size(), nil
}

// openSidecar opens a sidecar file, and never one outside of the folder.
func (u *fileUnit) openSidecar(sum [32]byte, offset uint64) (io.ReadCloser, error) {
	if u.folder == "" {
		return nil, segment.ErrContentAbsent
	}
	root, err := os.OpenRoot(u.folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(sidecarFolder + "/" + attachmentName(sum))
	if err != nil {
		return nil, segment.ErrContentAbsent
	}
	if _, err := f.Seek(int64(offset), io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
