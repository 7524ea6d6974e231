package convert

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// A discordMessage is one record. A forwarded message has no id, author and
// reactions of its own.
type discordMessage struct {
	ID          flexible            `json:"id"`
	Type        flexible            `json:"type"`
	Timestamp   flexible            `json:"timestamp"`
	Edited      flexible            `json:"timestampEdited"`
	CallEnded   flexible            `json:"callEndedTimestamp"`
	Content     flexible            `json:"content"`
	Author      discordUser         `json:"author"`
	Attachments []discordAttachment `json:"attachments"`
	Embeds      []discordEmbed      `json:"embeds"`
	Stickers    []discordSticker    `json:"stickers"`
	Reactions   []discordReaction   `json:"reactions"`
	Mentions    []discordUser       `json:"mentions"`
	Reference   discordReference    `json:"reference"`
	Forwarded   *discordMessage     `json:"forwardedMessage"`
	Interaction discordInteraction  `json:"interaction"`
	Poll        discordPoll         `json:"poll"`

	Rest jsontext.Value `json:",embed"`
}

// discordDerived are members that say what the text says, or are state of the app:
// pins have a message of their own.
var discordDerived = []string{"isPinned", "inlineEmojis"}

type discordUser struct {
	ID       flexible `json:"id"`
	Name     flexible `json:"name"`
	Nickname flexible `json:"nickname"`

	Rest jsontext.Value `json:",embed"` // colour, roles, picture, discriminator: how one looks there
}

func (u *discordUser) person() person {
	if u.ID == "" && u.Name == "" {
		return roomItself
	}
	return person{key: string(cmp.Or(u.ID, u.Name)), name: string(cmp.Or(u.Nickname, u.Name, u.ID))}
}

type discordReference struct {
	Type      flexible `json:"type"`
	MessageID flexible `json:"messageId"`
	ChannelID flexible `json:"channelId"`
}

type discordInteraction struct {
	Name flexible    `json:"name"`
	User discordUser `json:"user"`
}

type discordEmoji struct {
	ID   flexible `json:"id"`
	Name flexible `json:"name"`
	Code flexible `json:"code"`
}

func (e *discordEmoji) text() string {
	if e.ID != "" && e.ID != "0" { // custom
		return ":" + string(cmp.Or(e.Name, e.Code)) + ":"
	}
	return string(cmp.Or(e.Name, e.Code))
}

type discordReaction struct {
	Emoji discordEmoji  `json:"emoji"`
	Count flexible      `json:"count"`
	Users []discordUser `json:"users"`

	Rest jsontext.Value `json:",embed"`
}

// record converts one record by its type, which is a name or, where
// DiscordChatExporter has none, a number.
func (c *discordChannel) record(m *discordMessage, millis int64) error {
	by := m.Author.person()
	var whom person
	if len(m.Mentions) > 0 {
		whom = m.Mentions[0].person()
	}
	switch m.Type {
	case "Default", "0", "", "Reply", "19", "20", "23", "24", "21", "ChatInputCommand", "ContextMenuCommand":
		return c.message(m, by, millis, "")
	case "Call", "3":
		return c.message(m, by, millis, "call")
	case "RecipientAdd", "1":
		if whom != roomItself {
			return c.room.changes(millis, change{event: "add", who: whom, by: by})
		}
	case "RecipientRemove", "2":
		switch whom {
		case roomItself:
		case by:
			return c.room.changes(millis, change{event: "leave", who: whom, by: by})
		default:
			return c.room.changes(millis, change{event: "remove", who: whom, by: by})
		}
	case "ChannelNameChange", "4":
		name := strings.TrimPrefix(string(m.Content), "Changed the channel name: ")
		if name != "" && name != "Changed the channel name." {
			return c.room.changes(millis, change{event: "room", who: roomItself, by: by, room: &codec.Room{Name: c.short(name)}})
		}
	case "GuildMemberJoin", "7":
		if by != roomItself {
			return c.room.changes(millis, change{event: "self_add", who: by, by: by})
		}
	}
	return c.service(m, by, millis)
}

// service carries a line of Discord itself.
func (c *discordChannel) service(m *discordMessage, by person, millis int64) error {
	text := string(m.Content)
	if text == "" {
		text = cmp.Or(discordLines[string(m.Type)], "("+string(m.Type)+")")
	}
	if by != roomItself {
		text = by.name + ": " + text
	}
	id, err := c.room.notice(millis, text, salt(c.room.uri, string(m.ID)))
	remember(c.ids, string(m.ID), id)
	if err != nil {
		return err
	}
	return c.reactions(m, id, millis)
}

// discordLines are lines that Discord makes of a type, which exports lack.
var discordLines = map[string]string{
	"1": "Added a recipient.", "2": "Removed a recipient.", "3": "Started a call.", "4": "Changed the channel name.",
	"5": "Changed the channel icon.", "6": "Pinned a message.", "7": "Joined the server.", "8": "Boosted the server.",
	"UserPremiumGuildSubscription": "Boosted the server.",
	"9":                            "Boosted the server to level 1.", "10": "Boosted the server to level 2.", "11": "Boosted the server to level 3.",
	"12": "Followed another channel here.", "18": "Started a thread.", "22": "Was reminded to invite people.", "25": "Subscribed.",
	"27": "Started a stage.", "28": "Ended a stage.", "29": "Spoke on a stage.", "31": "Changed the topic of a stage.", "46": "A poll ended.",
}

// message converts what somebody, or an app, wrote.
func (c *discordChannel) message(m *discordMessage, by person, millis int64, kind string) error {
	msg := &message{sender: by, millis: millis, salt: salt(c.room.uri, string(m.ID)), origin: mimi.Origin{Kind: kind}}
	var text markup
	if m.Interaction.Name != "" {
		var q markup
		q.text(m.Interaction.User.person().name + " used /" + string(m.Interaction.Name))
		text.quote(&q)
	}
	c.text(&text, string(m.Content), m.Mentions)
	if c.poll(&text, &m.Poll) {
		msg.origin.Kind = "poll"
	}
	if err := c.parts(msg, &text, m); err != nil {
		return err
	}
	if f := m.Forwarded; f != nil {
		c.unknown(f.Rest)
		if f.Forwarded != nil { // nobody forwards twice
			c.report.mend(FieldUnknown)
		}
		msg.origin.ForwardedFrom = "another conversation" // exports do not say whose it is
		text.line()
		c.text(&text, string(f.Content), m.Mentions)
		if err := c.parts(msg, &text, f); err != nil {
			return err
		}
	}
	msg.text, msg.mediaType = text.result()
	if edited, ok := isoMillis(string(m.Edited)); ok {
		msg.origin.EditedAt = string(mimi.DateOf(edited))
		c.report.mend(EditedBefore)
	}
	if to := m.Reference.MessageID; to != "" && m.Reference.Type != "Forward" {
		c.report.Links++
		if id, ok := c.ids[string(to)]; ok {
			msg.reply = &id
			c.report.Replies++
		} else {
			why := LinkToNothing
			if id := m.Reference.ChannelID; id != "" && id != c.channel.ID {
				why = LinkElsewhere
			}
			c.report.leaveLink(why)
		}
	}
	id, err := c.room.add(msg)
	if err != nil {
		return err
	}
	remember(c.ids, string(m.ID), id)
	return c.reactions(m, id, millis)
}

// reactions carries the reactions of a message. Discord does not say when.
func (c *discordChannel) reactions(m *discordMessage, to mimi.MessageID, millis int64) error {
	for i := range m.Reactions {
		re := &m.Reactions[i]
		c.unknown(re.Rest)
		for k := range re.Users {
			c.report.mend(DateAssumed)
			if err := c.room.react(to, re.Users[k].person(), re.Emoji.text(), millis); err != nil {
				return err
			}
		}
		n, _ := re.Count.int64()
		c.report.leaveMany(max(n, 0)-int64(len(re.Users)), ReactorUnknown)
	}
	return nil
}

type discordAttachment struct {
	URL      flexible `json:"url"`
	FileName flexible `json:"fileName"`
	Size     flexible `json:"fileSizeBytes"`

	Rest jsontext.Value `json:",embed"`
}

type discordSticker struct {
	Name   flexible `json:"name"`
	Format flexible `json:"format"`
	Source flexible `json:"sourceUrl"`

	Rest jsontext.Value `json:",embed"`
}

// parts appends the embeds, attachments and stickers of a message, or of one that
// is forwarded.
func (c *discordChannel) parts(msg *message, text *markup, m *discordMessage) error {
	for i := range m.Attachments {
		a := &m.Attachments[i]
		c.unknown(a.Rest, "id")
		f, err := c.media(string(a.URL), file{name: string(a.FileName)})
		if err != nil {
			return err
		}
		if n, ok := a.Size.int64(); ok && n > 0 {
			f.size = uint64(n)
		}
		msg.files = append(msg.files, f)
	}
	for i := range m.Stickers {
		s := &m.Stickers[i]
		c.unknown(s.Rest, "id")
		mediaType := map[string]string{"png": "image/png", "apng": "image/apng", "gif": "image/gif", "lottie": "application/json"}[strings.ToLower(string(s.Format))]
		f, err := c.media(string(s.Source), file{name: string(s.Name), mediaType: mediaType, description: "sticker", disposition: mimi.Inline})
		if err != nil {
			return err
		}
		msg.files = append(msg.files, f)
		if msg.origin.Kind == "" {
			msg.origin.Kind = "sticker"
		}
	}
	for i := range m.Embeds {
		if err := c.embed(msg, text, &m.Embeds[i]); err != nil {
			return err
		}
	}
	return nil
}

// media finds a file that is on the net, or in a folder beside the export. Right
// beside it are the person's own files, which no export may name.
func (c *discordChannel) media(ref string, f file) (file, error) {
	f.name = c.short(f.name)
	if isRemote(ref) {
		f.url = ref
		return f, nil
	}
	if !strings.ContainsAny(strings.TrimLeft(ref, `./\`), `/\`) {
		return f, nil
	}
	var err error
	if f.content, err = c.fileContent(beside(c.file, ref)); err != nil || f.content != nil {
		return f, err
	}
	if plain, uerr := url.PathUnescape(ref); uerr == nil {
		f.content, err = c.fileContent(beside(c.file, plain))
	}
	return f, err
}

func isRemote(ref string) bool {
	return strings.HasPrefix(ref, "https://") || strings.HasPrefix(ref, "http://")
}
