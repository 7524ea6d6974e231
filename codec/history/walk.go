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
}

// walk lists the files of a path: a file as it is, a folder with everything below
// it that is named like a vCon, in lexical order. Hidden files and folders, and
// links inside folders, are not looked at. There may be limit files at most.
func walk(ctx context.Context, path string, limit int) ([]sourceFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &FileError{File: path, Err: bare(err)}
	}
	files := []sourceFile{{path, path}}
	if info.IsDir() {
		if files, err = walkFolder(ctx, path, limit); err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, &FileError{File: path, Err: errNoVCons}
		}
	}
	if len(files) > limit {
		return nil, &FileError{File: path, Err: &LimitError{What: "files in the source", Limit: int64(limit)}}
	}
	return files, nil
}

func walkFolder(ctx context.Context, folder string, limit int) (files []sourceFile, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
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
		files = append(files, sourceFile{path, path})
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
