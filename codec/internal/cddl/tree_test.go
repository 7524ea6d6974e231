package cddl_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// A tree is deterministic CBOR as values that enc takes, so that a test can change
// one and encode the whole again. Floats stay raw.
func tree(t testing.TB, data []byte) any {
	t.Helper()
	v, rest := branch(data)
	if len(rest) > 0 || !slices.Equal(enc(v), data) {
		t.Fatalf("not deterministic CBOR, or not known to the test: %.40x", data)
	}
	return v
}

func branch(b []byte) (any, []byte) {
	major, info := b[0]>>5, b[0]&31
	n, size := uint64(info), 1
	if info >= 24 {
		var eight [8]byte
		size = 1 + 1<<(info-24)
		copy(eight[9-size:], b[1:size])
		n = binary.BigEndian.Uint64(eight[:])
	}
	whole := b
	b = b[size:]
	switch major {
	case 0:
		return n, b
	case 1:
		if n > math.MaxInt64 {
			return raw(whole[:size]), b
		}
		return -1 - int(n), b
	case 2:
		return slices.Clone(b[:n]), b[n:]
	case 3:
		return string(b[:n]), b[n:]
	case 4:
		all := make([]any, n)
		for i := range all {
			all[i], b = branch(b)
		}
		return all, b
	case 5:
		all := make(obj, 2*n)
		for i := range all {
			all[i], b = branch(b)
		}
		return all, b
	case 6:
		v, rest := branch(b)
		return tag{n, v}, rest
	}
	switch info {
	case 20, 21:
		return info == 21, b
	case 22:
		return nil, b
	}
	return raw(whole[:size]), b
}

// get is the member of an object, or nil.
func (o obj) get(name string) *any {
	for i := 0; i < len(o); i += 2 {
		if o[i] == name {
			return &o[i+1]
		}
	}
	return nil
}

// at is a value inside of others, by names and indexes.
func at(v any, path ...any) *any {
	p := &v
	for _, step := range path {
		switch step := step.(type) {
		case string:
			p = (*p).(obj).get(step)
		case int:
			p = &(*p).([]any)[step]
		}
	}
	return p
}
