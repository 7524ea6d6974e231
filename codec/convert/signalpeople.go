package convert

import (
	"cmp"
	"encoding/hex"
	"strings"
)

// fullName is a name in two members.
func fullName(f fields, given, family string) string {
	return strings.TrimSpace(f.text(given) + " " + f.text(family))
}

// recipient takes a person or a group. Keys of people are their account's id, else
// their number or name: ids in the file change from one export to the next, and are
// the last resort, since two without a key are not one.
func (s *signal) recipient(f fields) error {
	if len(s.recipients) >= MaxPeople {
		return errPeople
	}
	id := f.text("id")
	r := &signalRecipient{}
	switch {
	case f.has("self"):
		r.person, r.room = s.self, "note-to-self"
	case f.has("releaseNotes"):
		r.person, r.room, r.isRoom = person{key: "signal", name: "Signal"}, "signal", true
	case f["contact"].Kind() == '{':
		s.contact(id, f.object("contact"), r)
	case f["group"].Kind() == '{':
		s.group(id, f.object("group"), r)
	default: // lists of people for stories, links of calls
		s.report.leaveMany(1, NotAMessage)
		return nil
	}
	s.recipients[id] = r
	return nil
}

func (s *signal) contact(id string, f fields, r *signalRecipient) {
	aci, tel := serviceID(f.bytes("aci")), f.text("e164")
	if tel != "" {
		tel = "+" + strings.TrimPrefix(tel, "+")
	}
	nickname, username := "", f.text("username")
	if n := f.object("nickname"); n != nil {
		nickname = fullName(n, "given", "family")
	}
	r.name = cmp.Or(nickname, fullName(f, "systemGivenName", "systemFamilyName"), fullName(f, "profileGivenName", "profileFamilyName"),
		f.text("systemNickname"), tel, username, "Unknown")
	pni := serviceID(f.bytes("pni"))
	r.key, r.tel = cmp.Or(aci, tel, pni, username, "recipient-"+id), tel
	r.room = r.key
	for _, id := range []string{aci, "pni-" + pni} {
		if id != "" && id != "pni-" {
			s.people[id] = r.person
		}
	}
}

func (s *signal) group(id string, f fields, r *signalRecipient) {
	key := f.bytes("masterKey") // is a secret: the room goes by its hash
	if key == nil {
		key = []byte("recipient-" + id)
	}
	sum := sum16("signal group", string(key))
	r.room, r.isRoom = "group-"+hex.EncodeToString(sum[:]), true
	r.name = "Group"
	snapshot := f.object("snapshot")
	if title := snapshot.object("title"); title != nil {
		r.name = cmp.Or(title.text("title"), r.name)
	}
	for _, v := range snapshot.list("members") {
		if m, ok := fieldsOf(v); ok {
			if len(r.members) >= MaxListed || len(s.members) >= MaxPeople {
				s.report.mend(MembersCut)
				break
			}
			id := serviceID(m.bytes("userId"))
			r.members, s.members = append(r.members, id), append(s.members, id)
		}
	}
}

// serviceID is the id of an account as text; "" for none. Ids that stand for a
// number have a byte before them.
func serviceID(b []byte) string {
	const size = 16
	switch {
	case len(b) == size:
		h := hex.EncodeToString(b)
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	case len(b) == size+1:
		return "pni-" + serviceID(b[1:])
	}
	return hex.EncodeToString(b[:min(len(b), 64)])
}
