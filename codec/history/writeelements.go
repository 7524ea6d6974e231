package history

import (
	"encoding/hex"
	"errors"
	"io"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

func (w *vconWriter) writeDialogs() error {
	clock, err := w.clock()
	if err != nil {
		return err
	}
	return w.each(func(i int, it *segment.Item) error {
		if it.Instant != w.heads[i].Instant {
			return ErrChanged
		}
		d := *it.Dialog
		if err := d.MapParties(w.mapper(it)); err != nil {
			return err
		}
		own := ownDialog{SharedBy: it.Provenance}
		if !clock.tells(&d, it.Instant) {
			own.Instant = &it.Instant
		}
		d = own.with(d)
		return w.element(i, len(w.heads), &d)
	})
}

// instants follows the instants that the dates of a vCon's dialogs give, by the
// rule of segment.FillInstants.
type instants struct {
	last  int64
	begun bool
}

// tells reports whether the reader of the vCon finds the instant by itself.
func (c *instants) tells(d *codec.Dialog, instant int64) bool {
	ms, ok := segment.Instant(d)
	if !ok {
		ms, ok = c.last, c.begun
	}
	c.last, c.begun = instant, true
	return ok && ms == instant
}

// clock begins with the instant that a reader gives undated dialogs at the
// beginning: that of the first dated one.
func (w *vconWriter) clock() (c instants, err error) {
	n := min(itemBatch, len(w.heads))
	items, err := w.r.Items(w.ctx, w.info.Room.ID, w.heads[:n])
	if err != nil {
		return c, err
	}
	for i := range items {
		if _, ok := segment.Instant(items[i].Dialog); ok {
			return instants{items[i].Instant, true}, nil
		}
	}
	return instants{0, n == len(w.heads)}, nil
}

func (w *vconWriter) writeAttachments() error {
	n := 0
	return w.each(func(i int, it *segment.Item) error {
		for j := range it.Attachments {
			if err := w.attachment(n, i, it, it.Attachments[j]); err != nil {
				return err
			}
			n++
		}
		return nil
	})
}

func (w *vconWriter) attachment(n, dialog int, it *segment.Item, a codec.Attachment) error {
	_, sized := segment.SizeOf(&a)
	var e segment.AttachmentEntry
	if sized {
		one := segment.Segment{Items: []segment.Item{{Dialog: it.Dialog, Attachments: []codec.Attachment{a}}}}
		entries, _ := one.Attachments()
		e = entries[0]
	}
	a.Extra = withoutOwn(a.Extra)
	if err := a.MapParties(w.mapper(it)); err != nil {
		return err
	}
	var own ownAttachment
	id, _, refers := segment.ParseRef(a.DialogObjectRef)
	switch {
	case refers && id == string(it.Dialog.MessageID) && !it.Again:
	case !refers && a.Extra["dialog"] != nil:
		a.Extra = withField(a.Extra, "dialog", codec.AppendUint(nil, uint64(dialog)))
	case refers || dialog > 0:
		own.Dialog = new(uint64(dialog))
	}
	if sized {
		a.Body = codec.Body{}
		if w.opts.Sidecar != nil {
			own.Size = &e.Size
			if sum, ok := w.opts.Sidecar(e); ok {
				own.SHA256, sized = hex.EncodeToString(sum[:]), false
			}
		}
	}
	if err := w.put(w.separator(n)); err != nil {
		return err
	}
	open := func() (io.ReadCloser, error) { return w.r.OpenAttachment(w.ctx, w.info.Room.ID, e, 0) }
	if sized {
		c, err := open()
		if errors.Is(err, segment.ErrContentAbsent) {
			sized, own.Size = false, &e.Size
		} else if err != nil {
			return err
		} else if err := c.Close(); err != nil {
			return err
		}
	}
	if w.opts.leave != nil {
		w.opts.leave(e.Size, sized)
	}
	if sized {
		own.Size = nil // the body tells it
		sized = w.opts.leave == nil
	}
	a = own.with(a)
	bw := bodyWriter{w: w.w, format: w.opts.Format}
	var err error
	if sized {
		err = bw.inline(&a, e.Size, open)
	} else {
		err = bw.plain(&a)
	}
	if err != nil {
		return err
	}
	return w.endOfLine(n)
}

func (w *vconWriter) endOfLine(n int) error {
	if w.opts.Format == codec.FormatJSON && n == w.attachments-1 {
		return w.put([]byte{'\n'})
	}
	return nil
}
