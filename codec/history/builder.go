package history

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A Builder makes one history of what is added to it, by the rules of OpenFiles.
// Files of the person stay where they are. What comes otherwise (standard input,
// vCons, the rooms of a Reader) is kept as CBOR in one encrypted temporary file
// whose key is in memory only, and which the system removes with the process;
// less than 2 MiB of it stay in memory and make no file. The content of
// attachments is not copied, but for that inside a vCon.
//
// After an error a Builder takes nothing more and makes no Reader. Its methods
// may not be called at the same time.
type Builder struct {
	opts  Options
	f     *files
	count int // files of the person
	buf   []byte
	err   error
}

// errBuilt says that a Builder was used after Reader or Close.
var errBuilt = errors.New("source is built already")

// NewBuilder returns a Builder of a history in which there is nothing.
func NewBuilder(opts Options) *Builder {
	return &Builder{opts: opts, f: &files{
		index: newIndex(), opener: &opener{}, spool: newSpool(opts.TempDir, opts.limit().spool),
	}}
}

// AddPath adds a vCon file, a folder of them, or standard input ("-"), as
// OpenFiles does.
func (b *Builder) AddPath(ctx context.Context, path string) error {
	return b.do(ctx, func() error {
		if path == "-" {
			return b.stdin(ctx)
		}
		found, err := walk(ctx, path, b.opts.limit().files-b.count)
		if err != nil {
			return err
		}
		b.count += len(found)
		for _, sf := range found {
			if err := b.f.scan(ctx, sf, b.opts); err != nil {
				return err
			}
		}
		return nil
	})
}

// stdin spools standard input, because a vCon is read twice.
func (b *Builder) stdin(ctx context.Context) error {
	if b.opts.Stdin == nil {
		return &FileError{File: "-", Err: errors.New("no standard input to read from")}
	}
	if b.count++; b.count > b.opts.limit().files {
		return &FileError{File: "-", Err: &LimitError{What: "files in the source", Limit: int64(b.opts.limit().files)}}
	}
	return b.spooled(ctx, "-", func(w io.Writer) ([]apart, error) {
		_, err := io.Copy(w, &ctxReader{ctx, b.opts.Stdin})
		return nil, err
	})
}

// AddVCon adds a vCon, which an error calls name. contents[i] has the content of
// v.Attachments[i], which is then looked for nowhere else; where it is nil, or
// contents is shorter, the attachment has its content itself. v and contents are
// the caller's again when AddVCon returns; each Content is opened as long as the
// Reader is used. A content that is known not to be there is nil.
func (b *Builder) AddVCon(ctx context.Context, name string, v *codec.VCon, contents []Content) error {
	return b.do(ctx, func() error {
		if len(contents) > len(v.Attachments) {
			return &FileError{File: name, Err: errors.New("more contents than attachments")}
		}
		return b.spooled(ctx, name, func(w io.Writer) (_ []apart, err error) {
			if b.buf, err = withoutBodies(v, contents).AppendCBOR(b.buf[:0]); err == nil {
				_, err = w.Write(b.buf)
			}
			return b.f.place(contents), err
		})
	})
}

// withoutBodies is v without the bodies that contents takes the place of.
func withoutBodies(v *codec.VCon, contents []Content) *codec.VCon {
	out := *v
	out.Attachments = append([]codec.Attachment(nil), v.Attachments...)
	for i, c := range contents {
		if c != nil {
			out.Attachments[i].Body = codec.Body{}
		}
	}
	return &out
}

// AddReader adds the rooms of a history, and what it counts as left. The content
// of attachments is opened from r, which has to stay open as long as the Reader
// is used: see Own.
func (b *Builder) AddReader(ctx context.Context, r Reader) error {
	return b.do(ctx, func() error {
		rooms, err := r.Rooms(ctx)
		if err != nil {
			return err
		}
		for _, info := range rooms {
			if err := b.addRoom(ctx, r, info); err != nil {
				if e, ok := err.(*FileError); ok {
					err = e.Err // there is no file
				}
				return err
			}
		}
		left, err := r.Left(ctx)
		if err == nil {
			b.f.left.Add(left)
		}
		return err
	})
}

func (b *Builder) addRoom(ctx context.Context, r Reader, info RoomInfo) error {
	x := b.f.index
	x.apart = append(x.apart, func(ctx context.Context, e segment.AttachmentEntry, offset int64) (io.ReadCloser, error) {
		return r.OpenAttachment(ctx, info.Room.ID, e, uint64(offset))
	})
	at := int32(len(x.apart))
	return b.spooled(ctx, "", func(w io.Writer) (contents []apart, err error) {
		err = WriteVCon(ctx, w, r, info, WriteOptions{leave: func(size uint64, there bool) {
			c := apart{}
			if there {
				c = apart{int64(size), at}
			}
			contents = append(contents, c)
		}})
		return contents, err
	})
}

// AddLeft counts what whoever made the vCons left out.
func (b *Builder) AddLeft(l segment.Ledger) {
	if b.err == nil {
		b.f.left.Add(l)
	}
}

// Own makes the Reader, or Close of the Builder, close what the history is read
// from: a Reader that was added, an archive.
func (b *Builder) Own(c io.Closer) {
	if b.f != nil {
		b.f.owned = append(b.f.owned, c)
	}
}

// spooled writes a vCon to the spool and takes it from there. write says which
// contents it left out.
func (b *Builder) spooled(ctx context.Context, name string, write func(io.Writer) ([]apart, error)) error {
	s := b.f.spool
	off := s.Len()
	contents, err := write(s)
	if err != nil {
		return &FileError{File: name, Err: err}
	}
	return b.f.scanUnit(ctx, name, &fileUnit{in: &spooled{s, off, s.Len() - off}}, contents, b.opts)
}

// do runs one step, unless one has failed.
func (b *Builder) do(ctx context.Context, step func() error) error {
	if b.err == nil {
		b.err = ctx.Err()
	}
	if b.err == nil {
		b.err = step()
	}
	if b.err != nil {
		return fmt.Errorf("open source: %w", b.err)
	}
	return nil
}

// Reader is the history of what was added. The Builder is of no use afterwards.
func (b *Builder) Reader(ctx context.Context) (Reader, error) {
	err := b.do(ctx, func() error { return b.f.finish(ctx) })
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	f := b.f
	b.f, b.err = nil, errBuilt
	return f, nil
}

// Close ends a Builder without a Reader. After Reader it does nothing.
func (b *Builder) Close() error {
	if b.f == nil {
		return nil
	}
	err := b.f.Close()
	b.f, b.err = nil, errBuilt
	return err
}
