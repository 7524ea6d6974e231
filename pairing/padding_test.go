package pairing

import (
	"bytes"
	"errors"
	"testing"
)

func TestPadding(t *testing.T) {
	last := 0
	for n := range 20000 {
		size := padded(n)
		if size < n+4 || size < last || n > 300 && float64(size) > 1.12*float64(n+4) {
			t.Fatalf("%d bytes are padded to %d", n, size)
		}
		last = size
	}
	for _, n := range []int{0, 1, minPadded - 5, minPadded - 4, minPadded - 3, 1000, 4096} {
		content := bytes.Repeat([]byte{0xff}, n)
		b := pad(content)
		if got, err := unpad(b); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		bad := bytes.Clone(b)
		if bad[len(bad)-1] == 0 {
			bad[len(bad)-1] = 1
			if _, err := unpad(bad); !errors.Is(err, ErrMalformed) {
				t.Errorf("%d bytes: padding that is not zero: %v", n, err)
			}
		}
		for _, bad := range [][]byte{b[:len(b)-1], append(bytes.Clone(b), 0), b[:3], append([]byte{0xff, 0xff, 0xff, 0xff}, b[4:]...)} {
			if _, err := unpad(bad); !errors.Is(err, ErrMalformed) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
}
