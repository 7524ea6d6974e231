package codec

import (
	"bytes"
	"encoding/base64"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// fill writes out, something in CBOR, with its holes filled.
func (k *copier) fill(out []byte) error { return k.fillTo(k.w, out) }

// fillJSON writes out, a JSON text without blanks, laid out for a depth and with
// its holes filled.
func (k *copier) fillJSON(out []byte, depth int) error {
	return k.fillTo(&layouter{w: k.w, depth: depth}, out)
}

// fillTo writes out to w, and what is in holes to k.w.
func (k *copier) fillTo(w io.Writer, out []byte) error {
	if len(k.holes.list) == 0 {
		_, err := w.Write(out)
		return err
	}
	text, raw := -1, -1 // where the next placeholders are, -1 when they have to be looked for
	for at := 0; ; {
		text, raw = next(out, k.holes.text, at, text), next(out, k.holes.raw, at, raw)
		found := min(text, raw)
		if found == len(out) {
			_, err := w.Write(out[at:])
			return err
		}
		var from, to int
		var h *hole
		if found == text {
			h, from, to = k.holes.inText(out, found, k.options.Format)
		} else {
			h, from, to = k.holes.inBytes(out, found)
		}
		if h == nil || h.used || h.all != nil || from < at {
			return errLongText()
		}
		h.used = true
		w.Write(out[at:from]) // k.w keeps its first error
		if err := k.content(h, found == text); err != nil {
			return err
		}
		at = to
	}
}

// next is the first place of what in out from at on, or len(out). known is what it
// was before.
func next(out, what []byte, at, known int) int {
	if known >= at {
		return known
	}
	if i := bytes.Index(out[at:], what); i >= 0 {
		return at + i
	}
	return len(out)
}

// errLongText is for a long text that did not stay what it was: only an upgrade
// looks into texts.
func errLongText() error {
	return &Error{Offset: -1, Reason: "a text is too long to be upgraded"}
}

// allUsed reports a hole that was not written.
func (k *copier) allUsed(list []hole) error {
	for i := range list {
		if !list[i].used && list[i].all == nil {
			return errLongText()
		}
	}
	return nil
}

// inText is the hole whose placeholder text has its random part at i of out, and
// what of out it takes the place of. In CBOR that is the head too, in JSON not the
// quotes.
func (hs *holes) inText(out []byte, i int, f Format) (h *hole, from, to int) {
	if from, to = i, i+holeText; to > len(out) {
		return nil, 0, 0
	}
	if from > 0 && out[from-1] == holeOdd {
		from--
	}
	if h = hs.named(out[from:to]); h == nil || (h.Canonical || h.isBytes()) != (from == i) {
		return nil, 0, 0
	}
	if f == FormatJSON {
		if from == 0 || out[from-1] != '"' || to == len(out) || out[to] != '"' {
			return nil, 0, 0
		}
		return h, from, to
	}
	if from < 2 || out[from-2] != majorText<<5|24 || int(out[from-1]) != to-from {
		return nil, 0, 0
	}
	return h, from - 2, to
}

// inBytes is the same for a placeholder in a byte string of CBOR.
func (hs *holes) inBytes(out []byte, i int) (h *hole, from, to int) {
	if to = i + holeBytes; to > len(out) || i < 2 || out[i-2] != majorBytes<<5|24 || out[i-1] != holeBytes {
		return nil, 0, 0
	}
	return hs.numbered(out[i+holeRandom : to]), i - 2, to
}

// content writes what h stands for, as a text or as bytes.
func (k *copier) content(h *hole, asText bool) error {
	if k.piece == nil {
		k.piece = make([]byte, scanBuffer)
	}
	json := k.options.Format == FormatJSON
	switch {
	case json && h.isBytes():
		return k.encodeBase64(h)
	case json:
		return k.quote(h)
	case h.isBytes() == asText:
		if asText {
			return errLongText() // bytes never become a text of CBOR
		}
		return k.decodeBase64(h)
	}
	major := byte(majorText)
	if h.isBytes() {
		major = majorBytes
	}
	k.w.Write(AppendHead(nil, major, uint64(h.size)))
	return h.pieces(k.src.at, k.piece, func(p []byte) error {
		_, err := k.w.Write(p)
		return err
	})
}

// quote writes a text as the inside of a JSON string.
func (k *copier) quote(h *hole) error {
	var quoted []byte
	return h.pieces(k.src.at, k.piece, func(p []byte) error {
		var err error
		if quoted, err = jsontext.AppendQuote(quoted[:0], p); err == nil {
			_, err = k.w.Write(quoted[1 : len(quoted)-1])
		}
		return err
	})
}

// encodeBase64 writes bytes as base64url.
func (k *copier) encodeBase64(h *hole) error {
	e := base64.NewEncoder(base64.RawURLEncoding, k.w)
	if err := h.pieces(k.src.at, k.piece, func(p []byte) error { _, err := e.Write(p); return err }); err != nil {
		return err
	}
	return e.Close()
}

// decodeBase64 writes canonical base64url text as a byte string.
func (k *copier) decodeBase64(h *hole) error {
	k.w.Write(AppendHead(nil, majorBytes, uint64(h.size/4*3+h.size%4*6/8)))
	var group, out []byte // what is left of the last group of four
	decode := func(p []byte) error {
		out = append(out[:0], make([]byte, strictBase64.DecodedLen(len(p)))...)
		n, err := strictBase64.Decode(out, p)
		if err != nil {
			return ErrChanged
		}
		_, err = k.w.Write(out[:n])
		return err
	}
	err := h.pieces(k.src.at, k.piece, func(p []byte) error {
		if len(group) > 0 {
			n := min(4-len(group), len(p))
			group, p = append(group, p[:n]...), p[n:]
			if len(group) < 4 {
				return nil
			}
			if err := decode(group); err != nil {
				return err
			}
			group = group[:0]
		}
		whole := len(p) / 4 * 4
		group = append(group, p[whole:]...)
		return decode(p[:whole])
	})
	if err != nil {
		return err
	}
	return decode(group)
}
