package history

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// WriteOptions configure WriteVCon.
type WriteOptions struct {
	Format codec.Format // FormatCBOR if it is not set
	// Sidecar tells where the content of an attachment is that is not written into
	// the vCon: in the file attachments/<hexadecimal SHA-256> beside it. Where it
	// reports false, or is nil, content is written inline.
	Sidecar func(e segment.AttachmentEntry) (sum [32]byte, ok bool)

	// leave is told of each attachment, in their order, how large its content is and
	// whether it is there; the content is then not written at all.
	leave func(size uint64, there bool)
}

// WriteVCon writes one room of a Reader as one whole vCon: the room and the roster
// as of its start, all items in canonical order, attachments. What OpenFiles reads
// of it is the same history. It holds a batch of items in memory and streams the
// content of attachments; JSON has one element of an array a line.
//
// The uuid and the date are made of what is written, so that the same history is
// the same file. What JSON cannot hold is refused with an error.
func WriteVCon(ctx context.Context, w io.Writer, r Reader, info RoomInfo, opts WriteOptions) error {
	if opts.Format == 0 {
		opts.Format = codec.FormatCBOR
	}
	vw := &vconWriter{ctx: ctx, w: w, r: r, info: info, opts: opts}
	if err := vw.run(); err != nil {
		return fmt.Errorf("write vcon: %w", err)
	}
	return nil
}

// A vconWriter writes one vCon. Its frame is encoded whole, with one element in
// the place of each array; then the elements are written in those places.
type vconWriter struct {
	ctx  context.Context
	w    io.Writer
	r    Reader
	info RoomInfo
	opts WriteOptions

	heads       []segment.Head
	parties     []codec.Party
	roster      int               // of parties
	index       map[string]uint32 // record of a party: index in parties
	attachments int
	buf         []byte
}

func (w *vconWriter) run() error {
	for h, err := range w.r.Heads(w.ctx, w.info.Room.ID) {
		if err != nil {
			return err
		}
		w.heads = append(w.heads, h)
		w.attachments += int(h.Attachments)
	}
	if err := w.cite(); err != nil {
		return err
	}
	frame, slots, err := w.frame()
	if err != nil {
		return err
	}
	at := 0
	for _, s := range slots {
		if err := w.put(frame[at:s.from]); err != nil {
			return err
		}
		at = s.to
		if err := s.write(); err != nil {
			return err
		}
	}
	return w.put(frame[at:])
}

func (w *vconWriter) put(b []byte) error {
	_, err := w.w.Write(b)
	return err
}

// cite numbers the parties: the room first, then the roster, then who is cited
// and in no roster.
func (w *vconWriter) cite() error {
	w.index = map[string]uint32{}
	room := w.info.Room
	if room.Meta != nil && room.Meta.ID == room.ID {
		self := codec.Party{IMURI: room.ID}
		for _, s := range w.info.Roster {
			if s.IMURI == room.ID {
				self = s
				break
			}
		}
		if err := w.add(&self); err != nil {
			return err
		}
		bare, err := codec.AppendPartyCBOR(nil, &codec.Party{IMURI: room.ID})
		if err != nil {
			return err
		}
		w.index[string(bare)] = 0
	}
	for i := range w.info.Roster {
		if err := w.add(&w.info.Roster[i]); err != nil {
			return err
		}
	}
	w.roster = len(w.parties)
	known := map[*codec.Party]bool{}
	return w.each(func(_ int, it *segment.Item) error {
		var failed error
		see := func(n uint32) {
			if p, ok := partyAt(it.Parties, &n); ok && !known[&it.Parties[n]] {
				if len(known) > maxKnown {
					clear(known)
				}
				known[&it.Parties[n]] = true
				failed = errors.Join(failed, w.add(&p))
			}
		}
		it.Dialog.EachParty(see)
		for i := range it.Attachments {
			it.Attachments[i].EachParty(see)
		}
		return failed
	})
}

func (w *vconWriter) add(p *codec.Party) error {
	raw, err := codec.AppendPartyCBOR(nil, p)
	if err != nil {
		return err
	}
	if _, ok := w.index[string(raw)]; !ok {
		w.index[string(raw)] = uint32(len(w.parties))
		w.parties = append(w.parties, *p)
	}
	return nil
}

// mapper translates the party indexes of an item to those of the vCon.
func (w *vconWriter) mapper(it *segment.Item) func(uint32) (uint32, error) {
	return func(n uint32) (uint32, error) {
		p, ok := partyAt(it.Parties, &n)
		if !ok {
			return 0, segment.ErrNoParty
		}
		raw, err := codec.AppendPartyCBOR(nil, &p)
		if err != nil {
			return 0, err
		}
		i, ok := w.index[string(raw)]
		if !ok {
			return 0, ErrChanged
		}
		return i, nil
	}
}

// each reads all items, some at a time.
func (w *vconWriter) each(f func(i int, it *segment.Item) error) error {
	for lo := 0; lo < len(w.heads); lo += itemBatch {
		hi := min(lo+itemBatch, len(w.heads))
		items, err := w.r.Items(w.ctx, w.info.Room.ID, w.heads[lo:hi])
		if err != nil {
			return err
		}
		for i := range items {
			if err := f(lo+i, &items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// A slot is the place of an array's element in the frame.
type slot struct {
	from, to int
	write    func() error
}

// frame encodes the vCon without its elements. The element that stands for an
// array holds random bytes, which occur nowhere else.
func (w *vconWriter) frame() ([]byte, []slot, error) {
	room := w.info.Room
	v := &codec.VCon{Version: codec.Version, UUID: w.uuid(), Room: room.Meta}
	v.CreatedAt = mimi.DateOf(w.info.Last)
	for _, name := range sortedNames(room.Extra) {
		if structural(name) || name == "extensions" && room.Extra[name].Decode(new([]string)) != nil {
			continue
		}
		if err := v.Set(name, room.Extra[name]); err != nil {
			return nil, nil, err
		}
	}
	if w.roster < len(w.parties) {
		n := w.roster
		if room.Meta != nil && room.Meta.ID == room.ID {
			n-- // party 0 is the room, which is not counted
		}
		own := codec.AppendUint(codec.AppendText(codec.AppendMap(nil, 1), "roster"), uint64(n))
		v.Extra = withOwn(v.Extra, own)
	}
	v.Extensions = append([]string{codec.ExtensionMIMI, segment.Extension}, v.Extensions...)
	mark := []byte(rand.Text() + rand.Text())
	if len(w.parties) > 0 {
		v.Parties = []codec.Party{{Name: "p" + string(mark)}}
	}
	if len(w.heads) > 0 {
		v.Dialog = []codec.Dialog{{Type: "d" + string(mark)}}
	}
	if w.attachments > 0 {
		v.Attachments = []codec.Attachment{{Type: "a" + string(mark)}}
	}
	frame, err := v.AppendCBOR(nil)
	if w.opts.Format == codec.FormatJSON {
		frame, err = v.AppendJSON(nil)
	}
	if err != nil {
		return nil, nil, err
	}
	var slots []slot
	for _, a := range []struct {
		kind  string
		n     int
		write func() error
	}{
		{"p", len(w.parties), w.writeParties},
		{"d", len(w.heads), w.writeDialogs},
		{"a", w.attachments, w.writeAttachments},
	} {
		if a.n == 0 {
			continue
		}
		at := bytes.Index(frame, []byte(a.kind+string(mark)))
		s := slot{to: at + len(mark) + 1}
		if w.opts.Format == codec.FormatJSON {
			s.from = bytes.LastIndexByte(frame[:at], '[') + 1
			s.to += len(`"}`)
			s.write = a.write
		} else {
			s.from = bytes.LastIndexByte(frame[:at], 0x81) // the head of an array of one
			s.write = func() error {
				if err := w.put(codec.AppendArray(nil, a.n)); err != nil {
					return err
				}
				return a.write()
			}
		}
		slots = append(slots, s)
	}
	slices.SortFunc(slots, func(a, b slot) int { return a.from - b.from })
	return frame, slots, nil
}

// uuid names the vCon after its conversation when it is one vCon's, else after
// the items that it holds.
func (w *vconWriter) uuid() string {
	if id, ok := uuidOfRoom(w.info.Room.ID); ok {
		return id
	}
	h := sha256.New()
	io.WriteString(h, "vcon-transfer/1 vcon of a room\x00"+w.info.Room.ID+"\x00")
	for i := range w.heads {
		h.Write(w.heads[i].Key[:])
	}
	return uuidOf(h.Sum(nil)[:16])
}

func (w *vconWriter) writeParties() error {
	for i := range w.parties {
		if err := w.element(i, len(w.parties), &w.parties[i]); err != nil {
			return err
		}
	}
	return nil
}

// element writes one element of an array.
func (w *vconWriter) element(i, n int, v any) error {
	b := w.separator(i)
	var err error
	json := w.opts.Format == codec.FormatJSON
	switch v := v.(type) {
	case *codec.Party:
		if json {
			b, err = codec.AppendPartyJSON(b, v)
		} else {
			b, err = codec.AppendPartyCBOR(b, v)
		}
	case *codec.Dialog:
		if json {
			b, err = codec.AppendDialogJSON(b, v)
		} else {
			b, err = codec.AppendDialogCBOR(b, v)
		}
	}
	if err != nil {
		return err
	}
	if json && i == n-1 {
		b = append(b, '\n')
	}
	w.buf = b
	return w.put(b)
}

// separator begins element i of an array.
func (w *vconWriter) separator(i int) []byte {
	b := w.buf[:0]
	if w.opts.Format != codec.FormatJSON {
		return b
	}
	if i > 0 {
		b = append(b, ',')
	}
	return append(b, '\n')
}
