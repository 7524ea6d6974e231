package sqlite

import (
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A Message is one entry of a conversation as it stands: with its edits applied
// and its reactions. Texts and names come from peers and are not escaped.
type Message struct {
	Key         segment.Key
	MessageID   string // of the first version, as in JSON; "" when it has none
	Room        string // the room's id
	Kind        Kind
	Sender      Person
	Time        time.Time // of the first version
	Text        string    // as plain text, mentions by name; "" when deleted or expired
	MediaType   string
	ReplyTo     *Ref
	Reactions   []Reaction
	Edited      bool   // here, or before it came from another messenger
	Deleted     bool   // retracted by its sender
	Expired     bool   // its deadline is past, or it is the tombstone of a message that expired
	Versions    int    // that are kept: 1 for a message never edited, 0 for a delete whose message is not here
	NotApplied  string // "edit" or "delete" of a message that its sender may not change, or ""
	Event       string // a roster event, or a record that is no message, in words
	Attachments []Attachment
	Level       string // how far the message id attests the shown version; "" when it is no message
	Origin      mimi.Origin
	Provenance  string // "transferred", "shared by" names, or both
}

// A Kind says what a Message is.
type Kind uint8

// The kinds. A reaction is a Message only when what it refers to is not here.
const (
	Text      Kind = Kind(kindMessage)
	Tombstone Kind = Kind(kindTombstone)
	Lone      Kind = Kind(kindReaction)
	Event     Kind = Kind(kindEvent)
	Other     Kind = Kind(kindOther)
)

// Kinds of items, in the column kind.
const (
	kindMessage   = 0
	kindTombstone = 1
	kindReaction  = 2
	kindEvent     = 3
	kindOther     = 4
	kindNothing   = 5 // an empty object: kept, and not shown
)

// A Person is a party of a conversation. URI is an IM URI, or "tel:" or
// "mailto:" with the address; each may be empty.
type Person struct {
	Name, URI string
}

// A Ref is the message that a reply or a lone reaction refers to.
type Ref struct {
	Key     segment.Key // of the first version; zero when Missing
	Sender  Person
	Text    string // its beginning, on one line; "" when deleted, expired or missing
	Deleted bool
	Expired bool
	Missing bool // it is not in the store
}

// A Reaction is one text and everybody who reacted with it.
type Reaction struct {
	Text    string
	Senders []Person
}

// An Attachment is the content that a message refers to.
type Attachment struct {
	Name      string // as declared; not a safe file name
	MediaType string
	Part      uint64
	Size      uint64 // bytes; 0 when unknown
	Have      bool   // the content is in the store
	Path      string // of the content, named by its hash; "" when not held
	SHA256    [32]byte
	Hash      HashCheck
}

// A HashCheck compares the hash that was declared with the content that is held.
type HashCheck uint8

// The outcomes. A declared hash of encrypted content cannot be compared with the
// plaintext.
const (
	HashUnchecked HashCheck = iota // nothing comparable was declared
	HashMatches
	HashMismatch
)

// String returns the outcome in words.
func (h HashCheck) String() string {
	switch h {
	case HashMatches:
		return "matches"
	case HashMismatch:
		return "mismatch"
	}
	return "not checkable"
}

// A Version is one version of a message, or something that was to become one.
type Version struct {
	Key     segment.Key
	Sender  Person
	Time    time.Time
	Text    string
	Delete  bool // it retracts the message
	Applied bool // false: not its sender's message
	Level   string
}

// A Query selects messages. The zero Query is everything.
type Query struct {
	Since, Until time.Time   // by the time of the first version: inclusive, exclusive
	Room         string      // for Search: only this room; "" is all
	Limit        int         // the newest so many; 0 is all, for Search 100
	Before       segment.Key // only messages before this one, to page back; zero is none
}

// A RoomSummary is one line of a list of rooms.
type RoomSummary struct {
	ID           string
	Name         string // of the room, else the subject of the conversation
	Who          string // some who take part, where there is no name
	Messages     uint64 // that are shown; edits and reactions are not counted
	Events       uint64 // of the roster
	Participants uint64 // of the latest roster, present and past
	Quarantined  uint64 // records that are kept aside
	First, Last  time.Time
	Incomplete   bool // a transfer of it has not been committed
}
