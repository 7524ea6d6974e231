package convert

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// signal-export's data.json: JSON lines, one folder a chat, beside media/ and, above
// it, exported_stickers/. Layout from carderne/signal-export at 4093921
// (2026-08), sigexport/models.py and create.py:
//
//	{"date": "2024-06-10T08:14:20.123000", "sender": "Me", "body": "...  ", "quote": "\n\n> ...\n\n",
//	 "sticker": null | {"id", "packId", "packKey", "emoji", "extension"}, "reactions": [["Name", "emoji"], ...],
//	 "attachments": [{"name", "path", "missing_kind"}], "deleted", "call", "missed"}
//
// Messages have no ids and dates no zone; people and chats are names. A quotation has
// the text alone: it is a reply when one earlier message has that text, and stays in
// the text otherwise.

// signalToolFile is the name of a chat's file in its folder.
const signalToolFile = "data.json"

// isSignalTool knows a record by its members; names may end early.
func isSignalTool(names []string) bool {
	for i, name := range []string{"date", "sender", "body"} {
		if i >= len(names) || names[i] != name {
			return false
		}
	}
	for _, name := range names[3:] {
		switch name {
		case "quote", "sticker", "reactions", "attachments", "deleted", "call", "missed":
		default:
			return false
		}
	}
	return true
}

// signalToolChats are the data.json of the folders in dir.
func signalToolChats(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	if len(entries) > MaxFiles {
		return nil, nil
	}
	var chats []string
	for _, e := range entries {
		name := path.Join(dir, e.Name(), signalToolFile)
		if !e.IsDir() || !isFile(fsys, name) {
			continue
		}
		kind, err := DetectFile(fsys, name)
		if err != nil {
			return nil, err
		}
		if kind == Signal {
			chats = append(chats, name)
		}
	}
	return chats, nil
}

func convertSignalTools(r *run, dir string) error {
	chats, err := signalToolChats(r.fsys, dir)
	if err != nil {
		return err
	}
	if len(chats) > 1 && r.opts.Room != "" {
		return errOneName
	}
	for i, name := range chats {
		if i > 0 {
			r.report.Files++
		}
		if err := convertSignalTool(r, name); err != nil {
			return err
		}
	}
	return nil
}

// A signalTool is the conversion of one chat.
type signalTool struct {
	*run
	file string
	room *room
	said map[[sha256.Size]byte]signalSaid // messages by their text, at most MaxMessageIDs
}

// A signalSaid is the message that said something, if only one did.
type signalSaid struct {
	id    mimi.MessageID
	times int
}

func convertSignalTool(r *run, name string) error {
	folder := path.Base(path.Dir(name))
	if folder == "." || folder == "/" {
		folder = "Signal"
	}
	if r.opts.Room != "" {
		folder = r.opts.Room
	}
	s := &signalTool{run: r, file: name, room: r.room(folder), said: make(map[[sha256.Size]byte]signalSaid)}
	j, err := r.openJSON(name)
	if err != nil {
		return err
	}
	defer j.Close()
	err = j.values(func(int) error {
		v, err := j.raw()
		if err != nil {
			return err
		}
		r.report.Records++
		return s.record(v)
	})
	if err != nil {
		return err
	}
	return s.room.flush()
}

func (s *signalTool) record(v jsontext.Value) error {
	f, ok := fieldsOf(v)
	if !ok {
		s.report.leave(RecordMalformed)
		return nil
	}
	date := f.text("date")
	millis, err := s.millisOf("2006-01-02T15:04:05", date)
	if err != nil {
		s.report.leave(RecordUndated)
		return nil
	}
	by := s.person(f.text("sender"))
	if f.is("deleted") {
		_, err := s.room.tombstone(millis, by, date)
		f.drop("body", "quote", "call", "missed") // what was said was taken back
		s.rest(f)
		return err
	}
	msg := &message{sender: by, millis: millis, salt: salt(s.room.uri, by.key, date)}
	if f.is("call") {
		msg.origin.Kind = "call"
	}
	f.drop("missed") // the text says it
	body := strings.TrimSuffix(f.text("body"), "  ")
	spans := s.quoted(f, msg)
	if len(spans) > 0 && body != "" {
		spans = append(spans, span{text: "\n"})
	}
	spans = append(spans, span{text: body})
	sticker, err := s.files(f, msg)
	if err != nil {
		return err
	}
	if sticker != "" {
		spans = append(spans, span{text: sticker})
	}
	msg.text, msg.mediaType = textOf(spans)
	id, err := s.room.add(msg)
	if err != nil {
		return err
	}
	s.remember(body, id)
	for _, v := range f.list("reactions") {
		var pair []flexible
		if !unmarshal(v, &pair) || len(pair) != 2 || pair[1] == "" {
			s.report.mend(FieldUnknown)
			continue
		}
		s.report.mend(DateAssumed)
		if err := s.room.react(id, s.person(string(pair[0])), string(pair[1]), millis); err != nil {
			return err
		}
	}
	s.rest(f)
	return nil
}

// person is who has a name. "No-Sender" is nobody in particular.
func (s *signalTool) person(name string) person {
	switch name {
	case "", "No-Sender":
		return roomItself
	case "Me":
		return s.owner()
	}
	return person{key: name, name: name}
}

// quoted takes the quotation: as a reply, or else as its text.
func (s *signalTool) quoted(f fields, msg *message) []span {
	text := f.text("quote")
	text = strings.TrimSuffix(strings.TrimPrefix(text, "\n\n> "), "\n\n")
	text = strings.ReplaceAll(text, "\n> ", "\n")
	if text == "" {
		return nil
	}
	s.report.Links++
	if was, ok := s.said[sha256.Sum256([]byte(strings.TrimSpace(text)))]; ok && was.times == 1 {
		msg.reply = &was.id
		s.report.Replies++
		return nil
	}
	s.report.leaveLink(LinkToNothing)
	return []span{{text: text, look: quote}}
}

func (s *signalTool) remember(body string, id mimi.MessageID) {
	if body = strings.TrimSpace(body); body == "" || len(s.said) >= MaxMessageIDs {
		return
	}
	key := sha256.Sum256([]byte(body))
	was := s.said[key]
	if was.times == 0 || was.id != id {
		s.said[key] = signalSaid{id, was.times + 1}
	}
}

// files takes the attachments and the sticker, whose emoji it returns.
func (s *signalTool) files(f fields, msg *message) (string, error) {
	for _, v := range f.list("attachments") {
		a, ok := fieldsOf(v)
		if !ok {
			s.report.mend(FieldUnknown)
			continue
		}
		x := file{name: a.text("name")}
		ref, kind := a.text("path"), a.text("missing_kind")
		if x.name == "" {
			x.name = kind
		}
		if kind == "" {
			content, err := s.content(ref)
			if err != nil {
				return "", err
			}
			x.content = content
		}
		s.rest(a)
		msg.files = append(msg.files, x)
	}
	sticker := f.object("sticker")
	if sticker == nil {
		return "", nil
	}
	msg.origin.Kind = "sticker"
	pack, id, ext := sticker.text("packId"), sticker.text("id"), sticker.text("extension")
	emoji := sticker.text("emoji")
	sticker.drop("packKey")
	s.rest(sticker)
	x := file{name: "sticker"}
	if ext != "" && ext != "null" {
		x.name += "." + ext
	}
	if x.name != "sticker" && !strings.ContainsAny(pack+id+ext, `/\`) && !strings.HasPrefix(pack, ".") {
		content, err := s.fileContent(beside(path.Dir(s.file), path.Join("exported_stickers", pack, id+"."+ext)))
		if err != nil {
			return "", err
		}
		x.content = content
	}
	msg.files = append(msg.files, x)
	return emoji, nil
}

// content is the file that an attachment is in. Blanks of its name are written as
// %20, which may also be in the name.
func (s *signalTool) content(ref string) (*Content, error) {
	if ref == "" {
		return nil, nil
	}
	for _, name := range slices.Compact([]string{ref, strings.ReplaceAll(ref, "%20", " ")}) {
		if c, err := s.fileContent(beside(s.file, name)); c != nil || err != nil {
			return c, err
		}
	}
	return nil, nil
}
