package convert

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A chatHead is the beginning of a record of a WhatsApp chat: the date and time as
// they are written.
type chatHead struct {
	chatShape
	date           [3]int
	hour, min, sec int // of 24 hours
}

// A chatShape is what the heads of one chat have in common. A line with a head of
// another shape belongs to the text of a message.
type chatShape struct {
	form      byte    // '[' date in brackets, '-' date and dash, ':' date and colon
	separator byte    // of the date: . / -
	digits    [3]bool // the number has four
	seconds   bool
	twelve    bool // hours are of the morning or the afternoon
}

// maxChatHead bounds a head in bytes: what looks like one and is longer is text.
const maxChatHead = 128

// parseChatHead splits a line into its head and what follows. ok is false when the
// line has no head. The numbers are in bounds of a clock; the date is not checked.
func parseChatHead(line string) (h chatHead, padded [3]bool, rest string, ok bool) {
	s := headScanner{rest: line}
	s.marks()
	if s.take('[') {
		h.form = '['
		s.marks()
	}
	for i := range h.date {
		n, digits := s.number()
		if digits == 0 || digits == 3 || digits > 4 {
			return h, padded, "", false
		}
		h.date[i], h.digits[i], padded[i] = n, digits == 4, digits == 2 && n < 10
		if i < 2 && !s.separator(&h.separator, i == 0) {
			return h, padded, "", false
		}
	}
	s.take('.') // "2024. 1. 15."
	period, ok := s.period()
	if !ok || !s.time(&h) {
		return h, padded, "", false
	}
	if s.end(&h) { // no words after the time
		h.twelve = period != allDay
		return h, padded, s.rest, h.hours(period)
	}
	if period != allDay {
		return h, padded, "", false
	}
	if period, ok = s.period(); !ok || period == allDay || !s.end(&h) || len(line)-len(s.rest) > maxChatHead {
		return h, padded, "", false
	}
	h.twelve = true
	return h, padded, s.rest, h.hours(period)
}

// hours turns hours of a period of the day into those of a day.
func (h *chatHead) hours(p dayPeriod) bool {
	if h.min > 59 || h.sec > 59 || h.hour > 23 || p != allDay && h.hour > 12 {
		return false
	}
	switch p {
	case beforeNoon:
		h.hour %= 12
	case afterNoon:
		h.hour = h.hour%12 + 12
	case aroundNoon:
		if h.hour < 6 {
			h.hour += 12
		}
	}
	return true
}

// A headScanner reads a head from the front of a line. Marks of direction are
// passed over everywhere, digits may be of any script.
type headScanner struct{ rest string }

func (s *headScanner) marks() { s.rest = strings.TrimLeftFunc(s.rest, isInvisible) }

func (s *headScanner) blanks() {
	s.rest = strings.TrimLeftFunc(s.rest, func(r rune) bool { return isInvisible(r) || unicode.Is(unicode.Zs, r) })
}

func (s *headScanner) take(b byte) bool {
	s.marks()
	if len(s.rest) == 0 || s.rest[0] != b {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// number reads up to five digits and tells how many there are.
func (s *headScanner) number() (n, digits int) {
	s.marks()
	for digits < 5 {
		r, size := utf8.DecodeRuneInString(s.rest)
		d := digitOf(r)
		if d < 0 {
			break
		}
		n, digits, s.rest = n*10+d, digits+1, s.rest[size:]
	}
	return n, digits
}

// separator reads what stands between numbers of a date, the same each time.
func (s *headScanner) separator(sep *byte, first bool) bool {
	s.marks()
	if len(s.rest) == 0 || !strings.ContainsRune("./-", rune(s.rest[0])) || !first && s.rest[0] != *sep {
		return false
	}
	*sep = s.rest[0]
	s.rest = s.rest[1:]
	if *sep == '.' {
		s.blanks()
	}
	return true
}

// time reads hours, minutes and, if they are there, seconds.
func (s *headScanner) time(h *chatHead) bool {
	var digits int
	if h.hour, digits = s.number(); digits == 0 || digits > 2 {
		return false
	}
	sep := byte(':')
	if !s.take(':') {
		if sep = '.'; !s.take('.') {
			return false
		}
	}
	if h.min, digits = s.number(); digits != 2 {
		return false
	}
	before := s.rest
	if s.take(sep) {
		if h.sec, digits = s.number(); digits == 2 {
			h.seconds = true
			return true
		}
		h.sec = 0
		s.rest = before
	}
	return true
}

// end reads what ends a head: the bracket, a dash between blanks, or a colon.
func (s *headScanner) end(h *chatHead) bool {
	before := s.rest
	if h.form == '[' {
		if s.take(']') {
			r, size := utf8.DecodeRuneInString(s.rest)
			if unicode.Is(unicode.Zs, r) {
				s.rest = s.rest[size:]
			}
			return true
		}
		s.rest = before
		return false
	}
	if rest, ok := strings.CutPrefix(s.rest, ": "); ok && h.seconds {
		h.form, s.rest = ':', rest
		return true
	}
	s.blanks()
	for _, dash := range []string{"- ", "– ", "-\u00a0"} {
		if rest, ok := strings.CutPrefix(s.rest, dash); ok && s.rest != before {
			h.form, s.rest = '-', rest
			return true
		}
	}
	s.rest = before
	return false
}

// period reads the words before or after a time. ok is false when there is one
// that no date has.
func (s *headScanner) period() (p dayPeriod, ok bool) {
	var word []rune
	for len(s.rest) > 0 {
		r, size := utf8.DecodeRuneInString(s.rest)
		if r == ']' || r == '-' || r == '–' || r == ':' || digitOf(r) >= 0 {
			break
		}
		s.rest = s.rest[size:]
		switch {
		case unicode.IsLetter(r) || unicode.IsMark(r):
			word = append(word, unicode.ToLower(r))
		case isInvisible(r), unicode.Is(unicode.Zs, r), r == '.', r == ',', r == '،', r == '٬':
		default:
			return allDay, false
		}
		if len(word) > maxDayPeriod {
			return allDay, false
		}
	}
	// The end of a head begins with a blank that was passed over.
	if r, _ := utf8.DecodeRuneInString(s.rest); r == '-' || r == '–' {
		s.rest = " " + s.rest
	}
	return dayPeriodOf(string(word))
}

// maxDayPeriod bounds the letters between date and time.
const maxDayPeriod = 24

// A dayPeriod says what hours count from.
type dayPeriod uint8

const (
	allDay dayPeriod = iota
	beforeNoon
	afterNoon
	aroundNoon
)

// dayPeriodOf knows the words between date and time, and after it, by their
// letters: those of CLDR's day periods and of its patterns of date and time.
func dayPeriodOf(word string) (dayPeriod, bool) {
	switch word {
	case "", "klo", "kl", "um", "at", "à", "às", "alle", "alleore", "ore", "alas", "г", "в", "о", "godz", "lúc", "pukul":
		return allDay, true
	case "am", "午前", "上午", "오전", "凌晨", "清晨", "早上", "ص", "صباحا", "قظ", "öö", "vorm", "fm", "πμ", "de", "dop",
		"sa", "ก่อนเที่ยง", "पूर्वाह्न", "পূর্বাহ্ণ", "pg", "eb", "прп", "lefpriekšp", "priekšp", "priešpiet":
		return beforeNoon, true
	case "pm", "午後", "下午", "오후", "晚上", "م", "مساء", "بظ", "ös", "nachm", "em", "μμ", "du", "odp",
		"ch", "หลังเที่ยง", "अपराह्न", "অপরাহ্ণ", "ptg", "ip", "пп", "pēcp", "popiet":
		return afterNoon, true
	case "中午":
		return aroundNoon, true
	}
	return allDay, false
}

// digitOf is the value of a decimal digit of any script, -1 for another rune.
func digitOf(r rune) int {
	if r >= '0' && r <= '9' {
		return int(r - '0')
	}
	if r < utf8.RuneSelf || !unicode.Is(unicode.Nd, r) {
		return -1
	}
	// Each script has its ten digits in a row, and rows begin at multiples of ten
	// from where the range that holds them begins.
	for _, t := range unicode.Nd.R16 {
		if uint16(r) >= t.Lo && uint16(r) <= t.Hi && r <= 0xffff {
			return int(uint16(r)-t.Lo) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if uint32(r) >= t.Lo && uint32(r) <= t.Hi {
			return int(uint32(r)-t.Lo) % 10
		}
	}
	return -1
}

// isInvisible reports an invisible mark of direction, or that of the order of bytes.
// The app writes them around names and in front of what it says itself.
func isInvisible(r rune) bool {
	switch r {
	case '\u200e', '\u200f', '\u061c', '\ufeff':
		return true
	}
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
