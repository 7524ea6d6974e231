package reference

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

var errCBOR = errors.New("reference: not core deterministic CBOR")

// Major types of RFC 8949, section 3.1.
const (
	majorUint  = 0
	majorNint  = 1
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
	majorTag   = 6
	majorOther = 7
)

// item is one data item. Its list holds the elements of an array, the keys and
// values of a map in turn, or the content of a tag.
type item struct {
	major byte
	arg   uint64
	data  []byte
	list  []item
	raw   []byte
}

// cborReader reads core deterministic encoding only (RFC 8949, section 4.2.1);
// floats are checked in width only as far as the vectors go: not at all.
type cborReader struct {
	rest  []byte
	depth int
	count uint64 // elements of an array, pairs of a map
	tags  bool
}

// parseItem reads one item that fills b.
func (r cborReader) parse(b []byte) (item, error) {
	r.rest = b
	it, err := r.item(0)
	if err != nil {
		return it, err
	}
	if len(r.rest) > 0 {
		return it, errCBOR
	}
	return it, nil
}

func (r *cborReader) item(depth int) (item, error) {
	if depth > r.depth {
		return item{}, errCBOR
	}
	start := r.rest
	it, err := r.head()
	if err != nil {
		return it, err
	}
	n := uint64(0)
	switch it.major {
	case majorBytes, majorText:
		if it.arg > uint64(len(r.rest)) {
			return it, errCBOR
		}
		it.data, r.rest = r.rest[:it.arg], r.rest[it.arg:]
		if it.major == majorText && !utf8.Valid(it.data) {
			return it, errCBOR
		}
	case majorArray, majorMap:
		if it.arg > r.count {
			return it, errCBOR
		}
		n = it.arg
		if it.major == majorMap {
			n *= 2
		}
	case majorTag:
		if !r.tags {
			return it, errCBOR
		}
		n = 1
	}
	var last []byte
	for i := range n {
		child, err := r.item(depth + 1)
		if err != nil {
			return it, err
		}
		if it.major == majorMap && i%2 == 0 {
			if i > 0 && bytes.Compare(last, child.raw) >= 0 {
				return it, errCBOR
			}
			last = child.raw
		}
		it.list = append(it.list, child)
	}
	it.raw = start[:len(start)-len(r.rest)]
	return it, nil
}

// head reads an initial byte and its argument.
func (r *cborReader) head() (item, error) {
	if len(r.rest) == 0 {
		return item{}, errCBOR
	}
	first := r.rest[0]
	it := item{major: first >> 5, arg: uint64(first & 31)}
	r.rest = r.rest[1:]
	if it.arg < 24 {
		return it, nil
	}
	if it.arg > 27 {
		return it, errCBOR
	}
	n := 1 << (it.arg - 24)
	if len(r.rest) < n {
		return it, errCBOR
	}
	var wide [8]byte
	copy(wide[8-n:], r.rest[:n])
	r.rest = r.rest[n:]
	it.arg = binary.BigEndian.Uint64(wide[:])
	least := [...]uint64{1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[n]
	if it.major == majorOther {
		least = 0
		if n == 1 {
			least = 32
		}
	}
	if it.arg < least {
		return it, errCBOR
	}
	return it, nil
}

// is says whether it is the simple value, the text or the major type it should
// be.
func (it item) is(major byte) bool { return it.major == major }

// fixed returns the bytes of a byte string of n bytes.
func (it item) fixed(n int) ([]byte, bool) {
	return it.data, it.major == majorBytes && len(it.data) == n
}

// get is the value of a text key of a map.
func (it item) get(key string) (item, bool) {
	if it.major != majorMap {
		return item{}, false
	}
	for i := 0; i < len(it.list); i += 2 {
		if it.list[i].major == majorText && string(it.list[i].data) == key {
			return it.list[i+1], true
		}
	}
	return item{}, false
}

// text is the text under a key, "" without one.
func (it item) text(key string) string {
	v, ok := it.get(key)
	if !ok || v.major != majorText {
		return ""
	}
	return string(v.data)
}
