package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	pathpkg "path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // --time-zone has to work where the system has no zones

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
)

// exportFlags are what an export does not say itself.
type exportFlags struct {
	owner, zone string
}

func (f *exportFlags) bind(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&f.owner, "owner", "", "`NAME` of whose export it is, where the export says \"you\" or nothing (default: Me)")
	p.StringVar(&f.zone, "time-zone", "", "`ZONE` of an export's dates that have none, for instance Europe/Berlin (default: this machine's)")
}

// options makes the options of a conversion.
func (f *exportFlags) options(room string) (convert.Options, error) {
	o := convert.Options{Room: room, Owner: f.owner, Location: time.Local}
	if f.zone != "" {
		zone, err := time.LoadLocation(f.zone)
		if err != nil {
			return o, usageError{fmt.Errorf("--time-zone %q is not known: it is a name such as Europe/Berlin or UTC", f.zone)}
		}
		o.Location = zone
	}
	return o, nil
}

// An export is what converters read: a folder, a file in its folder, or the
// inside of a ZIP archive. Contents are read from it until it is closed.
type export struct {
	fs.FS
	name   string   // of the file or folder in FS
	file   *os.File // of an archive
	folder *os.Root // of anything else
}

// archive is the name of the archive that e is the inside of, "" if it is none.
func (e *export) archive() string {
	if e.file == nil {
		return ""
	}
	return filepath.Base(e.file.Name())
}

// openExport opens the export at a path. The file system of a file or folder
// begins at the root, because logs have their date in the names of the folders
// above them; what is opened is in the folder, or beside the file, and nothing
// else: see confined.
func openExport(path string) (*export, error) {
	prefix, err := readPrefix(path)
	if err == nil && convert.IsZip(prefix) {
		return openZip(path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	root := filepath.VolumeName(abs) + string(filepath.Separator)
	name := strings.Trim(filepath.ToSlash(strings.TrimPrefix(abs, root)), "/")
	if name == "" {
		name = "."
	}
	dir := name
	if info, err := os.Stat(abs); err != nil {
		return nil, unreadable(path, err)
	} else if !info.IsDir() {
		abs, dir = filepath.Dir(abs), pathpkg.Dir(name)
	}
	folder, err := os.OpenRoot(abs)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return &export{FS: &confined{folder, dir}, name: name, folder: folder}, nil
}

func openZip(path string) (*export, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(path, errors.Join(err, f.Close()))
	}
	z, err := convert.OpenZip(f, info.Size())
	if err != nil {
		return nil, unreadable(path, errors.Join(err, f.Close()))
	}
	return &export{FS: z, name: ".", file: f}, nil
}

// Close closes the archive or the folder.
func (e *export) Close() error {
	if e.file == nil {
		return e.folder.Close()
	}
	return e.file.Close()
}

// layoutOf tells the layout of the export at a path, "" when it is of none.
func layoutOf(path string) (convert.Kind, error) {
	kind, _, err := layoutOfFolder(path)
	return kind, err
}

// layoutOfFolder is layoutOf, and reports whether all of a folder is one export.
func layoutOfFolder(path string) (kind convert.Kind, whole bool, err error) {
	e, err := openExport(path)
	if err != nil {
		return "", false, err
	}
	defer e.Close()
	kind, err = convert.DetectExport(e, e.name)
	if errors.Is(err, convert.ErrUnknownKind) {
		return "", false, nil
	}
	if err == nil && e.folder != nil {
		if info, serr := fs.Stat(e, e.name); serr == nil && info.IsDir() {
			whole, err = convert.IsWhole(e, e.name, kind)
		}
	}
	if err != nil {
		return "", false, unreadable(path, err)
	}
	return kind, whole, nil
}

// layouts lists the names of the layouts for messages.
func layouts() string {
	var names []string
	for _, k := range convert.Kinds() {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
