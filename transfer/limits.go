package transfer

import (
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

const (
	// maxHandshakes bounds the connections that are in the handshake at once: a
	// stranger's silence costs one place for half of Timing.Hello.
	maxHandshakes = 16

	// chunkSize is the plaintext of a data frame; hpke.MaxChunk.
	chunkSize = 64 << 10

	// pagesInFlight is how many pages are announced before their answers came, so
	// that an answer is there when the data of the page before it was sent.
	pagesInFlight = 2

	// maxPages bounds a manifest: at 2,048 entries a page, 134 million entries.
	maxPages = 1 << 16

	// maxReconnects bounds the connections of one transfer; e has 32 bits, and a
	// peer that only ever connects makes no progress.
	maxReconnects = 10_000

	// minBackoff and maxBackoff bound the pause between two attempts to connect.
	minBackoff = 200 * time.Millisecond
	maxBackoff = 5 * time.Second

	// sleepBackoff is maxBackoff when the peer is paused: it may be for hours.
	sleepBackoff = 30 * time.Second

	// sleepWord is how often a word is said to a peer that is paused. It reads none of
	// them, so they have to fit into the buffers on the way; but a relay forgets
	// a connection on which nothing moves, and so the end of one is noticed.
	sleepWord = time.Minute

	// clockSkew is the difference between two clocks that a person is told of.
	clockSkew = time.Minute

	// hangUpTime and hangUpBytes bound what is read after our last word.
	hangUpTime  = 2 * time.Second
	hangUpBytes = 16 << 20

	// nearerTime is how long a direct route may take to answer when a relay has:
	// a LAN answers in milliseconds or not at all.
	nearerTime = time.Second

	// noticeTime is how long a lost connection goes unmentioned: most are back by then.
	noticeTime = 2 * time.Second

	// eitherTime is how long the receiver waits at one of two places on a relay when
	// it does not know which one the sender looks at.
	eitherTime = 3 * time.Second

	// reportBytes is how much of a large unit the receiver takes between two
	// reports, so that the sender sees it move.
	reportBytes = 4 << 20

	// MaxLifetime bounds how long after the pairing a transfer may be gone on with:
	// so long a stolen checkpoint is of use.
	MaxLifetime = 7 * 24 * time.Hour

	// MaxClockBack is by how much a clock may have been set back since the pairing:
	// two systems on one machine differ by their time zone.
	MaxClockBack = 24 * time.Hour

	// MaxCheckpoint bounds the bytes of a checkpoint: a consent that names
	// MaxScopeRooms rooms, whose ids are a hundred bytes in practice.
	MaxCheckpoint = 1 << 20

	// MaxScopeRooms bounds the rooms that a scope names in a checkpoint.
	MaxScopeRooms = 8192

	// maxReceipt bounds a sealed receipt: its salt, its tag, its own fields and an end.
	maxReceipt = 32 + 16 + 40 + segment.MaxEnd

	// maxMillis bounds a time in a checkpoint, in ms since 1970.
	maxMillis = 1<<53 - 1

	// checkCodeSize is the digits of a check code.
	checkCodeSize = 6

	// checkpointEvery is the least time between two checkpoints that only say how far
	// the transfer is.
	checkpointEvery = 2 * time.Second

	// progressEvery is the least time between two calls of Progress.
	progressEvery = 100 * time.Millisecond
)

// withDefaults fills the zero fields.
func (t Timing) withDefaults() Timing {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&t.Hello, 10*time.Second)
	set(&t.KeepAlive, 5*time.Second)
	set(&t.Peer, 15*time.Second)
	set(&t.Person, 5*time.Minute)
	set(&t.Reconnect, 2*time.Minute)
	set(&t.Linger, 30*time.Second)
	set(&t.Lifetime, 24*time.Hour)
	t.Lifetime = min(t.Lifetime, MaxLifetime)
	return t
}
