package sqlite

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
)

// recordWords says what a dialog object is that is no message: its kind, what is
// known of it, and between whom it was (vcon-core, "Dialog Object"). What happened
// during it follows, a line each. name gives the name of a party's row.
func recordWords(d *codec.Dialog, name func(row *uint32) string) string {
	var words []string
	say := func(s string) {
		if s != "" {
			words = append(words, s)
		}
	}
	switch d.Type {
	case "recording":
		say("recording")
	case "recording-set":
		say("set of recordings")
	case "transfer":
		say(transferWords(d, name))
	case "incomplete":
		say("call not completed: " + orUnknown(strings.ReplaceAll(d.Disposition, "-", " ")))
	case history.TypeVCon:
		say(sealedWords(d))
	case "":
		say("record without a type")
	default:
		say("record of the type " + d.Type)
	}
	say(duration(d))
	say(d.MediaType)
	say(d.Filename)
	if d.Type != "transfer" { // which has roles instead
		say(between(d, name))
	}
	say(whereIs(d))
	lines := []string{strings.Join(words, ", ")}
	for _, e := range d.PartyHistory {
		lines = append(lines, eventLine(e, name))
	}
	return strings.Join(lines, "\n")
}

func orUnknown(s string) string {
	if s == "" {
		return "nobody says why"
	}
	return s
}

// sealedWords names a vCon that is carried as a whole.
func sealedWords(d *codec.Dialog) string {
	var form string
	if d.Extra["form"].Decode(&form) == nil && form == "encrypted" {
		return "an encrypted vCon, kept whole"
	}
	return "a signed vCon, kept whole, its signature not checked"
}

// transferWords names the three parties of a call transfer.
func transferWords(d *codec.Dialog, name func(row *uint32) string) string {
	role := func(names ...string) string {
		for _, n := range names {
			if rows := rowsOf(d.Extra[n]); len(rows) > 0 {
				return namesOf(rows, name)
			}
		}
		return "somebody"
	}
	return "transfer of " + role("transferee") + " to " + role("transfer_target", "transfer-target") + " by " + role("transferor")
}

// between names the parties, the one who began first: the originator, else the
// first of the list (vcon-core, "parties").
func between(d *codec.Dialog, name func(row *uint32) string) string {
	rows := d.Parties
	if rows == nil {
		rows = rowsOf(d.Extra["parties"])
	}
	from := d.Originator
	if from == nil && len(rows) > 0 {
		from = &rows[0]
	}
	if from == nil {
		return ""
	}
	var others []uint32
	for _, r := range rows {
		if r != *from && !slices.Contains(others, r) {
			others = append(others, r)
		}
	}
	if len(others) == 0 {
		return "from " + name(from)
	}
	return "from " + name(from) + " to " + namesOf(others, name)
}

// rowsOf are the rows in an index, an array of them, or arrays in an array.
func rowsOf(raw codec.Raw) (rows []uint32) {
	d := codec.Dialog{Extra: codec.Fields{"parties": raw}}
	if len(raw) > 0 {
		d.EachParty(func(n uint32) { rows = append(rows, n) })
	}
	return rows
}

func namesOf(rows []uint32, name func(row *uint32) string) string {
	var names []string
	for i := range rows {
		if i == maxNamed && len(rows) > maxNamed+1 {
			names = append(names, fmt.Sprintf("%d more", len(rows)-i))
			break
		}
		names = append(names, name(&rows[i]))
	}
	return strings.Join(names, ", ")
}

// duration is how long it took, in words. The parameter is a number of seconds,
// whole or not.
func duration(d *codec.Dialog) string {
	var s float64
	if d.Duration != nil {
		s = float64(*d.Duration)
	} else if text, err := d.Extra["duration"].AppendJSON(nil); err == nil {
		if s, err = strconv.ParseFloat(string(text), 64); err != nil {
			return ""
		}
	}
	switch {
	case !(s > 0) || s > 1e9: // also NaN
		return ""
	case s < 59.95: // what would be written as 60 s
		return strconv.FormatFloat(math.Round(s*10)/10, 'f', -1, 64) + " s"
	case s < 3600:
		n := int(math.Round(s))
		return fmt.Sprintf("%d min %d s", n/60, n%60)
	}
	n := int(math.Round(s / 60))
	return fmt.Sprintf("%d h %d min", n/60, n%60)
}

// whereIs says where the content is, when it is no attachment.
func whereIs(d *codec.Dialog) string {
	switch {
	case d.Type == history.TypeVCon:
		return ""
	case d.Body.Kind != codec.BodyAbsent:
		c, err := d.Content()
		if err != nil {
			return "content inside is not readable"
		}
		return sizeWords(len(c)) + " inside"
	case d.URL != "":
		return "content at " + d.URL
	case d.Type == "recording":
		return "no content"
	}
	return ""
}

func sizeWords(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

const (
	maxNamed = 8 // names in one line
	maxWho   = 4 // names that a conversation is called by
)
