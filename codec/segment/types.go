// Package segment cuts a history into content-addressed segments, names them,
// lists them in a manifest and accounts for every item in a ledger (design,
// section 3). It is pure: it opens no file and no connection.
package segment

import (
	"io"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// An ID names a segment: the SHA-256 of its bytes.
type ID [32]byte

// A Key names an item for ever: it is derived from the room id and the message
// id, or from the room id and the record when there is no message id.
type Key [32]byte

// A Kind says what a segment holds.
type Kind uint8

const (
	Messages Kind = 1 // a span of a room's messages, with the parties it cites
	Roster   Kind = 2 // room metadata, roster, and their history (party_history)
)

// A Room is what a source knows of one room besides its items.
type Room struct {
	ID    string      // the room's URI, or "vcon:" and the vCon's uuid when it has no room
	Meta  *codec.Room // nil when the vCon has no room
	Extra codec.Fields
}

// An Item is one record of a history: a dialog object and the attachments that
// refer to it. The dialog's party indexes refer to Parties.
type Item struct {
	Dialog      *codec.Dialog
	Parties     []codec.Party // shared by the items of one vCon; party 0 is the room if Room.Meta is set
	Attachments []codec.Attachment
	Instant     int64  // for ordering: milliseconds since 1970; see Instant and FillInstants
	Again       bool   // another record with this message id precedes it in the room; see KeyOf
	Provenance  string // "" for own or transferred, else who shared it: "shared by" (never part of the segment)
}

// A Scope is what is to be sent: the consent that the person at the old device
// gave, not only a yes. The zero Scope is everything.
type Scope struct {
	Rooms       []string  // room ids; nil is every room
	Since       time.Time // first instant, inclusive; zero is the beginning
	Until       time.Time // last instant, exclusive; zero is now and ever
	MaxMessages uint64    // the newest so many of each room; 0 is no limit
	NoMedia     bool      // attachments are excluded, and counted
	CatchUp     bool      // the content rules for a newly added group member (design, section 8)
}

// An Entry of a manifest is a room, a segment or an attachment. A room precedes
// its segments, and a segment its attachments.
type Entry struct {
	Type       EntryType
	Room       RoomEntry
	Segment    SegmentEntry
	Attachment AttachmentEntry
}

// An EntryType says which field of an Entry is set.
type EntryType uint8

const (
	RoomType       EntryType = 1
	SegmentType    EntryType = 2
	AttachmentType EntryType = 3
)

// A RoomEntry begins a room in the manifest. The entries up to the next
// RoomEntry are of this room, on later pages too.
type RoomEntry struct {
	ID   string
	Name string
}

// A SegmentEntry names one segment and says how large it is.
type SegmentEntry struct {
	ID          ID
	Kind        Kind
	First, Last int64  // instants of the first and last item, milliseconds since 1970
	Items       uint64 // how many records of the ledger it holds
	Bytes       uint64 // its length
}

// An AttachmentEntry names the content of one attachment of the segment before
// it. Until it is complete its name is (message id, part, size); SHA256 is its
// name afterwards and is set only when the source knows it without reading.
type AttachmentEntry struct {
	MessageID string // as in JSON
	Part      uint64 // part_index; 0 when the message is one part
	Size      uint64 // bytes
	MediaType string
	Filename  string
	Declared  string // content_hash as declared, "" if none
	SHA256    *[32]byte
}

// A Page is one page of a manifest. Left counts the items of the source that no
// segment of the manifest holds, found while this page was made.
type Page struct {
	Entries []Entry
	Left    Ledger
}

// An Answer says what a receiver lacks of a page: one Want for each segment and
// attachment of the page, in order (rooms have none).
type Answer struct {
	Wants []Want
}

// A Want is a receiver's answer to one entry. Need asks for the content from
// Offset on (segments: always 0). Otherwise it is held; for an attachment Have
// is then our own SHA-256 of the held content.
type Want struct {
	Need   bool
	Offset uint64
	Have   [32]byte
}

// A Staged is what a sink remembers of one leaf that a transfer staged: a segment
// with the ledger of its items, or an attachment.
type Staged struct {
	Segment    ID
	Ledger     Ledger
	Room       string           // of the attachment
	Attachment *AttachmentEntry // nil for a segment; else message id, part and size
	Reason     Reason           // of an attachment that was rejected, see RejectedError; else ""
}

// An AttachmentWriter takes the content of one attachment from the offset that
// was asked for. Commit makes it durable and final when sum is the SHA-256 of
// the whole content; Close without Commit keeps what was written for a later
// run.
type AttachmentWriter interface {
	io.Writer
	Commit(sum [32]byte) error
	io.Closer
}

// A TransferInfo is what a sink is told when a transfer begins or goes on.
type TransferInfo struct {
	ID       [32]byte
	Started  time.Time // by the sender's clock
	Sender   string    // the old device's label
	SharedBy string    // set in a catch-up: whose word the history is
	Messages uint64    // announced
	Bytes    uint64    // announced
}

// An End closes a transfer: what was sent in all, as the sender counts it.
type End struct {
	Root   [32]byte
	Ledger Ledger // complete: Source = the sum of its columns
}
