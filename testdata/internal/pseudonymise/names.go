package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A scrubber replaces what names people and machines.
type scrubber struct {
	inGitter bool
	alias    map[string]string // lower-case name to its replacement
	nicks    map[string]bool   // lower-case names that are known to be people's
	here     []string          // those of the file that is written
	addr     map[string]int    // how often a token addresses somebody: "nick: ..."
	use      map[string]int    // how often it stands elsewhere
	users    map[string]map[string]bool
	seen     map[string]string // replaced URLs, hosts, mail and network addresses, ids
	count    map[string]int
}

func newScrubber() *scrubber {
	s := &scrubber{
		alias: map[string]string{}, nicks: map[string]bool{}, addr: map[string]int{}, use: map[string]int{},
		users: map[string]map[string]bool{}, seen: map[string]string{}, count: map[string]int{},
	}
	for name := range strings.FieldsSeq(givenNames) {
		s.nicks[name] = true
		s.addr[name] = 1 << 20 // never taken for an ordinary word
	}
	return s
}

// person remembers a name as one of a person.
func (s *scrubber) person(name string) {
	if name = strings.ToLower(name); utf8.RuneCountInString(name) > 1 {
		s.nicks[name] = true
	}
	// "fox|" is called "fox".
	if runs := strings.FieldsFunc(name, notAlnum); len(runs) == 1 && len(runs[0]) > 3 {
		s.nicks[runs[0]] = true
	}
}

// learn counts how the words of a text are used.
func (s *scrubber) learn(speaker, text string) {
	for i, t := range tokens(text) {
		if !t.name {
			continue
		}
		w := strings.ToLower(t.text)
		if at, ok := strings.CutPrefix(w, "@"); ok {
			s.addr[at]++
			continue
		}
		if i == 0 && isAddress(text[len(t.text):]) {
			s.addr[w]++
			continue
		}
		s.use[w]++
		if s.users[w] == nil {
			s.users[w] = map[string]bool{}
		}
		if len(s.users[w]) < 16 {
			s.users[w][speaker] = true
		}
	}
}

func isAddress(rest string) bool {
	return strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, ",")
}

// word reports whether a name is an ordinary word: many use it, and seldom to
// address somebody.
func (s *scrubber) word(w string) bool {
	return len(s.users[w]) >= 6 && s.use[w] > 3*s.addr[w]
}

// name replaces a name; each run of letters and digits of it by itself, so that
// "fox|away" and "fox" stay the same person.
func (s *scrubber) name(old string) string {
	var out strings.Builder
	runs := strings.FieldsFunc(old, notAlnum)
	long := 0
	for _, r := range runs {
		long = max(long, len(r))
	}
	for rest := old; rest != ""; {
		i := strings.IndexFunc(rest, func(c rune) bool { return !notAlnum(c) })
		if i < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:i])
		rest = rest[i:]
		n := strings.IndexFunc(rest, notAlnum)
		if n < 0 {
			n = len(rest)
		}
		run := rest[:n]
		rest = rest[n:]
		switch {
		case strings.Contains(states, " "+strings.ToLower(run)+" "), len(run) < 3 && long >= 3, strings.Trim(run, "0123456789") == "":
			out.WriteString(run)
		default:
			out.WriteString(s.run(run))
		}
	}
	return out.String()
}

// states follow a nick and name nobody.
const states = " away afk work home laptop brb zzz sleep busy lunch gone out food school "

func notAlnum(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }

// run replaces one run of letters and digits, keeping how it is capitalised.
func (s *scrubber) run(old string) string {
	key := strings.ToLower(old)
	alias, ok := s.alias[key]
	if !ok {
		i := len(s.alias)
		// Stepping by a number without a common factor visits every pair.
		n := i * 677 % (len(firsts) * len(seconds))
		alias = firsts[n%len(firsts)] + seconds[n/len(firsts)]
		s.alias[key] = alias
	}
	switch {
	case len(old) > 1 && old == strings.ToUpper(old) && old != strings.ToLower(old):
		return strings.ToUpper(alias)
	case unicode.IsUpper([]rune(old)[0]):
		return strings.ToUpper(alias[:1]) + alias[1:]
	}
	return alias
}

// number returns the replacement of a value of a kind: the n-th one by n.
func (s *scrubber) number(kind, old string, format func(n int) string) string {
	key := kind + " " + old
	if v, ok := s.seen[key]; ok {
		return v
	}
	s.count[kind]++
	v := format(s.count[kind])
	s.seen[key] = v
	return v
}

var firsts = strings.Fields(`amber azure birch brave brisk calm cedar clever cloud coral crisp dapper dawn deep dusty early
	ember fern fleet frost gentle golden grand green hazel hollow honey humble ivory jade keen kind lake light lively lunar
	maple meadow mellow misty mossy navy nimble noble north olive opal orchid pale pine plain prime quick quiet rapid river
	rocky rosy round rusty sandy scarlet shady silent silver sleepy slow smooth snowy solar south spring stone storm sunny
	swift tidal tiny urban velvet violet warm west wild windy winter`)

var seconds = strings.Fields(`ant badger bear beaver bee bison bunny camel cat crab crane crow deer dingo dove duck eagle
	eel falcon finch fox frog gecko goat goose gull hare hawk heron ibis jay kite koala lark lemur lion llama lynx magpie
	marten mole moose moth newt otter owl panda perch pika puffin quail rabbit raven robin salmon seal shrew sparrow squid
	stork swan tapir tern tiger toad trout turtle vole walrus whale wolf wren yak zebra`)

// givenNames are common given names in the languages of the excerpts; in a text
// they may be anybody's.
const givenNames = `alex alexander andrew andrzej ania anna anton artem bartek bartosz ben bruno carlos dan daniel danil david
	denis dima dmitry eduardo fabio felipe fernando filip gabriel grzegorz gustavo hassan igor ivan jakub james jan jarek jason joao
	john jorge jose josh julia kamil karol kasia katya kuba leandro leo lucas luis maciej maciek magda marcelo marcin marco marcos
	mateus mateusz maria mark martin matheus max michael michal mike misha mohammad muhammad natalia nick nicolas nikita oleg olga
	omar pablo pawel patrick patryk paul paulo pedro peter piotr przemek quincy rafael rafal renato ricardo robert rodrigo roman sam
	sara sasha sebastian sergey sergio simon stefan steve szymon thiago thomas tim tom tomasz tomek umar usama usman victor viktor
	vinicius vlad vladimir wojtek yuri zain zeeshan ahmed ali ahsan bilal hamza faisal imran kashif saad
	александр алексей андрей антон артём артем борис вадим валера ваня василий виктор виталий влад владимир дима дмитрий
	евгений женя иван игорь илья катя коля константин костя ксения леонид лёша максим макс марина мария маша миша михаил наташа никита
	николай олег ольга паша павел пётр роман руслан саша сергей серёжа слава стас степан тимур толик юля юра юрий яна ярослав
	guilherme janaina juan larson berkeley berkley leeson ricky
	michał paweł rafał łukasz tomku kuba gosia ola joão josé antônio flávio márcio júlio césar`
