package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxRoomsListed bounds the rooms that inspect shows to a person.
const (
	maxRoomsListed = 100
	maxSealsShown  = 10
)

// print writes an inspection for people.
func (i *inspection) print(v *view) error {
	v.line(v.bold(shown(i.File, 400)), ":")
	v.body("  ", 2, "  ", i.what(), nil)
	if i.Offer != nil {
		i.Offer.print(v)
		return v.flush()
	}
	if i.SealedFile != nil {
		i.SealedFile.print(v)
		return v.flush()
	}
	if i.Request != nil {
		i.Request.print(v)
		return v.flush()
	}
	i.sections(v)
	return v.flush()
}

// sections writes what is in vCons, an export or a store.
func (i *inspection) sections(v *view) {
	if len(i.Forms) > 0 {
		v.body("  ", 2, "    ", "old forms: "+formsWords(i.Forms), nil)
	}
	if len(i.Rooms) > 0 {
		v.line()
		v.line(v.bold("Rooms"))
	}
	for n, r := range i.Rooms {
		if n == maxRoomsListed {
			v.line("  and ", plural(uint64(len(i.Rooms)-n), "room"), " more")
			break
		}
		i.room(v, &r)
	}
	v.counts("Records", i.Records)
	v.counts("Analysis", i.Analyses)
	v.counts("Message ids", i.IDs)
	v.counts("What is missing to derive them", i.Missing)
	v.counts("Franks (of the envelope, not of the content)", i.Franks)
	if len(i.Signatures) > 0 {
		v.line()
		v.line(v.bold("Signatures"))
	}
	for n, s := range i.Signatures {
		v.body("  ", 2, "    ", fmt.Sprintf("%d, %s: %s", n+1, orElse(shown(s.Algorithm, 20), "no algorithm"), shown(orElse(s.Signer, s.Error), 300)), nil)
	}
	if a := i.Attachments; a != nil && a.Count > 0 {
		v.line()
		v.line(v.bold("Attachments"))
		text := fmt.Sprintf("  %s, %s with content", count(a.Count), count(a.Content))
		if a.Bytes > 0 {
			text += ", " + size(a.Bytes)
		}
		v.line(text)
	}
	if len(i.Transfers) > 0 {
		v.line()
		v.line(v.bold("Transfers"))
	}
	for _, t := range i.Transfers {
		from := fmt.Sprintf("from %q", shown(t.Sender, maxShownName))
		if t.SharedBy != "" {
			from = fmt.Sprintf("shared by %q", shown(t.SharedBy, maxShownName))
		}
		v.line("  ", t.Started.Local().Format("2006-01-02 15:04"), "  ", t.State, ", ", from)
		if t.Ledger == nil {
			v.line("    ", plural(t.Messages, "message"), " announced")
			continue
		}
		for _, line := range ledgerLines(t.ledger) {
			v.line("    ", line)
		}
	}
	for n := range i.Sealed {
		if n == maxSealsShown {
			v.line("  and ", plural(uint64(len(i.Sealed)-n)+i.MoreSealed, "signed or encrypted vCon"), " more")
			break
		}
		i.Sealed[n].print(v)
	}
	i.problems(v)
}

// formsWords lists old forms, the most frequent first.
func formsWords(forms map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(forms), func(a, b string) int {
		return cmp.Or(cmp.Compare(forms[b], forms[a]), cmp.Compare(a, b))
	})
	for n, name := range names {
		switch name {
		case "signature":
			name = "alg and signature"
		case "encoding":
			name = "text without an encoding"
		case "attachment-type":
			name = "type of an attachment"
		case "mimeType-slide":
			name = "mimeType"
		case "inReplyTo-hash":
			name = "inReplyTo with a hash"
		case "room-dialog":
			name = "room as a dialog"
		case "expires-text", "expiring-text":
			name = strings.TrimSuffix(name, "-text") + " as a date"
		case "body-null":
			name = "body null"
		}
		names[n] = fmt.Sprintf("%s (%s)", name, count(forms[names[n]]))
	}
	return strings.Join(names, ", ")
}

// what says in a few words what the file is.
func (i *inspection) what() string {
	var parts []string
	switch i.Kind {
	case "vcon":
		what := "a vCon in " + strings.ToUpper(cmp.Or(i.Format, "an unknown form"))
		if i.Files > 1 {
			what = fmt.Sprintf("%s vCons in %s", count(i.Files), strings.ToUpper(i.Format))
		}
		parts = append(parts, what, size(uint64(i.Bytes)))
		var versions []string
		for _, s := range i.Version {
			versions = append(versions, cmp.Or(shown(s, 20), "none"))
		}
		if len(versions) > 0 {
			parts = append(parts, "version "+strings.Join(versions, ", "))
		}
	case "export":
		parts = append(parts, "an export of the layout "+i.Format, plural(i.Files, "file"))
	case "store":
		parts = append(parts, "a history of vcon-transfer")
	case "offer":
		parts = append(parts, "an offer")
	case "sealed file":
		parts = append(parts, "a sealed file", size(uint64(i.Bytes)))
	case "request":
		parts = append(parts, "a request for a sealed file")
	case "recipient key":
		parts = append(parts, "a recipient key, public")
	}
	return strings.Join(parts, ", ")
}

func (i *inspection) room(v *view, r *roomInspection) {
	title := shown(cmp.Or(r.Name, strings.Join(r.Who, ", "), r.ID, "a vCon without a room"), maxShownName)
	facts := []string{plural(r.Records, "record"), people(r.People)}
	if dates := span(r.First, r.Last); dates != "" {
		facts = append(facts, dates)
	}
	if r.State != "" && r.State != "complete" {
		facts = append(facts, r.State)
	}
	v.line("  ", title)
	if r.ID != "" && title != shown(r.ID, maxShownName) {
		v.line("    ", v.faint(shown(r.ID, 200)))
	}
	v.line("    ", strings.Join(facts, ", "))
}

// counts lists numbers, the largest first.
func (v *view) counts(title string, of map[string]uint64) {
	if len(of) == 0 {
		return
	}
	v.line()
	v.line(v.bold(title))
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
	for _, name := range names {
		v.line(fmt.Sprintf("  %10s  ", count(of[name])), shown(name, 60))
	}
}

func (i *inspection) problems(v *view) {
	if len(i.Changes) > 0 {
		v.line()
		v.line(v.bold("Carried with a change"))
		for _, l := range i.Changes {
			v.line("  ", l)
		}
	}
	if len(i.Problems) == 0 {
		return
	}
	v.line()
	v.line(v.bold("Problems"))
	for n, p := range i.Problems {
		if n == maxProblemsShown {
			v.line("  and ", count(uint64(len(i.Problems)-n)+i.More), " more")
			break
		}
		for k, l := range wrap(shown(p.String(), 400), 0, max(v.width-4, 0)) {
			if k > 0 {
				l = "  " + l
			}
			v.line("  ", l)
		}
	}
}

// print writes what of an offer is no secret.
func (o *offerInspection) print(v *view) {
	route := shown(o.Route, 300)
	if o.Public {
		route += " (public: a code from a stranger may look like this)"
	}
	expiry := o.Expiry.Local().Format("2006-01-02 15:04:05")
	if left := time.Until(o.Expiry).Round(time.Second); o.Expired {
		expiry += " (expired)"
	} else {
		expiry += fmt.Sprintf(" (in %v)", left)
	}
	for _, l := range [][2]string{
		{"version", fmt.Sprint(o.Version)},
		{"suite", o.Suite},
		{"for", o.Intent},
		{"route", route},
		{"good until", expiry},
	} {
		v.line(fmt.Sprintf("  %-12s", l[0]), l[1])
	}
	v.line("  Its secret is not shown. Whoever has this text or picture can disturb the pairing.")
}
