package sqlite

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold prepares text for the full-text index, and a query for searching it: what
// people type as the same letter becomes the same letter, and scripts that are
// written without spaces become one word a character (a query of several is then
// a phrase). SQLite's unicode61 tokenizer does the rest: case, and the diacritics
// of Latin, Greek and Cyrillic letters.
func fold(text string) string {
	if len(text) > maxIndexed {
		text = text[:maxIndexed]
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for _, r := range text {
		switch {
		case r < 0x80:
			b.WriteRune(r)
			if r == 0 { // never reaches SQLite inside of a text
				b.WriteByte(' ')
			}
		case r == utf8.RuneError || dropped(r):
		case alone(r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(letter(r))
		}
	}
	return strings.ReplaceAll(b.String(), "\x00", " ")
}

// dropped reports what is written or left out at will: Arabic vowel signs and
// elongation, joiners and direction marks, soft hyphens, emoji selectors.
func dropped(r rune) bool {
	switch {
	case r >= 0x064B && r <= 0x065F, r == 0x0670, r == 0x0640, r >= 0x06D6 && r <= 0x06ED && r != 0x06DD && r != 0x06DE && r != 0x06E9,
		r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2069,
		r == 0x00AD, r == 0xFEFF, r >= 0xFE00 && r <= 0xFE0F, r >= 0x0591 && r <= 0x05BD:
		return true
	}
	return false
}

// alone reports the letters of scripts without spaces between words.
func alone(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan) &&
		(unicode.IsLetter(r) || unicode.IsMark(r))
}

// letter maps letters that keyboards and languages write in several ways and that
// have no decomposition which the tokenizer knows.
func letter(r rune) rune {
	switch r {
	case 'ł', 'Ł':
		return 'l'
	case 'ø', 'Ø':
		return 'o'
	case 'đ', 'Đ':
		return 'd'
	case 'ё', 'Ё':
		return 'е'
	case 'ي', 'ى': // Arabic yeh, alef maksura: Farsi and Urdu yeh
		return 'ی'
	case 'ك': // Arabic kaf: keheh
		return 'ک'
	case 'ه', 'ۀ', 'ة': // heh, heh with yeh above, teh marbuta: Urdu heh goal
		return 'ہ'
	case 'أ', 'إ', 'آ', 'ٱ':
		return 'ا'
	case 'ؤ':
		return 'و'
	case 'ئ':
		return 'ی'
	}
	if r >= 0xFF01 && r <= 0xFF5E { // full-width forms of ASCII
		return unicode.ToLower(r - 0xFEE0)
	}
	return r
}

// matchQuery turns what a person typed into an FTS5 query: every word has to
// occur, the last one may go on. Each word is quoted, so that nothing in it is an
// operator. It is "" when no word has a letter or a digit, which the index does
// not hold.
func matchQuery(text string) string {
	if len(text) > maxQuery {
		text = text[:maxQuery]
	}
	var b strings.Builder
	n := 0
	for _, word := range strings.Fields(text) {
		if n == maxTerms {
			break
		}
		phrase := strings.Join(strings.FieldsFunc(fold(word), separator), " ")
		if phrase == "" {
			continue
		}
		if n++; n > 1 {
			b.WriteString(" AND ")
		}
		b.WriteByte('"')
		b.WriteString(phrase)
		b.WriteByte('"')
	}
	if n == 0 {
		return ""
	}
	b.WriteByte('*')
	return b.String()
}

// separator mirrors the categories that the index is declared with.
func separator(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.Co)
}

// clip shortens text to n characters, on one line.
func clip(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	i := 0
	for at := range text {
		if i++; i == n {
			return text[:at] + "…"
		}
	}
	return text
}

// bounded cuts a text of the peer's to limit bytes, at a character.
func bounded(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
