package convert

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// fields are the members of a record of which each is taken by name: what nobody
// took is counted by run.rest.
type fields map[string]jsontext.Value

// fieldsOf reads the members of an object; false when v is none.
func fieldsOf(v jsontext.Value) (fields, bool) {
	var f fields
	if v.Kind() != '{' || !unmarshal(v, &f) {
		return nil, false
	}
	return f, true
}

// take takes a member as it is; nil when it is absent or null.
func (f fields) take(name string) jsontext.Value {
	v := f[name]
	delete(f, name)
	if v.Kind() == 'n' {
		return nil
	}
	return v
}

// has reports a member that is there and not null.
func (f fields) has(name string) bool {
	v := f[name]
	return len(v) > 0 && v.Kind() != 'n'
}

// text takes a text, number or boolean; what is of another form stays, and is
// counted.
func (f fields) text(name string) string {
	s, ok := scalar(f[name])
	if ok {
		delete(f, name)
	}
	return s
}

func scalar(v jsontext.Value) (string, bool) {
	switch v.Kind() {
	case '"', '0', 't', 'f', 'n':
		var s flexible
		ok := unmarshal(v, &s)
		return string(s), ok
	}
	return "", false
}

// int takes a whole number.
func (f fields) int(name string) (int64, bool) {
	s, ok := scalar(f[name])
	n, isInt := flexible(s).int64()
	if ok && isInt {
		delete(f, name)
	}
	return n, ok && isInt
}

// size takes a number of bytes; 0 is not known.
func (f fields) size(name string) uint64 {
	n, _ := f.int(name)
	return uint64(max(n, 0))
}

// is takes a boolean.
func (f fields) is(name string) bool { return f.text(name) == "true" }

// object takes an object; nil when there is none.
func (f fields) object(name string) fields {
	o, ok := fieldsOf(f[name])
	if !ok {
		return nil
	}
	delete(f, name)
	return o
}

// list takes an array; nil when there is none.
func (f fields) list(name string) []jsontext.Value {
	var all []jsontext.Value
	if f[name].Kind() != '[' || !unmarshal(f[name], &all) {
		return nil
	}
	delete(f, name)
	return all
}

// bytes takes bytes in base64, in either alphabet, with padding or without.
func (f fields) bytes(name string) []byte {
	s, _ := scalar(f[name])
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || len(b) == 0 {
		return nil
	}
	delete(f, name)
	return b
}

// drop takes members that carry nothing which is not said already.
func (f fields) drop(names ...string) {
	for _, name := range names {
		delete(f, name)
	}
}

// rest counts the members that nobody took.
func (r *run) rest(f fields) {
	for _, v := range f {
		if !isBlank(v) {
			r.report.mend(FieldUnknown)
		}
	}
}

// sortedKeys are the names of the members, in order.
func sortedKeys(f fields) []string { return slices.Sorted(maps.Keys(f)) }
