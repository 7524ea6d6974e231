package convert

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// attachment is the file of a message, with its content where Element put it.
func (x *matrixExport) attachment(e *matrixEvent, c *matrixContent, kind string) (file, error) {
	f := file{name: x.short(string(cmp.Or(c.Filename, c.Body))), mediaType: plainType(string(c.Info.Mimetype)), url: string(cmp.Or(c.URL, c.File.URL))}
	if n, ok := c.Info.Size.int64(); ok && n > 0 {
		f.size = uint64(n)
	}
	if kind == "m.sticker" {
		f.disposition, f.description = mimi.Inline, "sticker"
	}
	millis, _ := matrixTime(e.TS)
	name, err := x.beside(c, kind, millis)
	if err != nil || name == "" {
		if len(c.File.Key) > 0 {
			x.report.mend(KeyLeft) // MIMI has no name for the cipher
		}
		return f, err
	}
	x.used[name] = true
	f.content, err = x.fileContent(name)
	return f, err
}

// beside finds the file that Element wrote for a message: FOLDER/NAME-DATE.EXT,
// NAME.EXT being the body of the message and DATE its date and time as the app's
// language and time zone write them. Minutes and seconds stand last among the
// numbers of a time in every language; time zones differ by quarters of an hour.
// When two files would do, nobody knows which.
func (x *matrixExport) beside(c *matrixContent, kind string, millis int64) (string, error) {
	folder := map[string]string{"m.image": "images", "m.video": "videos", "m.audio": "audio", "m.sticker": "stickers"}[kind]
	if folder == "" {
		folder = "files"
	}
	names, err := x.folder(folder)
	if err != nil || len(names) == 0 {
		return "", err
	}
	body := string(c.Body)
	ext := path.Ext(body)
	base := strings.TrimSuffix(body, ext)
	switch {
	case kind == "m.sticker":
		ext = ".png"
	case len(c.Voice) > 0:
		ext = ".ogg"
	}
	at := time.UnixMilli(millis).UTC()
	found := ""
	first, _ := slices.BinarySearch(names, base+"-")
	for _, name := range names[first:] {
		middle, ok := strings.CutPrefix(name, base+"-")
		if !ok {
			break
		}
		if middle, ok = strings.CutSuffix(middle, ext); !ok || !sameMinute(middle, at) {
			continue
		}
		if found != "" {
			return "", nil
		}
		found = path.Join(path.Dir(x.file), folder, name)
	}
	return found, nil
}

// sameMinute reports whether a written date and time may be t, in some time zone.
func sameMinute(s string, t time.Time) bool {
	var numbers []int
	n, in := 0, false
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] >= '0' && s[i] <= '9' {
			n, in = min(n*10+int(s[i]-'0'), 10_000), true
			continue
		}
		if in {
			numbers = append(numbers, n)
		}
		n, in = 0, false
	}
	if len(numbers) < 5 || len(numbers) > 6 { // a date has three, a time three or two
		return false
	}
	last := numbers[len(numbers)-1]
	minute := numbers[len(numbers)-2]
	if len(numbers) == 5 {
		return (last-t.Minute())%15 == 0
	}
	return last == t.Second() && (minute-t.Minute())%15 == 0
}

// folder lists a folder beside the export, once.
func (x *matrixExport) folder(name string) ([]string, error) {
	if names, ok := x.media[name]; ok {
		return names, nil
	}
	entries, err := fs.ReadDir(x.fsys, path.Join(path.Dir(x.file), name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	if len(entries) > MaxFiles {
		return nil, fmt.Errorf("read folder: more than %d files", MaxFiles)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	x.media[name] = names
	return names, nil
}

// unused counts the files beside the export that belong to no message.
func (x *matrixExport) unused() error {
	for _, folder := range matrixFolders {
		names, err := x.folder(folder)
		if err != nil {
			return err
		}
		for _, name := range names {
			if !x.used[path.Join(path.Dir(x.file), folder, name)] {
				x.report.leaveFile()
			}
		}
	}
	return nil
}
