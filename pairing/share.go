package pairing

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

const (
	// PurposeShareHead is of the sharer of a sealed file, over its header and its head.
	PurposeShareHead Purpose = "share-head"
	// PurposeShareRoot is of the sharer of a sealed file, over its id and its end.
	PurposeShareRoot Purpose = "share-root"
)

const (
	// MaxShareLife is how long a sealed file may be opened: who left the room, or lost the device, since it was
	// sealed is in no list any more.
	MaxShareLife = 30 * 24 * time.Hour
	// MaxSharePolicy bounds the policy in a head, in bytes: some dozens of roles.
	MaxSharePolicy = 1 << 10
	// MaxShareRoom bounds the id of the room in a head, in bytes; it is that of a manifest.
	MaxShareRoom = 2048
)

// A ShareHead is what the sharer of a sealed file says of it, to whom it is for and before anything is imported
// (wire-format, "Head of a share"). Whoever signs it is known by key; all else are the sharer's words.
type ShareHead struct {
	Sharer     Identity  // whose signature it has
	Intent     Intent    // same account: a migration
	Label      string    // what the sharer is called; at most MaxLabel bytes
	Room       string    // id of the room, for CatchUp
	RoomName   string    // at most MaxRoomName bytes
	Policy     []byte    // the room's HistoryPolicy as the sharer claims it, in its TLS form; nil for none
	Role       uint32    // the sharer's role in the room, as claimed; 0 for none
	Since      time.Time // the window, from the first instant; zero is the beginning
	Until      time.Time // to the last, exclusive; zero is no end
	Created    time.Time // in whole milliseconds, as all times here
	NotAfter   time.Time // at most MaxShareLife after Created
	Recipients uint32    // how many keys it is sealed to, without those of nobody

	Messages, Attachments, Bytes uint64 // announced; bytes may be estimated

	unknown fields
}

// Keys of the head's map.
const (
	shareSharer = 1 + iota
	shareIntent
	shareLabel
	shareRoom
	shareRoomName
	sharePolicy
	shareRole
	shareSince
	shareUntil
	shareCreated
	shareNotAfter
	shareRecipients
	shareMessages
	shareAttachments
	shareBytes
	shareSignature

	shareLast = shareSignature
)

// SignShareHead signs what h says of the sealed file with this header (hpke.FileSealer) and gives its encoding.
// Sharer is the signer's; label and room name are cut to their limits, and what may not be shown in them becomes
// U+FFFD. The errors are ErrLimit, ErrMalformed, ErrIntent, ErrIdentity and those of the signer.
func SignShareHead(sharer Signer, header [32]byte, h ShareHead) ([]byte, error) {
	h.Sharer, h.unknown = sharer.Identity(), nil
	h.Label, h.RoomName = plain(h.Label, MaxLabel), plain(h.RoomName, MaxRoomName)
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("sign head: %w", err)
	}
	f := h.fields()
	signature, err := sign(sharer, PurposeShareHead, shareHeadHash(header, encode(f)))
	if err != nil {
		return nil, err
	}
	f[shareSignature] = encode(signature)
	return encode(f), nil
}

// ParseShareHead reads a head and verifies that its sharer signed it, for the sealed file with this header;
// whether that sharer is to be trusted is another question. The errors are ErrMalformed, ErrIntent, ErrIdentity,
// and ErrTampered for a signature that is another's or of another file.
func ParseShareHead(header [32]byte, data []byte) (*ShareHead, error) {
	if len(data) > hpke.MaxHead {
		return nil, fmt.Errorf("read head: %d bytes: %w", len(data), ErrMalformed)
	}
	f, err := parseFields(data)
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	r := &reader{f: f, what: "head"}
	h := &ShareHead{
		Intent: Intent(get[uint8](r, shareIntent)),
		Label:  r.text(shareLabel, MaxLabel),
		Room:   r.text(shareRoom, MaxShareRoom), RoomName: r.text(shareRoomName, MaxRoomName),
		Policy: r.bytes(sharePolicy, MaxSharePolicy), Role: get[uint32](r, shareRole),
		Since: r.moment(shareSince), Until: r.moment(shareUntil),
		Created: r.instant(shareCreated), NotAfter: r.instant(shareNotAfter),
		Recipients: get[uint32](r, shareRecipients),
		Messages:   get[uint64](r, shareMessages), Attachments: get[uint64](r, shareAttachments), Bytes: get[uint64](r, shareBytes),
	}
	sharer, signature := r.bytes(shareSharer, len(h.Sharer)), r.bytes(shareSignature, ed25519.SignatureSize)
	if len(sharer) != len(h.Sharer) {
		r.fail(shareSharer, "not a key")
	}
	if r.err != nil {
		return nil, r.err
	}
	h.Sharer = Identity(sharer)
	if h.unknown, err = f.unknown(shareLast); err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	if err := h.check(); errors.Is(err, ErrIdentity) {
		return nil, fmt.Errorf("read head: %w", err)
	} else if err != nil {
		return nil, received("head", err)
	}
	signed := h.fields().merge(h.unknown)
	hash := shareHeadHash(header, encode(signed))
	putBytes(signed, shareSignature, signature)
	if !bytes.Equal(encode(signed), data) {
		return nil, fmt.Errorf("read head: encoding is not deterministic: %w", ErrMalformed)
	}
	if !h.Sharer.verify(PurposeShareHead, hash, signature) {
		return nil, fmt.Errorf("read head: signature of the sharer: %w", ErrTampered)
	}
	return h, nil
}

// shareHeadHash is what the sharer signs of a head without its signature.
func shareHeadHash(header [32]byte, head []byte) [32]byte {
	return hpke.Hash("share head", header[:], hpke.AppendPrefixed(nil, head))
}

// ShareID names a sealed file by its header and its head: recipients compare it, and it is the transfer id of the
// root. One sharer can still seal two contents under it, whose roots differ.
func ShareID(header [32]byte, head []byte) [32]byte {
	return hpke.Hash("share id", header[:], hpke.AppendPrefixed(nil, head))
}

// SignShareRoot signs the end of the sealed file with this id: its root and its ledger.
func SignShareRoot(sharer Signer, id [32]byte, end []byte) ([]byte, error) {
	return sign(sharer, PurposeShareRoot, shareRootHash(id, end))
}

// VerifyRoot tells whether the sharer signed this end of the file with this id. The error is ErrTampered.
func (h *ShareHead) VerifyRoot(id [32]byte, end, signature []byte) error {
	if !h.Sharer.verify(PurposeShareRoot, shareRootHash(id, end), signature) {
		return fmt.Errorf("end of the sealed file: signature of the sharer: %w", ErrTampered)
	}
	return nil
}

func shareRootHash(id [32]byte, end []byte) [32]byte {
	return hpke.Hash("share root", id[:], hpke.AppendPrefixed(nil, end))
}

// fields is the map without the signature.
func (h *ShareHead) fields() fields {
	f := fields{}
	putBytes(f, shareSharer, h.Sharer[:])
	put(f, shareIntent, uint8(h.Intent))
	put(f, shareLabel, h.Label)
	put(f, shareRoom, h.Room)
	put(f, shareRoomName, h.RoomName)
	putBytes(f, sharePolicy, h.Policy)
	put(f, shareRole, h.Role)
	putMoment(f, shareSince, h.Since)
	putMoment(f, shareUntil, h.Until)
	f[shareCreated], f[shareNotAfter] = encode(h.Created.UnixMilli()), encode(h.NotAfter.UnixMilli())
	put(f, shareRecipients, h.Recipients)
	put(f, shareMessages, h.Messages)
	put(f, shareAttachments, h.Attachments)
	put(f, shareBytes, h.Bytes)
	return f
}

func (h *ShareHead) check() error {
	if err := h.Sharer.check(); err != nil {
		return fmt.Errorf("sharer: %w", err)
	}
	if err := h.Intent.check(); err != nil {
		return err
	}
	for _, t := range []struct {
		what, text string
		limit      int
	}{{"label", h.Label, MaxLabel}, {"room", h.Room, MaxShareRoom}, {"room name", h.RoomName, MaxRoomName}} {
		if err := checkText(t.text, t.limit); err != nil {
			return fmt.Errorf("%s: %w", t.what, err)
		}
	}
	if (h.Intent == CatchUp) != (h.Room != "") {
		return fmt.Errorf("a catch-up is of one room, and nothing else is: %w", ErrIntent)
	}
	if len(h.Policy) > MaxSharePolicy {
		return fmt.Errorf("policy of %d bytes: %w", len(h.Policy), ErrLimit)
	}
	if h.Recipients == 0 || h.Recipients > hpke.MaxStanzas {
		return fmt.Errorf("%d recipients: %w", h.Recipients, ErrLimit)
	}
	for _, t := range []time.Time{h.Since, h.Until, h.Created, h.NotAfter} {
		if ms := t.UnixMilli(); !t.IsZero() && (ms < 0 || ms > maxInstant) {
			return fmt.Errorf("time before 1970 or beyond the year 9999: %w", ErrLimit)
		}
	}
	if life := h.NotAfter.Sub(h.Created); h.Created.IsZero() || life <= 0 || life > MaxShareLife {
		return fmt.Errorf("lifetime of %v: %w", life, ErrLimit)
	}
	return nil
}

// moment is instant for a time that may be missing.
func (r *reader) moment(key uint64) time.Time {
	if _, ok := r.f[key]; !ok {
		return time.Time{}
	}
	return r.instant(key)
}

// putMoment sets a time, unless it is zero.
func putMoment(f fields, key uint64, t time.Time) {
	if !t.IsZero() {
		f[key] = encode(t.UnixMilli())
	}
}
