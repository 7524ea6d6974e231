package convert

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// What several converters write in words.

// joined joins the texts that are not empty.
func joined(sep string, texts ...string) string {
	var all []string
	for _, s := range texts {
		if s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, sep)
}

// duration is a number of seconds as people read it, for instance 1:05 or 1:00:05.
func duration(s int64) string {
	s = max(s, 0)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return strconv.FormatInt(s/3600, 10) + fmt.Sprintf(":%02d:%02d", s/60%60, s%60)
}

// period is a number of seconds in the largest unit that it is a multiple of.
func period(s int64) string {
	unit, n := "second", s
	for _, u := range []struct {
		name    string
		seconds int64
	}{{"week", 7 * 86400}, {"day", 86400}, {"hour", 3600}, {"minute", 60}} {
		if s != 0 && s%u.seconds == 0 {
			unit, n = u.name, s/u.seconds
			break
		}
	}
	return counted(n, unit)
}

// counted is a number of things, in words.
func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}

// votes is a number of votes, as an export writes it, in words.
func votes(n string) string {
	if n == "1" {
		return "1 vote"
	}
	return cmp.Or(n, "0") + " votes"
}

// words is the name of a field or a kind, to be read.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// isDigits reports a text of one ASCII digit or more, and nothing else.
func isDigits[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}
