package codec

import (
	"bytes"
	"slices"
	"strings"
)

// A field is one row of the table of known parameters (tables.go). The type
// that at points to decides the form, in CBOR and in JSON:
//
//	*string          text, not empty
//	*Date            text; CBOR: tag 0 when strictly RFC 3339
//	*Binary          base64url text; CBOR: byte string with tag 21 when canonical
//	*Dialog, *Attachment, *Part
//	                 the body: text, or as *Binary when encoding is "base64url"
//	*bool            true (absent is false)
//	*required        true or false, always written
//	**uint64         unsigned integer
//	**uint32         unsigned integer, an index
//	*relativeTime    unsigned integer, written as Expires says
//	*[]uint32        array of indexes, not empty
//	*[]string        array of texts, none of them empty, not empty
//	pointer to a struct pointer, or to a slice of structs: an object, an array
//	of objects (not empty), by their own tables
//
// A value of another form goes to Extra.
type field[T any] struct {
	name string
	at   func(*T) any
	key  []byte // the name in CBOR
}

// A table is the known parameters of one kind of object.
type table[T any] struct {
	rows   []field[T] // in the order in which JSON is written
	sorted []int      // row numbers in the order of CBOR: bytewise by key
	index  map[string]int
	extra  func(*T) *Fields
}

type (
	required     bool
	relativeTime Expires
)

func newTable[T any](extra func(*T) *Fields, rows ...field[T]) *table[T] {
	t := &table[T]{rows: rows, index: make(map[string]int, len(rows)), extra: extra}
	for i := range rows {
		rows[i].key = AppendText(nil, rows[i].name)
		t.index[rows[i].name] = i
		t.sorted = append(t.sorted, i)
	}
	slices.SortFunc(t.sorted, func(a, b int) int { return bytes.Compare(rows[a].key, rows[b].key) })
	return t
}

func (t *table[T]) names() []string {
	var s []string
	for _, f := range t.rows {
		s = append(s, f.name)
	}
	return s
}

// byKey is the names of x in the order of their encoded keys.
func (x Fields) byKey() []string {
	names := make([]string, 0, len(x))
	for n := range x {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return bytes.Compare(appendKey(nil, a), appendKey(nil, b)) })
	return names
}

// notText begins a name of Fields that stands for a CBOR key which is not a
// text: the rest is that key, encoded. It cannot begin a UTF-8 text.
const notText = "\xff"

func appendKey(b []byte, name string) []byte {
	if strings.HasPrefix(name, notText) {
		return append(b, name[1:]...)
	}
	return AppendText(b, name)
}
