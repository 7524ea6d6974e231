package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
)

const (
	// outBuffer is how much of the result is held before any of it goes to standard
	// output, in bytes: a small vCon with an error in it writes nothing.
	outBuffer = 4 << 20
	// shownMends bounds the mended texts that are listed.
	shownMends = 20
)

// one converts one vCon as it is, whatever it contains and however large it is.
func (f *convertFlags) one(ctx context.Context, ui *terminal, in, out string) error {
	format, err := f.formatOf(ui, out)
	if err != nil {
		return err
	}
	if err := free(out); err != nil {
		return err
	}
	source, err := openSeekable(ctx, ui, in)
	if err != nil {
		return err
	}
	defer source.Close()
	var mends mendList
	sidecars := false
	options := codec.CopyOptions{
		Format: format, Upgrade: f.upgrade,
		AttachmentURL: func(url string) { sidecars = sidecars || strings.HasPrefix(url, attachmentsFolder+"/") },
	}
	if f.repair {
		options.Mend = mends.add
	}
	if err := writeOut(ui, out, func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, outBuffer)
		if err := codec.Copy(buffered, source, source.size, options); err != nil {
			return source.explain(in, format, err)
		}
		return buffered.Flush()
	}); err != nil {
		return err
	}
	mends.say(ui, in)
	if sidecars && filepath.Dir(in) != filepath.Dir(out) {
		ui.say("The contents of attachments stay in the folder %s beside %s.", attachmentsFolder, in)
	}
	return nil
}

// A seekable is a source that can be read at any place. It ends with its context.
type seekable struct {
	io.ReaderAt
	ctx    context.Context
	size   int64     // bytes
	closer io.Closer // nil for standard input that is a file
	err    error     // of reading it
}

// openSeekable opens a file, or standard input. A pipe is first spooled, encrypted:
// a vCon is read in several passes.
func openSeekable(ctx context.Context, ui *terminal, path string) (*seekable, error) {
	s := &seekable{ctx: ctx}
	in := ui.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, unreadable(path, err)
		}
		s.closer, in = f, f
	}
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			begin, err := f.Seek(0, io.SeekCurrent) // somebody may have read a part of standard input
			if err == nil {
				s.size = max(0, info.Size()-begin)
				s.ReaderAt = io.NewSectionReader(f, begin, s.size)
				return s, nil
			}
		}
	}
	spool := history.NewSpool("")
	piped := &seekable{ReaderAt: spool, ctx: ctx, closer: spool}
	_, err := io.Copy(spool, &untilDone{ctx, in})
	piped.size = spool.Len()
	if err = errors.Join(err, s.Close()); err != nil {
		err = errors.Join(err, piped.Close())
		if _, ok := errors.AsType[*history.SpoolError](err); ok {
			return nil, destinationError{err}
		}
		return nil, unreadable(path, err)
	}
	return piped, nil
}

// An untilDone ends with its context, between two reads.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Reader.Read(p)
}

// ReadAt implements io.ReaderAt.
func (s *seekable) ReadAt(p []byte, off int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.ReaderAt.ReadAt(p, off)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// Close closes what was opened.
func (s *seekable) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// explain tells what is wrong with the source from what is wrong with the
// destination.
func (s *seekable) explain(path string, format codec.Format, err error) error {
	e, ok := errors.AsType[*codec.Error](err)
	switch {
	case ok && strings.HasPrefix(e.Reason, "no JSON form"):
		return sourceError{fmt.Errorf("convert %q to %s: %w", path, format, err)}
	case ok && s.mendable(e):
		return sourceError{fmt.Errorf("read source %q: %w (--repair puts U+FFFD in its place)", path, err)}
	case ok, errors.Is(err, codec.ErrChanged), s.err != nil, errors.Is(err, io.ErrUnexpectedEOF):
		return unreadable(path, err)
	}
	return err
}

// mendable reports whether --repair would help.
func (s *seekable) mendable(e *codec.Error) bool {
	prefix := make([]byte, min(512, s.size))
	n, _ := s.ReaderAt.ReadAt(prefix, 0)
	format, err := codec.DetectFormat(prefix[:n])
	return err == nil && format == codec.FormatJSON && e.Mendable()
}

// A mendList is what --repair changed.
type mendList struct {
	texts, characters uint64
	first             []codec.Mend
}

func (l *mendList) add(m codec.Mend) {
	l.texts++
	l.characters += uint64(m.Count)
	if len(l.first) < shownMends {
		l.first = append(l.first, m)
	}
}

func (l *mendList) say(ui *terminal, path string) {
	if l.texts == 0 {
		return
	}
	ui.say("%s: %s in %s %s no Unicode; U+FFFD is in %s now:", path, plural(l.characters, "character"),
		plural(l.texts, "text"), wasWere(l.characters), theirPlace(l.characters))
	for _, m := range l.first {
		ui.say("  %s: byte %d", m.Pointer, m.Offset)
	}
	if more := l.texts - uint64(len(l.first)); more > 0 {
		ui.say("  and %s more", plural(more, "text"))
	}
}

func wasWere(n uint64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func theirPlace(n uint64) string {
	if n == 1 {
		return "its place"
	}
	return "their places"
}
