package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	sayRE    = regexp.MustCompile(`^(\[\d\d:\d\d\] <)([^>]+)(> ?)(.*)$`)
	doRE     = regexp.MustCompile(`^(\[\d\d:\d\d\]  ?\* )(\S+)( ?)(.*)$`)
	rosterRE = regexp.MustCompile(`^(=== )(.+?)( \[)([^\]]*@[^\]]*)(\]  has (?:joined|left) #\S+)(.*)$`)
	renameRE = regexp.MustCompile(`^(=== )(.+?)( +is now known as )(\S+)(\s*)$`)
	kickRE   = regexp.MustCompile(`^(=== )(\S+)( was kicked off #\S+ by )(\S+)( ?\(?)(.*?)(\)?)$`)
	modeRE   = regexp.MustCompile(`^(=== mode/#\S+ \[[-+a-zA-Z]+)(.*)(\]  by )(\S+)(.*)$`)
	topicRE  = regexp.MustCompile(`^(=== \.\.\[topic/#[^:]+:)([^\]]+)(\] : )(.*)$`)
	otherRE  = regexp.MustCompile(`^(=== )(\S+)( )(.*)$`)
)

// learnIRC reads all logs, to know nicknames and ordinary words.
func (s *scrubber) learnIRC(pattern string) error {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		return fmt.Errorf("no logs: %w", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimRight(line, "\r\n")
			if m := sayRE.FindStringSubmatch(line); m != nil {
				s.person(m[2])
				s.learn(m[2], m[4])
			} else if m := rosterRE.FindStringSubmatch(line); m != nil {
				s.person(strings.TrimSpace(m[2]))
			} else if m := renameRE.FindStringSubmatch(line); m != nil {
				s.person(m[2])
				s.person(m[4])
			}
		}
	}
	return nil
}

// irc writes one log and its links, which stay as they are: no line is added or
// taken away.
func (s *scrubber) irc(in, out string) error {
	b, err := os.ReadFile(in + ".raw.txt")
	if err != nil {
		return err
	}
	s.here = nil
	for line := range strings.Lines(string(b)) {
		for _, re := range []*regexp.Regexp{sayRE, rosterRE, renameRE} {
			if m := re.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
				s.meet(m[2])
			}
		}
	}
	var o strings.Builder
	for line := range strings.Lines(string(b)) {
		o.WriteString(s.ircLine(strings.TrimRight(line, "\r\n")))
		o.WriteByte('\n')
	}
	if err := write(out+".raw.txt", []byte(o.String())); err != nil {
		return err
	}
	links, err := os.ReadFile(in + ".annotation.txt")
	if err != nil {
		return err
	}
	return write(out+".annotation.txt", links)
}

// meet adds a name to those of the file.
func (s *scrubber) meet(name string) {
	if w := strings.ToLower(strings.TrimFunc(name, notAlnum)); len(w) > 3 && !slices.Contains(s.here, w) {
		s.here = append(s.here, w)
	}
}

func (s *scrubber) ircLine(line string) string {
	if m := sayRE.FindStringSubmatch(line); m != nil {
		return m[1] + s.name(m[2]) + m[3] + s.text(m[4])
	}
	if m := doRE.FindStringSubmatch(line); m != nil {
		return m[1] + s.name(m[2]) + m[3] + s.text(m[4])
	}
	if m := rosterRE.FindStringSubmatch(line); m != nil {
		return m[1] + s.name(m[2]) + m[3] + s.mask(m[4]) + m[5] + s.text(m[6])
	}
	if m := renameRE.FindStringSubmatch(line); m != nil {
		return m[1] + s.name(m[2]) + m[3] + s.name(m[4]) + m[5]
	}
	if m := kickRE.FindStringSubmatch(line); m != nil {
		why := s.text(m[6])
		if strings.EqualFold(m[6], m[4]) {
			why = s.name(m[6])
		}
		return m[1] + s.name(m[2]) + m[3] + s.name(m[4]) + m[5] + why + m[7]
	}
	if m := modeRE.FindStringSubmatch(line); m != nil {
		var masks []string
		for f := range strings.FieldsSeq(m[2]) {
			if strings.ContainsAny(f, "!@") {
				f = "*!*@" + s.number("host", f, func(n int) string { return fmt.Sprintf("host%d.example.net", n) })
			} else {
				f = s.name(f)
			}
			masks = append(masks, f)
		}
		return m[1] + strings.TrimRight(" "+strings.Join(masks, " "), " ") + m[3] + s.name(m[4]) + m[5]
	}
	if m := topicRE.FindStringSubmatch(line); m != nil {
		return m[1] + s.name(m[2]) + m[3] + s.text(m[4])
	}
	if m := otherRE.FindStringSubmatch(line); m != nil && !strings.HasSuffix(m[2], ":") {
		return m[1] + s.name(m[2]) + m[3] + s.text(m[4])
	}
	return s.text(line)
}

// mask replaces "user@host" of a join.
func (s *scrubber) mask(old string) string {
	user, _, _ := strings.Cut(old, "@")
	prefix := ""
	for _, p := range []string{"n=", "i=", "~"} {
		if strings.HasPrefix(user, p) {
			prefix = p
		}
	}
	return s.number("mask", old, func(n int) string { return fmt.Sprintf("%su%d@host%d.example.net", prefix, n, n) })
}

// rows reads a gitter archive with the standard library's reader, which differs
// from ours: it turns CR LF inside a text into LF.
func rows(name string) ([][]string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(b))
	in.Comma = '\t'
	in.LazyQuotes = true
	in.FieldsPerRecord = 7
	return in.ReadAll()
}

func (s *scrubber) learnGitter(pattern string) error {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		return fmt.Errorf("no archives: %w", err)
	}
	for _, name := range names {
		all, err := rows(name)
		if err != nil {
			return err
		}
		for _, r := range all {
			s.person(r[4])
			s.learn(r[4], r[6])
		}
	}
	return nil
}

// gitter writes a span of rows of one archive.
func (s *scrubber) gitter(in, out string, from, to int) error {
	all, err := rows(in)
	if err != nil {
		return err
	}
	to = min(to, len(all))
	s.here = nil
	for _, r := range all {
		s.meet(r[4])
	}
	var o strings.Builder
	for _, r := range all[from:to] {
		// The first eight digits of an id are its time, which the order needs.
		f := []string{
			s.number("room", r[0], func(n int) string { return fmt.Sprintf("%024x", 0x52000000+n) }),
			r[1], r[2],
			s.number("user", r[3], func(n int) string { return fmt.Sprintf("%024x", 0x54000000+n) }),
			s.name(r[4]),
			s.number("message", r[5], func(n int) string { return fmt.Sprintf("%s%016x", r[5][:8], n) }),
			s.text(r[6]),
		}
		for i, v := range f {
			if i > 0 {
				o.WriteByte('\t')
			}
			if strings.ContainsAny(v, "\"\n\r\t") {
				v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
			o.WriteString(v)
		}
		o.WriteString("\r\n")
	}
	return write(out, []byte(o.String()))
}
