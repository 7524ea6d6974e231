package convert

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

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
