package convert

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// update takes an update of the chat: calls, changes of the group, and what Signal
// tells of itself.
func (x *signalItem) update(f fields) (*mimi.MessageID, error) {
	for _, name := range sortedKeys(f) { // there is one
		u := f.object(name)
		if u == nil {
			continue
		}
		var id *mimi.MessageID
		var err error
		switch name {
		case "groupChange":
			id, err = x.groupChange(u)
		case "profileChange":
			name := u.text("newName")
			u.drop("previousName") // as the roster has it
			return nil, x.room.changes(x.sent, change{event: "update", who: x.by, name: cmp.Or(name, x.by.name)})
		case "individualCall":
			id, err = x.called(x.by, x.individualCall(u))
		case "groupCall":
			id, err = x.groupCall(u)
		default:
			id, err = x.noticed(x.simple(name, u), 0)
		}
		x.rest(u)
		x.rest(f)
		return id, err
	}
	x.report.leave(NotExported)
	return nil, nil
}

// noticed adds a notice; n tells those of one update apart.
func (x *signalItem) noticed(text string, n int) (*mimi.MessageID, error) {
	msg := *x.msg
	msg.sender, msg.text = roomItself, text
	if n > 0 {
		msg.salt = salt(x.room.uri, x.by.key, strconv.FormatInt(x.sent, 10), strconv.Itoa(n))
	}
	x.report.mend(NoticeAsText)
	id, err := x.room.add(&msg)
	return &id, err
}

func (x *signalItem) called(by person, text string) (*mimi.MessageID, error) {
	msg := *x.msg
	msg.sender, msg.text, msg.origin.Kind = by, text, "call"
	id, err := x.room.add(&msg)
	return &id, err
}

// name is what a person is called in a notice.
func (x *signalItem) name(p person) string { return cmp.Or(p.name, "Somebody") }

func (x *signalItem) individualCall(u fields) string {
	kind := "voice call"
	if u.text("type") == "VIDEO_CALL" {
		kind = "video call"
	}
	direction := "Incoming "
	if u.text("direction") == "OUTGOING" {
		direction = "Outgoing "
	}
	how := ""
	switch u.text("state") {
	case "NOT_ACCEPTED":
		how = " (not answered)"
	case "MISSED", "MISSED_NOTIFICATION_PROFILE":
		how = " (missed)"
	}
	u.drop("callId", "read", "startedCallTimestamp") // the date of the record
	return direction + kind + how
}

func (x *signalItem) groupCall(u fields) (*mimi.MessageID, error) {
	by := x.by
	ringer, starter := u.text("ringerRecipientId"), u.text("startedCallRecipientId")
	if who := cmp.Or(starter, ringer); who != "" {
		by = x.author(who)
	}
	var how []string
	switch state := u.text("state"); state {
	case "", "UNKNOWN_STATE", "GENERIC":
	case "MISSED_NOTIFICATION_PROFILE":
		how = append(how, "missed")
	default: // JOINED, RINGING, ACCEPTED, DECLINED, MISSED, OUTGOING_RING
		how = append(how, strings.ToLower(words(state)))
	}
	start, _ := u.int("startedCallTimestamp")
	if end, ok := u.int("endedCallTimestamp"); ok && start > 0 && end > start {
		how = append(how, duration((end-start)/1000))
	}
	u.drop("callId", "read")
	text := "Group call"
	if len(how) > 0 {
		text += " (" + strings.Join(how, ", ") + ")"
	}
	return x.called(by, text)
}

// simple is what the other updates say.
func (x *signalItem) simple(kind string, u fields) string {
	who := x.name(x.by)
	switch kind {
	case "simpleUpdate":
		return simpleUpdate(u.text("type"), who)
	case "expirationTimerChange":
		return timer(u, who)
	case "learnedProfileChange":
		was := u.text("username")
		if n := u.text("e164"); n != "" {
			was = "+" + n
		}
		return joined(" ", "You started this chat with "+who, was)
	case "threadMerge":
		return "Chats with " + who + " were joined" + number(u, "previousE164")
	case "sessionSwitchover":
		return "This account belongs to " + who + number(u, "e164")
	case "pollTerminate":
		x.cite(u, x.byID)
		return who + " ended the poll: " + u.text("question")
	case "pinMessage":
		x.cite(u, u.text("authorId"))
		return who + " pinned a message"
	}
	return "Update: " + kind
}

// cite makes a notice a reply to the message that it is about.
func (x *signalItem) cite(u fields, author string) {
	at, _ := u.int("targetSentTimestamp")
	x.report.Links++
	if id, ok := x.ids[signalID{x.chat.id, author, at}]; ok {
		x.msg.reply = &id
		x.report.Replies++
		return
	}
	x.report.leaveLink(LinkToNothing)
}

func number(u fields, name string) string {
	if n := u.text(name); n != "" {
		return " (+" + n + ")"
	}
	return ""
}

func simpleUpdate(kind, who string) string {
	switch kind {
	case "JOINED_SIGNAL":
		return who + " joined Signal"
	case "IDENTITY_UPDATE":
		return "The safety number with " + who + " changed"
	case "IDENTITY_VERIFIED":
		return who + " was marked as verified"
	case "IDENTITY_DEFAULT":
		return who + " was marked as not verified"
	case "CHANGE_NUMBER":
		return who + " changed the phone number"
	case "RELEASE_CHANNEL_DONATION_REQUEST":
		return "Signal asked for a donation"
	case "END_SESSION":
		return who + " reset the secure session"
	case "CHAT_SESSION_REFRESH":
		return "The chat session was refreshed"
	case "BAD_DECRYPT":
		return "A message of " + who + " could not be delivered"
	case "PAYMENTS_ACTIVATED":
		return who + " can receive payments"
	case "PAYMENT_ACTIVATION_REQUEST":
		return who + " asked to activate payments"
	case "UNSUPPORTED_PROTOCOL_MESSAGE":
		return "A message of " + who + " needs a newer version of Signal"
	case "REPORTED_SPAM":
		return "Reported as spam"
	case "BLOCKED":
		return "Blocked"
	case "UNBLOCKED":
		return "Unblocked"
	case "MESSAGE_REQUEST_ACCEPTED":
		return "The message request was accepted"
	}
	return "Update: " + strings.ToLower(words(kind))
}

// timer is a change of the time after which messages vanish.
func timer(u fields, who string) string {
	in, _ := u.int("expiresInMs")
	if in <= 0 {
		return who + " turned disappearing messages off"
	}
	return who + " set messages to disappear after " + period(in/1000)
}
