package codec

// An oldForm is one row of the table of old forms: how an earlier version wrote
// something, and how it is written today. docs/wire-format.md has the same rows,
// and testdata/vcon/forms one vCon before and after for each (a test compares
// all three). Rows of one object apply in the order of the table.
type oldForm struct {
	name string // of the row and its fixture
	in   place  // the objects that it applies to
	old  string // name of the parameter
	new  string // name today, "" when it has none
	rule rule
	from string // the versions that wrote it
}

// A place is a set of kinds of objects.
type place uint16

const (
	inVCon place = 1 << iota
	inParty
	inDialog
	inExternal
	inMulti
	inPart
	inEvent
	inAttachment
	inAnalysis
	inReference // redacted, amended

	inContent = inDialog | inAttachment | inPart | inExternal | inAnalysis
	inBody    = inDialog | inAttachment | inPart | inAnalysis
)

// placeNames are the words of the documentation, in the order of the bits.
var placeNames = [...]string{"vcon", "party", "dialog", "external_part", "multi_part", "part", "event", "attachment", "analysis", "reference"}

// The versions that wrote old forms: of vcon-core, of the MIMI draft
// (mahy-00 to mahy-02, ietf-00), and the example of the IETF 118 slides.
const (
	until001 = "0.0.1"
	until002 = "0.0.1, 0.0.2"
	until030 = "0.0.1 to 0.3.0"
	from030  = "0.3.0"
	slide    = "IETF 118 slide"
	mahy00   = "mahy-00"
	mahy01   = "mahy-01"
	mahy0001 = "mahy-00, mahy-01"
	mahy0002 = "mahy-00 to mahy-02"
	mahy02   = "mahy-02"
	examples = "mahy-02, ietf-00 (examples)"
)

var oldForms = []oldForm{
	{"Part", inPart, "Part", "", rulePart, mahy01}, // first: what is inside is old too

	// vCon 0.0.1 to 0.4.0 (vcon-core, "Non-Upward Compatible Changes to the vCon
	// Container"; its drafts changed more than that list says).
	{"version", inVCon, "vcon", "vcon", ruleVersion, "all"},
	{"must_support", inVCon, "must_support", "critical", ruleRename, from030},
	{"appended", inVCon, "appended", "amended", ruleRename, until030},
	{"group", inVCon, "group", "", ruleStays, until030},
	{"mimetype", inContent, "mimetype", "mediatype", ruleRename, until001 + "; " + mahy0001 + "; " + examples},
	{"signature", inContent | inReference, "signature", "content_hash", ruleSignature, until001},
	{"encoding", inBody, "body", "encoding", ruleEncoding, until001},
	{"transfer-target", inDialog, "transfer-target", "transfer_target", ruleRename, until002},
	{"target-dialog", inDialog, "target-dialog", "target_dialog", ruleRename, until002},
	{"session_id", inDialog, "session_id", "session_id", ruleSessionID, from030},
	{"attachment-type", inAttachment, "type", "purpose", ruleRename, "all before core-02"},
	{"dtmfdown", inEvent, "event", "event", ruleKeyDown, "0.4.0 (core-01)"},
	{"dtmfup", inEvent, "event", "event", ruleKeyUp, "0.4.0 (core-01)"},
	{"dtmf", inEvent, "dtmf", "button", ruleRename, "0.4.0 (core-01)"},

	// The IETF 118 slide and the MIMI draft.
	{"extensions", inVCon, "extensions", "extensions", ruleExtensions, "all"},
	{"no-room", inVCon, "room", "", ruleStays, slide},
	{"imUri", inParty, "imUri", "im_uri", ruleRename, slide + "; " + mahy0001},
	{"messageId", inDialog, "messageId", "message_id", ruleRename, slide + "; " + mahy0001},
	{"inReplyTo", inDialog, "inReplyTo", "in_reply_to", ruleMessageID, slide + "; " + mahy00},
	{"inReplyTo-hash", inDialog, "inReplyTo", "in_reply_to", ruleFirst, mahy01},
	{"in_reply_to", inDialog, "in_reply_to", "in_reply_to", ruleMessageID, slide},
	{"topicId", inDialog, "topicId", "topic_id", ruleRename, mahy01},
	{"lastSeen", inDialog, "lastSeen", "", ruleStays, mahy0001},
	{"mimiExtensions", inDialog, "mimiExtensions", "", ruleStays, mahy0001},
	{"mimeType-slide", inContent, "mimeType", "mediatype", ruleRename, slide},
	{"body-null", inDialog, "body", "", ruleNull, slide},
	{"expires-text", inDialog, "expires", "expires", ruleExpiresAt, mahy0001},
	{"expiring-text", inDialog, "expiring", "expires", ruleExpiresAt, mahy01},
	{"expiring", inDialog, "expiring", "expires", ruleExpires, examples},
	{"room-dialog", inDialog, "type", "party_history", ruleRoom, mahy02},
	{"ExternalPart", inDialog | inPart, "ExternalPart", "external_part", ruleRename, mahy0002},
	{"MultiPart", inDialog | inPart, "MultiPart", "multi_part", ruleRename, mahy0002},
	{"partSemantics", inMulti, "partSemantics", "part_semantics", ruleRename, mahy0001},
	{"partIndex", inDialog | inPart, "partIndex", "part_index", ruleRename, mahy0001},
	{"hashAlg", inExternal, "contentHash", "content_hash", ruleHashAlg, mahy00},
	{"contentHash", inExternal | inAttachment, "contentHash", "content_hash", ruleRename, mahy01},
	{"encAlg", inExternal, "encAlg", "enc_alg", ruleRename, mahy0002},
	{"dialogObjectRef", inAttachment, "dialogObjectRef", "dialog_object_ref", ruleAnonymous, mahy01},
	{"dialogObjectRed", inAttachment, "dialogObjectRed", "dialog_object_ref", ruleAnonymous, mahy01},
	{"add", inEvent, "event", "event", ruleSelfAdd, mahy0001},
	{"welcome", inEvent, "event", "event", ruleWelcome, mahy0001},
}

// ruleWords say in the documentation what a rule does.
var ruleWords = [...]string{
	ruleRename:     "same value",
	ruleStays:      "has no form today, and stays",
	ruleVersion:    `any value, or none, becomes "0.4.0"`,
	ruleExtensions: `lists "mimi-messages" when there is a room or an im_uri; what is no array of names stays`,
	ruleSignature:  `with alg "SHA-512": "sha512-" and the signature; alg goes`,
	ruleEncoding:   `a text body without an encoding has the encoding "none"`,
	ruleSessionID:  `"L;remote=R" becomes {"local": L, "remote": R}`,
	ruleKeyDown:    `"dtmfdown" becomes "keydown"`,
	ruleKeyUp:      `"dtmfup" becomes "keyup"`,
	ruleMessageID:  "a text; an object that holds only messageId becomes that text",
	ruleFirst:      "of an array of id, hash algorithm and hash the id; the array stays",
	ruleNull:       "null (a delete) becomes absent, which is MIMI's NullPart",
	ruleExpiresAt:  `a date becomes {"relative": false, "absolute_time": date}`,
	ruleExpires:    "expires inside becomes absolute_time, or relative_time when relative is true",
	ruleRoom:       `"room" with the room's parameters, time and originator becomes an event "room" of party 0`,
	rulePart:       "an element of parts that holds only Part becomes that object",
	ruleHashAlg:    `with hashAlg: its name ("sha256" for 1, "sha384" for 7, "sha512" for 8, else the number), ":", and the hash; hashAlg goes`,
	ruleAnonymous:  `same value, "@anonymous.invalid" at its end becomes "@anon.invalid"`,
	ruleSelfAdd:    `"add" becomes "self_add" where "add" meant that: the originator is the party; or "welcome" is in the same party_history; or every party that has an address is written with imUri`,
	ruleWelcome:    `"welcome" becomes "add", or "self_add" where the originator is the party`,
}

// oldNames are the names of parameters in the table, old and new.
func oldNames() (names []string) {
	for i := range oldForms {
		names = append(names, oldForms[i].old)
		if oldForms[i].new != "" {
			names = append(names, oldForms[i].new)
		}
	}
	return append(names, "alg", "hashAlg")
}

// formsOf are the rows for one kind of object.
func formsOf(in place) []*oldForm {
	var out []*oldForm
	for i := range oldForms {
		if oldForms[i].in&in != 0 {
			out = append(out, &oldForms[i])
		}
	}
	return out
}

var (
	vconForms       = formsOf(inVCon)
	partyForms      = formsOf(inParty)
	dialogForms     = formsOf(inDialog)
	externalForms   = formsOf(inExternal)
	multiForms      = formsOf(inMulti)
	partForms       = formsOf(inPart)
	eventForms      = formsOf(inEvent)
	attachmentForms = formsOf(inAttachment)
	analysisForms   = formsOf(inAnalysis)
	referenceForms  = formsOf(inReference)
)
