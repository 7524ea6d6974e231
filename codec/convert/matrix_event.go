package convert

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A matrixEvent is one record.
type matrixEvent struct {
	Type     flexible       `json:"type"`
	EventID  flexible       `json:"event_id"`
	RoomID   flexible       `json:"room_id"`
	Sender   flexible       `json:"sender"`
	TS       flexible       `json:"origin_server_ts"`
	StateKey *flexible      `json:"state_key"`
	Redacts  flexible       `json:"redacts"`
	Content  matrixContent  `json:"content"`
	Unsigned matrixUnsigned `json:"unsigned"`
	Prev     matrixContent  `json:"prev_content"` // where old servers have it

	Rest jsontext.Value `json:",embed"`
}

// matrixProtocol are members of events that servers and clients work with.
var matrixProtocol = []string{
	"user_id", "age", "replaces_state", "origin", "depth", "hashes", "signatures", "prev_events", "auth_events", "prev_state",
	"membership", "redacted_because", "transaction_id", "status",
}

type matrixUnsigned struct {
	Because jsontext.Value `json:"redacted_because"`
	Prev    matrixContent  `json:"prev_content"`

	Relations struct {
		Replace    jsontext.Value `json:"m.replace"`
		Annotation struct {
			Chunk []struct {
				Count flexible `json:"count"`
			} `json:"chunk"`
		} `json:"m.annotation"`
	} `json:"m.relations"`
}

// A matrixContent is the content of an event of any type.
type matrixContent struct {
	Msgtype   flexible       `json:"msgtype"`
	Body      flexible       `json:"body"`
	Format    flexible       `json:"format"`
	Formatted flexible       `json:"formatted_body"`
	Filename  flexible       `json:"filename"`
	URL       flexible       `json:"url"`
	File      matrixFile     `json:"file"`
	Info      matrixInfo     `json:"info"`
	GeoURI    flexible       `json:"geo_uri"`
	RelatesTo matrixRelation `json:"m.relates_to"`
	New       jsontext.Value `json:"m.new_content"`
	Voice     jsontext.Value `json:"org.matrix.msc3245.voice"`

	Redacts     flexible `json:"redacts"`
	Reason      flexible `json:"reason"`
	Membership  flexible `json:"membership"`
	DisplayName flexible `json:"displayname"`
	AvatarURL   flexible `json:"avatar_url"`
	Name        flexible `json:"name"`
	Topic       flexible `json:"topic"`
	Alias       flexible `json:"alias"`
	JoinRule    flexible `json:"join_rule"`
	Visibility  flexible `json:"history_visibility"`
	Guests      flexible `json:"guest_access"`
	Replacement flexible `json:"replacement_room"`
	Invited     flexible `json:"display_name"`

	Users        jsontext.Value `json:"users"`
	UsersDefault flexible       `json:"users_default"`
	RedactLevel  flexible       `json:"redact"`

	Text     matrixText   `json:"m.text"`
	OldText  flexible     `json:"org.matrix.msc1767.text"`
	Poll     *matrixPoll  `json:"m.poll"`
	OldPoll  *matrixPoll  `json:"org.matrix.msc3381.poll.start"`
	Chosen   []string     `json:"m.selections"`
	Response *matrixVotes `json:"org.matrix.msc3381.poll.response"`
	Location *matrixPlace `json:"m.location"`
	OldPlace *matrixPlace `json:"org.matrix.msc3488.location"`
	About    flexible     `json:"description"`
	Offer    *matrixOffer `json:"offer"`

	Rest jsontext.Value `json:",embed"`
}

// matrixShown are members of messages that say once more what others say, or that
// only apps read.
var matrixShown = []string{
	"m.mentions", "org.matrix.msc1767.message", "org.matrix.msc1767.audio", "org.matrix.msc1767.file", "org.matrix.msc1767.caption",
	"org.matrix.msc3488.asset", "org.matrix.msc3488.ts", "m.asset", "m.ts", "m.audio", "m.file", "m.image", "m.video", "m.voice",
	"m.caption", "com.beeper.linkpreviews", "org.matrix.msc2516.voice", "page_url", "thumbnail_url", "from_device",
	"methods", "to", "data", "io.element.functional_members", "org.matrix.msc3381.poll.end", "m.poll.end", "net.maunium.telegram.puppet",
}

type matrixFile struct {
	URL flexible       `json:"url"`
	Key jsontext.Value `json:"key"`
}

type matrixInfo struct {
	Mimetype flexible `json:"mimetype"`
	Size     flexible `json:"size"`
}

type matrixRelation struct {
	Type        flexible `json:"rel_type"`
	EventID     flexible `json:"event_id"`
	Key         flexible `json:"key"`
	FallingBack flexible `json:"is_falling_back"`
	InReplyTo   struct {
		EventID flexible `json:"event_id"`
	} `json:"m.in_reply_to"`
}

type matrixOffer struct {
	SDP flexible `json:"sdp"`
}

// refersTo is the event without which e can't be converted whole.
func (e *matrixEvent) refersTo() string {
	to := &e.Content.RelatesTo
	if to.Type == "m.thread" && to.FallingBack == "true" {
		return string(to.EventID)
	}
	return string(cmp.Or(to.InReplyTo.EventID, to.EventID))
}

// record converts one event by its type.
func (x *matrixExport) record(e *matrixEvent) error {
	x.report.Records++
	millis, ok := matrixTime(e.TS)
	if !ok {
		x.report.leave(RecordUndated)
		return nil
	}
	if e.EventID == "" || e.Sender == "" {
		x.report.leave(RecordMalformed)
		return nil
	}
	m, err := x.room(e)
	if err != nil {
		return err
	}
	x.unknown(e.Rest, matrixProtocol...)
	kind := string(e.Type)
	if kind != "m.room.member" && x.scan.redacted(e) { // who is a member stays said
		return x.redacted(m, e, millis)
	}
	switch {
	case kind == "m.room.message" || kind == "m.sticker":
		return x.message(m, e, millis)
	case kind == "m.room.encrypted":
		return x.undecryptable(m, e, millis)
	case kind == "m.reaction":
		return x.reaction(m, e, millis)
	case kind == "m.room.redaction":
		return x.redaction(e)
	case kind == "m.room.member" && e.StateKey != nil:
		return x.member(m, e, millis)
	case isPoll(kind):
		return x.poll(m, e, millis)
	case strings.HasPrefix(kind, "m.call.") && e.StateKey == nil:
		return x.call(m, e, millis)
	case strings.HasSuffix(kind, ".beacon") || kind == "m.beacon":
		return x.beacon(m, e, millis)
	case strings.Contains(kind, "beacon_info"):
		return x.sharing(m, e, millis)
	case e.StateKey != nil:
		return x.state(m, e, millis)
	case strings.HasPrefix(kind, "m.key.verification.") || strings.Contains(kind, ".call."):
		x.report.leave(NotAMessage)
		return nil
	case e.Content.Body != "":
		return x.message(m, e, millis)
	}
	x.report.leave(EventUnknown)
	return nil
}

// redacted leaves the place of what was deleted. The content of an event that was
// redacted is gone, and with it whether it was an edit; where the redaction came
// later than the export's copy, that is still known.
func (x *matrixExport) redacted(m *room, e *matrixEvent, millis int64) error {
	switch {
	case e.Type == "m.reaction":
		x.report.leave(ReactionGone)
		return nil
	case e.Content.RelatesTo.Type == "m.replace":
		x.report.leave(EditGone)
		return nil
	case !slices.Contains([]string{"m.room.message", "m.room.encrypted", "m.sticker"}, string(e.Type)) && !isPoll(string(e.Type)):
		x.report.leave(EventGone)
		return nil
	}
	id, err := m.tombstone(millis, x.who(string(e.Sender)), string(e.EventID))
	if err != nil {
		return err
	}
	remember(x.known, string(e.EventID), matrixKnown{id: id, room: m, sender: string(e.Sender), millis: millis, gone: true})
	return nil
}

// redaction counts a redaction, which stands as a tombstone in the place of what
// it deleted.
func (x *matrixExport) redaction(e *matrixEvent) error {
	to, ok := x.known[string(cmp.Or(e.Redacts, e.Content.Redacts))]
	if ok && !to.gone && !to.none {
		x.report.leave(NotTheAuthor)
		return nil
	}
	if e.Content.Reason != "" {
		x.report.mend(FieldUnknown)
	}
	x.report.leave(ServiceRecord)
	return nil
}

// reaction converts a reaction, which is dated.
func (x *matrixExport) reaction(m *room, e *matrixEvent, millis int64) error {
	to, ok := x.known[string(e.Content.RelatesTo.EventID)]
	if !ok || to.gone || to.none || to.room != m || e.Content.RelatesTo.Key == "" {
		x.report.leave(ReferToNothing)
		return nil
	}
	x.report.Records-- // react counts its own
	return m.react(to.id, x.who(string(e.Sender)), string(e.Content.RelatesTo.Key), max(millis, to.millis))
}
