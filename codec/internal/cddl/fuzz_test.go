package cddl_test

import (
	"errors"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/internal/cddl"
)

// FuzzSchema: whatever the schema and the item, reading and matching end, without a
// panic, and say the same twice.
func FuzzSchema(f *testing.F) {
	ours := string(read(f, root+"docs/vcon-mimi.cddl"))
	f.Add(ours, read(f, everyParameter+".cbor"))
	f.Add(string(read(f, root+"testdata/mimi/content-draft-08/mimi-content.cddl")), read(f, root+"testdata/mimi/content-draft-08/multipart-1.cbor"))
	f.Add(string(read(f, root+"testdata/vcon/core-draft/vcon.cddl")), enc(obj{"vcon", "0.4.0", "uuid", "x"}))
	f.Add(`a = { (x: 1, y: int // x: 2, y: tstr), ? "z" ^ => [* g], * tstr => any } g = (int, tstr)`, enc(obj{"x", 2, "y", "", "z", list(1, "x")}))
	f.Add(`a = [* b<a>] b<t> = t / uint .size (1..3) / bstr .cbor t / &(x: 5..7) / #6.2(~c) c = #6.1(tstr .regexp "[a-c]+")`, enc(list(list(), 5, []byte{0x80}, tag{2, "a"})))
	f.Add(`a = a / int`, enc(1))
	f.Add(`a = $s $s //= (x: $$t)`, enc(list(simple(20), nil, -1.5)))
	f.Fuzz(func(t *testing.T, schema string, data []byte) {
		s, err := cddl.Parse(schema)
		if err != nil {
			if _, ok := errors.AsType[*cddl.SyntaxError](err); !ok {
				t.Errorf("another kind of error: %v", err)
			}
			return
		}
		for _, rule := range s.Rules() {
			first, second := s.Validate(rule, data), s.Validate(rule, data)
			if (first == nil) != (second == nil) || first != nil && first.Error() != second.Error() {
				t.Errorf("%s: %v, and then %v", rule, first, second)
			}
		}
	})
}
