package convert

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Telegram Desktop's machine-readable export: result.json of one chat, or of an
// account, with media in folders beside it. Layout from the writer itself,
// telegramdesktop/tdesktop at 929032d (2025-09),
// Telegram/SourceFiles/export/output/export_output_json.cpp, and
// core.telegram.org/import-export.
//
//	{"name", "type", "id", "messages": [...]}              one chat
//	{"about", "personal_information": {...},               an account
//	 "contacts", "frequent_contacts", "sessions", "web_sessions": {"about", "list": [...]},
//	 "profile_pictures", "stories": [...], "other_data": {...},
//	 "chats", "left_chats": {"about", "list": [chat...]}}
//
// A chat's id is bare: with the kind of its type it is what from_id has. Members of
// groups are named without ids, so names are looked up first.

// telegramFile is the name of the export's file in its folder.
const telegramFile = "result.json"

// A telegram is the conversion of one file.
type telegram struct {
	*run
	file  string
	names map[string]string // keys of people by name; "" where two have it
	chats []telegramHead    // in the order of the file
	next  int               // of chats
}

// A telegramHead is what a chat says of itself.
type telegramHead struct{ id, name, kind string }

func convertTelegram(r *run, name string) error {
	if info, err := fs.Stat(r.fsys, name); err == nil && info.IsDir() {
		name = path.Join(name, telegramFile)
	}
	t := &telegram{run: r, file: name, names: make(map[string]string)}
	// What is counted counts in the second reading.
	first := *r
	first.report = &Report{}
	t.run = &first
	if err := t.read(t.meet, func(*jsonFile, string) error { return nil }); err != nil {
		return err
	}
	if len(t.chats) > 1 && r.opts.Room != "" {
		return fmt.Errorf("name room: the export has %d of them", len(t.chats))
	}
	t.run = r
	return t.read(t.convert, t.other)
}

// read reads the file. chat reads the messages of the chat with an index in chats;
// other reads what is no chat.
func (t *telegram) read(chat func(j *jsonFile, i int) error, other func(j *jsonFile, name string) error) error {
	j, err := t.openJSONBy(t.file, hexEscapes)
	if err != nil {
		return err
	}
	defer j.Close()
	t.next = 0
	one := t.member(j, chat)
	err = j.object(func(name string) error {
		switch name {
		case "about":
			return nil // what the file is, for people
		case "name", "type", "id", "messages":
			return one(name)
		case "chats", "left_chats":
			return j.object(func(name string) error {
				if name != "list" {
					return nil
				}
				return j.array(func(int) error {
					return j.object(t.member(j, chat))
				})
			})
		}
		return other(j, name)
	})
	if err != nil {
		return err
	}
	return j.end()
}

// member reads the members of one chat. Its head is complete after the first
// reading, wherever its members stand.
func (t *telegram) member(j *jsonFile, chat func(j *jsonFile, i int) error) func(name string) error {
	at := -1
	return func(name string) error {
		if at < 0 {
			at = t.next
			t.next++
			if at == len(t.chats) {
				if at >= MaxRooms {
					return errRooms
				}
				t.chats = append(t.chats, telegramHead{})
			}
		}
		var to *string
		switch head := &t.chats[at]; name {
		case "messages":
			return chat(j, at)
		case "id":
			to = &head.id
		case "name":
			to = &head.name
		case "type":
			to = &head.kind
		default:
			v, err := j.raw()
			if err == nil && !isBlank(v) {
				t.report.mend(FieldUnknown)
			}
			return err
		}
		v, err := j.raw()
		if err == nil {
			*to, _ = scalar(v)
		}
		return err
	}
}

// meet learns who is called what.
func (t *telegram) meet(j *jsonFile, _ int) error {
	return j.array(func(int) error {
		var m struct {
			From    flexible `json:"from"`
			FromID  flexible `json:"from_id"`
			Actor   flexible `json:"actor"`
			ActorID flexible `json:"actor_id"`
		}
		if _, err := j.read(&m); err != nil {
			return err
		}
		t.called(string(m.From), string(m.FromID))
		t.called(string(m.Actor), string(m.ActorID))
		if len(t.names) > MaxPeople {
			return errPeople
		}
		return nil
	})
}

func (t *telegram) called(name, key string) {
	if name == "" || key == "" {
		return
	}
	if was, met := t.names[name]; met && was != key {
		key = ""
	}
	t.names[name] = key
}

// convert converts the messages of one chat.
func (t *telegram) convert(j *jsonFile, i int) error {
	head := t.chats[i]
	name := cmp.Or(t.opts.Room, head.name, telegramTitle(head.kind), "Telegram")
	c := &telegramChat{telegram: t, ids: make(map[int64]telegramID)}
	if head.id == "" {
		c.room = t.room(name)
	} else {
		c.key = telegramClass(head.kind) + head.id
		c.room = t.roomOf(c.key, name)
	}
	err := j.array(func(int) error {
		v, err := j.raw()
		if err != nil {
			return err
		}
		t.report.Records++
		return c.record(v)
	})
	if err != nil {
		return err
	}
	return c.room.flush()
}

// telegramTitle is what Telegram calls a chat that has no name of its own.
func telegramTitle(kind string) string {
	switch kind {
	case "saved_messages":
		return "Saved Messages"
	case "replies":
		return "Replies"
	case "verification_codes":
		return "Verification Codes"
	case "":
		return ""
	}
	return "Deleted Account"
}

// telegramClass is what from_id has before a bare id: ids of people, groups and
// channels are numbered each by themselves.
func telegramClass(kind string) string {
	switch {
	case kind == "private_group":
		return "chat"
	case strings.HasSuffix(kind, "group"), strings.HasSuffix(kind, "channel"):
		return "channel"
	}
	return "user"
}

// other counts what is no message, element by element.
func (t *telegram) other(j *jsonFile, name string) error {
	if !isTelegramSection(name) {
		t.report.mend(FieldUnknown)
		return nil
	}
	one := func() {
		t.report.leaveMany(1, NotAMessage)
	}
	switch {
	case j.dec.PeekKind() == '[':
		return j.array(func(int) error { one(); return nil })
	case name == "personal_information" || j.dec.PeekKind() != '{':
		one()
		return nil
	}
	return j.object(func(name string) error {
		switch {
		case name == "about":
		case name == "list" && j.dec.PeekKind() == '[':
			return j.array(func(int) error { one(); return nil })
		default:
			one()
		}
		return nil
	})
}

// A telegramID is what a message became: its id, zero when it became a change of
// the roster, and the message that began its topic.
type telegramID struct {
	id    mimi.MessageID
	topic int64
}

// A telegramChat is the conversion of one chat.
type telegramChat struct {
	*telegram
	room *room
	key  string               // of the room, in the form of from_id; "" without an id
	ids  map[int64]telegramID // at most MaxMessageIDs
}

// person is who has an id, or a name only. What has neither is a deleted account.
func (t *telegram) person(name, id string) person {
	if id == "" {
		id = cmp.Or(t.names[name], name)
	}
	return person{key: cmp.Or(id, "deleted"), name: cmp.Or(name, "Deleted Account")}
}

// taken takes a person of a record.
func (t *telegram) taken(f fields, name string) (person, bool) {
	who, id := f.text(name), f.text(name+"_id")
	return t.person(who, id), who != "" || id != ""
}
