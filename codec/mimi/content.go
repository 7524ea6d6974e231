// Package mimi implements the message format of draft-ietf-mimi-content-08: the
// CBOR bytes of a message, its message id, and the two ways between a message
// and a text dialog of a vCon (draft-ietf-vcon-mimi-messages).
//
// The way there and back gives the same bytes, so that a message id can be
// verified long after the message was written into a vCon. The package never
// decides who may edit or delete (the store does), never fetches external
// content and never decrypts.
package mimi

// A Content is one MIMI content message (section 4, "mimiContent").
type Content struct {
	Salt       [SaltSize]byte
	Replaces   *MessageID
	TopicID    []byte // empty: no topic
	Expires    *Expiration
	InReplyTo  *MessageID
	Extensions RawMap
	Body       NestedPart

	raw []byte // the bytes as read, when they are not deterministic
}

// SaltSize is the length of a salt in bytes (section 4.1).
const SaltSize = 16

// An Expiration says when a message should be deleted: Time is in seconds, after
// reading when Relative is set, else since 1970 (section 4.1).
type Expiration struct {
	Relative bool
	Time     uint32
}

// A NestedPart is the body of a message or a part of one (section 4.4). The
// fields that its Cardinality does not name are zero.
type NestedPart struct {
	Disposition Disposition
	Language    string // empty, or language tags separated by commas
	Cardinality Cardinality

	ContentType string        // Single and External
	Content     []byte        // Single
	External    *ExternalPart // External
	Semantics   PartSemantics // Multi
	Parts       []NestedPart  // Multi: two or more
}

// An ExternalPart refers to content that is fetched by URL (section 4.5). A zero
// or empty field says that there is none.
type ExternalPart struct {
	URL         string
	Expires     uint32 // seconds since 1970
	Size        uint64 // bytes of the content at the URL
	EncAlg      uint16 // IANA AEAD algorithm
	Key         []byte
	Nonce       []byte
	AAD         []byte
	HashAlg     uint8 // IANA Named Information hash algorithm
	ContentHash []byte
	Description string
	Filename    string
}

// A Cardinality says what kind of part a NestedPart is.
type Cardinality uint8

// The cardinalities (section 4.4).
const (
	Null     Cardinality = 0
	Single   Cardinality = 1
	External Cardinality = 2
	Multi    Cardinality = 3
)

// A PartSemantics says how the parts of a Multi belong together.
type PartSemantics uint8

// The part semantics (section 4.4).
const (
	ChooseOne  PartSemantics = 0
	SingleUnit PartSemantics = 1
	ProcessAll PartSemantics = 2
)

// A Disposition is what the sender intends with a part. Values above Preview are
// unknown and treated as Render (section 4.4).
type Disposition uint8

// The registered dispositions (section 8.2.2).
const (
	Unspecified Disposition = 0
	Render      Disposition = 1
	Reaction    Disposition = 2
	Profile     Disposition = 3
	Inline      Disposition = 4
	Icon        Disposition = 5
	Attachment  Disposition = 6
	Session     Disposition = 7
	Preview     Disposition = 8
)

// Deterministic reports whether the content was read from core deterministic
// encoding, which the draft demands (section 6.1), or was made here.
func (c *Content) Deterministic() bool { return c.raw == nil }

// Bytes returns the bytes that the message id is computed from: those that were
// read, or the deterministic encoding.
func (c *Content) Bytes() []byte {
	if c.raw != nil {
		return c.raw
	}
	return c.Append(nil)
}
