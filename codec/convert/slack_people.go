package convert

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A slackUser is one element of users.json, of which the names and the addresses
// are taken. Pictures, time zones, statuses and rights are not carried.
type slackUser struct {
	ID       string       `json:"id"`
	Name     flexible     `json:"name"`
	RealName flexible     `json:"real_name"`
	Profile  slackProfile `json:"profile"`
}

// A slackProfile is also in messages of people of other workspaces.
type slackProfile struct {
	DisplayName flexible `json:"display_name"`
	RealName    flexible `json:"real_name"`
	Name        flexible `json:"name"`
	Email       flexible `json:"email"`
	Phone       flexible `json:"phone"`
}

func (p *slackProfile) person(id string, names ...flexible) person {
	name := cmp.Or(p.DisplayName, p.RealName, cmp.Or(names...), p.Name, flexible(id))
	return person{key: id, name: string(name), mailto: string(p.Email), tel: string(p.Phone)}
}

// readPeople reads users.json.
func (x *slackExport) readPeople() error {
	return x.each("users.json", func(j *jsonFile) error {
		var u slackUser
		ok, err := j.read(&u)
		if err != nil {
			return err
		}
		if !ok || u.ID == "" {
			x.report.Records++
			x.report.leave(RecordMalformed)
			return nil
		}
		if len(x.people) >= MaxPeople {
			return errPeople
		}
		x.people[u.ID] = u.Profile.person(u.ID, u.RealName, u.Name)
		return nil
	})
}

// readChannels reads one list of conversations; it need not be there.
func (x *slackExport) readChannels(list string) error {
	return x.each(list, func(j *jsonFile) error {
		ch := &slackChannel{}
		ok, err := j.read(ch)
		if err != nil {
			return err
		}
		if !ok || ch.ID == "" {
			x.report.Records++
			x.report.leave(RecordMalformed)
			return nil
		}
		if len(x.channels) >= MaxRooms {
			return errRooms
		}
		x.unknown(ch.Rest, slackState...)
		ch.Rest = nil
		ch.uri = "mimi://" + x.opts.Host + "/r/" + segment(ch.ID)
		x.channels[ch.ID] = ch
		x.folders[cmp.Or(ch.Name, ch.ID)] = ch
		return nil
	})
}

// slackState are members of conversations that are state of the app, or say
// their kind once more.
var slackState = []string{
	"is_archived", "is_general", "is_open", "last_read", "is_group", "is_shared", "is_im", "is_ext_shared", "is_org_shared",
	"is_pending_ext_shared", "is_private", "is_mpim", "unlinked", "name_normalized", "num_members", "priority", "user",
	"shared_team_ids", "is_channel", "is_member", "locale", "context_team_id", "updated", "parent_conversation",
	"is_read_only", "is_thread_only", "is_user_deleted", "latest", "unread_count", "unread_count_display", "previous_names",
	"pending_shared", "pending_connected_team_ids", "connected_team_ids", "internal_team_ids", "properties", "pins",
}

// each reads the elements of a list at the root of the export. A list need not be
// there.
func (x *slackExport) each(list string, use func(*jsonFile) error) error {
	name := path.Join(x.dir, list)
	if ok, err := hasFile(x.fsys, name); err != nil || !ok {
		return err
	}
	x.report.Files++
	j, err := x.openJSON(name)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := j.array(func(int) error { return use(j) }); err != nil {
		return err
	}
	return j.end()
}

// who is the person with an id; one who is in no list is called by it.
func (x *slackExport) who(id string) person {
	if id == "" {
		return roomItself
	}
	if p, ok := x.people[id]; ok {
		return p
	}
	return person{key: id, name: id}
}

// sender is who wrote a message: a person, or an app by the name that it gave.
func (x *slackExport) sender(m *slackMessage) person {
	id := string(cmp.Or(m.User, m.BotID, m.Comment.User))
	name := cmp.Or(m.Username, m.Bot.Name)
	p, known := x.people[id]
	switch {
	case known && (m.User != "" && m.BotID == "" || m.Username == ""):
		return p
	case name != "" && (m.BotID != "" || m.User == ""):
		// An app may speak under several names.
		key := cmp.Or(string(m.BotID), "bot")
		if m.Username != "" && m.Username != m.Bot.Name {
			key += "/" + string(m.Username)
		}
		return person{key: key, name: string(name)}
	case id == "":
		return roomItself
	}
	p = m.Profile.person(id)
	if len(x.people) < MaxPeople {
		x.people[id] = p
	}
	return p
}

// unused counts the files of the export that belong to no message.
func (x *slackExport) unused() error {
	files := 0
	return fs.WalkDir(x.fsys, x.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read folder: %w", err)
		}
		if e.IsDir() {
			return nil
		}
		if files++; files > MaxFiles {
			return fmt.Errorf("read folder: more than %d files", MaxFiles)
		}
		dir := path.Dir(name)
		if (path.Base(dir) == "attachments" || path.Base(path.Dir(dir)) == "__uploads") && !x.used[name] {
			x.report.leaveFile()
		}
		return nil
	})
}

// uploads are the files that slackdump keeps of one file id.
func (x *slackExport) uploads(id string) ([]string, error) {
	dir := path.Join(x.dir, "__uploads", id)
	entries, err := fs.ReadDir(x.fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names, nil
}

// address is where a file is on the net, without the token that exports put into
// it: it opens every file of the workspace.
func (x *slackExport) address(s string) string {
	head, query, ok := strings.Cut(s, "?")
	if !ok {
		return s
	}
	params := strings.Split(query, "&")
	kept := slices.DeleteFunc(slices.Clone(params), func(p string) bool { return strings.HasPrefix(p, "t=xox") })
	if len(kept) == len(params) {
		return s
	}
	x.report.mend(AccessToken)
	if len(kept) == 0 {
		return head
	}
	return head + "?" + strings.Join(kept, "&")
}
