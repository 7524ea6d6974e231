package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A Content is the content of an attachment that is not in its vCon. It is read
// when it is asked for, and may be asked for several times, also at one time.
type Content interface {
	// Size is its length in bytes.
	Size() int64
	// Open reads it from offset on, to its end. An error that is fs.ErrNotExist
	// says that the content is not there: the attachment goes without it. When it
	// is not as long as Size said, whoever reads it gets ErrChanged.
	Open(offset int64) (io.ReadCloser, error)
}

// An apart is where the content of an attachment is that its unit does not have.
type apart struct {
	size int64
	open int32 // 1 + index in index.apart; 0 for content that the unit may have
}

// An openApart opens the content of the attachment that is asked for as e.
type openApart func(ctx context.Context, e segment.AttachmentEntry, offset int64) (io.ReadCloser, error)

// place makes the contents of a vCon's attachments known.
func (x *index) place(contents []Content) []apart {
	all := make([]apart, len(contents))
	for i, c := range contents {
		if c == nil {
			continue
		}
		x.apart = append(x.apart, func(_ context.Context, _ segment.AttachmentEntry, offset int64) (io.ReadCloser, error) {
			return c.Open(offset)
		})
		all[i] = apart{c.Size(), int32(len(x.apart))}
	}
	return all
}

// open opens the content of t, which is asked for as e.
func (x *index) open(ctx context.Context, t attached, e segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	if t.apart == 0 {
		return x.units[t.unit].open(t.place, offset)
	}
	r, err := x.apart[t.apart-1](ctx, e, int64(offset))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, segment.ErrContentAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("open content: %w", err)
	}
	return &exactContent{ReadCloser: r, left: t.size - int64(offset)}, nil
}

// An exactContent is content that ends where it was said to end, or with
// ErrChanged. Its last bytes are not given out before the end was seen.
type exactContent struct {
	io.ReadCloser
	left int64
	err  error
}

func (c *exactContent) Read(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	n := 0
	if c.left > 0 {
		n, c.err = c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
		c.left -= int64(n)
	}
	if c.left == 0 && c.err == nil {
		c.err = c.end()
	}
	switch {
	case c.err == io.EOF && c.left > 0:
		c.err = ErrChanged
	case c.err == io.EOF && n > 0:
		return n, nil
	}
	if c.err != nil {
		return 0, c.err
	}
	return n, nil
}

// end is io.EOF when nothing follows.
func (c *exactContent) end() error {
	var more [1]byte
	for range maxEmptyReads {
		if n, err := c.ReadCloser.Read(more[:]); n > 0 {
			return ErrChanged
		} else if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// maxEmptyReads bounds how often a reader may give neither bytes nor its end.
const maxEmptyReads = 100
