package convert

import "io"

// hexEscapes reads JSON as Telegram Desktop writes it: it escapes control characters
// as \x0B, which JSON has not (SerializeString of export_output_json.cpp). They become
// \u000B. Other backslashes stay.
func hexEscapes(in io.Reader) io.Reader { return &hexEscapeReader{in: in} }

type hexEscapeReader struct {
	in      io.Reader
	err     error  // of in, when out has been read
	escaped bool   // the last byte was a backslash that escapes the next one
	out     []byte // what did not fit
}

func (h *hexEscapeReader) Read(p []byte) (int, error) {
	if len(h.out) == 0 && h.err == nil && len(p) > 0 {
		var n int
		n, h.err = h.in.Read(p)
		if clean := h.scan(p[:n]); clean < n { // from here on the bytes move
			h.out = h.mend(p[clean:n])
			n = clean
		}
		if n > 0 {
			return n, nil
		}
	}
	n := copy(p, h.out)
	if h.out = h.out[n:]; n == 0 {
		return 0, h.err
	}
	return n, nil
}

// scan returns how many bytes stay as they are.
func (h *hexEscapeReader) scan(b []byte) int {
	for i, c := range b {
		if h.escaped && c == 'x' {
			return i
		}
		h.escaped = c == '\\' && !h.escaped
	}
	return len(b)
}

// mend copies bytes of which the first is the x of an escape.
func (h *hexEscapeReader) mend(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/2)
	for _, c := range b {
		if h.escaped && c == 'x' {
			out = append(out, "u00"...)
			h.escaped = false
			continue
		}
		h.escaped = c == '\\' && !h.escaped
		out = append(out, c)
	}
	return out
}
