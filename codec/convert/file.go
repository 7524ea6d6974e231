package convert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"path"
	"strings"
	"syscall"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// A file is what a message has besides its text.
type file struct {
	name        string // as people see it
	mediaType   string // "" is found by the name
	content     *Content
	size        uint64 // when there is no content; 0 is not known
	description string
	url         string           // where it is on the net; may be empty
	disposition mimi.Disposition // Unspecified: by the media type
}

// part is the external part that stands for the file.
func (f *file) part() mimi.NestedPart {
	e := &mimi.ExternalPart{URL: f.url, Size: f.size, Filename: f.name, Description: f.description}
	if f.content != nil {
		e.Size = uint64(f.content.size)
	}
	mediaType := f.mediaType
	if mediaType == "" {
		mediaType = mediaTypeOf(f.name)
	}
	disposition := f.disposition
	if disposition == mimi.Unspecified {
		disposition = mimi.Attachment
		if strings.HasPrefix(mediaType, "image/") {
			disposition = mimi.Inline
		}
	}
	return mimi.NestedPart{Disposition: disposition, Cardinality: mimi.External, ContentType: mediaType, External: e}
}

// A Content is the content of an attachment, where the export has it.
type Content struct {
	size int64
	open func() (io.ReadCloser, error)
}

// Size is the length of the content in bytes.
func (c *Content) Size() int64 { return c.size }

// Open reads the content from offset on, in bytes. It ends with ErrContentChanged
// when there is not as much as Size says, or more.
func (c *Content) Open(offset int64) (io.ReadCloser, error) {
	if offset < 0 || offset > c.size {
		return nil, fmt.Errorf("open content: offset behind its end")
	}
	r, err := c.open()
	if err != nil {
		return nil, fmt.Errorf("open content: %w", err)
	}
	if s, ok := r.(io.Seeker); ok {
		if _, err := s.Seek(offset, io.SeekStart); err != nil {
			return nil, errors.Join(fmt.Errorf("open content: %w", err), r.Close())
		}
	} else if n, err := io.CopyN(io.Discard, r, offset); err != nil {
		if n < offset && errors.Is(err, io.EOF) {
			err = ErrContentChanged
		}
		return nil, errors.Join(fmt.Errorf("open content: %w", err), r.Close())
	}
	return &contentReader{ReadCloser: r, left: c.size - offset}, nil
}

// ErrContentChanged says that a content is not as long as it was.
var ErrContentChanged = errors.New("the content has changed")

// A contentReader holds a content to its size.
type contentReader struct {
	io.ReadCloser
	left int64
}

func (c *contentReader) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.left -= int64(n); c.left < 0 || errors.Is(err, io.EOF) && c.left > 0 {
		return max(0, n+int(min(c.left, 0))), ErrContentChanged
	}
	return n, err
}

// bytesContent is a content in memory.
func bytesContent(b []byte) *Content {
	return &Content{size: int64(len(b)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// fileContent is the content in a file of the export, nil when there is no such
// file. A name that leads out of the export, or that no file can have, is not
// looked for: systems refuse it with errors of their own, and a message with one
// must not end the conversion.
func (r *run) fileContent(name string) (*Content, error) {
	name = path.Clean(name)
	if !fs.ValidPath(name) || name == "." || !canBeFile(name) {
		return nil, nil
	}
	info, err := fs.Stat(r.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("open attachment: %w", err)
	case !info.Mode().IsRegular():
		return nil, nil
	}
	return &Content{size: info.Size(), open: func() (io.ReadCloser, error) { return r.fsys.Open(name) }}, nil
}

// canBeFile reports a name that a file may have on any system.
func canBeFile(name string) bool {
	if len(name) > maxPath || strings.IndexByte(name, 0) >= 0 {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPathPart {
			return false
		}
	}
	return true
}

// beside is the name of a file that stands beside another one of the export, as
// the export refers to it: with slashes of any kind, never above the export. It is
// "" in a hidden folder: no app has one, and where a lone file was named the folder
// may be the person's own, with keys in .ssh.
func beside(name, ref string) string {
	ref = path.Join("/", strings.ReplaceAll(ref, `\`, "/"))
	if strings.Contains(path.Dir(ref), "/.") {
		return ""
	}
	return path.Join(path.Dir(name), ref)
}

// mediaTypeOf is the media type that the extension of a file's name says. The
// table is ours, since the system's differs from machine to machine.
func mediaTypeOf(name string) string {
	if t, ok := mediaTypes[strings.TrimPrefix(strings.ToLower(path.Ext(name)), ".")]; ok {
		return t
	}
	return "application/octet-stream"
}

// plainType is a media type that an export gives, "" when it is none.
func plainType(s string) string {
	t, params, err := mime.ParseMediaType(s)
	if err != nil || !strings.Contains(t, "/") || len(s) > MaxName {
		return ""
	}
	if len(params) == 0 {
		return t
	}
	return mime.FormatMediaType(t, params)
}

var mediaTypes = map[string]string{
	"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
	"heic": "image/heic", "heif": "image/heif", "avif": "image/avif", "bmp": "image/bmp", "svg": "image/svg+xml",
	"tif": "image/tiff", "tiff": "image/tiff", "ico": "image/vnd.microsoft.icon",
	"mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "3gp": "video/3gpp", "webm": "video/webm",
	"mkv": "video/x-matroska", "avi": "video/x-msvideo", "mpg": "video/mpeg", "mpeg": "video/mpeg",
	"mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "opus": "audio/ogg", "ogg": "audio/ogg", "oga": "audio/ogg",
	"wav": "audio/wav", "amr": "audio/amr", "flac": "audio/flac", "caf": "audio/x-caf", "mid": "audio/midi",
	"pdf": "application/pdf", "zip": "application/zip", "gz": "application/gzip", "7z": "application/x-7z-compressed",
	"rar": "application/vnd.rar", "tar": "application/x-tar", "json": "application/json", "xml": "application/xml",
	"doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint", "rtf": "application/rtf",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"odt":  "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
	"odp": "application/vnd.oasis.opendocument.presentation", "epub": "application/epub+zip",
	"apk": "application/vnd.android.package-archive", "tgs": "application/x-tgsticker",
	"txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "htm": "text/html", "html": "text/html",
	"vcf": "text/vcard", "ics": "text/calendar", "eml": "message/rfc822", "smil": "application/smil",
	"p7s": "application/pkcs7-signature", "asc": "application/pgp-signature",
}
