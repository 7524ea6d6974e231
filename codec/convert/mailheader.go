package convert

import (
	"errors"
	"io"
	"mime"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// A mailHeader is the fields of a mail or a part of one, by name in lower case.
type mailHeader map[string][]string

// get is the first field of a name, unfolded; "" when there is none.
func (h mailHeader) get(name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// parseHeader reads the fields before the first empty line, and says how long they
// are. Lines that are no field are passed over.
func parseHeader(s string) (h mailHeader, n int) {
	h = make(mailHeader)
	name, value := "", []string(nil)
	keep := func() {
		if name != "" {
			h[name] = append(h[name], strings.TrimSpace(strings.Join(value, " ")))
		}
		name, value = "", nil
	}
	for n < len(s) {
		line, _, _ := strings.Cut(s[n:], "\n")
		n += min(len(line)+1, len(s)-n)
		line = strings.TrimSuffix(line, "\r")
		switch {
		case line == "":
			keep()
			return h, n
		case line[0] == ' ' || line[0] == '\t':
			value = append(value, strings.TrimLeft(line, " \t")) // of a folded field
			continue
		}
		keep()
		before, after, ok := strings.Cut(line, ":")
		before = strings.TrimRight(before, " \t")
		if ok && before != "" && before[0] != '>' && isField([]byte(before+":")) {
			name, value = strings.ToLower(before), []string{after}
		}
	}
	keep()
	return h, n
}

// headerText is what people read in a field: encoded words (RFC 2047) are decoded,
// bytes that are no UTF-8 taken as the usual other encoding.
func headerText(v string) string {
	if !utf8.ValidString(v) {
		v = latin1(v)
	}
	d := mime.WordDecoder{CharsetReader: func(charset string, in io.Reader) (io.Reader, error) {
		e := charsetOf(charset)
		if e == nil {
			return nil, errCharset
		}
		return e.NewDecoder().Reader(in), nil
	}}
	if s, err := d.DecodeHeader(v); err == nil {
		v = s
	}
	v = strings.ToValidUTF8(v, "\uFFFD")
	return strings.Join(strings.Fields(v), " ")
}

// addresses are the people of a field, at most MaxRecipients. What is no address
// list is taken apart at its commas.
func (r *run) addresses(v string) []person {
	if strings.TrimSpace(v) == "" {
		return nil
	}
	if !utf8.ValidString(v) {
		v = latin1(v)
	}
	p := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: func(charset string, in io.Reader) (io.Reader, error) {
		if e := charsetOf(charset); e != nil {
			return e.NewDecoder().Reader(in), nil
		}
		return nil, errCharset
	}}}
	var people []person
	list, err := p.ParseList(v)
	if err != nil {
		list = nil
		for one := range strings.SplitSeq(v, ",") {
			if a := looseAddress(one); a != nil {
				list = append(list, a)
			}
		}
	}
	for _, a := range list {
		if len(people) >= MaxRecipients {
			r.report.mend(TooManyPeople)
			break
		}
		q := person{key: strings.ToLower(a.Address), name: headerText(a.Name), mailto: r.short(a.Address)}
		if q.key == "" {
			q.key, q.mailto = strings.ToLower(q.name), ""
		}
		if q.key != "" {
			people = append(people, q)
		}
	}
	return people
}

// looseAddress finds a name and an address in what should have been one.
func looseAddress(s string) *mail.Address {
	s = headerText(s)
	if name, rest, ok := strings.Cut(s, "<"); ok {
		address, _, _ := strings.Cut(rest, ">")
		return &mail.Address{Name: strings.Trim(name, " \t\"'"), Address: strings.TrimSpace(address)}
	}
	if s = strings.Trim(s, " \t\"';:"); s == "" {
		return nil
	}
	if strings.Contains(s, "@") && !strings.ContainsAny(s, " \t") {
		return &mail.Address{Address: s}
	}
	return &mail.Address{Name: s}
}

// messageIDs are the ids of a field, without their angle brackets.
func messageIDs(v string) []string {
	var ids []string
	for rest := v; ; {
		_, after, ok := strings.Cut(rest, "<")
		if !ok {
			break
		}
		id, next, ok := strings.Cut(after, ">")
		if !ok {
			break
		}
		if id = strings.Join(strings.Fields(id), ""); id != "" && len(id) <= maxMessageID {
			ids = append(ids, id)
		}
		rest = next
	}
	if ids == nil && strings.Contains(v, "@") && !strings.ContainsAny(strings.TrimSpace(v), " \t<>") {
		ids = []string{strings.TrimSpace(v)}
	}
	return ids
}

const maxMessageID = 1 << 10

// mailDate finds when a mail was sent: what it says, else when it was received,
// else when it was put into the mailbox. second reports that it is not the first.
func mailDate(h mailHeader, from string) (millis int64, second, ok bool) {
	if t, ok := parseMailDate(h.get("date")); ok {
		return t, false, true
	}
	for _, v := range h["received"] {
		if t, ok := parseMailDate(v[strings.LastIndexByte(v, ';')+1:]); ok {
			return t, true, true
		}
	}
	words := strings.Fields(from)
	for i := 2; i < len(words); i++ { // behind "From" and the sender
		if t, ok := parseMailDate(strings.Join(words[i:], " ")); ok {
			return t, true, true
		}
	}
	return 0, false, false
}

// parseMailDate reads a date as mail has it, or nearly so.
func parseMailDate(v string) (int64, bool) {
	v = strings.TrimSpace(v)
	if v == "" || len(v) > maxDate {
		return 0, false
	}
	t, err := mail.ParseDate(v)
	if err == nil {
		// Letters of a zone are read by what this machine knows of them.
		switch name, _ := t.Zone(); {
		case zoneOf(strings.ToLower(name)) != "":
			err = errZone
		case name != "":
			t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
		}
	}
	if err != nil {
		v = cleanDate(v)
		for _, layout := range mailDates() {
			if t, err = time.Parse(layout, v); err == nil {
				break
			}
		}
	}
	if err != nil || t.Year() < 1970 || t.Year() > 2200 || t.UnixMilli() < 0 {
		return 0, false
	}
	return t.UnixMilli(), true
}

const maxDate = 128

var errZone = errors.New("zone in letters")

// cleanDate brings dates that programs wrote wrongly to a few forms: no weekday, no
// comments, zones in digits.
func cleanDate(v string) string {
	v = regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(v, " ")
	v = strings.NewReplacer(",", " ", "GMT+", "+", "GMT-", "-", "UTC+", "+", "UTC-", "-").Replace(v)
	words := strings.Fields(v)
	var out []string
	for i, w := range words {
		low := strings.ToLower(w)
		switch {
		case len(low) >= 3 && strings.Contains(" mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday ", " "+strings.TrimSuffix(low, ".")+" "):
			continue
		case low == "at":
			continue
		case (w[0] == '+' || w[0] == '-') && i > 0:
			if w = strings.ReplaceAll(w, ":", ""); len(w) == 3 {
				w += "00"
			} else if len(w) == 2 {
				w = w[:1] + "0" + w[1:] + "00"
			}
		case i > 2 && zoneOf(low) != "":
			w = zoneOf(low)
		case strings.Contains(w, ":") && strings.Count(w, ":") == 1:
			w += ":00"
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

// zoneOf is the offset of a zone that mail names by letters (RFC 5322, section 4.3,
// and those of Europe that programs write nevertheless).
func zoneOf(name string) string {
	switch name {
	case "gmt", "ut", "utc", "z", "wet":
		return "+0000"
	case "bst", "cet", "met", "mez", "west":
		return "+0100"
	case "cest", "mest", "mesz", "eet", "sast":
		return "+0200"
	case "eest", "msk":
		return "+0300"
	case "ist":
		return "+0530"
	case "jst", "kst":
		return "+0900"
	case "est", "cdt":
		return "-0500"
	case "edt":
		return "-0400"
	case "cst", "mdt":
		return "-0600"
	case "mst", "pdt":
		return "-0700"
	case "pst":
		return "-0800"
	}
	return ""
}

func mailDates() []string {
	return []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05",
		"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05", "2 Jan 06 15:04:05 -0700", "2 Jan 06 15:04:05",
		"2 January 2006 15:04:05 -0700", "2 January 2006 15:04:05", "2-Jan-2006 15:04:05 -0700", "2-Jan-2006 15:04:05",
		"2-Jan-06 15:04:05 -0700", "2-Jan-06 15:04:05", "Jan 2 15:04:05 2006", "Jan 2 15:04:05 2006 -0700",
		"Jan 2 15:04:05 -0700 2006", "Jan 2 2006 15:04:05 -0700", "Jan 2 2006 15:04:05",
		"2 Jan 2006 15.04.05 -0700", "2/1/2006 15:04:05",
	}
}

// threadName is a subject without what replies and forwarding put before it.
func threadName(subject string) string {
	for {
		rest, ok := cutReply(subject)
		if !ok {
			return strings.TrimSpace(subject)
		}
		subject = rest
	}
}

// cutReply takes one "Re:" of any language, "Re[2]:" or "Re (2):" away.
func cutReply(subject string) (string, bool) {
	s := strings.TrimSpace(subject)
	s = strings.Replace(s, "：", ":", 1) // as Chinese and Japanese programs write it
	word, rest, ok := strings.Cut(s, ":")
	if !ok || len(word) > 16 {
		return subject, false
	}
	word = strings.TrimRight(strings.ToLower(word), "0123456789[]()^ ")
	const replies = " re aw fwd fw wg sv vs vb antw antwort odp pd ynt ilt rif tr rv res enc doorst bls vl r ref reply回复 回复 答复 转发 回覆 轉寄 "
	if word == "" || strings.Contains(word, " ") || !strings.Contains(replies, " "+word+" ") {
		return subject, false
	}
	return rest, true
}
