package relay

import (
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

const (
	// MaxURL is the longest URL of a relay, in bytes; an offer has to hold it in a QR code.
	MaxURL = 255

	// HandshakeTimeout bounds everything up to the relay's response: name, TCP, TLS, HTTP.
	HandshakeTimeout = 15 * time.Second

	// silence is how long a relay may say nothing while the peer is awaited: three of its signals lost.
	silence = 3*wire.RelayWaitInterval + 5*time.Second

	// maxSignals bounds how many times a relay may say that the peer is not here yet; at one in
	// RelayWaitInterval it is a week.
	maxSignals = 24_192
)
