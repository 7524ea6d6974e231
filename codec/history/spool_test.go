package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// pattern is n bytes of which no window occurs twice, near enough.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint64(n) + 1
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = byte(x >> 56)
	}
	return b
}

// lines is n bytes of text, which gets shorter when it is packed.
func lines(n int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "[%02d:%02d] <user%d> does it work with version %d.%d?\n", i/60%24, i%60, i*i%97, i%7, i*i%1009)
	}
	return b[:n]
}

// filled is a spool with content, written in pieces of some bytes.
func filled(t testing.TB, content []byte, piece int) *Spool {
	t.Helper()
	s := newSpool(t.TempDir(), maxSpool)
	t.Cleanup(func() { s.Close() })
	for at := 0; at < len(content); at += piece {
		p := content[at:min(at+piece, len(content))]
		if n, err := s.Write(p); n != len(p) || err != nil {
			t.Fatalf("write at %d: %d, %v", at, n, err)
		}
	}
	return s
}

// sameAt compares one ReadAt with that of a bytes.Reader.
func sameAt(t interface{ Errorf(string, ...any) }, s io.ReaderAt, content []byte, n int, off int64) {
	got, want := make([]byte, n), make([]byte, n)
	gn, gerr := s.ReadAt(got, off)
	wn, werr := bytes.NewReader(content).ReadAt(want, off)
	if n == 0 {
		werr = nil // io.ReaderAt leaves that open
	}
	if gn != wn || gerr != werr || !bytes.Equal(got[:gn], want[:wn]) {
		t.Errorf("%d bytes at %d of %d: %d, %v; want %d, %v", n, off, len(content), gn, gerr, wn, werr)
	}
}

func TestSpoolReadsWhatWasWritten(t *testing.T) {
	const c = spoolChunk
	whole := pattern((heldChunks+cachedChunks+3)*c + 5)
	for _, chunks := range []int{0, 1, 2, heldChunks, heldChunks + 1, heldChunks + 2, heldChunks + cachedChunks + 2} {
		for _, more := range []int{-1, 0, 1} {
			size := chunks*c + more
			if size < 0 {
				continue
			}
			for _, piece := range []int{c - 1, c, c + 1, size + 1} {
				s := filled(t, whole[:size], piece)
				if s.Len() != int64(size) {
					t.Errorf("length %d, want %d", s.Len(), size)
				}
				if (s.file != nil) != (size >= (heldChunks+1)*c) {
					t.Errorf("%d bytes: there is a file: %t", size, s.file != nil)
				}
				for _, at := range []int{0, 1, c, heldChunks * c, (heldChunks + 1) * c, size - c, size} {
					for _, by := range []int{-1, 0, 1} {
						if at+by < 0 {
							continue
						}
						for _, n := range []int{0, 1, c - 1, c, c + 1, 2*c + 2} {
							sameAt(t, s, whole[:size], n, int64(at+by))
						}
					}
				}
				got, err := io.ReadAll(io.NewSectionReader(s, 0, s.Len()))
				if err != nil || !bytes.Equal(got, whole[:size]) {
					t.Errorf("%d bytes: read %d, %v", size, len(got), err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if _, err := filled(t, whole[:1], 1).ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("read before the beginning")
	}
}

// What is read between writes is what was written until then, wherever it is.
func TestSpoolIsABytesReader(t *testing.T) {
	whole := pattern((heldChunks + 12) * spoolChunk)
	for at := 0; at < len(whole); at += 5 * spoolChunk / 2 {
		copy(whole[at:], lines(spoolChunk)) // some of the chunks can be packed
	}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s := newSpool(dir, maxSpool)
		defer s.Close()
		size := rapid.IntRange((heldChunks-1)*spoolChunk, (heldChunks+1)*spoolChunk).Draw(t, "first")
		if _, err := s.Write(whole[:size]); err != nil {
			t.Fatal(err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				n := min(rapid.IntRange(0, 3*spoolChunk).Draw(t, "n"), len(whole)-size)
				if got, err := s.Write(whole[size : size+n]); got != n || err != nil {
					t.Fatalf("wrote %d, %v", got, err)
				}
				size += n
			},
			"read": func(t *rapid.T) {
				off := rapid.IntRange(0, size+1).Draw(t, "off")
				sameAt(t, s, whole[:size], rapid.IntRange(0, 3*spoolChunk).Draw(t, "n"), int64(off))
			},
		})
	})
}

func TestSpoolHasManyReaders(t *testing.T) {
	whole := pattern((heldChunks + 2*cachedChunks) * spoolChunk)
	s := filled(t, whole, len(whole))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 60 {
				sameAt(t, s, whole, spoolChunk/2, int64((heldChunks+(n*(i+1))%(2*cachedChunks))*spoolChunk-i))
			}
		})
	}
	more := pattern(spoolChunk)
	for range 5 {
		if _, err := s.Write(more); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

// onDisk is what a thief finds in the file.
func onDisk(t *testing.T, s *Spool) []byte {
	t.Helper()
	info, err := s.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, info.Size())
	if _, err := s.file.ReadAt(raw, 0); err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSpoolIsNotInClear(t *testing.T) {
	line := []byte("meet me at the old mill at nine\n")
	text := bytes.Repeat(line, (heldChunks+4)*spoolChunk/len(line))
	s := filled(t, text, 1000)
	raw := onDisk(t, s)
	if len(s.ends) != 4 || int64(len(raw)) != s.onDisk() || len(raw) > 4*spoolChunk/10 {
		t.Fatalf("%d bytes on disk in %d chunks", len(raw), len(s.ends))
	}
	if bytes.Contains(raw, line[:8]) {
		t.Error("the text is on the disk")
	}
	// Equal chunks are not equal sealed: no nonce is used twice.
	if bytes.Equal(raw[:s.ends[0]], raw[s.ends[0]:s.ends[1]]) {
		t.Error("two chunks have one nonce")
	}
	// Nor have two spools one key.
	if bytes.Equal(raw, onDisk(t, filled(t, text, 1000))) {
		t.Error("two spools have one key")
	}
	if info, err := s.file.Stat(); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	names, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil || (len(names) > 0 || s.path != "") && runtime.GOOS != "windows" {
		t.Errorf("the file has a name: %v, %v", names, err)
	}
}

// Each chunk is sealed once: what is on disk never changes, however it is written
// and read.
func TestSpoolSealsOnce(t *testing.T) {
	whole := pattern((heldChunks + 6) * spoolChunk)
	s := newSpool(t.TempDir(), maxSpool)
	defer s.Close()
	if _, err := s.Write(whole[:(heldChunks+1)*spoolChunk]); err != nil {
		t.Fatal(err)
	}
	before := onDisk(t, s)
	for at := (heldChunks + 1) * spoolChunk; at < len(whole); at += spoolChunk / 3 {
		if _, err := s.Write(whole[at:min(at+spoolChunk/3, len(whole))]); err != nil {
			t.Fatal(err)
		}
		sameAt(t, s, whole[:s.Len()], spoolChunk, s.Len()-spoolChunk)
		after := onDisk(t, s)
		if !bytes.HasPrefix(after, before) || len(after)%(spoolChunk+spoolTag) != 0 {
			t.Fatalf("at %d: %d bytes on disk are not those from before and whole chunks", at, len(after))
		}
		before = after
	}
}

func TestSpoolTellsDamage(t *testing.T) {
	const sealed = spoolChunk + spoolTag
	whole := pattern((heldChunks + 4) * spoolChunk)
	for name, harm := range map[string]func(f *os.File, raw []byte) error{
		"first bit": func(f *os.File, raw []byte) error { _, err := f.WriteAt([]byte{raw[sealed] ^ 1}, sealed); return err },
		"last bit of the tag": func(f *os.File, raw []byte) error {
			_, err := f.WriteAt([]byte{raw[2*sealed-1] ^ 0x80}, 2*sealed-1)
			return err
		},
		"chunk of another place": func(f *os.File, raw []byte) error { _, err := f.WriteAt(raw[:sealed], sealed); return err },
		"cut short":              func(f *os.File, raw []byte) error { return f.Truncate(2*sealed - 1) },
		"cut off":                func(f *os.File, raw []byte) error { return f.Truncate(sealed) },
	} {
		s := filled(t, whole, len(whole))
		if err := harm(s.file, onDisk(t, s)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		if n, err := s.ReadAt(buf, (heldChunks+1)*spoolChunk+7); n != 0 || !isSpool(err) || !bytes.Equal(buf, make([]byte, 10)) {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		// What is whole can be read.
		sameAt(t, s, whole, 10, heldChunks*spoolChunk)
		// A read that meets it ends before it.
		if n, err := s.ReadAt(make([]byte, 2*spoolChunk), heldChunks*spoolChunk+1); n != spoolChunk-1 || !isSpool(err) {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

// What can be packed takes less of the disk, what cannot takes no more than itself,
// and what was packed is read back from anywhere.
func TestSpoolPacks(t *testing.T) {
	const sealed = spoolChunk + spoolTag
	text := lines((heldChunks + 4) * spoolChunk)
	s := filled(t, text, 1000)
	if n := s.onDisk(); n == 0 || n > 4*sealed/3 {
		t.Errorf("%d bytes of text take %d", 4*spoolChunk, n)
	}
	mixed := append(append(bytes.Clone(text), pattern(2*spoolChunk)...), lines(2*spoolChunk)...)
	m := filled(t, mixed, 3*spoolChunk-1)
	if n := m.ends[5] - m.ends[3]; n != 2*sealed {
		t.Errorf("two chunks that cannot be packed take %d", n)
	}
	for n := heldChunks; n < len(mixed)/spoolChunk; n++ {
		sameAt(t, m, mixed, spoolChunk+2, int64(n*spoolChunk-1))
	}
	if _, err := s.file.WriteAt([]byte{onDisk(t, s)[s.ends[1]-1] ^ 1}, s.ends[1]-1); err != nil {
		t.Fatal(err)
	}
	if n, err := s.ReadAt(make([]byte, 10), (heldChunks+1)*spoolChunk); n != 0 || !isSpool(err) {
		t.Errorf("a packed chunk that was changed: %d bytes, %v", n, err)
	}
}

func TestSpoolIsLimited(t *testing.T) {
	s := newSpool(t.TempDir(), 10)
	if n, err := s.Write(make([]byte, 10)); n != 10 || err != nil {
		t.Errorf("at the limit: %d, %v", n, err)
	}
	if n, err := s.Write([]byte{1}); n != 0 || !isLimit(err) {
		t.Errorf("over it: %d, %v", n, err)
	}
	if n, err := newSpool(t.TempDir(), 10).Write(make([]byte, 11)); n != 0 || !isLimit(err) {
		t.Errorf("over it at once: %d, %v", n, err)
	}
	if s.Len() != 10 {
		t.Errorf("length %d", s.Len())
	}
}

func TestSpoolThatFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	s := newSpool(dir, maxSpool)
	if _, err := s.Write(make([]byte, heldChunks*spoolChunk)); err != nil {
		t.Fatal("what is held needs no file:", err)
	}
	for range 2 {
		if _, err := s.Write(make([]byte, spoolChunk)); !isSpool(err) || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a spool without a place: %v", err)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil { // too late
			t.Fatal(err)
		}
	}
	sameAt(t, s, make([]byte, heldChunks*spoolChunk), 100, 5)
	if err := s.Close(); err != nil {
		t.Error(err)
	}

	// A device that is full ends it: no chunk is sealed again.
	s = filled(t, pattern((heldChunks+1)*spoolChunk), spoolChunk)
	s.file.Close()
	for range 2 {
		if _, err := s.Write(make([]byte, spoolChunk)); !isSpool(err) {
			t.Errorf("a file that cannot be written: %v", err)
		}
	}
	if s.Len() != (heldChunks+1)*spoolChunk {
		t.Errorf("length %d", s.Len())
	}
}

func TestSpoolCloses(t *testing.T) {
	for _, size := range []int{0, 5, (heldChunks + 2) * spoolChunk} {
		s := filled(t, pattern(size), spoolChunk)
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Write([]byte{1}); err == nil {
			t.Error("written after Close")
		}
		if _, err := s.ReadAt(make([]byte, 1), 0); err == nil {
			t.Error("read after Close")
		}
		if names, err := filepath.Glob(filepath.Join(s.dir, "*")); err != nil || len(names) > 0 {
			t.Errorf("left behind: %v, %v", names, err)
		}
		if s.aead != nil || s.held != nil || s.cache != nil || s.clear != nil || s.pack.out.Len() > 0 {
			t.Error("a closed spool knows what was in it")
		}
	}
}

// Where an open file cannot be unlinked, Close removes it.
func TestSpoolWithANameIsRemoved(t *testing.T) {
	s := filled(t, pattern((heldChunks+2)*spoolChunk), spoolChunk)
	s.path = filepath.Join(s.dir, "x.spool")
	if err := os.WriteFile(s.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "x.spool")); !errors.Is(err, os.ErrNotExist) {
		t.Error("still there:", err)
	}
}

func TestSpoolKeepsFewChunksInClear(t *testing.T) {
	s := filled(t, pattern((heldChunks+3*cachedChunks)*spoolChunk), spoolChunk)
	for n := range 3 * cachedChunks {
		if _, err := s.ReadAt(make([]byte, 1), int64(heldChunks+n)*spoolChunk); err != nil {
			t.Fatal(err)
		}
	}
	var have []string
	for _, c := range s.cache {
		have = append(have, fmt.Sprint(c.n-heldChunks))
	}
	if len(have) != cachedChunks || have[cachedChunks-1] != fmt.Sprint(3*cachedChunks-1) || have[0] != fmt.Sprint(2*cachedChunks) {
		t.Errorf("in clear: %v", have)
	}
	// The one that is used stays.
	for _, n := range []int{2 * cachedChunks, 0} {
		if _, err := s.ReadAt(make([]byte, 1), int64(heldChunks+n)*spoolChunk); err != nil {
			t.Fatal(err)
		}
	}
	if s.cache[cachedChunks-2].n != heldChunks+2*cachedChunks || s.cache[0].n != heldChunks+2*cachedChunks+2 {
		t.Errorf("the chunk that was used last but one is gone: %v", s.cache[0].n)
	}
}
