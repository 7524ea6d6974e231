package history

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
)

// A Spool keeps what a source has only once, or not in the form of a vCon: what
// came on standard input and what was converted. It grows at its end and is read
// anywhere. Nothing of it is on disk in clear:
//
//  1. Its first heldChunks chunks stay in memory, so that a small history makes
//     no file at all, and so does what is behind the last whole chunk.
//  2. Each other chunk is packed and sealed when it is whole, and only then, with
//     AES-256-GCM under a random key that is nowhere but in memory. The nonce is the
//     chunk's number: one chunk, one nonce, once.
//  3. The file is for the user alone (0600) and is unlinked as soon as it is open.
//     Where the system does not allow that, Close removes it, and what a killed
//     process leaves is noise.
//
// Its methods may be called at the same time.
type Spool struct {
	dir   string // of the file; "" is the system's
	limit int64  // bytes

	mu    sync.Mutex
	size  int64
	held  [][]byte
	tail  []byte
	file  *os.File // nil while everything is held
	path  string   // of a file that is still to be removed
	ends  []int64  // where the sealed chunks end in the file: 8 MiB for 64 GiB
	aead  cipher.AEAD
	pack  packer
	out   []byte // the chunk that was sealed last, or is opened
	clear []byte // what is in out, still packed
	cache []openChunk
	err   error // of the first write that failed, and of Close
}

// An openChunk is a chunk in clear. The one that was used last is at the end.
type openChunk struct {
	n    int64
	data []byte
}

const (
	// spoolChunk is the length of a chunk in clear, in bytes: a window of a few
	// hundred messages.
	spoolChunk = 64 << 10
	// heldChunks stay in memory: 2 MiB.
	heldChunks = 32
	// cachedChunks bounds the chunks that stay in clear after they were read: rooms
	// and their attachments alternate. Together 512 KiB.
	cachedChunks = 8
	// spoolTag is the length of what sealing adds, in bytes.
	spoolTag = 16
)

// A SpoolError says that the temporary file of a source could not be made,
// written or read back.
type SpoolError struct{ Err error }

func (e *SpoolError) Error() string { return "temporary file: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SpoolError) Unwrap() error { return e.Err }

// errDamaged says that the file does not have what was written: nothing of the
// chunk is given out.
var errDamaged = errors.New("not what was written to it")

var errSpoolClosed = errors.New("closed")

// NewSpool returns an empty spool, whose file will be in dir, "" for the system's
// folder. It takes 64 GiB; beyond that Write returns a *LimitError.
func NewSpool(dir string) *Spool { return newSpool(dir, maxSpool) }

func newSpool(dir string, limit int64) *Spool { return &Spool{dir: dir, limit: limit} }

// Len is how much was written, in bytes.
func (s *Spool) Len() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Write implements io.Writer. What does not fit is not written at all, with a
// *LimitError. After another error the spool takes nothing more.
func (s *Spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	if int64(len(p)) > s.limit-s.size {
		return 0, &LimitError{What: "bytes that are spooled", Limit: s.limit}
	}
	done := 0
	for done < len(p) {
		n := min(len(p)-done, spoolChunk-len(s.tail))
		s.tail = append(s.tail, p[done:done+n]...)
		if len(s.tail) == spoolChunk {
			if err := s.flush(); err != nil {
				s.err = &SpoolError{bare(err)}
				return done, s.err
			}
		}
		done += n
		s.size += int64(n)
	}
	return done, nil
}

// flush puts the chunk away that became whole.
func (s *Spool) flush() error {
	n := s.size / spoolChunk // whole chunks before this one
	if n < heldChunks {
		s.held = append(s.held, s.tail)
		s.tail = make([]byte, 0, spoolChunk)
		return nil
	}
	if s.file == nil {
		if err := s.create(); err != nil {
			return err
		}
	}
	packed, err := s.pack.pack(s.tail)
	if err != nil {
		return err
	}
	s.out = s.aead.Seal(s.out[:0], nonceOf(n), packed, nil)
	at := s.onDisk()
	if _, err := s.file.WriteAt(s.out, at); err != nil {
		return err
	}
	s.ends, s.tail = append(s.ends, at+int64(len(s.out))), s.tail[:0]
	return nil
}

// onDisk is how long the file is, in bytes.
func (s *Spool) onDisk() int64 {
	if len(s.ends) == 0 {
		return 0
	}
	return s.ends[len(s.ends)-1]
}

func (s *Spool) create() error {
	f, err := os.CreateTemp(s.dir, "vcon-transfer-*.spool") // mode 0600
	if err != nil {
		return err
	}
	s.file = f
	if os.Remove(f.Name()) != nil {
		s.path = f.Name()
	}
	var key [32]byte
	rand.Read(key[:]) // never fails
	defer clear(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return err
	}
	s.aead, err = cipher.NewGCM(block)
	return err
}

// ReadAt implements io.ReaderAt.
func (s *Spool) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == errSpoolClosed {
		return 0, s.err
	}
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at >= s.size {
			return done, io.EOF
		}
		c, err := s.chunk(at / spoolChunk)
		if err != nil {
			return done, &SpoolError{bare(err)}
		}
		done += copy(p[done:], c[at%spoolChunk:])
	}
	return done, nil
}

// chunk is a chunk in clear, until the next call.
func (s *Spool) chunk(n int64) ([]byte, error) {
	if n < int64(len(s.held)) {
		return s.held[n], nil
	}
	if n == s.size/spoolChunk {
		return s.tail[:s.size%spoolChunk], nil
	}
	for i, c := range s.cache {
		if c.n == n {
			copy(s.cache[i:], s.cache[i+1:])
			s.cache[len(s.cache)-1] = c
			return c.data, nil
		}
	}
	if err := s.load(int(n - heldChunks)); err != nil {
		return nil, err
	}
	packed, err := s.aead.Open(s.clear[:0], nonceOf(n), s.out, nil)
	if err != nil {
		return nil, errDamaged
	}
	s.clear = packed
	var buf []byte
	if len(s.cache) == cachedChunks {
		buf = s.cache[0].data[:0]
		s.cache = append(s.cache[:0], s.cache[1:]...)
	}
	data, err := s.pack.unpack(buf, packed)
	if err != nil {
		return nil, errDamaged // not possible: it is authentic
	}
	s.cache = append(s.cache, openChunk{n, data})
	return data, nil
}

// load reads sealed chunk i of the file.
func (s *Spool) load(i int) error {
	begin := int64(0)
	if i > 0 {
		begin = s.ends[i-1]
	}
	s.out = append(s.out[:0], make([]byte, s.ends[i]-begin)...)
	_, err := s.file.ReadAt(s.out, begin)
	if err == io.EOF {
		return errDamaged
	}
	return err
}

// Close forgets the key and gives the disk back.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == errSpoolClosed {
		return nil
	}
	s.err = errSpoolClosed
	s.held, s.tail, s.cache, s.out, s.clear, s.ends, s.aead, s.pack = nil, nil, nil, nil, nil, nil, nil, packer{}
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.path != "" {
		err = errors.Join(err, os.Remove(s.path))
	}
	if err != nil {
		return &SpoolError{bare(err)}
	}
	return nil
}

func nonceOf(n int64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4, 12), uint64(n)) }
