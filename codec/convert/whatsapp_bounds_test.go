package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"
)

func TestChatLinesLimit(t *testing.T) {
	const text = "one\r\n\ntwo"
	for limit, ok := range map[int64]bool{int64(len(text)) - 1: false, int64(len(text)): true} {
		l := newChatLines(strings.NewReader(text), limit)
		var got []string
		var err error
		for err == nil {
			var line string
			if line, _, err = l.next(); err == nil {
				got = append(got, line)
			}
		}
		if errors.Is(err, io.EOF) != ok || ok && strings.Join(got, "|") != "one||two" {
			t.Errorf("%d bytes: %q, %v", limit, got, err)
		}
	}
}

// TestRecentCounts has equal records as far apart as they may be, and further.
func TestRecentCounts(t *testing.T) {
	key := func(i int) (k [16]byte) {
		copy(k[:], fmt.Sprintf("%016d", i))
		return k
	}
	for others, want := range map[int]uint32{0: 1, maxRecent - 1: 1, 2 * maxRecent: 0} {
		var n recentCounts
		n.next(key(0))
		for i := range others {
			if got := n.next(key(i + 1)); got != 0 {
				t.Fatalf("record %d was counted %d times", i, got)
			}
		}
		if got := n.next(key(0)); got != want {
			t.Errorf("after %d others: %d, want %d", others, got, want)
		}
		if len(n.now) > maxRecent || len(n.before) > maxRecent {
			t.Errorf("%d and %d are remembered", len(n.now), len(n.before))
		}
	}
}

func TestChatsOfOneFolder(t *testing.T) {
	for n, ok := range map[int]bool{MaxChats: true, MaxChats + 1: false} {
		fsys := fstest.MapFS{}
		for i := range n {
			fsys[fmt.Sprintf("WhatsApp Chat with %d.txt", i)] = &fstest.MapFile{Data: []byte("13.02.24, 10:00 - A: x\n")}
		}
		report := &Report{}
		var err error
		for _, err = range Convert(context.Background(), WhatsApp, fsys, ".", Options{}, report) {
			if err != nil {
				break
			}
		}
		if (err == nil) != ok || ok && (report.Messages != uint64(n) || report.Files != uint64(n)) {
			t.Errorf("%d chats: %v, %+v", n, err, report)
		}
	}
}

// TestSystemPatterns finds each wording by its own word, in the language that it is
// in, so that none is hidden by one before it, or by the word that is looked for.
func TestSystemPatterns(t *testing.T) {
	w := wordsOfChats()
	for i := range w.patterns {
		p := &w.patterns[i]
		line := exampleOf(p.pattern)
		if !p.match.MatchString(line) {
			t.Errorf("%s: %q does not match", p.pattern, line)
		}
		e, ok := w.system(line)
		if !ok || e.kind != p.kind {
			t.Errorf("%s %s: %q is %d, want %d", p.lang, p.pattern, line, e.kind, p.kind)
		}
	}
	if _, ok := w.system(strings.Repeat("A", maxSystemLine-len(" left")) + " left"); !ok {
		t.Error("the longest line is not known")
	}
	if _, ok := w.system(strings.Repeat("A", maxSystemLine-len(" left")+1) + " left"); ok {
		t.Error("a longer line is known")
	}
}

// exampleOf is a line of a pattern: the first of each choice, nothing that may be
// absent.
func exampleOf(pattern string) string {
	s := strings.NewReplacer("{by}", "Xenia", "{who}", "Yusuf", "{name}", "“Z”", "{old}", "“W”", "{a}", "", "\\S+", "ся", "\\S*", "", "\\(a\\)", "a", "\\(?", "", "\\)?", "", "[oa]", "o", "[её]", "е", "[оа]", "о").Replace(pattern)
	for {
		end := strings.IndexByte(s, ')')
		if end < 0 {
			break
		}
		start := strings.LastIndex(s[:end], "(?:")
		choice, _, _ := strings.Cut(s[start+3:end], "|")
		if end+1 < len(s) && s[end+1] == '?' {
			choice, end = "", end+1
		}
		s = s[:start] + choice + s[end+1:]
	}
	s = strings.ReplaceAll(s, ",?", ",")
	return strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, "*", "q"), "s?", "s"), "e?", "e"))
}
