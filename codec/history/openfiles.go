package history

import (
	"context"
	"errors"
	"io"
	"path/filepath"
)

// Options of a Builder and of OpenFiles. The zero value reads files as they are.
type Options struct {
	Stdin   io.Reader // what the path "-" reads; nil refuses it
	TempDir string    // of the temporary file; "" is the system's folder
	Upgrade bool      // read old names as those of today (codec.VCon.Upgraded)

	limits *limits // nil is defaultLimits
}

func (o *Options) limit() limits {
	if o.limits != nil {
		return *o.limits
	}
	return limits{files: maxFiles, items: maxItems, rooms: maxRooms, spool: maxSpool}
}

// errNotVCon says that a file is an object in JSON or CBOR, but no vCon.
var errNotVCon = errors.New("not a vCon")

// OpenFiles indexes vCon files, in CBOR or JSON, and folders of them (*.vcon,
// *.json, *.cbor, with everything below). It reads each file once or twice and
// then keeps 80 bytes an item and the parties; records and the content of
// attachments are read from the files when they are asked for. A file that
// changed in between is ErrChanged. "-" is standard input: it is kept in an
// encrypted temporary file (see Builder).
//
// vCons of one room become one room, equal records one item (see Duplicate). A
// vCon without a room is a room of its own, named after its uuid, or after its
// content when it has none. Content of attachments is inline, or beside the file
// as DirSink writes it; else it is not in the source.
//
// A file that cannot be read, or is no vCon, is a *FileError. Single records that
// no segment can hold are counted in Left; so is a whole vCon that names
// something critical. A signed or encrypted one is an item as a whole (TypeVCon).
func OpenFiles(ctx context.Context, paths []string, opts Options) (Reader, error) {
	b := NewBuilder(opts)
	for _, path := range paths {
		if err := b.AddPath(ctx, path); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	return b.Reader(ctx)
}

// files is an index of encoded vCons.
type files struct {
	*index
	opener *opener
	spool  *Spool // nil when there is none
	owned  []io.Closer
}

// Close implements Reader.
func (f *files) Close() error {
	err := f.opener.close()
	if f.spool != nil {
		err = errors.Join(err, f.spool.Close())
	}
	for _, c := range f.owned {
		err = errors.Join(err, c.Close())
	}
	f.owned = nil
	return err
}

// scan takes a file of the person into the index.
func (f *files) scan(ctx context.Context, sf sourceFile, opts Options) error {
	u := &fileUnit{in: &diskFile{path: sf.path, opener: f.opener}, folder: filepath.Dir(sf.path)}
	return f.scanUnit(ctx, sf.name, u, nil, opts)
}

// scanUnit takes a vCon into the index. Of what has a place in contents the
// content is there, and not in the vCon.
func (f *files) scanUnit(ctx context.Context, name string, u *fileUnit, contents []apart, opts Options) error {
	u.upgrade, u.large = opts.Upgrade, map[int64]*largeAttachment{}
	err := u.in.use(func(r io.ReaderAt) error {
		s := &scan{ctx: ctx, x: f.index, u: u, r: r, contents: contents, limits: opts.limit()}
		return s.run()
	})
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrChanged) {
		return err
	}
	return &FileError{File: name, Err: bare(err)}
}
