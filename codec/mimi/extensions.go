package mimi

import (
	"bytes"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A RawMap is the CBOR map of a message's extensions (section 4.3). The zero
// value is the empty map. ParseContent makes it deterministic.
type RawMap []byte

// Keys of registered extensions (section 8.2.1).
const (
	ExtensionSenderURI = 1
	ExtensionRoomURI   = 2
)

// URIs returns the extensions that name the sender and the room, as senders of
// the draft's examples add them to each message.
func URIs(senderURI, roomURI string) RawMap {
	b := codec.AppendHead(make([]byte, 0, 9+len(senderURI)+len(roomURI)), majorMap, 2)
	b = codec.AppendHead(b, majorUint, ExtensionSenderURI)
	b = codec.AppendText(b, senderURI)
	b = codec.AppendHead(b, majorUint, ExtensionRoomURI)
	return codec.AppendText(b, roomURI)
}

// Text returns the value of an unsigned integer key when it is a text.
func (m RawMap) Text(key uint64) (string, bool) {
	r := &reader{b: m}
	h, err := r.head()
	if err != nil || h.major != majorMap || h.indefinite {
		return "", false
	}
	for range h.arg {
		k, err := r.head()
		if err != nil {
			return "", false
		}
		if k.major == majorText || k.major == majorBytes {
			if _, err = r.strBody(k); err != nil {
				return "", false
			}
		}
		if k.major == majorUint && k.arg == key {
			s, err := r.text()
			return s, err == nil
		}
		w := walk{reader: r}
		if _, err = w.item(nil, 1); err != nil {
			return "", false
		}
	}
	return "", false
}

// extensions reads the extensions map and returns it in deterministic encoding.
func (r *reader) extensions() (RawMap, error) {
	at := r.off
	if c, ok := r.peek(); ok && c>>5 != majorMap {
		return nil, r.fail("want a map")
	}
	w := walk{reader: r}
	out, err := w.item(nil, 0)
	if err != nil {
		return nil, err
	}
	in := r.b[at:r.off:r.off]
	if !bytes.Equal(in, out) {
		r.loose = true
		return out, nil
	}
	return in, nil
}

// A walk rewrites data items of the extensions into deterministic encoding and
// holds them to the data model of section 6.2.
type walk struct {
	*reader
	items int
}

// item appends the next item to out. depth is that of what contains it; a map,
// an array and a tag are one level each.
func (w *walk) item(out []byte, depth int) ([]byte, error) {
	if w.items++; w.items > MaxExtensionItems {
		return nil, w.fail("too many extension items")
	}
	at := w.off
	h, err := w.head()
	if err != nil {
		return nil, err
	}
	if h.major >= majorArray && h.major <= majorTag && depth >= MaxExtensionDepth {
		return nil, &ParseError{at, "extension nested too deeply"}
	}
	switch h.major {
	case majorUint, majorNegint:
		return codec.AppendHead(out, h.major, h.arg), nil
	case majorBytes, majorText:
		s, err := w.strBody(h)
		if err != nil {
			return nil, err
		}
		return append(codec.AppendHead(out, h.major, uint64(len(s))), s...), nil
	case majorArray:
		return w.array(out, h, depth+1)
	case majorMap:
		return w.entries(out, h, depth+1)
	case majorTag:
		return w.tag(out, h, depth+1)
	}
	return w.simple(out, h, at)
}

func (w *walk) array(out []byte, h head, depth int) ([]byte, error) {
	n := -1
	if !h.indefinite {
		if h.arg > uint64(w.left()) {
			return nil, w.fail("array longer than the content")
		}
		n = int(h.arg)
		out = codec.AppendHead(out, majorArray, h.arg)
	}
	var body []byte
	count := 0
	for ; ; count++ {
		more, err := w.more(count, n)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if n >= 0 {
			out, err = w.item(out, depth)
		} else {
			body, err = w.item(body, depth)
		}
		if err != nil {
			return nil, err
		}
	}
	if n < 0 {
		out = append(codec.AppendHead(out, majorArray, uint64(count)), body...)
	}
	return out, nil
}

// An entry of a map, encoded. key is its length in bytes.
type entry struct {
	bytes []byte
	key   int
}

func (w *walk) entries(out []byte, h head, depth int) ([]byte, error) {
	n := -1
	if !h.indefinite {
		if h.arg > uint64(w.left())/2 {
			return nil, w.fail("map longer than the content")
		}
		n = int(h.arg)
	}
	var all []entry
	for {
		more, err := w.more(len(all), n)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		e := entry{}
		if e.bytes, err = w.key(depth); err != nil {
			return nil, err
		}
		e.key = len(e.bytes)
		if e.bytes, err = w.item(e.bytes, depth); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	order := func(a, b entry) int { return bytes.Compare(a.bytes[:a.key], b.bytes[:b.key]) }
	if !slices.IsSortedFunc(all, order) {
		w.loose = true
		slices.SortFunc(all, order)
	}
	out = codec.AppendHead(out, majorMap, uint64(len(all)))
	for i, e := range all {
		if i > 0 && order(all[i-1], e) == 0 {
			return nil, w.fail("duplicate key")
		}
		out = append(out, e.bytes...)
	}
	return out, nil
}

// key reads a map key: an integer that a double float holds, a text, or, below
// the extensions map, a byte string.
func (w *walk) key(depth int) ([]byte, error) {
	at := w.off
	c, ok := w.peek()
	if !ok {
		return nil, w.fail("unexpected end")
	}
	k, err := w.item(nil, depth)
	if err != nil {
		return nil, err
	}
	r := &reader{b: k}
	h, err := r.head()
	if err != nil {
		return nil, err
	}
	switch c >> 5 {
	case majorUint:
		ok = h.arg <= MaxKeyInteger
	case majorNegint:
		ok = h.arg < MaxKeyInteger
	case majorText:
		ok = depth > 1 || h.arg >= 1 && h.arg <= MaxExtensionKey
	case majorBytes:
		ok = depth > 1
	default:
		ok = false
	}
	if !ok {
		return nil, &ParseError{at, "key outside the data model"}
	}
	return k, nil
}
