package convert

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// service converts a service message: a change of the roster or the room, a call, or
// a notice.
func (c *telegramChat) service(f fields, id int64, at telegramTime) (telegramID, error) {
	action := f.text("action")
	actor, known := c.taken(f, "actor")
	by := roomItself
	if known {
		by = actor
	}
	f.drop("text_entities") // as text, which is empty but for data that was sent to a bot
	if changes := c.changed(f, action, by); len(changes) > 0 {
		return telegramID{}, c.room.changes(at.millis, changes...)
	}
	msg := &message{sender: roomItself, millis: at.millis, salt: c.salt(f, id, at)}
	var became telegramID
	msg.reply, became.topic = c.cited(f, action)
	if err := c.files(f, msg); err != nil {
		return became, err
	}
	f.drop("width", "height")
	if action == "topic_created" {
		became.topic = id
	}
	msg.topic = topicOf(became.topic)
	if call := c.call(f, action); call != "" && known {
		msg.sender, msg.text, msg.origin.Kind = by, call, "call"
	} else {
		msg.text = c.notice(f, action, actor, known)
		c.report.mend(NoticeAsText)
	}
	var err error
	if became.id, err = c.room.add(msg); err != nil {
		return became, err
	}
	return became, c.reactions(f, became.id, at)
}

// changed takes what an action changes of the roster or the room; nothing for other
// actions.
func (c *telegramChat) changed(f fields, action string, by person) []change {
	var all []change
	title := func() {
		if name := f.text("title"); name != "" {
			all = append(all, change{event: "room", who: roomItself, by: by, room: &codec.Room{Name: c.short(name)}})
		}
	}
	switch action {
	case "create_group", "create_channel":
		title()
		if by != roomItself && by.key != c.key { // a channel is no member of itself
			all = append(all, change{event: "self_add", who: by, by: by})
		}
		for _, who := range c.members(f) {
			if who.key != by.key {
				all = append(all, change{event: "add", who: who, by: by})
			}
		}
	case "edit_group_title":
		title()
	case "invite_members":
		for _, who := range c.members(f) {
			event := "add"
			if who.key == by.key { // joined by itself
				event = "self_add"
			}
			all = append(all, change{event: event, who: who, by: by})
		}
	case "remove_members":
		for _, who := range c.members(f) {
			event := "remove"
			if who.key == by.key {
				event = "leave"
			}
			all = append(all, change{event: event, who: who, by: by})
		}
	case "join_group_by_link", "join_group_by_request":
		if by != roomItself { // who made the link, "inviter", is counted
			all = append(all, change{event: "self_add", who: by, by: by})
		}
	}
	return all
}

// members takes the people of an action, who are named without ids.
func (c *telegramChat) members(f fields) []person {
	var all []person
	for _, v := range f.list("members") {
		name, _ := scalar(v)
		all = append(all, c.person(name, ""))
	}
	return all
}

// cited takes the message that an action is about.
func (c *telegramChat) cited(f fields, action string) (*mimi.MessageID, int64) {
	for _, name := range []string{"message_id", "game_message_id", "invoice_message_id", "giveaway_msg_id"} {
		if _, ok := f[name]; ok {
			return c.reply(f, name, "reply_to_peer_id")
		}
	}
	if action == "topic_edit" || action == "todo_completions" || action == "todo_append_tasks" {
		return c.reply(f, "reply_to_message_id", "reply_to_peer_id")
	}
	return nil, 0
}

// call takes a call, for whom it was: "" for other actions.
func (c *telegramChat) call(f fields, action string) string {
	what := ""
	switch action {
	case "phone_call":
		what = "Phone call"
	case "conference_call":
		what = "Conference call"
	case "group_call":
		what = "Group call"
	default:
		return ""
	}
	var how []string
	for _, name := range []string{"duration_seconds", "duration"} {
		if s, ok := f.int(name); ok {
			how = append(how, duration(s))
		}
	}
	switch reason := f.text("discard_reason"); reason {
	case "", "hangup":
	case "disconnect":
		how = append(how, "disconnected")
	default:
		how = append(how, words(reason)) // busy, missed
	}
	if f.is("is_missed") {
		how = append(how, "missed")
	}
	if f.is("is_active") {
		how = append(how, "going on")
	}
	if len(how) == 0 {
		return what
	}
	return what + " (" + strings.Join(how, ", ") + ")"
}

// notice is an action in plain words, with all that it says.
func (c *telegramChat) notice(f fields, action string, actor person, known bool) string {
	if text := f.text("information_text"); text != "" {
		return text
	}
	if v := f["period"]; action == "set_messages_ttl" && isBlank(v) {
		action = "unset_messages_ttl"
	} else if s, ok := f.int("period"); ok {
		f["period"] = jsontext.Value(`"` + period(s) + `"`)
	}
	if s, ok := f.int("schedule_date"); ok {
		f["schedule_date"] = jsontext.Value(`"` + string(mimi.DateOf(min(max(s, 0), 1<<37)*1000)) + `"`)
	}
	said := telegramAction(action)
	to, near := c.taken(f, "to")
	if from, ok := c.taken(f, "from"); ok && near { // proximity_reached has no actor
		actor, known = from, true
		said = "came near to " + to.name
	}
	switch sentence := strings.ToUpper(said[:1]) + said[1:]; {
	case !known:
		said = sentence
	case said == sentence:
		said = actor.name + ": " + said
	default:
		said = actor.name + " " + said
	}
	reactions := f["reactions"]
	f.drop("reactions")
	if how := c.details(f, 0); how != "" {
		said += " (" + how + ")"
	}
	if reactions != nil {
		f["reactions"] = reactions
	}
	return said
}

// telegramAction says what an action did, in words that follow who did it, or, with
// a capital letter, that stand for themselves. Other actions, of newer versions, go
// by their name.
func telegramAction(action string) string {
	switch action {
	case "edit_group_photo":
		return "changed the picture of the group"
	case "delete_group_photo":
		return "removed the picture of the group"
	case "migrate_to_supergroup":
		return "made the group a supergroup"
	case "migrate_from_group":
		return "made this supergroup of a group"
	case "pin_message":
		return "pinned a message"
	case "clear_history":
		return "cleared the history"
	case "score_in_game":
		return "scored in a game"
	case "send_payment":
		return "A payment was sent"
	case "refunded_payment":
		return "A payment was refunded"
	case "take_screenshot":
		return "took a screenshot"
	case "joined_telegram":
		return "joined Telegram"
	case "attach_menu_bot_allowed", "web_app_bot_allowed", "allow_sending_messages":
		return "The bot was allowed to send messages"
	case "send_passport_values":
		return "sent values of Telegram Passport"
	case "proximity_reached":
		return "came near to another person"
	case "requested_phone_number":
		return "asked for the phone number"
	case "invite_to_group_call":
		return "invited people to the group call"
	case "group_call":
		return "A group call"
	case "phone_call":
		return "A phone call"
	case "conference_call":
		return "A conference call"
	case "group_call_scheduled":
		return "scheduled a group call"
	case "set_messages_ttl":
		return "set messages to be deleted after a time"
	case "unset_messages_ttl":
		return "set messages to stay"
	case "edit_chat_theme":
		return "changed the theme of the chat"
	case "set_chat_wallpaper", "set_same_chat_wallpaper":
		return "changed the wallpaper of the chat"
	case "send_webview_data":
		return "Data was sent to the bot"
	case "send_premium_gift":
		return "gave Telegram Premium"
	case "send_stars_gift", "send_ton_gift", "send_star_gift":
		return "sent a gift"
	case "gift_code_prize":
		return "A gift code was won"
	case "stars_prize":
		return "Stars were won"
	case "topic_created":
		return "created a topic"
	case "topic_edit":
		return "changed the topic"
	case "suggest_profile_photo":
		return "suggested a profile picture"
	case "requested_peer":
		return "shared people with the bot"
	case "giveaway_launch":
		return "A giveaway began"
	case "giveaway_results":
		return "The winners of a giveaway were drawn"
	case "boost_apply":
		return "boosted the group"
	case "paid_messages_refund":
		return "gave paid messages back"
	case "paid_messages_price_change":
		return "changed the price of messages"
	case "todo_completions":
		return "ticked tasks of a to-do list"
	case "todo_append_tasks":
		return "added tasks to a to-do list"
	case "process_suggested_post":
		return "decided on a suggested post"
	case "suggested_post_success":
		return "A suggested post was published"
	case "suggested_post_refund":
		return "A suggested post was paid back"
	case "":
		return "Service message"
	}
	return "Service message: " + words(action)
}
