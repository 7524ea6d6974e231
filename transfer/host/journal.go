package host

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A journal is what a host has acknowledged of one transfer, a line each:
//
//	HEX of the first 8 bytes of the SHA-256 of ENTRY, a blank, ENTRY in JSON, LF
//
// It only grows. A line is durable before the transfer goes on; what is torn at the end
// is ignored, and overwritten. One that is lost costs a batch that comes again.
type journal struct {
	f       *os.File
	size    int64
	reached func(step string) error // see Sink.reached
}

// An entry is a segment that the host has staged, with the ledger of its items, or an
// attachment, with the reason if the host has rejected it.
type entry struct {
	Segment    string      `json:"segment,omitempty"`
	Ledger     *Ledger     `json:"ledger,omitempty"`
	Attachment *Attachment `json:"attachment,omitempty"`

	Rejected segment.Reason `json:"rejected,omitempty"`
}

const (
	lineCheck = 8
	lineHead  = 2*lineCheck + 1
)

// appendLine appends the line of e.
func appendLine(b []byte, e *entry) ([]byte, error) {
	body, err := marshal(e)
	if err != nil {
		return b, err
	}
	sum := sha256.Sum256(body)
	b = append(hex.AppendEncode(b, sum[:lineCheck]), ' ')
	return append(append(b, body...), '\n'), nil
}

// readJournal reads lines until yield or the first that is none, and returns where they
// end. What a line of another version says is passed over.
func readJournal(r io.Reader, yield func(*entry) bool) (end int64, err error) {
	in := bufio.NewReaderSize(io.LimitReader(r, maxJournal), maxEntry)
	for {
		line, err := in.ReadSlice('\n')
		if err == io.EOF || errors.Is(err, bufio.ErrBufferFull) {
			return end, nil
		}
		if err != nil {
			return end, err
		}
		body, ok := checkLine(line)
		if !ok {
			return end, nil
		}
		end += int64(len(line))
		if e, ok := parseEntry(body); ok && !yield(e) {
			return end, nil
		}
	}
}

// checkLine gives the entry of a whole line.
func checkLine(line []byte) (body []byte, ok bool) {
	if len(line) <= lineHead {
		return nil, false
	}
	body = bytes.TrimSuffix(line[lineHead:], []byte("\n"))
	sum := sha256.Sum256(body)
	return body, string(line[:lineHead]) == hex.EncodeToString(sum[:lineCheck])+" "
}

// parseEntry takes what marshal gave of an entry, and nothing else.
func parseEntry(body []byte) (*entry, bool) {
	e := new(entry)
	if json.Unmarshal(body, e) != nil {
		return nil, false
	}
	if again, err := marshal(e); err != nil || !bytes.Equal(again, body) {
		return nil, false
	}
	_, segment := e.segment()
	_, _, attachment := e.Attachment.content()
	segment = segment && e.Ledger != nil && e.Attachment == nil && e.Rejected == ""
	return e, segment || attachment && e.Segment == "" && e.Ledger == nil
}

func (e *entry) segment() (id segment.ID, ok bool) {
	return parseHash(e.Segment)
}

// open opens the journal behind its last whole line.
func openJournal(root *os.Root, name string, yield func(*entry)) (*journal, error) {
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	end, err := readJournal(f, func(e *entry) bool { yield(e); return true })
	if err == nil {
		err = f.Truncate(end)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &journal{f: f, size: end}, nil
}

// note makes e durable. Beyond maxJournal it does nothing: after a death the host is
// given that once more.
func (j *journal) note(e *entry) error {
	line, err := appendLine(nil, e)
	if err != nil {
		return err
	}
	if j.size+int64(len(line)) > maxJournal || len(line) > maxEntry {
		return nil
	}
	if err := j.reached("note"); err != nil {
		return err
	}
	if _, err := j.f.WriteAt(line, j.size); err != nil {
		return err
	}
	if err := j.reached("sync note"); err != nil {
		return err
	}
	if err := j.f.Sync(); err != nil {
		return err
	}
	j.size += int64(len(line))
	return nil
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.f.Close()
}

// parseHash reads 32 bytes in hexadecimal.
func parseHash(s string) (sum [32]byte, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(sum) {
		return sum, false
	}
	return [32]byte(b), true
}

// A contentKey names the content of an attachment until its hash is known.
type contentKey struct {
	room, message string
	index, size   uint64
}

func keyOf(room string, e *segment.AttachmentEntry) contentKey {
	return contentKey{room, e.MessageID, e.Part, e.Size}
}

// content is the key and the hash of a; ok is false for one that is none.
func (a *Attachment) content() (key contentKey, sum [32]byte, ok bool) {
	if a == nil {
		return key, sum, false
	}
	sum, ok = parseHash(a.SHA256)
	return contentKey{a.Room, a.MessageID, a.Part, a.Size}, sum, ok && a.Room != ""
}
