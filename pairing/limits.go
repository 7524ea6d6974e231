package pairing

import "time"

// The limits of this package. Each is checked before anything is allocated by what a peer claims.
const (
	// HelloSize is the one length of M0, in bytes: mode, connection number, nonce, MAC. Fixed, because R
	// does not know yet who is speaking.
	HelloSize = 1 + 4 + nonceSize + macSize

	// MaxBundleMessage bounds M1, in bytes: an X-Wing key takes 1.2 KiB, routes, label, identity and
	// attestation the rest.
	MaxBundleMessage = 16 << 10

	// MaxRequestMessage bounds M2, in bytes: the encapsulation and a summary of MaxRooms rooms with names
	// of full length.
	MaxRequestMessage = 64 << 10

	// MaxAcceptMessage bounds M3, in bytes: a few numbers and, on resume, a receipt.
	MaxAcceptMessage = 4 << 10

	// MaxErrorMessage bounds an early error, in bytes: a code and one sentence.
	MaxErrorMessage = 256 + tagSize

	// MaxErrorText bounds the sentence of an early error, in bytes, so that the sealed form fits.
	MaxErrorText = 200

	// MaxOffer bounds the binary offer, in bytes: what one QR code that is still easy to scan can hold.
	MaxOffer = 512

	// MaxOfferText bounds the text that ParseOffer looks at, in bytes, blanks and grouping included: a
	// person may paste a whole mail, but not a disk image.
	MaxOfferText = 4 << 10

	// MaxRoutes bounds the routes of a bundle: a machine with more addresses than this names the best.
	MaxRoutes = 16

	// MaxPath bounds a unix socket's path, in bytes: sockaddr_un holds 108 with the final zero.
	MaxPath = 107

	// MaxURL bounds a relay's URL, in bytes: it has to fit a QR code beside the keys.
	MaxURL = 255

	// MaxLabel bounds the name of a device, in bytes: it is shown on one line of a terminal.
	MaxLabel = 64

	// MaxRoomID bounds the id of a room, in bytes: room ids are URIs of MIMI, and those are short.
	MaxRoomID = 512

	// MaxRoomName bounds the name of a room, in bytes: longer ones are cut for the summary.
	MaxRoomName = 256

	// MaxRooms is how many rooms a summary names; the others are only counted. A person does not read more
	// than this before giving consent.
	MaxRooms = 64

	// MaxIdentity bounds an identity or a signature, in bytes: Ed25519 takes 64, a later scheme more.
	MaxIdentity = 4 << 10

	// MaxIdentityText bounds the text form of an identity or its key, in bytes, blanks included.
	MaxIdentityText = 256

	// MaxAttestation bounds an attestation, in bytes: it lists the device keys of one account.
	MaxAttestation = 8 << 10

	// MaxReceipt bounds a receipt inside M3, in bytes.
	MaxReceipt = 3 << 10

	// MaxUnknownFields is how many fields of a later version a map may carry: they are kept, not used.
	MaxUnknownFields = 16

	// CheckCodeTries is how many wrong check codes end an offer: each try is a chance of 10^-6 for
	// somebody who has seen the offer.
	CheckCodeTries = 3

	// DefaultLifetime is how long an offer lives when nothing else is asked for.
	DefaultLifetime = 5 * time.Minute

	// MinLifetime is the shortest lifetime: the expiry on the wire has whole seconds.
	MinLifetime = time.Second

	// MaxLifetime is the longest lifetime: a forgotten code on a screen must not stay good.
	MaxLifetime = 24 * time.Hour

	// ConsentTime is how long after the expiry a sender that said hello in time may still send its request:
	// a person is reading the consent question meanwhile.
	ConsentTime = 2 * time.Minute

	// MaxImageBytes bounds the image file that ReadQR reads, in bytes.
	MaxImageBytes = 32 << 20

	// MaxImagePixels bounds width times height of an image before it is decoded: photos of phones have up
	// to 50 million pixels, and decoding takes up to 8 bytes for each.
	MaxImagePixels = 50_000_000

	// MaxImageSide bounds width and height of an image, in pixels: no screen or camera gives more.
	MaxImageSide = 16 << 10

	// MaxPNGScale bounds the pixels per module of a PNG.
	MaxPNGScale = 64

	nonceSize = 32
	macSize   = 32
	tagSize   = 16
	saltSize  = 32
	codeSize  = 6

	// maxNesting is the depth of CBOR: ours is three (the rooms of a summary); a later version gets some room.
	maxNesting = 8

	// maxDecodedItems bounds the elements of one CBOR array or map: MaxRooms and MaxUnknownFields fit.
	maxDecodedItems = 128

	// maxScanSide is the longer side, in pixels, to which a larger image is reduced before the search.
	maxScanSide = 2048
)
