package wire

const (
	// HeaderSize is the bytes before a payload: type, flags, 4-byte big-endian length.
	HeaderSize = 6

	// HelloSize is the only length of M0: mode, 4-byte connection number, 32-byte nonce, 32-byte MAC. Fixed,
	// because the reader does not yet know who is speaking.
	HelloSize = 1 + 4 + nonceSize + 32

	// MaxBundle holds M1 (32-byte nonce, sealed bundle): an X-Wing key takes 1.2 KiB, routes, labels and
	// an attestation with its device keys the rest.
	MaxBundle = 16 << 10

	// MaxRequest holds M2 (encapsulation, sealed request): the request names the rooms and their counts.
	MaxRequest = 64 << 10

	// MaxAccept holds M3 (32-byte nonce, sealed accept), which carries a few scalars.
	MaxAccept = 4 << 10

	// MaxControl holds one sealed control record: an inner type byte, 256 KiB of body (a page of the
	// manifest is the largest), and the AEAD tag.
	MaxControl = 256<<10 + 1 + tagSize

	// MaxData holds one sealed chunk: 64 KiB of plaintext, where AEAD speed has levelled off, and the tag.
	MaxData = 64<<10 + tagSize

	// MaxError holds an early error: a 32-byte salt, then a code and one sentence, sealed.
	MaxError = 256 + tagSize

	// MaxUnknown is the longest frame of an unknown type that is skipped; a later version that needs more
	// has to ask for it in the handshake.
	MaxUnknown = 64 << 10

	// MaxSkipped is how many unknown frames in a row are skipped: a peer must not be able to keep a reader
	// busy for ever without saying anything.
	MaxSkipped = 16

	// maxIdleReads is how many reads in a row may return nothing without an error, as in package bufio.
	maxIdleReads = 100

	nonceSize = 32
	tagSize   = 16

	// readAhead is the first size of a Reader's buffer and its step of growth: a claimed length costs the
	// peer at least as many bytes as it makes the reader allocate.
	readAhead = 4 << 10
)

// rule is one row of the table of frames.
type rule struct {
	name     string
	min, max int   // bytes of payload
	flags    Flags // the flags that may be set
}

// ruleOf is the table of frames (docs/wire-format.md). known is false for a type of a later version.
func ruleOf(t Type) (r rule, known bool) {
	switch t {
	case Hello:
		return rule{"hello", HelloSize, HelloSize, 0}, true
	case Bundle:
		return rule{"bundle", nonceSize + tagSize, MaxBundle, 0}, true
	case Request:
		return rule{"request", nonceSize + tagSize, MaxRequest, 0}, true
	case Accept:
		return rule{"accept", nonceSize + tagSize, MaxAccept, 0}, true
	case Control:
		return rule{"control", 1 + tagSize, MaxControl, 0}, true
	case Data:
		return rule{"data", tagSize, MaxData, Last}, true
	case Error:
		return rule{"error", nonceSize + tagSize, MaxError, 0}, true
	}
	return rule{"unknown", 0, MaxUnknown, 0xff}, false
}
