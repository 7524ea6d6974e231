package convert

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
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

// groupChange takes the changes of a group that came at once: those of the roster and
// the room as one record, each other one as a notice.
func (x *signalItem) groupChange(u fields) (*mimi.MessageID, error) {
	var changes []change
	var notices []string
	for _, v := range u.list("updates") {
		f, ok := fieldsOf(v)
		if !ok {
			x.report.mend(FieldUnknown)
			continue
		}
		if len(f) == 0 { // by the format: something changed
			notices = append(notices, "The group was changed")
		}
		for _, kind := range sortedKeys(f) {
			one := f.object(kind)
			c, said := x.groupUpdate(kind, one)
			changes = append(changes, c...)
			if said != "" {
				notices = append(notices, said)
			}
			x.rest(one)
		}
	}
	records := len(notices)
	if len(changes) > 0 {
		records++
		if err := x.room.changes(x.sent, changes...); err != nil {
			return nil, err
		}
	}
	if records == 0 {
		x.report.leave(NotExported)
		return nil, nil
	}
	x.report.Records += uint64(records - 1)
	var last *mimi.MessageID
	for i, said := range notices {
		id, err := x.noticed(said, i)
		if err != nil {
			return nil, err
		}
		last = id
	}
	return last, nil
}

// groupUpdate is one change: of the roster or the room, or what it says, or both.
func (x *signalItem) groupUpdate(kind string, u fields) ([]change, string) {
	aci := func(name string) person { return x.account(serviceID(u.bytes(name))) }
	by := roomItself
	for _, name := range []string{"updaterAci", "removerAci"} {
		if u[name] != nil {
			by = aci(name)
		}
	}
	who := x.name(by)
	one := func(c change) []change { return []change{c} }
	switch kind {
	case "groupCreationUpdate":
		if by == roomItself {
			return nil, "The group was created"
		}
		return one(change{event: "self_add", who: by, by: by}), who + " created the group"
	case "groupNameUpdate":
		if name := u.text("newGroupName"); name != "" {
			return one(change{event: "room", who: roomItself, by: by, room: &codec.Room{Name: x.short(name)}}), ""
		}
		return nil, who + " removed the name of the group"
	case "groupDescriptionUpdate":
		if text := u.text("newDescription"); text != "" {
			return one(change{event: "room", who: roomItself, by: by, room: &codec.Room{Description: []codec.RoomDescription{{Content: text}}}}), ""
		}
		return nil, who + " removed the description of the group"
	case "groupAdminStatusUpdate":
		role := "member"
		if u.is("wasAdminStatusGranted") {
			role = "admin"
		}
		return one(change{event: "update", who: aci("memberAci"), by: by, role: role}), ""
	case "groupMemberLeftUpdate":
		gone := aci("aci")
		return one(change{event: "leave", who: gone, by: gone}), ""
	case "groupMemberRemovedUpdate":
		return one(change{event: "remove", who: aci("removedAci"), by: by}), ""
	case "groupMemberJoinedUpdate", "groupMemberJoinedByLinkUpdate":
		u.drop("updaterAci")
		come := aci("newMemberAci")
		return one(change{event: "self_add", who: come, by: come}), ""
	case "groupInvitationAcceptedUpdate": // who invited is counted
		come := aci("newMemberAci")
		return one(change{event: "self_add", who: come, by: come}), ""
	case "groupMemberAddedUpdate":
		u.drop("hadOpenInvitation")
		return one(change{event: "add", who: aci("newMemberAci"), by: by}), ""
	case "groupJoinRequestApprovalUpdate":
		asked := aci("requestorAci")
		if u.is("wasApproved") {
			return one(change{event: "add", who: asked, by: by}), ""
		}
		return nil, who + " denied " + x.name(asked) + " to join"
	}
	return nil, x.groupNotice(kind, u, who, aci)
}

// groupNotice says what changes neither the roster nor the room.
func (x *signalItem) groupNotice(kind string, u fields, who string, aci func(name string) person) string {
	level := func() string { return strings.ToLower(u.text("accessLevel")) }
	count := func(name string) string {
		n, _ := u.int(name)
		return counted(n, "person")
	}
	switch kind {
	case "genericGroupUpdate":
		return who + " changed the group"
	case "groupAvatarUpdate":
		if u.is("wasRemoved") {
			return who + " removed the picture of the group"
		}
		return who + " changed the picture of the group"
	case "groupMembershipAccessLevelChangeUpdate":
		return who + " changed who can add people: " + level()
	case "groupAttributesAccessLevelChangeUpdate":
		return who + " changed who can change the group: " + level()
	case "groupMemberLabelAccessLevelChangeUpdate":
		return who + " changed who can set labels: " + level()
	case "groupAnnouncementOnlyChangeUpdate":
		if u.is("isAnnouncementOnly") {
			return who + " let only admins send messages"
		}
		return who + " let everybody send messages"
	case "selfInvitedToGroupUpdate":
		return x.name(aci("inviterAci")) + " invited " + x.self.name
	case "selfInvitedOtherUserToGroupUpdate":
		return x.self.name + " invited " + x.name(aci("inviteeServiceId"))
	case "groupUnknownInviteeUpdate":
		return x.name(aci("inviterAci")) + " invited " + count("inviteeCount")
	case "groupInvitationDeclinedUpdate":
		invited := x.name(aci("inviteeAci"))
		if inviter := aci("inviterAci"); inviter != roomItself {
			return invited + " declined the invitation of " + inviter.name
		}
		return invited + " declined the invitation"
	case "groupSelfInvitationRevokedUpdate":
		return x.name(aci("revokerAci")) + " took back the invitation of " + x.self.name
	case "groupInvitationRevokedUpdate":
		return who + " took back invitations (" + x.invitees(u) + ")"
	case "groupJoinRequestUpdate":
		return x.name(aci("requestorAci")) + " asked to join"
	case "groupJoinRequestCanceledUpdate":
		return x.name(aci("requestorAci")) + " no longer asks to join"
	case "groupSequenceOfRequestsAndCancelsUpdate":
		n, _ := u.int("count")
		return fmt.Sprintf("%s asked to join and took it back (%d times)", x.name(aci("requestorAci")), n)
	case "groupInviteLinkResetUpdate":
		return who + " reset the link to the group"
	case "groupInviteLinkEnabledUpdate":
		if u.is("linkRequiresAdminApproval") {
			return who + " turned on the link to the group, with approval by an admin"
		}
		return who + " turned on the link to the group"
	case "groupInviteLinkAdminApprovalUpdate":
		if u.is("linkRequiresAdminApproval") {
			return who + " turned on approval by an admin for the link to the group"
		}
		return who + " turned off approval by an admin for the link to the group"
	case "groupInviteLinkDisabledUpdate":
		return who + " turned off the link to the group"
	case "groupV2MigrationUpdate":
		return "The group was upgraded"
	case "groupV2MigrationSelfInvitedUpdate":
		return "The group was upgraded, and " + x.self.name + " was invited"
	case "groupV2MigrationInvitedMembersUpdate":
		return "The group was upgraded, and " + count("invitedMembersCount") + " invited"
	case "groupV2MigrationDroppedMembersUpdate":
		return "The group was upgraded, without " + count("droppedMembersCount")
	case "groupExpirationTimerUpdate":
		return timer(u, who)
	case "groupTerminateChangeUpdate":
		return who + " ended the group"
	}
	return "Update: " + kind
}

// invitees are the people whose invitations were taken back.
func (x *signalItem) invitees(u fields) string {
	var all []string
	for _, v := range u.list("invitees") {
		if f, ok := fieldsOf(v); ok {
			id := cmp.Or(serviceID(f.bytes("inviteeAci")), serviceID(f.bytes("inviteePni")))
			f.drop("inviterAci", "inviteePni")
			all = append(all, x.name(x.account(id)))
			x.rest(f)
		}
	}
	return cmp.Or(strings.Join(all, ", "), "nobody known")
}
