package codec

import (
	"bytes"
	"unicode/utf8"
)

// A Mend is one text of a JSON vCon in which something was no Unicode: a lone
// surrogate, or bytes that are not UTF-8. Each was read as U+FFFD. The text that
// was there is lost, so that nothing is mended but on request (Options.Mend,
// CopyOptions.Mend).
type Mend struct {
	Pointer string // of the text, as in Error; a name has the pointer of its value
	Offset  int64  // of the first broken character, in bytes from the start of the input
	Count   int64  // characters that were put in the text
}

// appendUnquoted appends the text of the JSON string v, which is at offset at of
// its input. With mend it is told of what is no Unicode.
func appendUnquoted(dst, v []byte, at int64, mend func(Mend)) ([]byte, error) {
	inside := v[1 : len(v)-1]
	if bytes.IndexByte(inside, '\\') < 0 && utf8.Valid(inside) && !hasControl(inside) {
		return append(dst, inside...), nil
	}
	u := unquoter{quoted: true, mend: mend != nil}
	dst, err := u.write(dst, inside)
	if err == nil {
		dst, err = u.close(dst)
	}
	if e, ok := err.(*Error); ok {
		e.Offset += at + 1
	}
	if err == nil && u.mended > 0 {
		mend(Mend{Offset: at + 1 + u.first, Count: u.mended})
	}
	return dst, err
}
