package convert

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A recordReader calls use with each record of a list, in order. It counts what
// it mends in the report of the run that it is given.
type recordReader func(r *run, use func(jsontext.Value) error) error

// oldestFirst returns a reader of the same records in the order of time. Exports
// are in that order or, whole, in the opposite one: then they are turned in
// memory, up to limit bytes. Single records that are out of order stay where
// they are. millis is the time of a record, false if it has none.
func (r *run) oldestFirst(read recordReader, millis func(jsontext.Value) (int64, bool), limit int) (recordReader, error) {
	var last int64
	rises, falls := 0, 0
	err := read(r.quiet(), func(v jsontext.Value) error {
		at, ok := millis(v)
		switch {
		case !ok:
			return nil
		case at > last:
			rises++
		case at < last:
			falls++
		}
		last = at
		return nil
	})
	if err != nil {
		return nil, err
	}
	if falls == 0 || falls <= rises-1 { // the first one rises from nothing
		return read, nil
	}
	var all []jsontext.Value
	size := 0
	err = read(r, func(v jsontext.Value) error {
		if size += len(v); size > limit {
			return fmt.Errorf("read export: more than %d bytes, newest first", limit)
		}
		all = append(all, v.Clone())
		return nil
	})
	slices.Reverse(all)
	return func(_ *run, use func(jsontext.Value) error) error {
		for _, v := range all {
			if err := use(v); err != nil {
				return err
			}
		}
		return nil
	}, err
}

// quiet is the run with a report of its own, to read something twice.
func (r *run) quiet() *run {
	q := *r
	q.report = &Report{}
	return &q
}

// exportRoot finds the folder that is an export: dir, or the only folder in it, as
// archives often have one around everything.
func exportRoot(fsys fs.FS, dir string, is func(dir string) (bool, error)) (string, bool, error) {
	if ok, err := is(dir); err != nil || ok {
		return dir, ok, err
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return "", false, fmt.Errorf("read folder: %w", err)
	}
	only := ""
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX":
		case !e.IsDir() || only != "":
			return "", false, nil
		default:
			only = path.Join(dir, e.Name())
		}
	}
	if only == "" {
		return "", false, nil
	}
	ok, err := is(only)
	return only, ok, err
}

// remember keeps a message for those that refer to it, up to MaxMessageIDs.
func remember[T any](all map[string]T, key string, v T) {
	rememberUpTo(all, MaxMessageIDs, key, v)
}

func rememberUpTo[T any](all map[string]T, limit int, key string, v T) {
	if _, ok := all[key]; ok || len(all) < limit {
		all[key] = v
	}
}
