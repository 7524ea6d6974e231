// Package codec is the vCon model (draft-ietf-vcon-vcon-core with
// draft-ietf-vcon-mimi-messages) and its two encodings, JSON and CBOR.
//
// It holds what it reads without loss: a parameter that the model has no field
// for, or whose value is not of the field's form, is kept verbatim in Extra,
// and a date is kept as its text. It never resolves edits, never verifies
// message ids (codec/mimi does) and never touches the network or a file.
package codec

// A Raw is one CBOR data item in core deterministic encoding (RFC 8949,
// section 4.2.1) that stands for a value the model has no field for.
type Raw []byte

// Fields are the parameters of an object that its struct does not hold: names
// we do not know, and known names whose value is not of the field's form (null,
// an empty text, a number where a text belongs). The zero value of a struct
// field always means "absent"; present but empty is kept here, and gives way to
// the field when that is set. A CBOR key that is not a text has a name that
// begins with the byte 0xff, followed by the encoded key.
type Fields map[string]Raw

// A Date is a date_type parameter (vcon-core, section 2.2: RFC 3339), verbatim.
// It is never normalised: "-00:00", ".000Z" and ":60" survive.
type Date string

// A Binary is a parameter that JSON carries as base64url text. It is held as
// that text. CBOR carries it as a byte string with tag 21 when decoding and
// encoding the text again gives the same text, else as the text.
type Binary string

// A VCon is one vCon object: a conversation or a portion of one.
type VCon struct {
	Version     string // "vcon"
	UUID        string
	Extensions  []string
	Critical    []string // "critical"; "must_support" in 0.3.0 stays in Extra
	Subject     string
	CreatedAt   Date
	UpdatedAt   Date
	Room        *Room
	Parties     []Party
	Dialog      []Dialog
	Attachments []Attachment
	Extra       Fields // analysis, group, redacted, amended, and what we do not know
}

// A Room is the metadata of a MIMI room at the start of the vCon's period
// (vcon-mimi-messages, "Room information").
type Room struct {
	ID          string
	Name        string
	Avatar      string
	Subject     string
	Mood        string
	Description []RoomDescription
	Extra       Fields
}

// A RoomDescription is one element of a room's description. Content is text, or
// base64url text when Type is set and does not begin with "text/".
type RoomDescription struct {
	Type    string
	Lang    string
	Content string
	Extra   Fields
}

// A Party is one element of parties. When the vCon has a room, party 0 is the
// room itself.
type Party struct {
	IMURI      string
	Name       string
	Role       string
	Thumbprint string
	Tel        string
	Mailto     string
	UUID       string
	Extra      Fields
}

// A Dialog is one element of dialog: a text message, a tombstone, a roster event
// (party_history without a type), or any other dialog object, whose own
// parameters are then in Extra.
type Dialog struct {
	Type         string
	Start        Date
	Duration     *uint64 // seconds; 0 for a MIMI message
	Parties      []uint32
	Originator   *uint32
	MediaType    string
	Filename     string
	Encoding     string
	Body         Body
	URL          string
	ContentHash  string
	MessageID    Binary
	Salt         Binary
	Replaces     Binary
	InReplyTo    Binary
	TopicID      Binary
	Expires      *Expires
	Extensions   Binary // mimi_extensions: the CBOR map of the MIMI content
	FrankingTag  Binary
	Frank        Binary
	Disposition  string
	Language     string
	ExternalPart *ExternalPart
	MultiPart    *MultiPart
	PartyHistory []PartyEvent
	Status       string // of a tombstone: "retracted" or "expired"
	Extra        Fields // among them "parties" when it is not a flat list of indexes
}

// A BodyKind says how a body parameter is held.
type BodyKind uint8

const (
	BodyAbsent BodyKind = iota // no body parameter (or one kept in Extra)
	BodyText                   // a text, verbatim
	BodyBytes                  // the content of canonical base64url text (encoding "base64url")
)

// A Body is a body parameter. Data is UTF-8 when Kind is BodyText.
type Body struct {
	Kind BodyKind
	Data []byte
}

// An Expires is the expiration of a message (vcon-mimi-messages, "Extensions to
// the dialog object for text"). RelativeTime is in seconds after reading.
type Expires struct {
	Relative     bool
	RelativeTime uint64
	AbsoluteTime Date
	Extra        Fields
}

// An ExternalPart refers to content that is fetched by URL (vcon-mimi-messages,
// "external_part objects"). Size is in bytes. Key, Nonce and AAD decrypt it.
type ExternalPart struct {
	MediaType   string
	URL         string
	Expires     Date
	Size        *uint64
	Description string
	Filename    string
	ContentHash string // "sha256:" and base64url, of the content at the URL
	Cached      bool
	CacheRef    string
	EncAlg      *uint64
	Key         Binary
	Nonce       Binary
	AAD         Binary
	Extra       Fields
}

// A MultiPart is the content of a message of several parts.
type MultiPart struct {
	PartSemantics string // "chooseOne", "singleUnit" or "processAll"
	Parts         []Part
	Extra         Fields
}

// A Part is one element of multi_part.parts.
type Part struct {
	Disposition  string
	Language     string
	PartIndex    *uint64
	Cardinality  string // "nullpart", "single", "external" or "multi"
	MediaType    string
	Encoding     string
	Body         Body
	ExternalPart *ExternalPart
	MultiPart    *MultiPart
	Extra        Fields
}

// A PartyEvent is one element of party_history: a change of the roster, of a
// party, or of the room.
type PartyEvent struct {
	Party      *uint32
	Originator *uint32
	Time       Date
	Event      string // "add", "self_add", "leave", "remove", "ban", "update", "room"
	Name       string
	Role       string
	Room       *Room
	Extra      Fields
}

// An Attachment is one element of attachments. Its body is held only when it was
// read whole; a source that streams leaves Body absent and knows the place.
type Attachment struct {
	Type            string
	Start           Date
	Party           *uint32
	MediaType       string
	Filename        string
	ContentHash     string
	DialogObjectRef string // "mid:" message_id ":" part_index "@anon.invalid"
	Encoding        string
	Body            Body
	URL             string
	Extra           Fields
}
