package codec

import "bufio"

// A layouter writes JSON texts that have no blanks as IndentJSON lays them out,
// while they come, in pieces.
type layouter struct {
	w       *bufio.Writer // keeps its first error
	depth   int           // of the text that is written
	opened  bool          // a bracket was the last byte: an empty one stays on its line
	inText  bool
	escaped bool // the last byte was a backslash that escapes the next
}

// Write implements io.Writer.
func (l *layouter) Write(p []byte) (int, error) {
	from := 0 // what is not yet written
	for i, c := range p {
		if l.inText {
			switch {
			case l.escaped:
				l.escaped = false
			case c == '\\':
				l.escaped = true
			case c == '"':
				l.inText = false
			}
			continue
		}
		closes := c == '}' || c == ']'
		if l.opened || closes {
			l.w.Write(p[from:i])
			if from = i; closes {
				l.depth--
			}
			if l.opened != closes {
				l.line()
			}
			l.opened = false
		}
		switch c {
		case '"':
			l.inText = true
		case '{', '[':
			l.depth++
			l.opened = true
		case ',':
			l.w.Write(p[from : i+1])
			from = i + 1
			l.line()
		case ':':
			l.w.Write(p[from : i+1])
			from = i + 1
			l.w.WriteByte(' ')
		}
	}
	_, err := l.w.Write(p[from:])
	return len(p), err
}

// line begins a line.
func (l *layouter) line() {
	l.w.WriteByte('\n')
	for range l.depth {
		l.w.WriteString("  ")
	}
}
