package convert

import "strings"

// A lineKind says what a line of an IRC log is.
type lineKind uint8

const (
	lineUnknown lineKind = iota
	lineBlank
	lineMessage // nick says text
	lineAction  // nick does text ("/me")
	lineNotice  // a notice to the channel
	lineJoin
	lineLeave // also quit
	lineRename
	lineKick
	lineTopic
	lineMode
	lineServer
)

// An ircLine is one line of a log of the form of irclogs.ubuntu.com, which has
// changed over the years. minute is of the day, -1 when the line has none.
type ircLine struct {
	kind    lineKind
	minute  int
	nick    string
	other   string // new nick; who kicked
	text    string // also a topic
	channel string // if the line names one
}

// parseIRC reads one line:
//
//	[HH:MM] <nick> text
//	[HH:MM] * nick action        (also with two blanks, or [HH:MM:SS])
//	[HH:MM] -nick:#channel- notice
//	=== nick [user@host]  has joined #channel
//	=== nick [user@host]  has left #channel [reason]
//	=== nick has quit [reason]
//	=== nick is now known as other
//	=== nick was kicked off #channel by other (reason)
//	=== ..[topic/#channel:nick] : topic
//	=== Topic for #channel: topic
//	=== mode/#channel [+o nick]  by other
//	=== netjoined: server -> server
//	=== nick action              (logs before 2008)
func parseIRC(s string) ircLine {
	s = strings.TrimRight(s, "\r\n")
	if strings.TrimSpace(s) == "" {
		return ircLine{kind: lineBlank, minute: -1}
	}
	if rest, ok := strings.CutPrefix(s, "=== "); ok {
		return parseSystem(strings.TrimLeft(rest, " "))
	}
	minute, rest, ok := clock(s)
	if !ok {
		return ircLine{minute: -1}
	}
	l := ircLine{minute: minute}
	rest, blank := strings.CutPrefix(rest, " ")
	if !blank {
		return l
	}
	switch {
	case strings.HasPrefix(rest, "<"):
		if nick, text, ok := strings.Cut(rest[1:], ">"); ok {
			l.kind, l.nick, l.text = lineMessage, nick, strings.TrimPrefix(text, " ")
		}
	case strings.HasPrefix(strings.TrimLeft(rest, " "), "* "):
		l.nick, l.text, _ = strings.Cut(strings.TrimLeft(rest, " ")[2:], " ")
		l.kind = lineAction
	case strings.HasPrefix(rest, "-"):
		head, text, ok := strings.Cut(rest[1:], "- ")
		if nick, channel, named := strings.Cut(head, ":"); ok && named {
			l.kind, l.nick, l.channel, l.text = lineNotice, nick, channel, text
		}
	case strings.HasPrefix(rest, "=== "):
		l = parseSystem(strings.TrimLeft(rest[4:], " "))
		l.minute = minute
	}
	if l.nick == "" || len(l.nick) > MaxName {
		if l.kind == lineMessage || l.kind == lineAction || l.kind == lineNotice {
			l.kind = lineUnknown
		}
	}
	return l
}

// clock reads "[HH:MM]" or "[HH:MM:SS]".
func clock(s string) (minute int, rest string, ok bool) {
	if len(s) < 7 || s[0] != '[' || s[3] != ':' {
		return 0, "", false
	}
	h, ok1 := two(s[1:])
	m, ok2 := two(s[4:])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, "", false
	}
	switch {
	case s[6] == ']':
		return h*60 + m, s[7:], true
	case len(s) >= 10 && s[6] == ':' && s[9] == ']':
		if _, ok := two(s[7:]); ok {
			return h*60 + m, s[10:], true
		}
	}
	return 0, "", false
}

func two(s string) (int, bool) {
	if len(s) < 2 || s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}

// parseSystem reads what follows "=== ".
func parseSystem(s string) ircLine {
	l := ircLine{minute: -1}
	switch {
	case strings.HasPrefix(s, "mode/"), strings.HasPrefix(s, "ServerMode/"):
		l.kind = lineMode
		l.channel, _, _ = strings.Cut(s[strings.IndexByte(s, '/')+1:], " ")
		return l
	case strings.HasPrefix(s, "netjoined:"), strings.HasPrefix(s, "netsplit:"):
		l.kind = lineServer
		return l
	case strings.HasPrefix(s, "..[topic/"):
		head, topic, ok := strings.Cut(s[len("..[topic/"):], "] : ")
		if channel, nick, named := strings.Cut(head, ":"); ok && named && nick != "" && len(nick) <= MaxName {
			return ircLine{kind: lineTopic, minute: -1, channel: channel, nick: nick, text: topic}
		}
		l.kind = lineServer
		return l
	case strings.HasPrefix(s, "Topic for "):
		channel, topic, ok := strings.Cut(s[len("Topic for "):], ": ")
		if ok && strings.HasPrefix(channel, "#") {
			return ircLine{kind: lineTopic, minute: -1, channel: channel, text: topic}
		}
	case strings.HasPrefix(s, "Topic (#"), strings.HasPrefix(s, "#"):
		l.kind = lineServer
		return l
	}
	switch {
	case l.roster(s, lineJoin, "has joined"), l.roster(s, lineLeave, "has left"), l.roster(s, lineLeave, "has quit"):
	case l.pair(s, lineRename, " is now known as "), l.kick(s):
	default:
		l.nick, l.text, _ = strings.Cut(s, " ")
		l.text = strings.TrimSpace(l.text)
		l.kind = lineAction
		if l.nick == "" || l.text == "" {
			l.kind = lineUnknown
		}
	}
	if len(l.nick) > MaxName || len(l.other) > MaxName {
		l.kind = lineUnknown
	}
	return l
}

// roster reads "nick [user@host]  has joined #channel". In later logs there is
// no host; where there is one, the nick may hold blanks that a log viewer put
// there, and brackets.
func (l *ircLine) roster(s string, kind lineKind, verb string) bool {
	i := strings.Index(s, "]  "+verb)
	nick := ""
	switch {
	case i >= 0:
		j := strings.LastIndex(s[:i], " [")
		if j < 0 || !strings.Contains(s[j:i], "@") {
			return false
		}
		nick = strings.TrimSpace(s[:j])
		i += len("]  ")
	default:
		if i = strings.Index(s, " "+verb); i < 0 || strings.Contains(s[:i], " ") {
			return false
		}
		nick = s[:i]
		i++
	}
	rest := s[i+len(verb):]
	channel, _, _ := strings.Cut(strings.TrimPrefix(rest, " "), " ")
	if verb != "has quit" && !strings.HasPrefix(channel, "#") || nick == "" {
		return false
	}
	l.kind, l.nick = kind, nick
	if strings.HasPrefix(channel, "#") {
		l.channel = channel
	}
	return true
}

// pair reads "nick verb other", nothing after it.
func (l *ircLine) pair(s string, kind lineKind, verb string) bool {
	nick, other, ok := strings.Cut(s, verb)
	nick, other = strings.TrimSpace(nick), strings.TrimSpace(other)
	if !ok || nick == "" || other == "" || strings.Contains(other, " ") {
		return false
	}
	l.kind, l.nick, l.other = kind, nick, other
	return true
}

// kick reads "nick was kicked off #channel by other (reason)".
func (l *ircLine) kick(s string) bool {
	nick, rest, ok := strings.Cut(s, " was kicked off ")
	if !ok || nick == "" || strings.Contains(nick, " ") || !strings.HasPrefix(rest, "#") {
		return false
	}
	channel, by, ok := strings.Cut(rest, " by ")
	other, _, _ := strings.Cut(by, " ")
	if !ok || other == "" {
		return false
	}
	l.kind, l.nick, l.other, l.channel = lineKick, nick, other, channel
	return true
}
