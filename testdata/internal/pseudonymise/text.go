package main

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	mailRE = regexp.MustCompile(`(?i)[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+`)
	urlRE  = regexp.MustCompile(`(?i)\b((?:https?|ftp|git|ssh|irc|svn|telnet|sftp)://|www\.)[^\s<>"'\x60\])]+`)
	ipRE   = regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	macRE  = regexp.MustCompile(`(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b`)
	hostRE = regexp.MustCompile(`(?i)\b[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|net|org|edu|gov|info|biz|eu|de|fr|uk|nl|se|no|fi|dk|it|es|ch|be|ca|au|nz|br|jp|ru|us|tr|pt|gr|cz|hu|ro|za|mx|ar|co|io|me|pl)\b(/[^\s<>"')\]]*)?`)
	homeRE = regexp.MustCompile(`(?i)((?:/home/|/users/|\\users\\|settings\\|/media/))([a-z0-9_.-]{3,})`)
	// promptRE finds "user@host:" of a shell.
	promptRE = regexp.MustCompile(`(?i)\b[a-z0-9_.-]+@[a-z0-9_-]+(:|\s?[~$#])`)
	dottedRE = regexp.MustCompile(`@[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)+`)
	// phoneRE finds numbers with a plus sign or in groups.
	phoneRE = regexp.MustCompile(`\+\d[\d ()-]{7,}\d`)
	rudeRE  = regexp.MustCompile(`(?i)\b\w*(fuck|shit|bitch|asshole|faggot|nigg|cunt|retard)\w*\b`)
	tokenRE = regexp.MustCompile("@?[\\p{L}\\p{N}_\\[\\]\\\\^{}|\x60-]+")
	// placeRE finds what was already replaced.
	placeRE = regexp.MustCompile(`\x00(\d+)\x00`)
)

// A token is a piece of a text that may be a name, or what is between.
type token struct {
	text string
	name bool
}

func tokens(text string) []token {
	var all []token
	at := 0
	for _, m := range tokenRE.FindAllStringIndex(text, -1) {
		if m[0] > at {
			all = append(all, token{text: text[at:m[0]]})
		}
		all = append(all, token{text: text[m[0]:m[1]], name: true})
		at = m[1]
	}
	return append(all, token{text: text[at:]})
}

// text scrubs the text of a message.
func (s *scrubber) text(text string) string {
	var done []string
	keep := func(v string) string {
		done = append(done, v)
		return fmt.Sprintf("\x00%d\x00", len(done)-1)
	}
	replace := func(re *regexp.Regexp, with func(string) string) {
		text = re.ReplaceAllStringFunc(text, func(old string) string { return keep(with(old)) })
	}
	replace(urlRE, s.url)
	replace(mailRE, func(old string) string {
		return s.number("mail", strings.ToLower(old), func(n int) string { return fmt.Sprintf("person%d@example.net", n) })
	})
	replace(promptRE, func(old string) string { return "user@host" + promptRE.FindStringSubmatch(old)[1] })
	replace(dottedRE, s.name)
	replace(homeRE, func(old string) string {
		m := homeRE.FindStringSubmatch(old)
		if w := strings.ToLower(m[2]); s.word(w) {
			return old
		}
		return m[1] + s.name(m[2])
	})
	replace(macRE, func(old string) string {
		return s.number("mac", strings.ToLower(old), func(n int) string { return fmt.Sprintf("00:00:5e:00:53:%02x", n&255) })
	})
	replace(ipRE, s.ip)
	replace(hostRE, s.host)
	replace(phoneRE, func(string) string { return "+1 555 0100" })
	replace(rudeRE, func(string) string { return "****" })
	toks := tokens(text)
	code := false
	for i := range toks {
		t := &toks[i]
		if !t.name {
			continue
		}
		if s.inGitter && strings.Count(t.text, "`")%2 == 1 || strings.Contains(t.text, "```") {
			code = !code
		}
		t.text = s.token(t.text, i == 0 && len(toks) > 1 && isAddress(toks[1].text), code)
	}
	var out strings.Builder
	for _, t := range toks {
		out.WriteString(t.text)
	}
	return placeRE.ReplaceAllStringFunc(out.String(), func(m string) string {
		var n int
		fmt.Sscanf(strings.Trim(m, "\x00"), "%d", &n)
		return done[n]
	})
}

// token replaces one token if it names a person.
func (s *scrubber) token(old string, address, code bool) string {
	if at, ok := strings.CutPrefix(old, "@"); ok && s.inGitter {
		w := strings.ToLower(strings.Trim(at, "`"))
		switch {
		case w == "" || w == "all":
			return old
		case code && !s.nicks[w]:
			return old // a decorator or an at-rule
		}
		return "@" + s.name(at)
	}
	if at, ok := strings.CutPrefix(old, "@"); ok {
		return "@" + s.token(at, true, code)
	}
	w := strings.ToLower(old)
	core := strings.TrimFunc(w, notAlnum)
	switch {
	case address && s.nicks[w]:
	case s.word(w), core == "", len(core) < 3:
		return old
	case s.nicks[w]:
	case s.nicks[core] && !s.word(core) && len(core) > 3:
	case address && !s.inGitter && !s.word(core) && s.use[w] < 3:
	default:
		if near := s.near(core); near != "" {
			return s.name(near)
		}
		return old
	}
	return s.name(old)
}

// near finds who of the people here a rare word is short or misspelt for.
func (s *scrubber) near(w string) string {
	if len(w) < 4 || s.use[w] > 3 {
		return ""
	}
	for _, nick := range s.here {
		if strings.HasPrefix(nick, w) || len(w) > 4 && oneOff(nick, w) {
			return nick
		}
	}
	return ""
}

// oneOff reports whether two words differ in one letter, more, less or other.
func oneOff(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	switch len(a) - len(b) {
	case 0:
		return i < len(b) && a[i+1:] == b[i+1:]
	case 1:
		return a[i+1:] == b[i:]
	}
	return false
}

// url keeps the hosts that are the channel's subject, and no path of a person.
func (s *scrubber) url(old string) string {
	trail := ""
	for old != "" && strings.ContainsRune(".,;:!?*_", rune(old[len(old)-1])) {
		trail = old[len(old)-1:] + trail
		old = old[:len(old)-1]
	}
	low := strings.ToLower(old)
	scheme := ""
	if i := strings.Index(low, "://"); i >= 0 {
		scheme = old[:i+3]
		low = low[i+3:]
	}
	host, path, _ := strings.Cut(low, "/")
	if publicHost(host) && !strings.ContainsAny(path, "~@") && !strings.Contains(path, "user") {
		return old + trail
	}
	return s.number("url", low, func(n int) string { return fmt.Sprintf("%swww.example.org/p%d", scheme, n) }) + trail
}

func publicHost(host string) bool {
	host, _, _ = strings.Cut(host, ":")
	for _, known := range []string{
		"ubuntu.com", "ubuntulinux.org", "ubuntuguide.org", "kernel.org", "debian.org", "gnome.org", "kde.org", "python.org",
		"wikipedia.org", "freenode.net", "w3schools.com", "developer.mozilla.org", "example.org", "example.net",
	} {
		if host == known || strings.HasSuffix(host, "."+known) {
			return true
		}
	}
	return false
}

func (s *scrubber) ip(old string) string {
	for _, p := range []string{"127.", "0.", "10.", "192.168.", "255.", "224.", "2.6.", "2.4.", "1.", "3."} {
		if strings.HasPrefix(old, p) {
			return old // private, or the number of a version
		}
	}
	return s.number("ip", old, func(n int) string { return fmt.Sprintf("198.51.100.%d", n%254+1) })
}

func (s *scrubber) host(old string) string {
	name, path, _ := strings.Cut(strings.ToLower(old), "/")
	if publicHost(name) && !strings.Contains(path, "~") {
		return old
	}
	return s.number("host", strings.ToLower(old), func(n int) string { return fmt.Sprintf("host%d.example.net", n) })
}
