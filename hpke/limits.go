package hpke

const (
	// MaxChunk is the largest plaintext of one chunk, in bytes: it bounds what a
	// reader buffers before it can check a tag, and is where the cost of a tag
	// per chunk stops to matter.
	MaxChunk = 64 << 10

	// MaxSealedChunk is the largest sealed chunk, in bytes: MaxChunk and the tag.
	MaxSealedChunk = MaxChunk + Overhead

	// MaxChunks is how many chunks one stream may have: 256 TiB, far from the
	// counter's 2^88 and inside the AEAD's proven bounds.
	MaxChunks = 1 << 32

	// MaxMessages is how often one HPKE context seals or opens: contexts carry
	// short control messages, and RFC 9180's own bound (2^96) tests nothing.
	MaxMessages = 1 << 32

	// MinPSK is the shortest pre-shared key, in bytes: RFC 9180 section 9.5 asks
	// for 32 bytes of entropy, since a shorter one can be searched.
	MinPSK = 32

	// MaxSetupInput bounds info, psk, psk_id and the exporter context, in bytes:
	// all of ours are hashes and short labels.
	MaxSetupInput = 64 << 10

	// MaxDerived is the most that one Expand or Export yields, in bytes: 255
	// blocks of HKDF-SHA256 (RFC 5869 section 2.3).
	MaxDerived = 255 * 32

	// maxEmptyReads is how many reads without a byte and without an error a
	// source may make before it counts as stuck, as in package bufio.
	maxEmptyReads = 100
)
