package history

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

func TestContentIsWhatItSaid(t *testing.T) {
	broken := errors.New("device broke")
	for _, c := range []struct {
		name    string
		content kept
		opens   error
		reads   error
		listed  bool
	}{
		{"as it said", kept{size: 7, data: []byte("content")}, nil, nil, true},
		{"empty", kept{size: 0}, nil, nil, true},
		{"shorter", kept{size: 8, data: []byte("content")}, nil, ErrChanged, true},
		{"gone empty", kept{size: 8}, nil, ErrChanged, true},
		{"longer", kept{size: 6, data: []byte("content")}, nil, ErrChanged, true},
		{"no longer empty", kept{size: 0, data: []byte("content")}, nil, ErrChanged, true},
		{"not there", kept{size: 7, err: &fs.PathError{Op: "open", Err: fs.ErrNotExist}}, segment.ErrContentAbsent, nil, true},
		{"broken", kept{size: 7, err: broken}, broken, nil, true},
		{"at the limit", kept{size: segment.MaxContent}, nil, ErrChanged, true},
		{"over the limit", kept{size: segment.MaxContent + 1}, nil, nil, false},
		{"of unknown size", kept{size: -2, data: []byte("content")}, nil, nil, false},
	} {
		m := newMaker(1, room, 3)
		m.attach(m.text("look"), 1, nil)
		r := built(t, func(b *Builder) error { return b.AddVCon(t.Context(), "x", m.v, []Content{&c.content}) })
		s := NewSource(r, SourceOptions{})
		l := list(t, s, segment.Scope{})
		if (len(l.atts) == 1) != c.listed || (l.left.AttachmentsExcluded[segment.ContentAbsent] == 1) == c.listed {
			t.Errorf("%s: %d attachments, left %v", c.name, len(l.atts), l.left)
		}
		if !c.listed || len(l.atts) == 0 {
			continue
		}
		in, err := s.OpenAttachment(t.Context(), room, l.ids[len(l.ids)-1], l.atts[0], 0)
		if c.opens != nil {
			if !errors.Is(err, c.opens) {
				t.Errorf("%s: opened: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(c.name, err)
		}
		data, err := io.ReadAll(in)
		if !errors.Is(err, c.reads) || err == nil && string(data) != string(c.content.data) || int64(len(data)) > c.content.size {
			t.Errorf("%s: %q, %v", c.name, data, err)
		}
		if c.reads != nil && len(data) > 0 && int64(len(data)) == c.content.size {
			t.Errorf("%s: all of it was given out before the error", c.name)
		}
		// Whoever reads on learns no more.
		if n, again := in.Read(make([]byte, 1)); n != 0 || again == nil {
			t.Errorf("%s: read on: %d, %v", c.name, n, again)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestContentThatNeverComesIsAnError(t *testing.T) {
	c := &exactContent{ReadCloser: io.NopCloser(silent{}), left: 0}
	if _, err := c.Read(make([]byte, 1)); err != io.ErrNoProgress {
		t.Error(err)
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// A content that a Reader does not have is not there in what is built of it, and
// that of another source takes its place.
func TestBuilderTakesContentWhereItIs(t *testing.T) {
	m := newMaker(1, room, 3)
	m.attach(m.text("look"), 1, []byte("content"))
	v, _ := apartFrom(t, m.v)
	gone := &kept{size: 7, err: fs.ErrNotExist}
	without := built(t, func(b *Builder) error { return b.AddVCon(t.Context(), "x", v, []Content{gone}) })
	r := built(t, func(b *Builder) error { return b.AddReader(t.Context(), without) })
	l := list(t, NewSource(r, SourceOptions{}), segment.Scope{})
	if len(l.atts) != 1 {
		t.Fatalf("%d attachments have a name", len(l.atts))
	}
	if _, err := r.OpenAttachment(t.Context(), room, l.atts[0], 0); !errors.Is(err, segment.ErrContentAbsent) {
		t.Errorf("content that is nowhere: %v", err)
	}
	r = built(t, func(b *Builder) error {
		return errors.Join(b.AddReader(t.Context(), without), b.AddVCon(t.Context(), "x", m.v, nil))
	})
	if got := contentsOf(t, r); len(got) != 1 {
		t.Errorf("contents %v", got)
	}
}
