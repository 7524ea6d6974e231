package server

import "time"

// Defaults for the zero fields of Options.
const (
	// DefaultMaxChannels bounds the memory of a relay: each channel in use costs at most two buffers.
	DefaultMaxChannels = 1024

	// DefaultMaxPerAddress is how many parties, and how many connections, one IPv4 address or IPv6 /64
	// has: a household or an office behind one address moves a few devices at a time.
	DefaultMaxPerAddress = 32

	// DefaultWaitTimeout is how long a party waits for its peer; offers live for minutes.
	DefaultWaitTimeout = 10 * time.Minute

	// DefaultIdleTimeout is how long a pipe may carry nothing; sessions send keep-alives more often.
	DefaultIdleTimeout = 5 * time.Minute

	// DefaultLingerTimeout is how long one direction goes on after the other ended.
	DefaultLingerTimeout = 30 * time.Second

	// DefaultKeepTimeout is how long the tokens of a channel are remembered when nobody is there, so that
	// a connection which breaks on both sides at a time cannot be taken over meanwhile.
	DefaultKeepTimeout = 10 * time.Minute

	// DefaultHeaderTimeout is how long a request's head (and TLS) may take: slow writers hold a place.
	DefaultHeaderTimeout = 10 * time.Second

	// DefaultDrainTimeout is how long pipes go on when the relay is asked to stop.
	DefaultDrainTimeout = 30 * time.Second
)

const (
	// bufferSize is what one direction of a pipe holds in memory; larger ones were not faster.
	bufferSize = 32 << 10

	// signalTimeout bounds the write of a response or a signal, which fit any socket's buffer.
	signalTimeout = 10 * time.Second

	// connsPerChannel is how many connections Serve holds for each channel allowed: two parties, and as
	// many again that are being replaced or refused.
	connsPerChannel = 4

	// MaxTokens is how many tokens a token file has: all are held in memory.
	MaxTokens = 10_000

	// MinToken is the shortest token, in bytes: less could be guessed over the network.
	MinToken = 16
)
