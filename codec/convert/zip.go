package convert

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
)

// OpenZip is the file system of an export that is a ZIP archive of size bytes. It
// reads r when files are opened. A name that leads out of the archive is one
// below its root. An archive of more than MaxFiles is refused.
func OpenZip(r io.ReaderAt, size int64) (fs.FS, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	if len(z.File) > MaxFiles {
		return nil, fmt.Errorf("open archive: more than %d files", MaxFiles)
	}
	return z, nil
}

// IsZip reports whether a file begins as a ZIP archive that is not empty.
func IsZip(prefix []byte) bool {
	return len(prefix) >= 4 && string(prefix[:4]) == "PK\x03\x04"
}
