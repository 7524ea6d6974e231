package mimi

// The limits of this package. What exceeds one is refused before anything is
// allocated for it.
const (
	// MaxContentBytes bounds one message: a message has to fit in one segment,
	// and bulky content belongs in an ExternalPart.
	MaxContentBytes = 4 << 20
	// MaxTopicID is the bound of section 9.1 on a topicId.
	MaxTopicID = 4096
	// MaxParts is the bound of section 9.1 on the parts of a body, all levels
	// together, the body itself included.
	MaxParts = 1024
	// MaxPartDepth is the bound of section 6.3 on the nesting of parts; the body
	// is level 1.
	MaxPartDepth = 4
	// MaxExtensionDepth is the bound of section 6.3 on maps, arrays and tags in
	// the extensions; the extensions map is level 1.
	MaxExtensionDepth = 4
	// MaxExtensionItems bounds the data items of the extensions, so that sorting
	// keys of a hostile map stays cheap.
	MaxExtensionItems = 1 << 16
	// MaxExtensionKey is the bound of section 6.2 on a text key, in bytes.
	MaxExtensionKey = 255
	// MaxKeyInteger is the bound of section 6.2 on the magnitude of an integer
	// key: what a double float holds exactly.
	MaxKeyInteger = 1<<53 - 1
	// MaxURI is what the 16-bit lengths in the input of a message id can say
	// (section 3.3).
	MaxURI = 1<<16 - 1
)
