package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// A slackMessage is one record of a day.
type slackMessage struct {
	Subtype    flexible          `json:"subtype"`
	TS         flexible          `json:"ts"`
	ThreadTS   flexible          `json:"thread_ts"`
	User       flexible          `json:"user"`
	BotID      flexible          `json:"bot_id"`
	Username   flexible          `json:"username"`
	Profile    slackProfile      `json:"user_profile"`
	Bot        slackBot          `json:"bot_profile"`
	Text       flexible          `json:"text"`
	Blocks     []slackBlock      `json:"blocks"`
	Edited     slackEdited       `json:"edited"`
	Files      []slackFile       `json:"files"`
	File       *slackFile        `json:"file"` // before 2018
	Attached   []slackAttachment `json:"attachments"`
	Reactions  []slackReaction   `json:"reactions"`
	Inviter    flexible          `json:"inviter"`
	Topic      flexible          `json:"topic"`
	Purpose    flexible          `json:"purpose"`
	Name       flexible          `json:"name"`
	Comment    slackComment      `json:"comment"`
	ReplyCount flexible          `json:"reply_count"`

	Rest jsontext.Value `json:",embed"`
}

// slackDerived are members of messages that say what other records say, or are
// state of the app.
var slackDerived = []string{
	"type", "client_msg_id", "team", "user_team", "source_team", "replies", "reply_users", "reply_users_count", "latest_reply",
	"last_read", "subscribed", "is_locked", "parent_user_id", "root", "display_as_bot", "upload", "upload_reply_to", "app_id",
	"bot_link", "icons", "hidden", "channel", "event_ts", "replace_original", "delete_original", "old_name", "permalink",
	"x_files", "item_type", "item", "is_intro", "mrkdwn", "user_id", "no_notifications", "last_edited_ts", "channel_type", "unread_count",
}

type slackBot struct {
	Name flexible `json:"name"`
}

type slackEdited struct {
	TS   flexible       `json:"ts"`
	Rest jsontext.Value `json:",embed"` // user: only the author edits
}

type slackComment struct {
	User flexible `json:"user"`
}

type slackReaction struct {
	Name  string         `json:"name"`
	Users []string       `json:"users"`
	Count flexible       `json:"count"`
	Rest  jsontext.Value `json:",embed"`
}

// day converts one file of up to limit bytes, its messages in the order of time.
func (c *slackRoom) day(name string, limit int) error {
	j, err := c.openJSON(name)
	if err != nil {
		return err
	}
	defer j.Close()
	type record struct {
		raw    jsontext.Value
		millis int64
	}
	var all []record
	size := 0
	err = j.array(func(int) error {
		raw, err := j.raw()
		if err != nil {
			return err
		}
		if size += len(raw); size > limit {
			return fmt.Errorf("read export: a day of more than %d bytes", limit)
		}
		var head struct {
			TS flexible `json:"ts"`
		}
		c.report.Records++
		if raw.Kind() != '{' || !unmarshal(raw, &head) {
			c.report.leave(RecordMalformed)
			return nil
		}
		millis, ok := slackMillis(string(head.TS))
		if !ok {
			c.report.leave(RecordUndated)
			return nil
		}
		all = append(all, record{raw.Clone(), millis})
		return nil
	})
	if err == nil {
		err = j.end()
	}
	if err != nil {
		return err
	}
	sortByTime(all, func(r *record) int64 { return r.millis })
	for i := range all {
		m := &slackMessage{}
		if !unmarshal(all[i].raw, m) {
			c.report.leave(RecordMalformed)
			continue
		}
		all[i].raw = nil
		if _, twice := c.ids[string(m.TS)]; twice {
			c.report.leave(RecordTwice)
			continue
		}
		c.unknown(m.Rest, slackDerived...)
		if err := c.record(m, all[i].millis); err != nil {
			return err
		}
	}
	return nil
}

// record converts one record by its subtype.
func (c *slackRoom) record(m *slackMessage, millis int64) error {
	by := c.sender(m)
	switch kind := strings.TrimPrefix(strings.TrimPrefix(string(m.Subtype), "channel_"), "group_"); {
	case m.Subtype == "tombstone":
		id, err := c.room.tombstone(millis, roomItself, string(m.TS)) // whose it was is not said
		remember(c.ids, string(m.TS), id)
		return err
	case m.Subtype == "message_changed" || m.Subtype == "message_deleted" || m.Subtype == "message_replied":
		c.report.leave(OldVersion)
		return nil
	case kind == string(m.Subtype): // no change of a conversation
	case kind == "join" && m.Inviter != "" && m.Inviter != m.User:
		return c.room.changes(millis, change{event: "add", who: by, by: c.who(string(m.Inviter))})
	case kind == "join":
		return c.room.changes(millis, change{event: "self_add", who: by, by: by})
	case kind == "leave":
		return c.room.changes(millis, change{event: "leave", who: by, by: by})
	case kind == "topic":
		c.topic = string(m.Topic)
		return c.changed(millis, by, codec.Room{Subject: string(m.Topic)})
	case kind == "purpose":
		c.purpose = string(m.Purpose)
		return c.changed(millis, by, codec.Room{Description: []codec.RoomDescription{{Content: string(m.Purpose)}}})
	case kind == "name":
		return c.changed(millis, by, codec.Room{Name: c.short(string(m.Name))})
	default: // archive, unarchive, convert_to_private, posting_permissions, ...
		return c.notice(m, by, millis)
	}
	if slices.Contains(slackNotices, string(m.Subtype)) {
		return c.notice(m, by, millis)
	}
	return c.message(m, by, millis)
}

// slackNotices are the subtypes that Slack itself writes, besides those of
// channels and groups.
var slackNotices = []string{
	"pinned_item", "unpinned_item", "reminder_add", "reminder_delete", "huddle_thread", "sh_room_created", "sh_room_shared",
	"bot_add", "bot_remove", "bot_enable", "bot_disable", "app_conversation_join", "app_conversation_leave", "ekm_access_denied",
	"joiner_notification", "joiner_notification_for_inviter",
}

func (c *slackRoom) changed(millis int64, by person, room codec.Room) error {
	return c.room.changes(millis, change{event: "room", who: roomItself, by: by, room: &room})
}

// notice carries a line that Slack wrote, beginning with whom it is about.
func (c *slackRoom) notice(m *slackMessage, by person, millis int64) error {
	var text markup
	c.body(&text, m)
	s := strings.TrimRight(text.plain(), "\n")
	if s == "" {
		s = strings.ReplaceAll(string(m.Subtype), "_", " ")
	}
	if by != roomItself && !strings.HasPrefix(s, "@"+by.name) {
		between := ": "
		if c, _ := utf8.DecodeRuneInString(s); unicode.IsLower(c) {
			between = " "
		}
		s = by.name + between + s
	}
	id, err := c.room.notice(millis, strings.TrimPrefix(s, "@"), salt(c.room.uri, string(m.TS)))
	remember(c.ids, string(m.TS), id)
	if err != nil {
		return err
	}
	return c.reactions(m, id, millis)
}

// message converts what somebody, or an app, wrote.
func (c *slackRoom) message(m *slackMessage, by person, millis int64) error {
	msg := &message{sender: by, millis: millis, salt: salt(c.room.uri, string(m.TS))}
	var text markup
	if m.Subtype == "me_message" {
		text.text("/me ") // as XEP-0245 has it
	}
	c.body(&text, m)
	for i := range m.Attached {
		c.attachment(&text, &m.Attached[i])
	}
	msg.text, msg.mediaType = text.result()
	if m.File != nil && len(m.Files) == 0 {
		m.Files = []slackFile{*m.File}
	}
	for i := range m.Files {
		f, err := c.file(&m.Files[i])
		if err != nil {
			return err
		}
		msg.files = append(msg.files, f)
	}
	if edited, ok := slackMillis(string(m.Edited.TS)); ok {
		msg.origin.EditedAt = string(mimi.DateOf(edited))
		c.report.mend(EditedBefore)
	}
	// What opens a thread gets no topic: it would be another message from the day
	// on that somebody answers.
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		msg.topic = string(m.ThreadTS)
		c.report.Links++
		if id, ok := c.ids[string(m.ThreadTS)]; ok {
			msg.reply = &id
			c.report.Replies++
		} else {
			c.report.leaveLink(LinkToNothing)
		}
	}
	id, err := c.room.add(msg)
	if err != nil {
		return err
	}
	remember(c.ids, string(m.TS), id)
	return c.reactions(m, id, millis)
}

// reactions carries the reactions of a message. Slack does not say when.
func (c *slackRoom) reactions(m *slackMessage, to mimi.MessageID, millis int64) error {
	for _, re := range m.Reactions {
		c.unknown(re.Rest, "url")
		text := slackEmoji(re.Name)
		for _, user := range re.Users {
			c.report.mend(DateAssumed)
			if err := c.room.react(to, c.who(user), text, millis); err != nil {
				return err
			}
		}
		n, _ := re.Count.int64()
		c.report.leaveMany(max(n, 0)-int64(len(re.Users)), ReactorUnknown)
	}
	return nil
}

// A slackFile is a file of a message.
type slackFile struct {
	ID       string   `json:"id"`
	Name     flexible `json:"name"`
	Title    flexible `json:"title"`
	Mimetype flexible `json:"mimetype"`
	Size     flexible `json:"size"`
	Mode     flexible `json:"mode"`
	URL      flexible `json:"url_private"`
	External flexible `json:"external_url"`
	Preview  flexible `json:"preview"` // the beginning of a snippet

	Rest jsontext.Value `json:",embed"`
}

// slackFileState are members of files besides thumbnails ("thumb_..."): other forms
// and addresses of the same content, and what the app shows of it.
var slackFileState = []string{
	"created", "timestamp", "filetype", "pretty_type", "user", "user_team", "editable", "is_external", "external_type", "is_public",
	"public_url_shared", "display_as_bot", "username", "url_private_download", "permalink", "permalink_public", "media_display_type",
	"original_w", "original_h", "is_starred", "has_rich_preview", "file_access", "edit_link", "preview_highlight", "preview_is_truncated",
	"lines", "lines_more", "has_more_shares", "shares", "channels", "groups", "ims", "comments_count", "num_stars", "image_exif_rotation",
	"deanimate_gif", "pjpeg", "converted_pdf", "mp4", "mp4_low", "aac", "hls", "hls_embed", "vtt", "duration_ms", "audio_wave_samples",
	"subtype", "skipped_shares", "date_delete", "external_id",
}

// file is a file of a message, with its content where the export has it.
func (c *slackRoom) file(f *slackFile) (file, error) {
	if rest, ok := fieldsOf(f.Rest); ok {
		rest.drop(slackFileState...)
		maps.DeleteFunc(rest, func(name string, _ jsontext.Value) bool { return strings.HasPrefix(name, "thumb_") })
		c.rest(rest)
	}
	out := file{name: c.short(string(cmp.Or(f.Name, f.Title))), mediaType: plainType(string(f.Mimetype)), url: c.address(string(cmp.Or(f.External, f.URL)))}
	if n, ok := f.Size.int64(); ok && n > 0 {
		out.size = uint64(n)
	}
	if f.Title != "" && f.Title != f.Name {
		out.description = string(f.Title)
	}
	if f.Preview != "" {
		out.description = strings.TrimSpace(out.description + "\n" + string(f.Preview))
	}
	switch f.Mode {
	case "tombstone":
		out.description = "a file that was deleted"
	case "hidden_by_limit":
		out.description = "a file that the workspace's plan hides"
	}
	var err error
	out.content, err = c.content(f)
	return out, err
}

// content finds a file by its id, which is what slackdump names it by.
func (c *slackRoom) content(f *slackFile) (*Content, error) {
	if f.ID == "" || strings.Trim(f.ID, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return nil, nil
	}
	names := c.files[f.ID]
	if len(names) == 0 {
		var err error
		if names, err = c.uploads(f.ID); err != nil {
			return nil, err
		}
	}
	if len(names) != 1 { // none, or nobody knows which
		return nil, nil
	}
	c.used[names[0]] = true
	return c.fileContent(names[0])
}
