package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks bounds the combining marks on one character: real scripts stack a few,
// and a hundred of them paint over the lines above and below.
const maxMarks = 8

// shown is printable for texts of peers that stand among others on a screen: piled
// up combining marks are cut, and a mark or joiner at the beginning, which would
// join what stands before it, gets a dotted circle to stand on.
func shown(s string, n int) string {
	s = printable(s, n)
	if r, _ := utf8.DecodeRuneInString(s); s != "" && cellsOf(r) == 0 {
		s = "◌" + s
	}
	marks, plain := 0, true
	for _, r := range s {
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		} else if marks++; marks > maxMarks {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		} else if marks++; marks > maxMarks {
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// wide lists what takes two columns of a terminal: East Asian wide and full-width
// characters and emoji (Unicode UAX #11, W and F, in coarse ranges).
var wide = unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1},
		{Lo: 0x231a, Hi: 0x231b, Stride: 1},
		{Lo: 0x2329, Hi: 0x232a, Stride: 1},
		{Lo: 0x23e9, Hi: 0x23ec, Stride: 1},
		{Lo: 0x23f0, Hi: 0x23f3, Stride: 3},
		{Lo: 0x25fd, Hi: 0x25fe, Stride: 1},
		{Lo: 0x2614, Hi: 0x2615, Stride: 1},
		{Lo: 0x2648, Hi: 0x2653, Stride: 1},
		{Lo: 0x267f, Hi: 0x2693, Stride: 0x14},
		{Lo: 0x26a1, Hi: 0x26aa, Stride: 9},
		{Lo: 0x26ab, Hi: 0x26bd, Stride: 0x12},
		{Lo: 0x26be, Hi: 0x26c4, Stride: 6},
		{Lo: 0x26c5, Hi: 0x26ce, Stride: 9},
		{Lo: 0x26d4, Hi: 0x26ea, Stride: 0x16},
		{Lo: 0x26f2, Hi: 0x26f3, Stride: 1},
		{Lo: 0x26f5, Hi: 0x26fa, Stride: 5},
		{Lo: 0x26fd, Hi: 0x2705, Stride: 8},
		{Lo: 0x270a, Hi: 0x270b, Stride: 1},
		{Lo: 0x2728, Hi: 0x274c, Stride: 0x24},
		{Lo: 0x274e, Hi: 0x2753, Stride: 5},
		{Lo: 0x2754, Hi: 0x2755, Stride: 1},
		{Lo: 0x2757, Hi: 0x2795, Stride: 0x3e},
		{Lo: 0x2796, Hi: 0x2797, Stride: 1},
		{Lo: 0x27b0, Hi: 0x27bf, Stride: 0xf},
		{Lo: 0x2b1b, Hi: 0x2b1c, Stride: 1},
		{Lo: 0x2b50, Hi: 0x2b55, Stride: 5},
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0x4dbf, Stride: 1},
		{Lo: 0x4e00, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xa960, Hi: 0xa97c, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1},
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe10, Hi: 0xfe19, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff01, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe0, Hi: 0x18cff, Stride: 1},
		{Lo: 0x1aff0, Hi: 0x1b2fb, Stride: 1},
		{Lo: 0x1f004, Hi: 0x1f0cf, Stride: 0xcb},
		{Lo: 0x1f18e, Hi: 0x1f18e, Stride: 1},
		{Lo: 0x1f191, Hi: 0x1f19a, Stride: 1},
		{Lo: 0x1f200, Hi: 0x1f320, Stride: 1},
		{Lo: 0x1f32d, Hi: 0x1f335, Stride: 1},
		{Lo: 0x1f337, Hi: 0x1f37c, Stride: 1},
		{Lo: 0x1f37e, Hi: 0x1f393, Stride: 1},
		{Lo: 0x1f3a0, Hi: 0x1f3ca, Stride: 1},
		{Lo: 0x1f3cf, Hi: 0x1f3d3, Stride: 1},
		{Lo: 0x1f3e0, Hi: 0x1f3f0, Stride: 1},
		{Lo: 0x1f3f4, Hi: 0x1f3f4, Stride: 1},
		{Lo: 0x1f3f8, Hi: 0x1f43e, Stride: 1},
		{Lo: 0x1f440, Hi: 0x1f440, Stride: 1},
		{Lo: 0x1f442, Hi: 0x1f4fc, Stride: 1},
		{Lo: 0x1f4ff, Hi: 0x1f53d, Stride: 1},
		{Lo: 0x1f54b, Hi: 0x1f54e, Stride: 1},
		{Lo: 0x1f550, Hi: 0x1f567, Stride: 1},
		{Lo: 0x1f57a, Hi: 0x1f57a, Stride: 1},
		{Lo: 0x1f595, Hi: 0x1f596, Stride: 1},
		{Lo: 0x1f5a4, Hi: 0x1f5a4, Stride: 1},
		{Lo: 0x1f5fb, Hi: 0x1f64f, Stride: 1},
		{Lo: 0x1f680, Hi: 0x1f6c5, Stride: 1},
		{Lo: 0x1f6cc, Hi: 0x1f6cc, Stride: 1},
		{Lo: 0x1f6d0, Hi: 0x1f6d2, Stride: 1},
		{Lo: 0x1f6d5, Hi: 0x1f6df, Stride: 1},
		{Lo: 0x1f6eb, Hi: 0x1f6ec, Stride: 1},
		{Lo: 0x1f6f4, Hi: 0x1f6fc, Stride: 1},
		{Lo: 0x1f7e0, Hi: 0x1f7f0, Stride: 1},
		{Lo: 0x1f90c, Hi: 0x1f93a, Stride: 1},
		{Lo: 0x1f93c, Hi: 0x1f945, Stride: 1},
		{Lo: 0x1f947, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x1fa70, Hi: 0x1faff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

const (
	zeroWidthJoiner = '\u200d'
	emojiSelector   = '\ufe0f'
)

// cellsOf is how many columns a rune takes.
func cellsOf(r rune) int {
	switch {
	case r < 0x300:
		if r == 0xad {
			return 0 // the soft hyphen
		}
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), 0x1160 <= r && r <= 0x11ff:
		return 0
	case unicode.Is(&wide, r):
		return 2
	}
	return 1
}

// A cluster is a character with what belongs to it: marks, joiners and what they
// join. A line is never broken inside of one.
type cluster struct {
	text  string
	cells int
}

// nextCluster takes a cluster from the front of s, which is not empty. Joined
// emoji count as all of them: a terminal that does not join draws each, and a line
// that is too short does less harm than one that runs over.
func nextCluster(s string) (cluster, string) {
	r, n := utf8.DecodeRuneInString(s)
	c, joined := cellsOf(r), false
	for n < len(s) {
		next, size := utf8.DecodeRuneInString(s[n:])
		w := cellsOf(next)
		switch {
		case next == emojiSelector && r != ' ': // it makes no emoji of a blank
			c = max(c, 2)
		case w > 0 && !(joined && w == 2):
			return cluster{s[:n], c}, s[n:]
		default:
			c += w
		}
		joined = next == zeroWidthJoiner && c >= 2
		n += size
	}
	return cluster{s[:n], c}, ""
}

// cells is how many columns s takes.
func cells(s string) (n int) {
	for s != "" {
		var c cluster
		c, s = nextCluster(s)
		n += c.cells
	}
	return n
}

// fit cuts s to at most n columns, with an ellipsis where something was cut.
func fit(s string, n int) string {
	if cells(s) <= n {
		return s
	}
	var b strings.Builder
	for used := 0; s != ""; {
		var c cluster
		c, s = nextCluster(s)
		if used += c.cells; used > n-1 {
			break
		}
		b.WriteString(c.text)
	}
	return b.String() + "…"
}

// pad is fit, filled up with blanks to n columns.
func pad(s string, n int) string {
	s = fit(s, n)
	return s + strings.Repeat(" ", max(0, n-cells(s)))
}

// closing is punctuation that does not begin a line.
const closing = "、。，．）」』】〉》！？：；ー"

// wrap breaks one line into lines of at most width columns: at blanks, between
// wide characters, and inside of a word only when it is longer than a line. The
// first line has first columns less. A width of 0 breaks nothing.
func wrap(s string, first, width int) []string {
	if width <= 0 {
		return []string{s}
	}
	var lines []string
	left := max(width-first, 1)
	start, at, used := 0, 0, 0 // of the line; the end of what is taken; its columns
	breakAt, next := -1, -1    // the last place for a break: where the line ends, and where the next begins
	lastWide := false
	for rest := s; rest != ""; {
		c, tail := nextCluster(rest)
		end := len(s) - len(tail)
		blank, isWide := c.text == " ", c.cells == 2
		switch {
		case at == start:
		case blank:
			breakAt, next = at, end
		case (isWide || lastWide) && next < at && !strings.Contains(closing, c.text):
			breakAt, next = at, at
		}
		used += c.cells
		for used > left && at > start && !blank {
			if breakAt <= start {
				breakAt, next = at, at
			}
			lines = append(lines, strings.TrimRight(s[start:breakAt], " "))
			start, left = next, width
			used, breakAt, next = cells(s[start:end]), -1, -1
		}
		at, rest, lastWide = end, tail, isWide
	}
	return append(lines, strings.TrimRight(s[start:], " "))
}
