package wire

import "time"

// What a relay and its client say to each other before the pipe is blind (docs/wire-format.md, section
// "Relay"). Both sides need it and neither imports the other, so it is kept here.
const (
	// RelayProtocol is the value of the Upgrade header, in both directions.
	RelayProtocol = "vcon-transfer/1"

	// RelayLivePath is the resource, below the relay's URL, at which two live parties meet.
	RelayLivePath = "/live"

	// Values travel in headers, never in the URL, because URLs land in access logs.
	RelayChannelHeader = "Vcon-Transfer-Channel" // 32 lower-case hexadecimal digits
	RelayRoleHeader    = "Vcon-Transfer-Role"    // R or S
	RelayTokenHeader   = "Vcon-Transfer-Token"   // 32 lower-case hexadecimal digits

	// RelayServerHeader is in every response of a relay, with the value "1": it tells a relay's refusal
	// from that of something else that speaks HTTP.
	RelayServerHeader = "Vcon-Transfer-Relay"

	// MaxRelayBearer is the longest token that pays for a channel, in bytes; it shares the header limit.
	MaxRelayBearer = 256

	// MaxRelayHeader bounds the head of a request and of a response, in bytes.
	MaxRelayHeader = 8 << 10

	// RelayWaitInterval is how often a relay sends RelayWait. Middleboxes forget a silent connection after
	// a minute or more; a client gives up after several intervals without one.
	RelayWaitInterval = 25 * time.Second
)

// RelaySignal is a byte that a relay sends after its 101 response and before the pipe. The first
// RelayJoined is the last signal: everything after it comes from the peer. Every signal but RelayWait and
// RelayJoined ends the connection.
type RelaySignal byte

const (
	RelayWait     RelaySignal = 0 // the peer is not here yet
	RelayJoined   RelaySignal = 1 // the peer is here: the pipe begins
	RelayNoPeer   RelaySignal = 2 // the relay waited for the peer as long as it does
	RelayReplaced RelaySignal = 3 // the same role came again with the same token
	RelayClosing  RelaySignal = 4 // the relay is going away
)
