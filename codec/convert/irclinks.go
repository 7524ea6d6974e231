package convert

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

const annotationSuffix = ".annotation.txt"

func isAnnotation(name string) bool { return strings.HasSuffix(name, annotationSuffix) }

// annotationOf is the file of reply links that belongs to a log:
// "DAY.annotation.txt" beside "DAY.raw.txt" or "DAY.ascii.txt".
func annotationOf(name string) string {
	dir, base := path.Split(name)
	for _, suffix := range []string{".raw.txt", ".ascii.txt", ".txt", ".log"} {
		if stem, ok := strings.CutSuffix(base, suffix); ok {
			return dir + stem + annotationSuffix
		}
	}
	return dir + base + annotationSuffix
}

// readLinks reads reply links, "a b -" a line: line b, counted from 0, replies
// to line a. The result is by b, in the order of the file. A log without a file
// of links has none.
func (r *run) readLinks(name string) (map[uint32][]uint32, error) {
	links := make(map[uint32][]uint32)
	seen := 0
	err := r.lines(name, func(line string, tooLong bool) error {
		if strings.TrimSpace(line) == "" && !tooLong {
			return nil
		}
		r.report.Links++
		if seen++; seen > MaxLinks {
			return errTooManyLinks
		}
		from, to, ok := parseLink(line)
		switch {
		case !ok:
			r.report.leaveLink(LinkMalformed)
		case from == to:
			r.report.leaveLink(LinkToItself)
		case from > to:
			r.report.leaveLink(LinkForward)
		default:
			links[to] = append(links[to], from)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return links, nil
	}
	return links, err
}

var errTooManyLinks = errors.New("read reply links: too many")

func parseLink(line string) (from, to uint32, ok bool) {
	f := strings.Fields(line)
	if len(f) != 3 || f[2] != "-" {
		return 0, 0, false
	}
	a, err1 := strconv.ParseUint(f[0], 10, 32)
	b, err2 := strconv.ParseUint(f[1], 10, 32)
	return uint32(a), uint32(b), err1 == nil && err2 == nil
}
