package convert

import (
	"fmt"
	"math"
	"path"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// media takes what a message has besides its text: files, and what Telegram shows in
// a form of its own, which becomes text.
func (c *telegramChat) media(f fields, msg *message) (string, error) {
	f.drop("width", "height") // of the file, which says them too
	if err := c.files(f, msg); err != nil {
		return "", err
	}
	if s, ok := f.int("self_destruct_period_seconds"); ok && s > 0 {
		msg.expires = &mimi.Expiration{Relative: true, Time: uint32(min(s, math.MaxUint32))}
	}
	if e := f.text("sticker_emoji"); e != "" {
		return e, nil
	}
	kind, said := c.shown(f)
	if kind != "" {
		msg.origin.Kind = kind
	}
	return said, nil
}

// files takes the files. A photo, a voice message and the like have no name of their
// own: that of the file counts the export's files, so it would change the id of a
// message from one export to the next.
func (c *telegramChat) files(f fields, msg *message) error {
	if ref := f.text("photo"); ref != "" {
		if err := c.file(msg, ref, file{name: "photo.jpg", mediaType: "image/jpeg", size: f.size("photo_file_size")}); err != nil {
			return err
		}
	}
	if ref := f.text("contact_vcard"); ref != "" {
		if err := c.file(msg, ref, file{name: "contact.vcf", mediaType: "text/vcard", size: f.size("contact_vcard_file_size")}); err != nil {
			return err
		}
	}
	ref := f.text("file")
	if ref == "" {
		return nil
	}
	x := file{name: f.text("file_name"), mediaType: plainType(f.text("mime_type")), size: f.size("file_size")}
	kind := f.text("media_type")
	name := ""
	switch kind {
	case "sticker":
		name = "sticker.webp"
	case "voice_message":
		name = "voice.ogg"
	case "video_message", "animation":
		name = strings.TrimSuffix(kind, "_message") + ".mp4"
	case "video_file", "audio_file", "": // a file as any other
		kind = ""
	}
	msg.origin.Kind = words(kind)
	if x.name == "" {
		x.name = name
	}
	if x.name == "" && !isTelegramPlaceholder(ref) {
		x.name = path.Base(strings.ReplaceAll(ref, `\`, "/"))
	}
	song := []string{f.text("performer"), f.text("title")}
	x.description = strings.Trim(strings.Join(song, " – "), " –")
	if s, ok := f.int("duration_seconds"); ok && s > 0 {
		x.description = strings.TrimSpace(x.description + " " + duration(s))
	}
	if err := c.file(msg, ref, x); err != nil {
		return err
	}
	f.drop("thumbnail_file_size")
	thumbnail, _ := scalar(f["thumbnail"])
	if msg.files[len(msg.files)-1].content != nil || isTelegramPlaceholder(thumbnail) {
		f.drop("thumbnail") // a small form of the file
	}
	return nil
}

// file adds a file of a message.
func (c *telegramChat) file(msg *message, ref string, x file) error {
	if !isTelegramPlaceholder(ref) {
		content, err := c.fileContent(beside(c.telegram.file, ref))
		if err != nil {
			return err
		}
		x.content = content
	}
	msg.files = append(msg.files, x)
	return nil
}

// isTelegramPlaceholder reports what stands in the place of a file's name when the
// export has no file: "(File not included. Change data exporting settings to
// download.)", "(File exceeds maximum size. ...)", "(File unavailable, please try
// again later)", and the same with "Photo".
func isTelegramPlaceholder(ref string) bool {
	i := strings.LastIndex(ref, "(")
	if i < 0 || !strings.HasSuffix(ref, ")") {
		return false
	}
	what, says, _ := strings.Cut(ref[i+1:], " ")
	return (what == "File" || what == "Photo" || what == "Video") && (strings.HasPrefix(says, "not included") ||
		strings.HasPrefix(says, "exceeds maximum size") || strings.HasPrefix(says, "unavailable"))
}

// shown takes what Telegram shows in a form of its own, and says what it is.
func (c *telegramChat) shown(f fields) (kind, said string) {
	live := f.text("live_location_period_seconds")
	place := location(f.object("location_information"))
	if contact := f.object("contact_information"); contact != nil {
		name := strings.TrimSpace(contact.text("first_name") + " " + contact.text("last_name"))
		said = "Contact: " + joined(", ", name, contact.text("phone_number"))
		c.rest(contact)
		return "contact", said
	}
	switch {
	case !isBlank(f["place_name"]) || !isBlank(f["address"]):
		return "location", "Location: " + joined(", ", f.text("place_name"), f.text("address"), place)
	case live != "":
		s, _ := flexible(live).int64()
		return "live location", "Live location: " + joined(", ", place, "shared for "+duration(s))
	case place != "":
		return "location", "Location: " + place
	}
	if poll := f.object("poll"); poll != nil {
		return "poll", c.poll(poll)
	}
	if todo := f.object("todo_list"); todo != nil {
		return "to-do list", c.todo(todo)
	}
	if title := f.text("game_title"); title != "" {
		return "game", "Game: " + joined("\n", title, f.text("game_description"), f.text("game_link"))
	}
	if stars := f.text("paid_stars_amount"); stars != "" {
		return "paid media", "Paid media, for " + stars + " stars"
	}
	for _, name := range []string{"invoice_information", "giveaway_information", "giveaway_results"} {
		v := f.take(name)
		if s, ok := scalar(v); ok { // an object that is written as a text
			v = jsontext.Value(s)
		}
		if o, ok := fieldsOf(v); ok {
			title, _, _ := strings.Cut(name, "_")
			if name == "giveaway_results" {
				title = "giveaway results"
			}
			said := c.details(o, 0)
			c.rest(o)
			return title, strings.ToUpper(title[:1]) + title[1:] + ": " + said
		} else if v != nil {
			c.report.mend(FieldUnknown)
		}
	}
	return "", ""
}

func (c *telegramChat) poll(poll fields) string {
	lines := []string{"Poll: " + c.plain(poll.take("question"))}
	for _, v := range poll.list("answers") {
		a, ok := fieldsOf(v)
		if !ok {
			c.report.mend(FieldUnknown)
			continue
		}
		line := fmt.Sprintf("- %s (%s", c.plain(a.take("text")), votes(a.text("voters")))
		if a.is("chosen") {
			line += ", chosen"
		}
		lines = append(lines, line+")")
		c.rest(a)
	}
	total := "Total: " + votes(poll.text("total_voters"))
	if poll.is("closed") {
		total += ", closed"
	}
	c.rest(poll)
	return strings.Join(append(lines, total), "\n")
}

func (c *telegramChat) todo(todo fields) string {
	lines := []string{"To do: " + c.plain(todo.take("title"))}
	for _, v := range todo.list("answers") {
		item, ok := fieldsOf(v)
		if !ok {
			c.report.mend(FieldUnknown)
			continue
		}
		lines = append(lines, "- "+c.plain(item.take("text")))
		item.drop("id")
		c.rest(item)
	}
	todo.drop("others_can_append", "others_can_complete") // who may change it in Telegram
	c.rest(todo)
	return strings.Join(lines, "\n")
}

// location is a place as "latitude, longitude".
func location(f fields) string {
	if f == nil {
		return ""
	}
	return joined(", ", f.text("latitude"), f.text("longitude"))
}
