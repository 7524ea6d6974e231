package convert

import (
	"strings"
	"time"
)

// A chatSurvey is what a first reading of a chat finds out: the shape of its
// heads, the order of day and month, and names by which the room may go.
type chatSurvey struct {
	shape   chatShape
	found   bool // a head
	order   dateOrder
	guessed bool

	tallies    [3]dateTally
	singles    bool            // a day or month has one digit
	languages  map[string]int  // of lines that the app wrote
	looked     int             // such lines
	sent       map[string]bool // names of chats that were sent in this one
	noticeFrom string          // who sends the notice of encryption: on iOS, the chat
	title      string          // of the group, as the last line that names it has it
}

// A dateOrder is the order of the numbers of a date.
type dateOrder uint8

const (
	dayMonthYear dateOrder = iota
	monthDayYear
	yearMonthDay
)

// A dateTally is what speaks against an order.
type dateTally struct {
	invalid int // dates that no calendar has
	back    int // days that come after a later one
	last    int
}

// unusual is how much speaks against a year of two digits that comes first, but with
// dashes.
const unusual = 3

// maxLooked bounds the lines that are looked at for their language.
const maxLooked = 4096

// survey reads a chat to its end. The order of day and month is that of the whole
// chat, never of a line.
func (r *run) survey(name string, words *chatWords) (*chatSurvey, error) {
	s := &chatSurvey{languages: make(map[string]int)}
	err := r.chatLines(name, func(line string, _ bool) error {
		s.line(line, words)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.order, s.guessed = s.decide()
	return s, nil
}

func (s *chatSurvey) line(line string, words *chatWords) {
	h, padded, rest, ok := parseChatHead(line)
	if !ok || s.found && h.chatShape != s.shape {
		return
	}
	s.found, s.shape = true, h.chatShape
	for o := range s.tallies {
		s.tallies[o].count(&h, dateOrder(o))
	}
	for i, n := range h.date {
		s.singles = s.singles || n < 10 && !padded[i] && !h.digits[i]
	}
	sender, text, said := splitSender(rest)
	if name, _, ok := words.attachedAtEnd(text); ok && isChatFile(name) && len(s.sent) < MaxChats {
		if s.sent == nil {
			s.sent = make(map[string]bool)
		}
		s.sent[name] = true
	}
	marked := text != strings.TrimLeftFunc(text, isInvisible)
	if s.looked >= maxLooked || said && !marked && !quotedBefore(rest) {
		return
	}
	s.looked++
	line = unmarked(rest)
	if said && marked {
		line = unmarked(text)
	}
	if e, ok := words.system(line); ok {
		s.languages[e.lang]++
		if e.name != "" {
			s.title = e.name
		}
	}
	if lang, ok := words.encryption(line); ok {
		s.languages[lang]++
		if s.noticeFrom == "" && said {
			s.noticeFrom = plainName(sender)
		}
	}
}

func (t *dateTally) count(h *chatHead, o dateOrder) {
	y, m, d, ok := h.dateIn(o)
	if !ok {
		t.invalid++
		return
	}
	day := (y*12+m)*31 + d
	if day < t.last {
		t.back++
	}
	t.last = day
}

// decide takes the order against which least speaks: impossible dates, and days that
// go back, of which the right order has few. When nothing tells orders apart, dots
// and the languages of most countries put the day first; in English, M/D/YY without
// zeros is American.
func (s *chatSurvey) decide() (o dateOrder, guessed bool) {
	var against [len(s.tallies)]int
	for i, t := range s.tallies {
		against[i] = t.invalid + t.back
	}
	if !s.shape.digits[0] && s.shape.separator != '-' {
		against[yearMonthDay] += unusual
	}
	rivals := 0
	for i, n := range against {
		switch {
		case i == 0 || n < against[o]:
			o, rivals = dateOrder(i), 1
		case n == against[o]:
			rivals++
		}
	}
	switch {
	case !s.found || rivals == 1:
		return o, false
	case o != dayMonthYear:
		return o, true
	case s.shape.separator == '.':
		return dayMonthYear, false
	}
	lang := s.language()
	if lang != "" && lang != "en" {
		return dayMonthYear, false
	}
	american := s.shape.separator == '/' && s.singles && !s.shape.digits[2]
	if american && against[monthDayYear] == against[o] {
		return monthDayYear, true
	}
	return dayMonthYear, true
}

// language is that of most lines that the app wrote, "" if there are none.
func (s *chatSurvey) language() (lang string) {
	for l, n := range s.languages {
		if m := s.languages[lang]; n > m || n == m && l < lang {
			lang = l
		}
	}
	return lang
}

// dateIn reads the date in an order. Years are of this calendar or the Buddhist
// one; ok is false for another one, and for a date that no calendar has.
func (h *chatHead) dateIn(o dateOrder) (year, month, day int, ok bool) {
	year, month, day = h.date[2], h.date[1], h.date[0]
	at := 2
	switch o {
	case monthDayYear:
		month, day = day, month
	case yearMonthDay:
		year, day, at = day, year, 0
	}
	for i := range h.digits {
		if h.digits[i] && i != at {
			return 0, 0, 0, false
		}
	}
	switch {
	case !h.digits[at]:
		year += 2000
	case year >= firstYear+buddhist && year <= lastYear+buddhist:
		year -= buddhist
	}
	if year < firstYear || year > lastYear || month < 1 || month > 12 || day < 1 || day > daysOf(year, month) {
		return 0, 0, 0, false
	}
	return year, month, day, true
}

// mayBe reports a date that there is in an order, or whose year is of a calendar
// that is not read. With another date a line is no head.
func (h *chatHead) mayBe(o dateOrder) bool {
	at := 2
	if o == yearMonthDay {
		at = 0
	}
	if _, _, _, ok := h.dateIn(o); ok {
		return true
	}
	y := h.date[at]
	return h.digits[at] && (y < firstYear || y > lastYear && (y < firstYear+buddhist || y > lastYear+buddhist))
}

const (
	firstYear = 2009 // WhatsApp began
	lastYear  = 2099
	buddhist  = 543 // the years that the Buddhist calendar is ahead
)

func daysOf(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
