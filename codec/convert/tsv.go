package convert

import (
	"bufio"
	"errors"
	"io"
)

// A rowReader reads tab-separated rows that end in CR LF. A field that begins
// with a quotation mark goes to the next single one and may hold tabs and line
// breaks, which are kept as they are; two marks stand for one.
type rowReader struct {
	in  *bufio.Reader
	buf []byte
	end []int // ends of the fields in buf
}

// errRow says that a row is longer than MaxRowBytes or not of the form; what
// follows can be read.
var errRow = errors.New("row of the wrong form")

// read returns the fields of the next row, valid until the next call; io.EOF at
// the end, errRow for a row that is passed over.
func (r *rowReader) read() ([]string, error) {
	r.buf, r.end = r.buf[:0], r.end[:0]
	bad, any := false, false
	for {
		quoted, last, err := r.field(&bad)
		any = any || quoted || len(r.buf) > 0 || len(r.end) > 0
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if errors.Is(err, io.EOF) && !any {
			return nil, io.EOF
		}
		r.end = append(r.end, len(r.buf))
		if !last {
			continue
		}
		if bad {
			return nil, errRow
		}
		fields := make([]string, len(r.end))
		all, from := string(r.buf), 0
		for i, to := range r.end {
			fields[i] = all[from:to]
			from = to
		}
		return fields, nil
	}
}

// put adds a byte to the row; a row beyond its limit is read on, but not kept.
func (r *rowReader) put(c byte, bad *bool) {
	if len(r.buf) >= MaxRowBytes || len(r.end) > maxFields {
		*bad = true
		return
	}
	r.buf = append(r.buf, c)
}

// maxFields is more than any layout has; it bounds what a row of tabs costs.
const maxFields = 64

// field reads one field and what ends it; last is set when the row ends with it.
func (r *rowReader) field(bad *bool) (quoted, last bool, err error) {
	c, err := r.in.ReadByte()
	if err != nil {
		return false, true, err
	}
	if c == '"' {
		quoted = true
		if err := r.quotedPart(bad); err != nil {
			*bad = true // the mark that ends it is missing
			return true, true, ignoreEOF(err)
		}
		c, err = r.in.ReadByte()
	}
	for ; err == nil; c, err = r.in.ReadByte() {
		switch c {
		case '\t':
			if len(r.end) > maxFields {
				*bad = true
				continue
			}
			return quoted, false, nil
		case '\n':
			return quoted, true, nil
		case '\r':
			if next, perr := r.in.Peek(1); perr == nil && next[0] == '\n' {
				continue
			}
		}
		if quoted {
			*bad = true // text behind the closing mark
		}
		r.put(c, bad)
	}
	return quoted, true, ignoreEOF(err)
}

// quotedPart reads up to the mark that ends a quoted field.
func (r *rowReader) quotedPart(bad *bool) error {
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return err
		}
		if c == '"' {
			next, err := r.in.Peek(1)
			if err != nil || next[0] != '"' {
				return nil
			}
			if _, err := r.in.Discard(1); err != nil {
				return err
			}
		}
		r.put(c, bad)
	}
}

// ignoreEOF lets the end of the file end a row.
func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
