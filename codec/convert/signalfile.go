package convert

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// longText reads the whole of a text that begins with body. A text that is not
// there, or is too long for a message, stays a file.
func (x *signalItem) longText(pointer fields, body string) (string, error) {
	f, err := x.pointer(pointer)
	if err != nil {
		return "", err
	}
	if f.content != nil && f.content.size <= MaxMessageText {
		r, err := f.content.Open(0)
		if err != nil {
			return "", err
		}
		b, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return "", fmt.Errorf("read long text: %w", err)
		}
		if whole := string(b); strings.HasPrefix(whole, body) {
			return whole, nil
		}
	}
	f.name, f.mediaType, f.disposition = "message.txt", plainText, mimi.Attachment
	x.msg.files = append(x.msg.files, f)
	return body, nil
}

// attachment takes a file of a message.
func (x *signalItem) attachment(a fields) error {
	f, err := x.pointer(a.object("pointer"))
	if err != nil {
		return err
	}
	switch a.text("flag") {
	case "VOICE_MESSAGE":
		x.msg.origin.Kind = "voice message"
	case "BORDERLESS":
		x.msg.origin.Kind = "sticker"
	case "GIF":
		x.msg.origin.Kind = "animation"
	}
	a.drop("wasDownloaded", "clientUuid")
	x.rest(a)
	x.msg.files = append(x.msg.files, f)
	return nil
}

// preview takes what a link leads to. Its picture is a file; what it says is not
// carried without one.
func (x *signalItem) preview(p fields) error {
	said := joined(" – ", p.text("title"), p.text("description"), p.text("url"))
	p.drop("date")
	image := p.object("image")
	x.rest(p)
	if image == nil {
		if said != "" {
			x.report.mend(FieldUnknown)
		}
		return nil
	}
	f, err := x.pointer(image)
	if err != nil {
		return err
	}
	f.description, f.disposition = said, mimi.Preview
	x.msg.files = append(x.msg.files, f)
	return nil
}

// pointer is the file that a FilePointer is to. Where Signal keeps it, and its keys,
// are not carried.
func (x *signalItem) pointer(p fields) (file, error) {
	f := file{mediaType: plainType(p.text("contentType")), name: p.text("fileName"), description: p.text("caption")}
	if f.name == "" {
		f.name = "file"
		if kind, sub, ok := strings.Cut(f.mediaType, "/"); ok {
			sub, _, _ = strings.Cut(sub, ";")
			f.name = kind + "." + sub
		}
	}
	p.drop("width", "height", "blurHash", "incrementalMac", "incrementalMacChunkSize")
	if at := p.object("locatorInfo"); at != nil {
		f.size = at.size("size")
		hash, key := at.bytes("plaintextHash"), at.bytes("localKey")
		if hash != nil && key != nil {
			sum := sha256.Sum256(append(slices.Clone(hash), key...))
			content, err := x.stored(hex.EncodeToString(sum[:]))
			if err != nil {
				return f, err
			}
			f.content = content
		}
	}
	x.rest(p)
	return f, nil
}

// stored is the content of the file with a name, whatever its extension.
func (s *signal) stored(name string) (*Content, error) {
	if s.files == nil {
		if err := s.listFiles(); err != nil {
			return nil, err
		}
	}
	at, ok := s.files[name]
	if !ok {
		return nil, nil
	}
	return s.fileContent(at)
}

// listFiles lists the files of the export, once.
func (s *signal) listFiles() error {
	s.files = make(map[string]string)
	dir := path.Join(path.Dir(s.file), "files")
	if _, err := fs.Stat(s.fsys, dir); err != nil {
		return nil
	}
	return fs.WalkDir(s.fsys, dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("list files: %w", err)
		case e.IsDir():
			return nil
		case len(s.files) >= MaxFiles:
			return fmt.Errorf("list files: more than %d", MaxFiles)
		}
		hash, _, _ := strings.Cut(path.Base(name), ".")
		s.files[hash] = name
		return nil
	})
}
