package convert

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Signal's own plaintext export ("export chat history"): a folder or archive with
// main.jsonl, metadata.json and files/. main.jsonl is the backup format in JSON
// lines (signalapp/libsignal at b056faa, 2026-08: rust/message-backup,
// proto/backup.proto in the JSON mapping of proto3, by json/exporter.rs): the first
// line is BackupInfo, each other one a Frame of one member:
//
//	{"version":"1","backupTimeMs":"..."}
//	{"account":{...}}  {"recipient":{"id","contact"|"group"|"self"|...}}
//	{"chat":{"id","recipientId"}}  {"chatItem":{"chatId","authorId","dateSent",...}}
//
// A file is files/XX/NAME.EXT, NAME = hex(SHA-256(plaintextHash || localKey)), XX its
// first two digits (Signal-Desktop, AttachmentLocalBackupManager; Signal-Android,
// LocalArchiver.exportPlaintext). The other layout of this kind, the data.json of
// signal-export, is in signaltool.go.

// signalFile is the name of the export's file in its folder.
const signalFile = "main.jsonl"

func detectSignal(name string, prefix []byte) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".jsonl", ".json":
	default:
		return false
	}
	names := firstMembers(prefix)
	return isSignalExport(names) || path.Base(name) == signalToolFile && isSignalTool(names)
}

func isSignalExport(names []string) bool {
	for _, name := range names {
		switch name {
		case "version", "backupTimeMs", "mediaRootBackupKey", "currentAppVersion", "firstAppVersion", "debugInfo":
		default:
			return false
		}
	}
	return slices.Contains(names, "backupTimeMs")
}

// firstMembers are the names of the members of the object that a file begins with,
// as far as its prefix goes.
func firstMembers(prefix []byte) []string {
	dec := jsontext.NewDecoder(bytes.NewReader(prefix), lenient()...)
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return nil
	}
	var names []string
	for {
		t, err := dec.ReadToken()
		if err != nil || t.Kind() != '"' {
			return names
		}
		names = append(names, t.String())
		if dec.SkipValue() != nil {
			return names
		}
	}
}

// signalFolder reports a folder that is one export: with main.jsonl, with the
// data.json of a chat, or of folders with one each.
func signalFolder(fsys fs.FS, dir string) (bool, error) {
	for _, name := range []string{signalFile, signalToolFile} {
		kind, err := DetectFile(fsys, path.Join(dir, name))
		if err == nil && kind == Signal {
			return true, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	chats, err := signalToolChats(fsys, dir)
	return len(chats) > 0, err
}

// isSignalMedia reports a file of an export that is read by way of main.jsonl or
// data.json, or is the same for people.
func isSignalMedia(name string) bool {
	dir := path.Dir(name)
	switch path.Base(name) {
	case "metadata.json", "chat.md", "index.html":
		return true
	}
	return path.Base(dir) == "media" || path.Base(path.Dir(dir)) == "files" && len(path.Base(dir)) == 2 ||
		path.Base(path.Dir(dir)) == "exported_stickers"
}

func convertSignal(r *run, name string) error {
	if info, err := fs.Stat(r.fsys, name); err == nil && info.IsDir() {
		dir := name
		if name = path.Join(dir, signalFile); !isFile(r.fsys, name) {
			if name = path.Join(dir, signalToolFile); !isFile(r.fsys, name) {
				return convertSignalTools(r, dir)
			}
		}
	}
	if path.Base(name) == signalToolFile {
		return convertSignalTool(r, name)
	}
	s := &signal{
		run: r, file: name, rooms: rooms{run: r}, self: r.owner(), chats: make(map[string]*signalChat),
		recipients: make(map[string]*signalRecipient), people: make(map[string]person), ids: make(map[signalID]mimi.MessageID),
	}
	j, err := r.openJSON(name)
	if err != nil {
		return err
	}
	defer j.Close()
	err = j.values(func(i int) error {
		v, err := j.raw()
		if err != nil || i == 0 { // of the backup, not of what is in it
			return err
		}
		return s.frame(v)
	})
	if err != nil {
		return err
	}
	return s.rooms.flush()
}

func isFile(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return err == nil && info.Mode().IsRegular()
}

// A signal is the conversion of one main.jsonl.
type signal struct {
	*run
	file       string
	rooms      rooms
	self       person
	recipients map[string]*signalRecipient // by their id in this file
	people     map[string]person           // by their account's id
	chats      map[string]*signalChat
	members    []string // account ids in groups
	ids        map[signalID]mimi.MessageID
	files      map[string]string // names of files by their hashes; nil: not read yet
	started    bool              // the first message has come
}

// A signalID is how messages are cited: by author and date.
type signalID struct {
	chat, author string
	sent         int64
}

// A signalRecipient is a person or a group.
type signalRecipient struct {
	person
	room    string   // key of the room with it
	members []string // account ids, of a group
	isRoom  bool     // a group, or Signal's own channel: nobody in particular
}

type signalChat struct {
	id        string
	recipient *signalRecipient
	opened    bool
}

// frame takes one line.
func (s *signal) frame(v jsontext.Value) error {
	f, ok := fieldsOf(v)
	if !ok {
		s.report.leaveMany(1, RecordMalformed)
		return nil
	}
	for _, name := range sortedKeys(f) {
		o := f.object(name)
		if o == nil {
			s.report.leaveMany(1, RecordMalformed)
			continue
		}
		var err error
		switch name {
		case "account":
			if s.self.name == defaultOwner {
				s.self.name = cmp.Or(fullName(o, "givenName", "familyName"), s.self.name)
			}
		case "recipient":
			err = s.recipient(o)
		case "chat":
			err = s.chat(o)
		case "chatItem":
			err = s.item(o)
		case "stickerPack", "adHocCall", "notificationProfile", "chatFolder":
			s.report.leaveMany(1, NotAMessage)
		default:
			s.report.leaveMany(1, RecordMalformed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *signal) chat(f fields) error {
	if len(s.chats) >= MaxRooms {
		return errRooms
	}
	id := f.text("id")
	if r := s.recipients[f.text("recipientId")]; r != nil {
		s.chats[id] = &signalChat{id: id, recipient: r}
	}
	return nil
}

// open returns the room of a chat.
func (s *signal) open(c *signalChat) (*room, error) {
	if !s.started {
		s.started = true
		s.guessSelf()
	}
	name := c.recipient.name
	if c.recipient.room == "note-to-self" {
		name = "Note to Self"
	}
	if s.opts.Room != "" {
		if name = s.opts.Room; len(s.rooms.byKey) > 0 && s.rooms.byKey[c.recipient.room] == nil {
			return nil, errOneName
		}
	}
	m, err := s.rooms.of(c.recipient.room, name)
	if err == nil && !c.opened {
		c.opened = true
		for _, id := range c.recipient.members {
			m.party(s.account(id))
		}
	}
	return m, err
}

// errOneName says that one name was given for several rooms.
var errOneName = errors.New("name room: the export has several of them")

// guessSelf finds one's own account: no frame says its id, but it is the one member
// of groups that is no contact.
func (s *signal) guessSelf() {
	own := ""
	for _, id := range s.members {
		if _, known := s.people[id]; known || id == own {
			continue
		}
		if own != "" {
			return
		}
		own = id
	}
	if own != "" {
		s.people[own] = s.self
	}
}

// account is the person with an account's id, roomItself for none.
func (s *signal) account(id string) person {
	if id == "" {
		return roomItself
	}
	if p, ok := s.people[id]; ok {
		return p
	}
	return person{key: id, name: "Unknown"}
}

// author is the person with an id in this file.
func (s *signal) author(id string) person {
	r := s.recipients[id]
	switch {
	case r == nil:
		return person{key: "unknown", name: "Unknown"}
	case r.isRoom:
		return roomItself
	}
	return r.person
}
