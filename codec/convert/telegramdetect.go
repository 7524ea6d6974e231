package convert

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// detectTelegram knows an export by the names of its members, all of which have to
// be Telegram's, and by its first message or list.
func detectTelegram(name string, prefix []byte) bool {
	if !strings.EqualFold(path.Ext(name), ".json") {
		return false
	}
	dec := jsontext.NewDecoder(hexEscapes(bytes.NewReader(prefix)), lenient()...)
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	about, chat := false, false
	for {
		t, err := dec.ReadToken()
		if err != nil || t.Kind() != '"' {
			return false
		}
		switch member := t.String(); member {
		case "name", "id", "type":
			if chat = true; about || dec.SkipValue() != nil {
				return false
			}
		case "messages":
			return !about && telegramMessages(dec, chat)
		case "about":
			if about = true; chat || dec.PeekKind() != '"' || dec.SkipValue() != nil {
				return false
			}
		default:
			return about && isTelegramSection(member) && strings.IndexByte("{[", byte(dec.PeekKind())) >= 0
		}
	}
}

// telegramMessages reports whether the array that comes next begins with a message,
// or is empty and of a chat.
func telegramMessages(dec *jsontext.Decoder, chat bool) bool {
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '[' {
		return false
	}
	switch dec.PeekKind() {
	case ']':
		return chat
	case '{':
		_, _ = dec.ReadToken()
	default:
		return false
	}
	id := false
	for {
		t, err := dec.ReadToken()
		if err != nil || t.Kind() != '"' {
			return false
		}
		name := t.String()
		v, err := dec.ReadValue()
		switch {
		case err != nil:
			return false
		case name == "id":
			id = v.Kind() == '0'
		case name == "type":
			return id && isTelegramType(v)
		}
	}
}

func isTelegramType(v jsontext.Value) bool {
	s, _ := scalar(v)
	return s == "message" || s == "service" || s == "unsupported"
}

func isTelegramSection(name string) bool {
	switch name {
	case "personal_information", "profile_pictures", "stories", "contacts", "frequent_contacts",
		"sessions", "web_sessions", "other_data", "chats", "left_chats":
		return true
	}
	return false
}

// telegramFolder reports a folder with the export's file in it: what is beside it
// is media, and the same as web pages.
func telegramFolder(fsys fs.FS, dir string) (bool, error) {
	name := path.Join(dir, telegramFile)
	if info, err := fs.Stat(fsys, name); err != nil || !info.Mode().IsRegular() {
		return false, nil
	}
	kind, err := DetectFile(fsys, name)
	return kind == Telegram, err
}

// isTelegramMedia reports a file in a folder that Telegram Desktop makes beside its
// file, of which an export of a folder of exports has many.
func isTelegramMedia(name string) bool {
	switch path.Base(path.Dir(name)) {
	case "photos", "files", "video_files", "voice_messages", "round_video_messages", "stickers", "contacts",
		"profile_pictures", "stories", "css", "js", "images":
		return path.Base(name) != telegramFile
	}
	return strings.HasPrefix(path.Base(name), "messages") && path.Ext(name) == ".html"
}
