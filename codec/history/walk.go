package history

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// errNoVCons says that a folder has no file with a name that vCons have.
var errNoVCons = errors.New("no vCon files in this folder")

// A sourceFile is one file of a source, as found.
type sourceFile struct {
	name string // for errors
	path string
	temp bool // ours, to be removed
}

// walk lists the files of paths: a file as it is, a folder with everything below
// it that is named like a vCon, in lexical order. Hidden files and folders, and
// links inside folders, are not looked at. "-" is standard input.
func walk(ctx context.Context, paths []string, opts Options) (files []sourceFile, err error) {
	defer func() {
		if err != nil {
			removeTemp(files)
		}
	}()
	for _, p := range paths {
		if p == "-" {
			f, err := spool(ctx, opts)
			if err != nil {
				return files, &FileError{File: p, Err: err}
			}
			files = append(files, f)
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return files, &FileError{File: p, Err: bare(err)}
		}
		if !info.IsDir() {
			files = append(files, sourceFile{name: p, path: p})
			continue
		}
		before := len(files)
		if files, err = walkFolder(ctx, files, p, opts.limit().files); err != nil {
			return files, err
		}
		if len(files) == before {
			return files, &FileError{File: p, Err: errNoVCons}
		}
	}
	if limit := opts.limit().files; len(files) > limit {
		return files, &FileError{File: paths[len(paths)-1], Err: &LimitError{What: "files in the source", Limit: int64(limit)}}
	}
	return files, nil
}

func walkFolder(ctx context.Context, files []sourceFile, folder string, limit int) ([]sourceFile, error) {
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return &FileError{File: path, Err: bare(err)}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		hidden := path != folder && strings.HasPrefix(d.Name(), ".")
		if d.IsDir() {
			if hidden {
				return filepath.SkipDir
			}
			if below, err := filepath.Rel(folder, path); err == nil && strings.Count(below, string(filepath.Separator)) >= maxFileDepth {
				return &FileError{File: path, Err: &LimitError{What: "folders inside each other", Limit: maxFileDepth}}
			}
			return nil
		}
		if hidden || !d.Type().IsRegular() || !namedLikeVCon(d.Name()) {
			return nil
		}
		if len(files) > limit {
			return filepath.SkipAll // walk says why
		}
		files = append(files, sourceFile{name: path, path: path})
		return nil
	})
	return files, err
}

func namedLikeVCon(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".vcon", ".json", ".cbor":
		return true
	}
	return false
}

// spool copies standard input to a file that only we can read, because a vCon is
// read twice. Close of the reader removes it.
func spool(ctx context.Context, opts Options) (sourceFile, error) {
	if opts.Stdin == nil {
		return sourceFile{}, errors.New("no standard input to read from")
	}
	f, err := os.CreateTemp(opts.TempDir, "vcon-transfer-*.spool") // mode 0600
	if err != nil {
		return sourceFile{}, bare(err)
	}
	s := sourceFile{name: "-", path: f.Name(), temp: true}
	limit := opts.limit().spool
	n, err := io.Copy(f, io.LimitReader(&ctxReader{ctx, opts.Stdin}, limit+1))
	if err == nil && n > limit {
		err = &LimitError{What: "bytes on standard input", Limit: limit}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		removeTemp([]sourceFile{s})
		return sourceFile{}, err
	}
	return s, nil
}

func removeTemp(files []sourceFile) {
	for _, f := range files {
		if f.temp {
			_ = os.Remove(f.path) // what cannot be removed is for the system's cleaner
		}
	}
}

// A ctxReader stops a copy when ctx ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// bare takes the path out of an error, where FileError names it already.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
