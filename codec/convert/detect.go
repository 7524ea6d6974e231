package convert

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// A layout is one foreign form of history.
type layout struct {
	kind Kind
	// detect looks at a file's name and first bytes.
	detect func(name string, prefix []byte) bool
	// side reports a file that is read together with another one.
	side func(name string) bool
	// convert reads one file, or a folder that is one export.
	convert func(r *run, name string) error
	// folder reports a folder that is one export, by the files in it; nil where an
	// export is always files.
	folder func(fsys fs.FS, dir string) (bool, error)
}

// layouts lists the converters, the stricter detection first.
func layouts() []layout {
	return []layout{
		{kind: Gitter, detect: detectGitter, side: none, convert: convertGitter},
		{kind: SMS, detect: detectSMS, side: none, convert: convertSMS},
		{kind: Mbox, detect: detectMbox, side: none, convert: convertMbox},
		{kind: Telegram, detect: detectTelegram, side: isTelegramMedia, convert: convertTelegram, folder: telegramFolder},
		{kind: Signal, detect: detectSignal, side: isSignalMedia, convert: convertSignal, folder: signalFolder},
		{kind: WhatsApp, detect: detectWhatsApp, side: none, convert: convertWhatsApp, folder: folderWhatsApp},
		{kind: IRC, detect: detectIRC, side: isAnnotation, convert: convertIRC},
		{kind: Slack, detect: never, side: none, convert: convertSlack, folder: slackFolder},
		{kind: Discord, detect: detectDiscord, side: isDiscordMedia, convert: convertDiscord, folder: discordFolder},
		{kind: Matrix, detect: detectMatrix, side: isMatrixMedia, convert: convertMatrix},
	}
}

// never is for exports that are folders.
func never(string, []byte) bool { return false }

func none(string) bool { return false }

func layoutOf(kind Kind) (layout, bool) {
	for _, l := range layouts() {
		if l.kind == kind {
			return l, true
		}
	}
	return layout{}, false
}

// Kinds lists the layouts that are read.
func Kinds() []Kind {
	var all []Kind
	for _, l := range layouts() {
		all = append(all, l.kind)
	}
	return all
}

// IsWhole reports whether a folder is one export of this layout, whatever its
// files are by themselves.
func IsWhole(fsys fs.FS, dir string, kind Kind) (bool, error) {
	l, ok := layoutOf(kind)
	if !ok || l.folder == nil {
		return false, nil
	}
	return l.folder(fsys, dir)
}

// Detect tells the layout of a file from its name and first bytes.
func Detect(name string, prefix []byte) (Kind, bool) {
	for _, l := range layouts() {
		if !l.side(name) && l.detect(name, prefix) {
			return l.kind, true
		}
	}
	return "", false
}

// DetectFile tells the layout of a file of fsys, "" if it is of none.
func DetectFile(fsys fs.FS, name string) (Kind, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", fmt.Errorf("open export: %w", err)
	}
	defer f.Close()
	prefix := make([]byte, detectBytes)
	n, err := io.ReadFull(f, prefix)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("read export: %w", err)
	}
	kind, _ := Detect(name, prefix[:n])
	return kind, nil
}

// detectEntry is DetectFile for a file that a folder lists. What is no file (a
// pipe, a symbolic link to a folder or to nothing) is of no layout.
func detectEntry(fsys fs.FS, name string, e fs.DirEntry) (Kind, error) {
	if !e.Type().IsRegular() && !isFile(fsys, name) {
		return "", nil
	}
	return DetectFile(fsys, name)
}

// DetectExport tells the layout of a file, of a folder that is one export, or of
// the first file below a folder that is of one.
func DetectExport(fsys fs.FS, name string) (Kind, error) {
	kind, files := Kind(""), 0
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return "", fmt.Errorf("open export: %w", err)
	}
	if info.IsDir() {
		for _, l := range layouts() {
			if l.folder == nil {
				continue
			}
			if ok, err := l.folder(fsys, name); err != nil {
				return "", fmt.Errorf("read export: %w", err)
			} else if ok {
				return l.kind, nil
			}
		}
	}
	err = fs.WalkDir(fsys, name, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if files++; files > MaxFiles {
			return fs.SkipAll
		}
		if kind, err = detectEntry(fsys, name, e); err == nil && kind != "" {
			return fs.SkipAll
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read export: %w", err)
	}
	if kind == "" {
		return "", ErrUnknownKind
	}
	return kind, nil
}
