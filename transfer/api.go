package transfer

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A Source is the history of the old device. Send calls it from one goroutine at
// a time, except that it reads an attachment while Manifest is suspended.
type Source interface {
	// Overview counts what scope selects, for the consent question. Counts of
	// messages and attachments are exact, bytes may be estimated.
	Overview(ctx context.Context, scope segment.Scope) (*segment.Overview, error)
	// Manifest yields the pages of the manifest: the room with the newest
	// message first, a room's newest segment first, each segment followed by its
	// attachments. A page is within the limits of segment.AppendPage.
	Manifest(ctx context.Context, scope segment.Scope) iter.Seq2[*segment.Page, error]
	// AppendSegment appends the bytes of a segment that Manifest named. It fails
	// when the history changed so that these bytes are gone.
	AppendSegment(ctx context.Context, id segment.ID, buf []byte) ([]byte, error)
	// OpenAttachment opens the content of an attachment that Manifest named, from
	// offset bytes on. It returns segment.ErrContentAbsent when the source does
	// not hold it.
	OpenAttachment(ctx context.Context, room string, seg segment.ID, entry segment.AttachmentEntry, offset uint64) (io.ReadCloser, error)
}

// A Sink is where the new device imports to. Receive calls it from one goroutine.
type Sink interface {
	// Begin opens the transfer, or goes on with it. Called when the check code
	// matched, once a run: reconnects within it are not seen here.
	Begin(ctx context.Context, info segment.TransferInfo) error
	// Have answers a part of a page: one Want for each segment and attachment of
	// entries, in order.
	Have(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error)
	// StageSegment takes a segment whose bytes were verified against e.ID. What
	// it returns counts the segment's items, each in one column. When it returns,
	// the segment is durable, and not yet final.
	StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error)
	// StageAttachment opens the place for an attachment's content from offset on,
	// which is what Have said, or 0. When it, or the writer's Commit, returns
	// segment.ErrHash, what was kept of the content is gone, and Have says so. A Commit
	// that returns a *segment.RejectedError puts the attachment into quarantine: Have then
	// gives its hash, as for one that is there.
	StageAttachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error)
	// Commit makes everything staged final and durable, in one step with the
	// receipt, which a sink keeps if it can: it is sealed for the old device, goes
	// out only after Commit returned nil, and may have to be given again.
	Commit(ctx context.Context, end segment.End, receipt []byte) error
	// Abort ends the transfer without Commit: what was staged stays marked
	// incomplete and can be completed by another transfer.
	Abort(ctx context.Context, cause error) error
}

// A Dialer opens connections from the old device to a route of the new one. ctx
// bounds Dial and not the connection.
type Dialer interface {
	Dial(ctx context.Context, route pairing.Route, meet wire.Rendezvous) (wire.Conn, error)
}

// An Acceptor gives the new device its connections. Accept blocks until a peer
// is there; it is called again at once, so that a stranger who connects blocks
// nobody. ctx bounds Accept and not the connection.
type Acceptor interface {
	Accept(ctx context.Context, meet wire.Rendezvous) (wire.Conn, error)
}

// A ConsentRequest is what the person at the old device is asked.
type ConsentRequest struct {
	Intent   pairing.Intent
	Label    string           // what the new device calls itself; the peer's word, not escaped
	Identity pairing.Identity // that the new device signed with; zero for none
	Room     string           // the room that a catch-up asks for, "" for any
	Route    pairing.Route
	Overview *segment.Overview
	Scope    segment.Scope
}

// A SendPrompter speaks with the person, or the host app, at the old device.
type SendPrompter interface {
	// Consent asks whether Overview may go to the new device, and returns the
	// scope of the consent: the one asked for, or a narrower one. ErrDeclined, or
	// any other error, ends the transfer before anything is sent.
	Consent(ctx context.Context, req ConsentRequest) (segment.Scope, error)
	// ShowCheckCode shows the six digits that are to be typed on the new device.
	ShowCheckCode(ctx context.Context, code string) error
}

// A ReceivePrompter speaks with the person, or the host app, at the new device.
type ReceivePrompter interface {
	// ShowOffer shows the offer: as a QR code, as text, or both.
	ShowOffer(ctx context.Context, offer *pairing.Offer) error
	// AskCheckCode asks for the six digits that the old device shows. It is
	// called again, with fewer tries left, when they were wrong.
	AskCheckCode(ctx context.Context, peer segment.TransferInfo, triesLeft int) (string, error)
	// Warn tells of something that did not stop the transfer.
	Warn(ctx context.Context, w Warning)
}

// A Warning is something that a person should know and that stops nothing.
type Warning uint8

const (
	// WarnTaken: somebody else who knows the offer tried to use it too.
	WarnTaken Warning = 1
	// WarnClock: the clocks of the two devices differ by more than a minute.
	WarnClock Warning = 2
	// WarnReceipt: the import is complete, but the old device may not know it.
	WarnReceipt Warning = 3
	// WarnUntrusted: a sender that is not among the trusted ones was refused.
	WarnUntrusted Warning = 4
)

// SendOptions configure Send. Source, Dialer and Prompter must be set, and one of
// Offer and Resume.
type SendOptions struct {
	Source   Source
	Offer    *pairing.Offer
	Dialer   Dialer
	Prompter SendPrompter
	Scope    segment.Scope
	Label    string         // what this device is called; who shares, in a catch-up
	Signer   pairing.Signer // signs the transcript with this device's identity; may be nil
	// Accounts are those of which one has to have attested the new device, before
	// anything is told, asked or sent; nil for any device. What is refused for it is what
	// a code of a stranger looks like.
	Accounts []pairing.Identity
	// Attested is told the version of an attestation that one of Accounts has signed. It
	// keeps the highest of each account and gives it: an older attestation is refused, and
	// may name a device that was lost since. nil takes any version.
	Attested func(account pairing.Identity, version uint64) (highest uint64, err error)
	Progress func(Progress)
	// Connected tells of each connection on which the other device has proved that it
	// knows the offer, or is the one of the stored transfer: on the old device before
	// Consent, on the new one before AskCheckCode; and once more when the check code has
	// matched on it.
	Connected func(Connection)
	// Interrupted tells of a lost connection that is not replaced within 2 s, and of
	// another device that is paused for so long. It is called from a goroutine of its
	// own, while Progress is not; when that is called again it is over.
	Interrupted func(Interruption)
	Pause       *Pauser // to be told that this program is about to be frozen; may be nil
	Timing      Timing
	Rand        io.Reader // nil is crypto/rand; recorded sessions set it

	// State keeps what another process needs to go on when this one dies; nil keeps
	// it in memory only. Nothing is left of it when Send returns without an error.
	State State
	// Resume goes on with a stored transfer, in the place of Offer: without consent,
	// to the scope that it was given for, and without a check code, unless the old
	// process ended before that was typed. The source may have changed since. Scope
	// and AllowPublicRoutes are not looked at. State should be where it came from.
	Resume *Checkpoint

	// AllowPublicRoutes takes an offer that leads to a literal public address; see
	// pairing.SenderOptions.
	AllowPublicRoutes bool

	Program pairing.Program // of another version, in tests
}

// ReceiveOptions configure Receive. Sink, Acceptors and Prompter must be set.
type ReceiveOptions struct {
	Sink      Sink
	Acceptors []Acceptor
	Offer     pairing.ReceiverOptions
	Prompter  ReceivePrompter
	Progress  func(Progress)
	Timing    Timing

	// Connected, Interrupted and Pause are those of SendOptions.
	Connected   func(Connection)
	Interrupted func(Interruption)
	Pause       *Pauser

	// State keeps what another process needs to go on when this one dies; nil keeps
	// it in memory only. It is there from the moment that the check code matched: an
	// offer does not survive its process. Nothing is left of it when the old device
	// has said that it has the receipt.
	State State
	// Resume goes on with a stored transfer: no offer is made or shown, of Offer only
	// Rand counts, and no check code is asked for. The acceptors should be where
	// Resume.Routes lead, and the sink the same. One that has committed gives the
	// receipt again.
	Resume *Checkpoint
}

// A Connection is one that a transfer goes on over.
type Connection struct {
	Route    pairing.Route    // on the new device zero: any of its own
	Peer     string           // the peer's label, not escaped
	Identity pairing.Identity // that the peer signed with; zero for none, and when a stored transfer is gone on with
	Verified bool             // the check code has matched, at some time
}

// Timing holds the deadlines of a session. A zero field takes its default.
type Timing struct {
	Hello     time.Duration // for each message of the handshake that needs no person, half of it for the first; 10 s
	KeepAlive time.Duration // a word at least so often; 5 s
	Peer      time.Duration // without any word the connection is lost; 15 s
	Person    time.Duration // for the person to answer or type; 5 min
	Reconnect time.Duration // both wait so long for the other after a lost connection; 2 min
	Linger    time.Duration // the receiver stays so long to repeat a lost receipt; 30 s
	Lifetime  time.Duration // of a transfer, from the pairing: no connection is taken up again after it; 24 h, at most MaxLifetime
}

// A Result is what a transfer came to; both sides have the same Ledger and Root.
type Result struct {
	TransferID [32]byte
	Root       [32]byte
	Ledger     segment.Ledger
	Sent       uint64 // bytes that this device wrote on all connections
	Received   uint64 // bytes that it read
	Route      pairing.Route
	Peer       string        // the peer's label, not escaped
	Duration   time.Duration // since the check code matched
	Reconnects int
	Version    uint8 // of the protocol, on the last connection
	State      error // what of the stored state could not be removed; the transfer is done all the same
}

// Progress is how far a transfer is. Done never exceeds the totals; Bytes are as many as
// TotalBytes when Storing is set, and not before. Until all of the manifest is known the totals
// are those of the consent, where bytes may be estimated, or of the manifest so far,
// whichever is more; from then on they are exact. After a lost connection done begins
// again with what the new device holds.
type Progress struct {
	Bytes, TotalBytes       uint64 // of segments and attachments, taken by the new device or held there before
	Messages, TotalMessages uint64
	Held                    uint64        // bytes that were already there and are not sent
	Elapsed                 time.Duration // since the check code matched, without the pauses of either side
	Storing                 bool          // all of it is taken; the new device makes it final, or has
}
