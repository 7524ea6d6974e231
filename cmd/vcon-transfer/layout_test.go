package main

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCells(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0},
		{"abc", 3},
		{"é", 1},
		{"e\u0301", 1},
		{"漢字", 4},
		{"한국어", 6},
		{"ＡＢ", 4},
		{"שלום", 4},
		{"👍", 2},
		{"👍🏽", 4}, // two where it is joined
		{"❤", 1},
		{"❤\ufe0f", 2},
		{"👩\u200d💻", 4},
		{"a\u200bb", 2},
		{"\u00ad", 0},
		{"🇩🇪", 2},
	} {
		if got := cells(c.text); got != c.want {
			t.Errorf("cells(%+q) = %d, want %d", c.text, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text         string
		first, width int
		want         string
	}{
		{"", 0, 10, ""},
		{"one two three", 0, 7, "one two|three"},
		{"one two three", 4, 7, "one|two|three"},
		{"one two", 0, 7, "one two"},
		{"one two ", 0, 7, "one two"},
		{"abcdefghij", 0, 4, "abcd|efgh|ij"},
		{"x abcdefghij", 0, 4, "x|abcd|efgh|ij"},
		{"漢字漢字", 0, 5, "漢字|漢字"},
		{"ab漢字。", 0, 6, "ab漢|字。"},
		{"漢字abc", 0, 6, "漢字|abc"},
		{"e\u0301e\u0301e\u0301", 0, 2, "e\u0301e\u0301|e\u0301"},
		{"漢", 0, 1, "漢"},
		{"one two", 0, 0, "one two"},
	} {
		if got := strings.Join(wrap(c.text, c.first, c.width), "|"); got != c.want {
			t.Errorf("wrap(%q, %d, %d) = %q, want %q", c.text, c.first, c.width, got, c.want)
		}
	}
}

// Whatever the text, no line is too long and nothing but blanks is lost.
func TestWrapKeepsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := printable(rapid.StringOf(rapid.SampledFrom([]rune("ab  漢。👍e\u0301\u200d\ufe0f❤שل\x1b\u202e"))).Draw(t, "text"), 1000)
		width := rapid.IntRange(4, 20).Draw(t, "width")
		first := rapid.IntRange(0, width).Draw(t, "first")
		lines := wrap(text, first, width)
		for i, l := range lines {
			room := width
			if i == 0 {
				room = max(width-first, 1)
			}
			if c, rest := clusterOf(l); cells(l) > room && rest != "" && c.cells <= room {
				t.Fatalf("line %d, %q, takes %d columns, width is %d", i, l, cells(l), room)
			}
		}
		got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(text, " ", "")
		if got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

func clusterOf(s string) (cluster, string) {
	if s == "" {
		return cluster{}, ""
	}
	return nextCluster(s)
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"漢字漢", 5, "漢字…"},
		{"漢字漢", 4, "漢…"},
		{"", 0, ""},
	} {
		got := fit(c.text, c.n)
		if got != c.want || cells(got) > c.n {
			t.Errorf("fit(%q, %d) = %q, want %q", c.text, c.n, got, c.want)
		}
	}
	if got := pad("漢", 4); got != "漢  " {
		t.Errorf("pad = %q", got)
	}
}

// What could move the cursor, change colours, turn the direction of text, or
// paint over other lines comes out as harmless characters.
func TestShown(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain", "plain"},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"\x1b]0;title\x07", `\x1b]0;title\a`},
		{"\u009b31m", `\u009b31m`},
		{"a\rb", `a\rb`},
		{"a\bb", `a\bb`},
		{"\u202egnp.exe", `\u202egnp.exe`},
		{"a\u2028b", `a\u2028b`},
		{"\x00", `\x00`},
		{"\xff", "\uFFFD"},
		{"a" + strings.Repeat("\u0301", 100), "a" + strings.Repeat("\u0301", maxMarks)},
		{"שלום", "שלום"},
		{"\u0301a", "◌\u0301a"},
		{"\u200d👍", "◌\u200d👍"},
		{"two\nlines", "two lines"},
	} {
		if got := shown(c.text, 1000); got != c.want {
			t.Errorf("shown(%+q) = %+q, want %+q", c.text, got, c.want)
		}
	}
	if got := shown("abcdef", 3); got != "abc…" {
		t.Errorf("shown cut to %q", got)
	}
}
