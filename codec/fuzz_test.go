package codec

import (
	"bytes"
	"errors"
	"testing"
)

// seeds come from the encoder: vCons with one element of each sample, since
// large seeds make a fuzzer slow.
func seeds(f *testing.F, json bool) {
	for _, name := range sampleFiles(f) {
		v := must(DecodeJSON(readFile(f, name)))(f)
		small := []*VCon{v}
		for i := range v.Dialog {
			small = append(small, &VCon{Dialog: v.Dialog[i : i+1]})
		}
		for i := range v.Attachments {
			small = append(small, &VCon{Attachments: v.Attachments[i : i+1]})
		}
		for i := range v.Parties {
			small = append(small, &VCon{Room: v.Room, Parties: v.Parties[i : i+1]})
		}
		for i, v := range small[:min(len(small), 30)] {
			c, j := must(v.AppendCBOR(nil))(f), must(v.AppendJSON(nil))(f)
			switch {
			case len(j) > 1<<10:
			case json:
				f.Add(j)
			default:
				if f.Add(c); i%4 == 0 {
					f.Add(indefinite(f, c))
				}
			}
		}
	}
}

// onlyOurs fails when an error of decoding is not an *Error.
func onlyOurs(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error of type %T: %v", err, err)
	}
}

// checkModel: what was read is written deterministically, and reads back as the
// same bytes; also by way of JSON, where JSON can hold it.
func checkModel(t *testing.T, v *VCon) {
	t.Helper()
	c, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	if !IsCanonical(c) {
		t.Fatalf("not deterministic: %x", c)
	}
	w, err := DecodeCBOR(c)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	if again, err := w.AppendCBOR(nil); err != nil || !bytes.Equal(again, c) {
		t.Fatalf("%x becomes %x (%v)", c, again, err)
	}
	j, err := v.AppendJSON(nil)
	if err != nil {
		onlyOurs(t, err)
		return
	}
	u, err := DecodeJSON(j)
	if err != nil {
		t.Fatalf("JSON that was written cannot be read: %v", err)
	}
	j2, err := u.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sameJSON(t, j, j2); err != nil {
		t.Fatal(err)
	}
	v.Upgraded()
}

func FuzzDecodeCBOR(f *testing.F) {
	seeds(f, false)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeCBOR(data)
		if err != nil {
			onlyOurs(t, err)
			return
		}
		checkModel(t, v)
	})
}

func FuzzDecodeJSON(f *testing.F) {
	seeds(f, true)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeJSON(data)
		if err != nil {
			onlyOurs(t, err)
			return
		}
		checkModel(t, v)
		j, err := v.AppendJSON(nil)
		if err != nil {
			t.Fatalf("what came from JSON does not go back: %v", err)
		}
		if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
			data = data[3:]
		}
		if err := sameJSON(t, data, j); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzScanner: the scanner and the readers of whole vCons agree.
func FuzzScanner(f *testing.F) {
	seeds(f, false)
	seeds(f, true)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := assemble(t, bytes.NewReader(data), data)
		if err != nil && err != errOthers {
			onlyOurs(t, err)
		}
		format, ferr := DetectFormat(data)
		if ferr != nil {
			if err == nil {
				t.Fatal("scanned what is neither format")
			}
			return
		}
		decode := DecodeCBOR
		if format == FormatJSON {
			decode = DecodeJSON
		}
		v, verr := decode(data)
		if (verr == nil) != (err == nil || err == errOthers) {
			t.Fatalf("the scanner says %v, the reader %v", err, verr)
		}
		if verr != nil || err == errOthers {
			return
		}
		want, err := v.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := got.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(c, want) {
			t.Fatalf("the scanner reads %x, the reader %x", c, want)
		}
	})
}

// FuzzCopy: a Copy writes what decoding the whole and writing it gives, and
// refuses what that refuses.
func FuzzCopy(f *testing.F) {
	seeds(f, true)
	seeds(f, false)
	for _, name := range glob(f, vconDir+"/nasty/*/*.json", vconDir+"/nasty/*/*.cbor") {
		if src := readFile(f, name); len(src) < 2<<10 {
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		checkCopy(t, "", src)
		var mends int64
		for _, format := range formats {
			o := CopyOptions{Format: format, Mend: func(m Mend) { mends += m.Count }}
			want, wantErr := whole(src, o)
			wanted := mends
			mends = 0
			got, err := copied(src, o)
			if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) && err == nil || err == nil && mends != wanted {
				t.Fatalf("%v and %d mended instead of %v and %d", err, mends, wantErr, wanted)
			}
			mends = 0
		}
	})
}
