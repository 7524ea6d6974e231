package host

import (
	"encoding/hex"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// Version is the "v" of every event: it changes when what a host has read so far
// could mean something else, and not for new events and fields.
const Version = 1

// An Event is one line to the host.
type Event interface{ event() string }

// An Offer is ready: show it. It comes once, and not when a stored transfer is gone
// on with.
type Offer struct {
	Text    string    `json:"text"`
	PNG     []byte    `json:"png,omitempty"` // the QR code, if it was asked for
	Routes  []string  `json:"routes"`
	Expires time.Time `json:"expires"`
}

// Connected: the other device is there.
type Connected struct {
	Route    string `json:"route,omitempty"`    // on the old device
	Peer     string `json:"peer"`               // what it calls itself, escaped
	Identity string `json:"identity,omitempty"` // that it signed with
	Verified bool   `json:"verified"`           // the check code has matched
}

// Route asks, before any connection, whether a relay that the offer names may be
// spoken to.
type Route struct {
	Route string `json:"route"`
	Want  bool   `json:"want"`
}

// Consent asks what may be sent, before anything is.
type Consent struct {
	Peer        string     `json:"peer"`
	Identity    string     `json:"identity,omitempty"` // that the new device signed with
	Intent      string     `json:"intent"`             // same-account, catch-up
	Room        string     `json:"room,omitempty"`     // that a catch-up asks for
	Route       string     `json:"route"`
	Rooms       []RoomInfo `json:"rooms"`
	Messages    uint64     `json:"messages"`
	Attachments uint64     `json:"attachments"`
	Bytes       uint64     `json:"bytes"` // about
	Left        *Ledger    `json:"left"`  // what is not chosen, or cannot be sent
	Want        bool       `json:"want"`  // false: it was given before, this only tells
}

// A RoomInfo is one room of a Consent, the newest first. ID and Name are of the history.
type RoomInfo struct {
	ID          string     `json:"id"`
	Name        string     `json:"name,omitempty"`
	Messages    uint64     `json:"messages"`
	Attachments uint64     `json:"attachments"`
	Bytes       uint64     `json:"bytes"`
	First       *time.Time `json:"first,omitempty"`
	Last        *time.Time `json:"last,omitempty"`
}

// Shared asks whether a sealed file, all of which is verified, is to be imported. What its
// sharer says is the sharer's word; that he says it is proved by Sharer.
type Shared struct {
	ID          string        `json:"id"`
	Root        string        `json:"root"`
	Sharer      string        `json:"sharer"` // the identity that signed it
	Label       string        `json:"label"`
	Intent      string        `json:"intent"`         // same-account, catch-up
	Room        string        `json:"room,omitempty"` // of a catch-up
	RoomName    string        `json:"room_name,omitempty"`
	Role        uint32        `json:"role,omitempty"`   // of the sharer, as claimed
	Policy      *SharedPolicy `json:"policy,omitempty"` // of the room, as claimed
	Since       *time.Time    `json:"since,omitempty"`
	Until       *time.Time    `json:"until,omitempty"`
	Created     time.Time     `json:"created"`
	Expires     time.Time     `json:"expires"`
	Recipients  uint64        `json:"recipients"`
	Messages    uint64        `json:"messages"`
	Attachments uint64        `json:"attachments"`
	Left        *Ledger       `json:"left"` // what the sharer left out
	Want        bool          `json:"want"`
}

// A SharedPolicy has the names of a MIMI HistoryPolicy.
type SharedPolicy struct {
	Sharing       string   `json:"history_sharing"`
	Roles         []uint32 `json:"roles_that_can_share"`
	Automatically bool     `json:"automatically_share"`
	MaxPeriod     uint32   `json:"max_time_period"`
}

// CheckCode shows the six digits on the old device, and asks for them on the new one.
type CheckCode struct {
	Code     string `json:"code,omitempty"`
	Want     bool   `json:"want,omitempty"`
	Tries    int    `json:"tries,omitempty"` // left
	Peer     string `json:"peer,omitempty"`
	SharedBy string `json:"shared_by,omitempty"` // in a catch-up
	Messages uint64 `json:"messages,omitempty"`  // announced
	Bytes    uint64 `json:"bytes,omitempty"`     // announced, about
}

// NeedSecret asks for a secret that is kept by the host.
type NeedSecret struct {
	Secret string `json:"secret"` // state-key
	Want   bool   `json:"want"`
}

// Sign asks for a signature by a key that the host keeps: over SigningBytes of package
// pairing, which the host makes itself of Purpose and Hash.
type Sign struct {
	Purpose string `json:"purpose"` // receiver, sender
	Hash    string `json:"hash"`
	Want    bool   `json:"want"`
}

// Resumed: a stored transfer is gone on with, without an offer, without a code. The
// counts are what was there when it was last kept, at least.
type Resumed struct {
	Transfer string    `json:"transfer"`
	Peer     string    `json:"peer"`
	Started  time.Time `json:"started"`
	Expires  time.Time `json:"expires"`
	Counts
	Complete bool `json:"complete"` // only the receipt, or the word that it is here, is missing
}

// Counts are how far a transfer is.
type Counts struct {
	Bytes         uint64 `json:"bytes"`
	TotalBytes    uint64 `json:"total_bytes"`
	Messages      uint64 `json:"messages"`
	TotalMessages uint64 `json:"total_messages"`
}

// Progress: at most ten a second. The totals are never exceeded.
type Progress struct {
	Counts
	Held    uint64 `json:"held"`       // bytes that were there before, and are not sent
	Elapsed int64  `json:"elapsed_ms"` // without pauses
	Rate    uint64 `json:"rate"`       // bytes a second, over all of Elapsed
	Storing bool   `json:"storing"`    // all is there; it is being made final
}

// Paused answers the command pause.
type Paused struct {
	Told bool `json:"told"` // the other device knows, or there is no connection
}

// Warning: something that stops nothing.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Until is how long another connection is looked for, or a paused device waited for.
	Until *time.Time `json:"until,omitempty"`
}

// Done is the last event: exactly one, however it ended.
type Done struct {
	OK       bool    `json:"ok"`
	Exit     int     `json:"exit"`
	Code     string  `json:"code"`
	Message  string  `json:"message,omitempty"`
	Hint     string  `json:"hint,omitempty"`
	Resume   bool    `json:"resume"` // running the same again goes on with this transfer
	Transfer string  `json:"transfer,omitempty"`
	Peer     string  `json:"peer,omitempty"`
	Root     string  `json:"root,omitempty"`
	Ledger   *Ledger `json:"ledger,omitempty"`
	Sent     uint64  `json:"sent"`
	Received uint64  `json:"received"`
	Duration int64   `json:"duration_ms"`
	Route    string  `json:"route,omitempty"`
	// Rooms are the high-water marks: where live synchronisation takes over.
	Rooms []Mark `json:"rooms,omitempty"`
}

// A Mark is the instant of the newest message of a room in the manifest: everything
// up to it has been accounted for.
type Mark struct {
	Room string    `json:"room"`
	Last time.Time `json:"last"`
}

// A Ledger is segment.Ledger for a host.
type Ledger struct {
	Source      uint64                    `json:"source"`
	Imported    uint64                    `json:"imported"`
	There       uint64                    `json:"there"`
	Tombstones  uint64                    `json:"tombstones"`
	Excluded    map[segment.Reason]uint64 `json:"excluded,omitempty"`
	Quarantined map[segment.Reason]uint64 `json:"quarantined,omitempty"`
	Attachments Attachments               `json:"attachments"`
}

// Attachments are the part of a Ledger that counts contents.
type Attachments struct {
	Source      uint64                    `json:"source"`
	Imported    uint64                    `json:"imported"`
	There       uint64                    `json:"there"`
	Excluded    map[segment.Reason]uint64 `json:"excluded,omitempty"`
	Quarantined map[segment.Reason]uint64 `json:"quarantined,omitempty"`
}

func (Offer) event() string      { return "offer" }
func (Connected) event() string  { return "connected" }
func (Route) event() string      { return "route" }
func (Consent) event() string    { return "consent" }
func (Shared) event() string     { return "shared" }
func (CheckCode) event() string  { return "check_code" }
func (NeedSecret) event() string { return "need_secret" }
func (Sign) event() string       { return "sign" }
func (Resumed) event() string    { return "resumed" }
func (Progress) event() string   { return "progress" }
func (Paused) event() string     { return "paused" }
func (Warning) event() string    { return "warning" }
func (Done) event() string       { return "done" }

// LedgerOf is l for a host.
func LedgerOf(l segment.Ledger) *Ledger {
	return &Ledger{
		l.Source, l.Imported, l.There, l.Tombstones, l.Excluded, l.Quarantined,
		Attachments{l.Attachments, l.AttachmentsImported, l.AttachmentsThere, l.AttachmentsExcluded, l.AttachmentsQuarantined},
	}
}

// Segment is the inverse of LedgerOf.
func (l *Ledger) Segment() segment.Ledger {
	return segment.Ledger{
		Source: l.Source, Imported: l.Imported, There: l.There, Tombstones: l.Tombstones, Excluded: l.Excluded, Quarantined: l.Quarantined,
		Attachments: l.Attachments.Source, AttachmentsImported: l.Attachments.Imported, AttachmentsThere: l.Attachments.There,
		AttachmentsExcluded: l.Attachments.Excluded, AttachmentsQuarantined: l.Attachments.Quarantined,
	}
}

// ResumedOf is the event of a stored transfer.
func ResumedOf(c *transfer.Checkpoint) Resumed {
	p := c.Progress
	return Resumed{
		Transfer: hex.EncodeToString(c.TransferID[:]), Peer: Printable(c.Peer, pairing.MaxLabel),
		Started: c.Paired.UTC(), Expires: c.Expires.UTC(),
		Counts:   Counts{p.Bytes, p.TotalBytes, p.Messages, p.TotalMessages},
		Complete: c.Receipt != nil,
	}
}

// instant is milliseconds since 1970 as a time.
func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
