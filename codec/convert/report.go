package convert

import "maps"

// A Reason says why something of an export is not in the vCons.
type Reason string

// A Report accounts for every record (line, row or object), every reply link and
// every attached file of an export: Records = Messages + Changes + Tombstones +
// the sum of Left, Links = Replies + the sum of LeftLinks, and
// Attachments = Contents + the sum of LeftAttachments.
type Report struct {
	Kind       Kind
	Files      uint64 // files of this layout
	OtherFiles uint64 // files of a folder that are of another layout
	VCons      uint64

	Records  uint64
	Messages uint64
	Changes  uint64 // records carried as party_history
	// Tombstones are messages that were deleted before the export.
	Tombstones uint64
	Left       map[Reason]uint64

	Links     uint64
	Replies   uint64
	LeftLinks map[Reason]uint64

	Attachments     uint64 // that messages have
	Contents        uint64 // of them, those whose content is in the export
	LeftAttachments map[Reason]uint64

	// Mended counts records, and files, that are carried with a change, by what
	// was changed.
	Mended map[Reason]uint64

	held int // bytes of texts that became files, in memory
}

// Dropped is how many records, links and contents are not in the vCons. A link of a line
// to itself says that it opens a conversation: there is nothing to drop.
func (r *Report) Dropped() uint64 {
	n := r.OtherFiles
	for _, c := range r.Left {
		n += c
	}
	for reason, c := range r.LeftLinks {
		if reason != LinkToItself {
			n += c
		}
	}
	for _, c := range r.LeftAttachments {
		n += c
	}
	return n
}

// Clone returns a copy that shares nothing.
func (r *Report) Clone() *Report {
	c := *r
	c.Left, c.LeftLinks, c.Mended = maps.Clone(r.Left), maps.Clone(r.LeftLinks), maps.Clone(r.Mended)
	c.LeftAttachments = maps.Clone(r.LeftAttachments)
	return &c
}

func (r *Report) leaveFile() { r.OtherFiles++ }

func (r *Report) leave(why Reason)     { count(&r.Left, why) }
func (r *Report) leaveLink(why Reason) { count(&r.LeftLinks, why) }
func (r *Report) mend(what Reason)     { count(&r.Mended, what) }

// leaveMany counts n records that an export only counts itself. A number that no
// messenger has counts as the largest one that it may have.
func (r *Report) leaveMany(n int64, why Reason) {
	if n <= 0 {
		return
	}
	n = min(n, maxCounted)
	r.Records += uint64(n)
	if r.Left == nil {
		r.Left = make(map[Reason]uint64)
	}
	r.Left[why] += uint64(n)
}

func (r *Report) leaveAttachment(why Reason) { count(&r.LeftAttachments, why) }

func count(m *map[Reason]uint64, why Reason) {
	if *m == nil {
		*m = make(map[Reason]uint64)
	}
	(*m)[why]++
}

// What is left out, and what is mended.
const (
	BlankLine       Reason = "blank line"
	LineTooLong     Reason = "line too long"
	NotALogLine     Reason = "line of no known form"
	ModeChange      Reason = "channel mode change"
	ServerNotice    Reason = "server notice"
	RowMalformed    Reason = "row of the wrong form"
	RowWithoutDate  Reason = "row without a valid date"
	RowTwice        Reason = "row with an id that came before"
	LinkMalformed   Reason = "link of no known form"
	LinkToItself    Reason = "line that opens a conversation"
	LinkForward     Reason = "link to a later line"
	LinkToNothing   Reason = "link to or from a line that is not there"
	LinkToEvent     Reason = "link to or from a line that is no message"
	LinkFurther     Reason = "second link of one line"
	NotUTF8         Reason = "text was not UTF-8 and read as ISO 8859-1"
	TimeWentBack    Reason = "time went back and was held"
	ChannelGuessed  Reason = "log that does not name its channel"
	MinuteOverflows Reason = "more lines in a minute than milliseconds"

	RecordTwice     Reason = "record that came before"
	RecordMalformed Reason = "record of the wrong form"
	RecordUndated   Reason = "record without a valid date"
	NotInExport     Reason = "file that is not in the export"
	TooManyFiles    Reason = "more files than one message has"
	TextAsFile      Reason = "long text carried as a file"
	NoticeAsText    Reason = "notice carried as a message of the room"
	NameTooLong     Reason = "long name cut"
	BrokenText      Reason = "characters that are no Unicode"
	FieldUnknown    Reason = "field that is not carried"
	EditedBefore    Reason = "edited message, of which the export has the last version only"
	DateAssumed     Reason = "reaction without a date, dated as its message"
	ReactorUnknown  Reason = "reaction without who reacted"
	NotAMessage     Reason = "record that is no message"
	NotExported     Reason = "message whose content the export leaves out"
	LinkElsewhere   Reason = "link to a message of another room"
	RecordTooLong   Reason = "record too long"
	DeliveryReport  Reason = "report of delivery or reading"
	SlideLayout     Reason = "layout of slides that is not carried"
	MailBroken      Reason = "mail that breaks the rules, also carried whole as a file"
	DeliveryDate    Reason = "mail without a valid date, dated by its delivery"
	CharsetUnknown  Reason = "text in an unknown character set"
	Expunged        Reason = "mail that was deleted"
	TooManyPeople   Reason = "more recipients than a mail or a thread has"
	NotBase64       Reason = "content with characters that are no base64"

	ServiceRecord Reason = "record about another record"
	OldVersion    Reason = "record of an earlier version of a message"
	AccessToken   Reason = "access token cut from an address"
	RoomUnlisted  Reason = "conversation that no list has, named by its folder"
	MembersCut    Reason = "long list of members cut"

	ReactionGone   Reason = "reaction that was taken back"
	EditGone       Reason = "edit that was taken back"
	EditOfDeleted  Reason = "edit of a deleted message"
	NotTheAuthor   Reason = "change of what somebody else wrote"
	ReferToNothing Reason = "reaction to what is not there"
	Undecryptable  Reason = "message that the export could not decrypt"
	KeyLeft        Reason = "encrypted file on a server, without its key"
	EventUnknown   Reason = "event of a kind that is not known"
	EventGone      Reason = "event whose content was deleted"

	DateOrderGuessed Reason = "chat that does not tell whether the day or the month comes first"
	RoomGuessed      Reason = "chat that does not name itself"
)

// MayBeMessage reports whether what is left out for this reason may have been a
// message: a ledger counts it. Blank lines, changes of modes and notices of
// servers are not.
func (r Reason) MayBeMessage() bool {
	switch r {
	case BlankLine, ModeChange, ServerNotice, NotAMessage, DeliveryReport, Expunged, ServiceRecord, ReactionGone, EditGone, EventGone:
		return false
	}
	return true
}

// Twice reports whether it is left out because the same record is there already.
func (r Reason) Twice() bool { return r == RowTwice || r == RecordTwice }
