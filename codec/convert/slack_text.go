package convert

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// body appends what a message says: its blocks, which are what people see, else
// its text.
func (c *slackRoom) body(out *markup, m *slackMessage) {
	before := len(out.spans)
	c.blocks(out, m.Blocks)
	if len(out.spans) == before {
		c.mrkdwn(out, string(m.Text))
	}
}

// mrkdwn appends a text in Slack's markup ("Formatting message text"): entities
// &amp; &lt; &gt;, <...> for mentions and links, *bold*, _italic_, ~struck~,
// `code`, ```blocks```, and "> " in front of quoted lines.
func (x *slackExport) mrkdwn(out *markup, s string) {
	if len(s) > MaxMarkup {
		out.text(unescapeSlack(s))
		return
	}
	for s != "" {
		before, rest, ok := strings.Cut(s, "```")
		block, after, closed := strings.Cut(rest, "```")
		if !ok || !closed {
			x.lines(out, s)
			return
		}
		x.lines(out, before)
		out.add(span{text: strings.Trim(unescapeSlack(x.plainTokens(block)), "\n"), look: pre})
		s = strings.TrimPrefix(after, "\n")
	}
}

// lines appends lines, some of which may be quoted.
func (x *slackExport) lines(out *markup, s string) {
	const mark = "&gt;"
	for s != "" {
		quoted := strings.HasPrefix(s, mark)
		end := 0 // of the lines that are quoted, or not, like the first
		for end < len(s) && strings.HasPrefix(s[end:], mark) == quoted {
			n := strings.IndexByte(s[end:], '\n')
			if n < 0 {
				end = len(s)
				break
			}
			end += n + 1
		}
		if !quoted {
			x.inline(out, s[:end], 0)
			s = s[end:]
			continue
		}
		var q markup
		lines := strings.Split(strings.TrimSuffix(s[:end], "\n"), "\n")
		for i, line := range lines {
			lines[i] = strings.TrimPrefix(strings.TrimPrefix(line, mark), " ")
		}
		x.inline(&q, strings.Join(lines, "\n"), 0)
		out.quote(&q)
		s = s[end:]
	}
}

// Bounds on how far the end of something is looked for, so that a text of nothing
// but beginnings takes linear time.
const (
	maxSpan  = 4096 // bytes between two marks
	maxTries = 16   // marks that may end a span
	maxNest  = 8    // spans within spans
)

// inline appends text that has no blocks.
func (x *slackExport) inline(out *markup, s string, depth int) {
	from := 0
	flush := func(to int) {
		if from < to {
			x.shortcodes(out, unescapeSlack(s[from:to]))
		}
	}
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '<':
			end := strings.IndexByte(s[i:min(len(s), i+maxSpan)], '>')
			if end < 0 {
				i++
				continue
			}
			flush(i)
			x.token(out, s[i+1:i+end])
			i += end + 1
			from = i
		case '`', '*', '_', '~':
			inner, ok := spanOf(s, i, c)
			if !ok || depth >= maxNest {
				i++
				continue
			}
			flush(i)
			if c == '`' {
				out.add(span{text: unescapeSlack(x.plainTokens(inner)), look: code})
			} else {
				out.styled(map[byte]look{'*': bold, '_': italic, '~': strike}[c], func() { x.inline(out, inner, depth+1) })
			}
			i += len(inner) + 2
			from = i
		default:
			i++
		}
	}
	flush(len(s))
}

// spanOf finds what stands between a mark at i and the one that ends it: marks stand
// at the borders of words, in one line.
func spanOf(s string, i int, mark byte) (string, bool) {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	if i > 0 && (isWord(before) || before == rune(mark)) {
		return "", false
	}
	rest := s[i+1 : min(len(s), i+1+maxSpan)]
	if rest == "" || rest[0] == ' ' && mark != '`' || rest[0] == mark {
		return "", false
	}
	at := 0
	for range maxTries {
		n := strings.IndexByte(rest[at:], mark)
		if n < 0 || strings.IndexByte(rest[at:at+n], '\n') >= 0 {
			return "", false
		}
		at += n
		after, _ := utf8.DecodeRuneInString(s[i+1+at+1:])
		if (rest[at-1] != ' ' || mark == '`') && !isWord(after) && after != rune(mark) {
			return rest[:at], true
		}
		at++
	}
	return "", false
}

// token appends what stands in <>: a mention, a link, a date.
func (x *slackExport) token(out *markup, s string) {
	target, label, _ := strings.Cut(s, "|")
	label = unescapeSlack(label)
	switch {
	case strings.HasPrefix(target, "@"):
		x.mentionUser(out, target[1:], label)
	case strings.HasPrefix(target, "#"):
		x.mentionChannel(out, target[1:], label)
	case strings.HasPrefix(target, "!subteam^"):
		out.text(groupName(strings.TrimPrefix(target, "!subteam^"), label))
	case strings.HasPrefix(target, "!date^"):
		out.text(label)
	case strings.HasPrefix(target, "!"):
		name, _, _ := strings.Cut(target[1:], "^")
		out.text("@" + name) // here, channel, everyone
	default:
		uri := unescapeSlack(target)
		if address, ok := strings.CutPrefix(uri, "mailto:"); ok && label == address {
			out.text(label)
			return
		}
		out.link(label, x.address(uri))
	}
}

func (x *slackExport) mentionUser(out *markup, id, label string) {
	p := x.who(id)
	if p.name == id && label != "" {
		p.name = strings.TrimPrefix(label, "@")
	}
	out.mention("@"+p.name, x.userURI(p.key))
}

func (x *slackExport) mentionChannel(out *markup, id, label string) {
	ch := x.channels[id]
	switch {
	case ch != nil:
		out.mention("#"+x.roomName(ch), ch.uri)
	case label != "":
		out.text("#" + strings.TrimPrefix(label, "#"))
	default:
		out.text("#" + id)
	}
}

func groupName(id, label string) string {
	if label == "" {
		label = id
	}
	return "@" + strings.TrimPrefix(label, "@")
}

// plainTokens resolves what stands in <> within code, where nothing is a link.
func (x *slackExport) plainTokens(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "<")
		out.WriteString(before)
		end := strings.IndexByte(rest[:min(len(rest), maxSpan)], '>')
		if !ok || end < 0 {
			if ok {
				out.WriteString("<" + rest)
			}
			return out.String()
		}
		var token markup
		x.token(&token, rest[:end])
		plain := token.plain()
		if target, label, _ := strings.Cut(rest[:end], "|"); !strings.ContainsAny(target[:min(1, len(target))], "@#!") {
			if plain = label; label == "" {
				plain = target
			}
		}
		out.WriteString(plain)
		s = rest[end+1:]
	}
}

// unescapeSlack takes the three entities of Slack away, once.
func unescapeSlack(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// slackDate is the date of a <!date> or a date block without a fallback.
func slackDate(seconds int64) string {
	if seconds <= 0 || seconds > maxSeconds {
		return ""
	}
	return string(mimi.DateOf(time.Unix(seconds, 0).UnixMilli()))
}
