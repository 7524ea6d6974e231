package codec

import (
	"bytes"
	"path/filepath"
	"testing"
)

// FuzzUpgrade: upgrading anything gives what a reader makes of its bytes, changes
// nothing the second time, and leaves alone what it was given.
func FuzzUpgrade(f *testing.F) {
	for _, pattern := range []string{formsFolder + "/*.old.json", "../testdata/vcon/core-draft/*.vcon"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatal("no seeds")
		}
		for _, path := range paths {
			v, err := DecodeJSON(readFile(f, path))
			if err != nil {
				f.Fatal(err)
			}
			data, err := v.AppendCBOR(nil)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeCBOR(data)
		if err != nil {
			return
		}
		before, err := v.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		u := v.Upgraded()
		once, err := u.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		if w, err := DecodeCBOR(once); err != nil {
			t.Fatal(err)
		} else if again, err := w.AppendCBOR(nil); err != nil || !bytes.Equal(again, once) {
			t.Errorf("read again it is another: %v", err)
		}
		if twice, err := u.Upgraded().AppendCBOR(nil); err != nil || !bytes.Equal(twice, once) {
			t.Errorf("not idempotent: %v", err)
		}
		if after, err := v.AppendCBOR(nil); err != nil || !bytes.Equal(after, before) {
			t.Errorf("what was upgraded has changed: %v", err)
		}
		if s := SealOf(v, func(name string) bool { _, ok := v.Extra[name]; return ok }); s != nil && !s.Encrypted {
			s.Content()
		}
	})
}
