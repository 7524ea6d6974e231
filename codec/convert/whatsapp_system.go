package convert

import (
	"regexp"
	"strings"
)

// A chatEvent is what a line that the app wrote tells of the group.
type chatEvent struct {
	kind   eventKind
	lang   string
	by     string   // "" when it is not known, or you
	you    bool     // you did it
	who    []string // whom it is about
	whoYou bool
	name   string // of the group
}

// An eventKind is a kind of change of a group.
type eventKind uint8

const (
	eventCreated eventKind = iota + 1
	eventAdded
	eventLeft
	eventRemoved
	eventJoined
	eventSubject
	eventOther // a notice
)

// A systemLine is one wording. In its pattern {by} and {who} stand for names, {name}
// for the name of a group in quotes, {old} for the one before, {a} for the ending
// of a Russian verb, * for any words. A full stop may follow.
type systemLine struct {
	kind    eventKind
	pattern string
	you     youRole
}

// A youRole says which part in a line is that of whose export it is, and has no
// name there.
type youRole uint8

const (
	noYou youRole = iota
	byYou
	whoYou
)

// systemLines are the wordings by language, the more special first. They are
// gathered from exports and from parsers of them that are public: Android and iOS
// differ, and so do versions.
func systemLines() map[string][]systemLine {
	return map[string][]systemLine{
		"en": {
			{eventOther, "{by} added this group to *", noYou},
			{eventOther, "{by} removed this group from *", noYou},
			{eventCreated, "You created group {name}", byYou},
			{eventCreated, "You created this group", byYou},
			{eventCreated, "Group creator created group {name}", noYou},
			{eventCreated, "{by} created group {name}", noYou},
			{eventCreated, "{by} created this group", noYou},
			{eventAdded, "You were added", whoYou},
			{eventAdded, "{who} (?:was|were) added", noYou},
			{eventAdded, "{by} added you(?: to *)?", whoYou},
			{eventAdded, "You added {who}", byYou},
			{eventAdded, "{by} added {who}", noYou},
			{eventJoined, "You joined(?: using| from| via| the) *", whoYou},
			{eventJoined, "{who} joined(?: using| from| via| the) *", noYou},
			{eventLeft, "You left", whoYou},
			{eventLeft, "{who} left", noYou},
			{eventRemoved, "You were removed", whoYou},
			{eventRemoved, "{who} (?:was|were) removed", noYou},
			{eventRemoved, "{by} removed you", whoYou},
			{eventRemoved, "You removed {who}", byYou},
			{eventRemoved, "{by} removed {who}", noYou},
			{eventSubject, "You changed the (?:subject|group name)(?: from {old})? to {name}", byYou},
			{eventSubject, "{by} changed the (?:subject|group name)(?: from {old})? to {name}", noYou},
		},
		"de": {
			{eventCreated, "Du hast die Gruppe {name} erstellt", byYou},
			{eventCreated, "Du hast diese Gruppe erstellt", byYou},
			{eventCreated, "{by} hat die Gruppe {name} erstellt", noYou},
			{eventCreated, "{by} hat diese Gruppe erstellt", noYou},
			{eventAdded, "Du wurdest hinzugefügt", whoYou},
			{eventAdded, "{who} (?:wurde|wurden) hinzugefügt", noYou},
			{eventAdded, "{by} hat dich hinzugefügt", whoYou},
			{eventAdded, "Du hast {who} hinzugefügt", byYou},
			{eventAdded, "{by} hat {who} hinzugefügt", noYou},
			{eventJoined, "Du bist *beigetreten", whoYou},
			{eventJoined, "{who} ist (?:der Gruppe |mit |über |per |mithilfe )*beigetreten", noYou},
			{eventLeft, "Du hast die Gruppe verlassen", whoYou},
			{eventLeft, "{who} hat die Gruppe verlassen", noYou},
			{eventRemoved, "Du wurdest entfernt", whoYou},
			{eventRemoved, "{who} (?:wurde|wurden) entfernt", noYou},
			{eventRemoved, "{by} hat dich entfernt", whoYou},
			{eventRemoved, "Du hast {who} entfernt", byYou},
			{eventRemoved, "{by} hat {who} entfernt", noYou},
			{eventSubject, "Du hast den (?:Betreff|Gruppennamen)(?: von {old})? (?:zu|in) {name} geändert", byYou},
			{eventSubject, "{by} hat den (?:Betreff|Gruppennamen)(?: von {old})? (?:zu|in) {name} geändert", noYou},
		},
		"es": {
			{eventCreated, "Creaste el grupo {name}", byYou},
			{eventCreated, "Creaste este grupo", byYou},
			{eventCreated, "{by} creó el grupo {name}", noYou},
			{eventCreated, "{by} creó este grupo", noYou},
			{eventAdded, "Se te (?:añadió|agregó)(?: al grupo)?", whoYou},
			{eventAdded, "Se (?:añadió|agregó) a {who}", noYou},
			{eventAdded, "{by} te (?:añadió|agregó)", whoYou},
			{eventAdded, "(?:Añadiste|Agregaste) a {who}", byYou},
			{eventAdded, "{by} (?:añadió|agregó) a {who}", noYou},
			{eventJoined, "Te uniste *", whoYou},
			{eventJoined, "{who} se unió *", noYou},
			{eventLeft, "Saliste del grupo", whoYou},
			{eventLeft, "{who} salió del grupo", noYou},
			{eventLeft, "{who} (?:salió|abandonó el grupo)", noYou},
			{eventRemoved, "{by} te eliminó", whoYou},
			{eventRemoved, "Se eliminó a {who}", noYou},
			{eventRemoved, "Eliminaste a {who}", byYou},
			{eventRemoved, "{by} eliminó a {who}", noYou},
			{eventSubject, "Cambiaste el (?:asunto|nombre)(?: del grupo)?(?: de {old})? a {name}", byYou},
			{eventSubject, "{by} cambió el (?:asunto|nombre)(?: del grupo)?(?: de {old})? a {name}", noYou},
		},
		"fr": {
			{eventCreated, "Vous avez créé le groupe {name}", byYou},
			{eventCreated, "Vous avez créé ce groupe", byYou},
			{eventCreated, "{by} a créé le groupe {name}", noYou},
			{eventCreated, "{by} a créé ce groupe", noYou},
			{eventAdded, "Vous avez été ajouté(?:\\(?e\\)?)?", whoYou},
			{eventAdded, "{who} (?:a|ont) été ajouté(?:\\(?e?\\)?s?)?", noYou},
			{eventAdded, "{by} vous a ajouté(?:\\(?e\\)?)?", whoYou},
			{eventAdded, "Vous avez ajouté {who}", byYou},
			{eventAdded, "{by} a ajouté {who}", noYou},
			{eventJoined, "Vous avez rejoint *", whoYou},
			{eventJoined, "{who} a rejoint *", noYou},
			{eventLeft, "Vous (?:avez quitté|êtes parti) *", whoYou},
			{eventLeft, "{who} (?:a quitté|est parti(?:\\(?e\\)?)?)(?: le groupe| ce groupe)?", noYou},
			{eventRemoved, "Vous avez été (?:retiré|supprimé|exclu)(?:\\(?e\\)?)?", whoYou},
			{eventRemoved, "{who} a été (?:retiré|supprimé|exclu)(?:\\(?e\\)?)?", noYou},
			{eventRemoved, "{by} vous a (?:retiré|supprimé|exclu)(?:\\(?e\\)?)?", whoYou},
			{eventRemoved, "Vous avez (?:retiré|supprimé|exclu) {who}", byYou},
			{eventRemoved, "{by} a (?:retiré|supprimé|exclu) {who}", noYou},
			{eventSubject, "Vous avez (?:changé|modifié|remplacé) (?:le sujet|le nom du groupe)(?: de)?(?: {old})? (?:en|à|par|pour) {name}", byYou},
			{eventSubject, "{by} a (?:changé|modifié|remplacé) (?:le sujet|le nom du groupe)(?: de)?(?: {old})? (?:en|à|par|pour) {name}", noYou},
		},
		"pt": {
			{eventCreated, "(?:Você criou|Criou|Criaste) o grupo {name}", byYou},
			{eventCreated, "(?:Você criou|Criou|Criaste) este grupo", byYou},
			{eventCreated, "{by} criou o grupo {name}", noYou},
			{eventCreated, "{by} criou este grupo", noYou},
			{eventAdded, "(?:Você foi|Foste) adicionado(?:\\(?a\\)?)?", whoYou},
			{eventAdded, "{who} (?:foi|foram) adicionad[oa](?:\\(a\\))?s?", noYou},
			{eventAdded, "{by} (?:adicionou você|te adicionou|adicionou-te|adicionou-o)", whoYou},
			{eventAdded, "(?:Você adicionou|Adicionou|Adicionaste) {who}", byYou},
			{eventAdded, "{by} adicionou {who}", noYou},
			{eventJoined, "(?:Você entrou|Entraste) *", whoYou},
			{eventJoined, "{who} entrou *", noYou},
			{eventLeft, "(?:Você saiu|Saíste)(?: do grupo)?", whoYou},
			{eventLeft, "{who} saiu(?: do grupo)?", noYou},
			{eventRemoved, "(?:Você foi|Foste) removido(?:\\(?a\\)?)?", whoYou},
			{eventRemoved, "{who} (?:foi|foram) removid[oa](?:\\(a\\))?s?", noYou},
			{eventRemoved, "{by} (?:removeu você|te removeu|removeu-te|removeu-o)", whoYou},
			{eventRemoved, "(?:Você removeu|Removeu|Removeste) {who}", byYou},
			{eventRemoved, "{by} removeu {who}", noYou},
			{eventSubject, "(?:Você mudou|Você alterou|Mudou|Alterou|Mudaste|Alteraste) o (?:nome|assunto)(?: do grupo)?(?: de {old})? para {name}", byYou},
			{eventSubject, "{by} (?:mudou|alterou) o (?:nome|assunto)(?: do grupo)?(?: de {old})? para {name}", noYou},
		},
		"it": {
			{eventCreated, "Hai creato il gruppo {name}", byYou},
			{eventCreated, "Hai creato questo gruppo", byYou},
			{eventCreated, "{by} ha creato il gruppo {name}", noYou},
			{eventCreated, "{by} ha creato questo gruppo", noYou},
			{eventAdded, "Sei stato(?:/a)? aggiunto(?:/a)?", whoYou},
			{eventAdded, "{who} è stat[oa](?:/a)? aggiunt[oa](?:/a)?", noYou},
			{eventAdded, "{by} ti ha aggiunto(?:/a)?", whoYou},
			{eventAdded, "Hai aggiunto {who}", byYou},
			{eventAdded, "{by} ha aggiunto {who}", noYou},
			{eventJoined, "Sei entrat[oa](?:/a)? *", whoYou},
			{eventJoined, "{who} (?:è entrat[oa](?:/a)?|si è unit[oa](?:/a)?) *", noYou},
			{eventLeft, "(?:Hai abbandonato|Sei uscit[oa](?:/a)?)(?: il gruppo| dal gruppo)?", whoYou},
			{eventLeft, "{who} (?:ha abbandonato|è uscit[oa](?:/a)?)(?: il gruppo| dal gruppo)?", noYou},
			{eventRemoved, "Sei stato(?:/a)? rimosso(?:/a)?", whoYou},
			{eventRemoved, "{who} è stat[oa](?:/a)? rimoss[oa](?:/a)?", noYou},
			{eventRemoved, "{by} ti ha rimosso(?:/a)?", whoYou},
			{eventRemoved, "Hai rimosso {who}", byYou},
			{eventRemoved, "{by} ha rimosso {who}", noYou},
			{eventSubject, "Hai (?:cambiato|modificato) (?:l'oggetto|il nome)(?: del gruppo)?(?: da {old})? (?:in|a) {name}", byYou},
			{eventSubject, "{by} ha (?:cambiato|modificato) (?:l'oggetto|il nome)(?: del gruppo)?(?: da {old})? (?:in|a) {name}", noYou},
		},
		"nl": {
			{eventCreated, "(?:U|Je|Jij) (?:heeft|hebt) (?:de )?groep {name} (?:aan)?gemaakt", byYou},
			{eventCreated, "(?:U|Je|Jij) (?:heeft|hebt) deze groep (?:aan)?gemaakt", byYou},
			{eventCreated, "{by} heeft (?:de )?groep {name} (?:aan)?gemaakt", noYou},
			{eventCreated, "{by} heeft deze groep (?:aan)?gemaakt", noYou},
			{eventAdded, "(?:U|Je|Jij) bent toegevoegd", whoYou},
			{eventAdded, "{who} (?:is|zijn) toegevoegd", noYou},
			{eventAdded, "{by} heeft (?:u|je|jou) toegevoegd", whoYou},
			{eventAdded, "(?:U|Je|Jij) (?:heeft|hebt) {who} toegevoegd", byYou},
			{eventAdded, "{by} heeft {who} toegevoegd", noYou},
			{eventJoined, "(?:U|Je|Jij) (?:neemt|neem|bent) *(?:deel|geworden) *", whoYou},
			{eventJoined, "{who} (?:neemt deel via|is deelnemer geworden via|is lid geworden via|is toegetreden) *", noYou},
			{eventLeft, "(?:U|Je|Jij) (?:heeft|hebt) de groep verlaten", whoYou},
			{eventLeft, "{who} heeft de groep verlaten", noYou},
			{eventRemoved, "(?:U|Je|Jij) bent verwijderd", whoYou},
			{eventRemoved, "{who} (?:is|zijn) verwijderd", noYou},
			{eventRemoved, "{by} heeft (?:u|je|jou) verwijderd", whoYou},
			{eventRemoved, "(?:U|Je|Jij) (?:heeft|hebt) {who} verwijderd", byYou},
			{eventRemoved, "{by} heeft {who} verwijderd", noYou},
			{eventSubject, "(?:U|Je|Jij) (?:heeft|hebt) (?:het (?:groeps)?onderwerp|de groepsnaam)(?: gewijzigd)?(?: van {old})? (?:naar|in) {name}(?: gewijzigd)?", byYou},
			{eventSubject, "{by} heeft (?:het (?:groeps)?onderwerp|de groepsnaam)(?: gewijzigd)?(?: van {old})? (?:naar|in) {name}(?: gewijzigd)?", noYou},
		},
		"tr": {
			{eventCreated, "{name} grubunu oluşturdunuz", byYou},
			{eventCreated, "Bu grubu oluşturdunuz", byYou},
			{eventCreated, "{by},? {name} grubunu oluşturdu", noYou},
			{eventCreated, "{by},? bu grubu oluşturdu", noYou},
			{eventAdded, "(?:Siz )?eklendiniz", whoYou},
			{eventAdded, "{by},? sizi ekledi", whoYou},
			{eventAdded, "{who} (?:kişisini|kişilerini) eklediniz", byYou},
			{eventAdded, "{by}, {who} (?:kişisini|kişilerini) ekledi", noYou},
			{eventAdded, "{who} (?:gruba )?eklendi", noYou},
			{eventJoined, "*bağlantısı*katıldınız", whoYou},
			{eventJoined, "{who},? (?:bu grubun davet|grup davet|davet|bir grup|grup) bağlantısı*katıldı", noYou},
			{eventLeft, "(?:Gruptan )?ayrıldınız", whoYou},
			{eventLeft, "{who} (?:gruptan )?ayrıldı", noYou},
			{eventRemoved, "(?:Gruptan )?çıkarıldınız", whoYou},
			{eventRemoved, "{by},? sizi çıkardı", whoYou},
			{eventRemoved, "{who} (?:kişisini|kişilerini) çıkardınız", byYou},
			{eventRemoved, "{by}, {who} (?:kişisini|kişilerini) çıkardı", noYou},
			{eventRemoved, "{who} (?:gruptan )?çıkarıldı", noYou},
			{eventSubject, "(?:{old} olan )?(?:grup adını|konuyu) {name} olarak değiştirdiniz", byYou},
			{eventSubject, "{by},? {old} olan (?:grup adını|konuyu) {name} olarak değiştirdi", noYou},
			{eventSubject, "{by},? (?:grup adını|konuyu) {name} olarak değiştirdi", noYou},
		},
		"ru": {
			{eventCreated, "Вы создали группу {name}", byYou},
			{eventCreated, "Вы создали (?:эту )?группу", byYou},
			{eventCreated, "{by} создал{a} группу {name}", noYou},
			{eventCreated, "{by} создал{a} (?:эту )?группу", noYou},
			{eventAdded, "Вас добавили", whoYou},
			{eventAdded, "{who} (?:был{a} )?добавлен{a}", noYou},
			{eventAdded, "{by} добавил{a} вас", whoYou},
			{eventAdded, "Вы добавили {who}", byYou},
			{eventAdded, "{by} добавил{a} (?:участников: )?{who}", noYou},
			{eventJoined, "Вы (?:присоединились|вступили) *ссылк*", whoYou},
			{eventJoined, "{who} (?:присоединил\\S+|вступил{a}) *ссылк*", noYou},
			{eventLeft, "Вы (?:вышли|покинули)(?: из группы| группу)?", whoYou},
			{eventLeft, "{who} (?:вышел|вышла|покинул){a}(?: из группы| группу)?", noYou},
			{eventRemoved, "Вас удалили", whoYou},
			{eventRemoved, "{who} был{a} удал[её]н{a}", noYou},
			{eventRemoved, "{by} удалил{a} вас", whoYou},
			{eventRemoved, "Вы удалили {who}", byYou},
			{eventRemoved, "{by} удалил{a} {who}", noYou},
			{eventSubject, "Вы изменили (?:тему|название)(?: группы)?(?: с {old})? на {name}", byYou},
			{eventSubject, "{by} изменил{a} (?:тему|название)(?: группы)?(?: с {old})? на {name}", noYou},
		},
	}
}

// systemLanguages are the languages of systemLines in the order in which they are
// tried.
func systemLanguages() []string {
	return []string{"en", "de", "es", "fr", "pt", "it", "nl", "tr", "ru"}
}

// A systemPattern is a wording that is ready to be matched.
type systemPattern struct {
	systemLine
	lang         string
	literal      string // that a line must hold: looked for first, since it is fast
	match        *regexp.Regexp
	by, who, new int // the groups that hold them, 0: none
}

func systemPatterns() (all []systemPattern) {
	lines := systemLines()
	for _, lang := range systemLanguages() {
		for _, l := range lines[lang] {
			p := systemPattern{systemLine: l, lang: lang, literal: literalOf(l.pattern)}
			p.match = regexp.MustCompile(`^(?s:` + systemTokens().Replace(l.pattern) + `)\.?$`)
			p.by, p.who, p.new = max(p.match.SubexpIndex("by"), 0), max(p.match.SubexpIndex("who"), 0), max(p.match.SubexpIndex("name"), 0)
			all = append(all, p)
		}
	}
	return all
}

// literalOf is the longest run of a pattern that stands in each line of it.
func literalOf(pattern string) (longest string) {
	depth, run := 0, ""
	for i := range len(pattern) {
		switch b := pattern[i]; {
		case b == '{' || b == '(' || b == '[':
			depth++
			run = ""
		case b == '}' || b == ')' || b == ']':
			depth--
			run = ""
		case depth > 0:
		case b == '?' && run != "":
			// The character before it may be absent.
			run = ""
		case strings.IndexByte("*?+\\'", b) >= 0:
			run = ""
		default:
			run += string(pattern[i : i+1])
		}
		if len(run) > len(longest) && (i+1 == len(pattern) || pattern[i+1] != '?' && pattern[i+1] != '*') {
			longest = run
		}
	}
	return longest
}

func systemTokens() *strings.Replacer {
	const open, end = `["“„«»'‘‹]\s?`, `\s?["“”»«'’›]`
	return strings.NewReplacer(
		`{by}`, `(?P<by>.+?)`, `{who}`, `(?P<who>.+?)`, `{name}`, open+`(?P<name>.*)`+end, `{old}`, open+`.*?`+end,
		`{a}`, `(?:\(?-?[а-я]+\)?)?`, ` *`, `(?: .*?)?`, `)*`, `).*?`, `*`, `.*?`, `'`, `['’]`)
}

// system matches a line that the app may have written. Names hold no colon with a
// blank: such a line is what somebody said.
func (w *chatWords) system(line string) (e chatEvent, ok bool) {
	if len(line) > maxSystemLine {
		return e, false
	}
	for i := range w.patterns {
		p := &w.patterns[i]
		if !strings.Contains(line, p.literal) {
			continue
		}
		m := p.match.FindStringSubmatch(line)
		if m == nil || strings.Contains(submatch(m, p.by), ": ") || strings.Contains(submatch(m, p.who), ": ") {
			continue
		}
		e = chatEvent{kind: p.kind, lang: p.lang, by: submatch(m, p.by), you: p.you == byYou, whoYou: p.you == whoYou, name: submatch(m, p.new)}
		if who := submatch(m, p.who); who != "" {
			e.who = splitNameList(who, p.lang)
		}
		return e, true
	}
	return e, false
}

// maxSystemLine bounds a line of the app in bytes; names and subjects are short.
const maxSystemLine = 4096

func submatch(m []string, i int) string {
	if i == 0 {
		return ""
	}
	return strings.TrimSpace(m[i])
}

// splitNameList splits a list of names. A name that holds the language's "and" is
// taken for two.
func splitNameList(list, lang string) []string {
	and := map[string]string{"en": " and ", "de": " und ", "es": " y ", "fr": " et ", "pt": " e ", "it": " e ", "nl": " en ", "tr": " ve ", "ru": " и "}[lang]
	var names []string
	for name := range strings.SplitSeq(strings.ReplaceAll(list, and, ", "), ", ") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
