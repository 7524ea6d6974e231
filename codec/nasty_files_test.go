package codec

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// expected is the text of the error file beside name; VCON_TRANSFER_UPDATE writes it.
func expected(t *testing.T, name string, err error) string {
	t.Helper()
	file := strings.TrimSuffix(name, filepath.Ext(name)) + filepath.Ext(name) + ".error"
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" && err != nil {
		if err := os.WriteFile(file, []byte(err.Error()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return strings.TrimSuffix(string(readFile(t, file)), "\n")
}

// TestInvalidFiles: each file of the folder has one failure, and both ways to read
// a vCon refuse it; the text beside it is what Copy says, which is what a person
// sees.
func TestInvalidFiles(t *testing.T) {
	for _, name := range glob(t, vconDir+"/nasty/invalid/*.json", vconDir+"/nasty/invalid/*.cbor") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			src := readFile(t, name)
			for _, f := range formats {
				_, err := copied(src, CopyOptions{Format: f})
				if _, ok := errors.AsType[*Error](err); !ok {
					t.Fatalf("to %v: %v", f, err)
				}
				if want := expected(t, name, err); err.Error() != want {
					t.Errorf("to %v:\n%s instead of\n%s", f, err, want)
				}
			}
			_, err := whole(src, CopyOptions{Format: FormatCBOR})
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("read whole: %v", err)
			}
		})
	}
}

// TestCBOROnlyFiles: what JSON cannot hold stays as it is from CBOR to CBOR, and
// is refused with its place on the way to JSON.
func TestCBOROnlyFiles(t *testing.T) {
	for _, name := range glob(t, vconDir+"/nasty/cbor-only/*.cbor") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			src := readFile(t, name)
			checkCopy(t, name, src)
			c := must(copied(src, CopyOptions{Format: FormatCBOR}))(t)
			if !bytes.Equal(c, must(Canonical(src))(t)) {
				t.Errorf("another vCon: %x", c)
			}
			_, err := copied(c, CopyOptions{Format: FormatJSON})
			if want := expected(t, name, err); err == nil || err.Error() != want {
				t.Errorf("%v instead of\n%s", err, want)
			}
		})
	}
}

// TestMended: with Mend, the files that are no Unicode are read, everywhere in the
// same way.
func TestMended(t *testing.T) {
	mendable := 0
	for _, name := range glob(t, vconDir+"/nasty/invalid/*.json") {
		src := readFile(t, name)
		_, err := copied(src, CopyOptions{Format: FormatJSON})
		e, _ := errors.AsType[*Error](err)
		var found []Mend
		note := func(m Mend) { found = append(found, m) }
		mended, err := copied(src, CopyOptions{Format: FormatJSON, Mend: note})
		if e == nil || (err == nil) != e.Mendable() {
			t.Errorf("%s: %v; mended: %v", name, e, err)
		}
		if err != nil {
			continue
		}
		mendable++
		if len(found) != 1 || found[0].Offset != e.Offset || !bytes.Contains(mended, []byte("\ufffd")) {
			t.Errorf("%s: %v instead of offset %d; %s", name, found, e.Offset, mended)
		}
		checkMends(t, name, src)
	}
	if mendable < 8 {
		t.Errorf("only %d files", mendable)
	}
}

// checkMends compares the three ways to read src with Mend.
func checkMends(t *testing.T, name string, src []byte) {
	t.Helper()
	var byCopy, byScan, byWhole []Mend
	o := CopyOptions{Format: FormatCBOR, Mend: func(m Mend) { byCopy = append(byCopy, m) }}
	got := must(copied(src, o))(t)
	o.Mend = func(m Mend) { byWhole = append(byWhole, m) }
	want := must(whole(src, o))(t)
	if !bytes.Equal(got, want) {
		t.Errorf("%s: Copy mends in another way", name)
	}
	v := must(assembleFrom(t, Options{Mend: func(m Mend) { byScan = append(byScan, m) }}.NewScanner(bytes.NewReader(src)), src))(t)
	if c := must(v.AppendCBOR(nil))(t); !bytes.Equal(c, want) {
		t.Errorf("%s: a Scanner mends in another way", name)
	}
	sortMends(byCopy, byScan, byWhole)
	for i := range byWhole {
		if len(byCopy) != len(byWhole) || len(byScan) != len(byWhole) || byCopy[i] != byWhole[i] || byScan[i] != byWhole[i] {
			t.Fatalf("%s: mended by Copy %v, by a Scanner %v, whole %v", name, byCopy, byScan, byWhole)
		}
	}
}
