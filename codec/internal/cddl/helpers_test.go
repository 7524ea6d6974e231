package cddl_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// An encoder of its own, for values of tests: what it makes is well-formed, and
// deterministic as long as the members of an obj are in order.
type (
	obj []any // key, value, key, value
	tag struct {
		number uint64
		value  any
	}
	simple byte
	raw    []byte
)

func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n)
}

func enc(v any) []byte {
	switch v := v.(type) {
	case int:
		if v < 0 {
			return head(1, uint64(-1-v))
		}
		return head(0, uint64(v))
	case uint64:
		return head(0, v)
	case string:
		return append(head(3, uint64(len(v))), v...)
	case []byte:
		return append(head(2, uint64(len(v))), v...)
	case []any:
		b := head(4, uint64(len(v)))
		for _, e := range v {
			b = append(b, enc(e)...)
		}
		return b
	case obj:
		b := head(5, uint64(len(v)/2))
		for _, e := range v {
			b = append(b, enc(e)...)
		}
		return b
	case tag:
		return append(head(6, v.number), enc(v.value)...)
	case bool:
		if v {
			return []byte{0xf5}
		}
		return []byte{0xf4}
	case nil:
		return []byte{0xf6}
	case simple:
		return head(7, uint64(v))
	case float32:
		return binary.BigEndian.AppendUint32([]byte{0xfa}, math.Float32bits(v))
	case float64:
		return binary.BigEndian.AppendUint64([]byte{0xfb}, math.Float64bits(v))
	case raw:
		return v
	}
	panic(fmt.Sprintf("no encoding of %T", v))
}

func list(v ...any) []any { return v }

func long(n int) string { return strings.Repeat("x", n) }
