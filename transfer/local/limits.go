package local

import "time"

const (
	// MaxConns is how many connections of one Listener are open at a time, accepted or waiting to be; one
	// is needed, the rest is for retries and strangers. A further one is closed at once.
	MaxConns = 64

	// MaxPerAddress is how many of them come from one IPv4 address or IPv6 /64, so that one stranger
	// cannot take all of MaxConns. Connections on the unix socket are not counted by address.
	MaxPerAddress = 8

	// MaxAddrs is how many addresses are listened on and told: machines with many bridges have dozens, and
	// all have to fit the receiver bundle.
	MaxAddrs = 16

	// MaxSocketPath is the longest path of a unix socket that every system takes (104 bytes with its zero
	// on the BSDs, less what the temporary name beside it needs).
	MaxSocketPath = 103 - len("/.vt-0123456789/s")

	// DialTimeout bounds Dial when the context has no earlier deadline: a LAN answers in milliseconds or
	// not at all.
	DialTimeout = 10 * time.Second

	// maxZones is how many interfaces a link-local IPv6 address without a zone is tried on.
	maxZones = 8

	// probeTimeout bounds the test whether somebody listens on a socket that is already there.
	probeTimeout = time.Second

	// A peer that vanished without a word is noticed by the kernel after idle + count*interval.
	keepAliveIdle     = 30 * time.Second
	keepAliveInterval = 10 * time.Second
	keepAliveCount    = 4

	// Accept errors that pass (no file descriptors left) are retried after acceptPause, doubled up to
	// acceptPauseMax.
	acceptPause    = 5 * time.Millisecond
	acceptPauseMax = time.Second
)
