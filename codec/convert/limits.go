package convert

import "errors"

// The limits of this package.
const (
	// DefaultMessages is how many dialogs a vCon holds by default: with MaxText it
	// stays below what codec reads whole.
	DefaultMessages = 20_000
	// MaxText ends a vCon after so many bytes of text in its messages.
	MaxText = 4 << 20
	// MaxFiles bounds the files of a folder, so that a wrong path does not read a
	// disk.
	MaxFiles = 100_000
	// MaxLine bounds a line of an IRC log in bytes: IRC itself allows 512
	// (RFC 2812, section 2.3), with tags 8,703.
	MaxLine = 16 << 10
	// MaxLines bounds the lines of one log: their ids are kept for reply links.
	MaxLines = 4 << 20
	// MaxLinks bounds the reply links of one log, which are kept.
	MaxLinks = 4 << 20
	// MaxRowBytes bounds one row of a TSV archive: gitter allowed 4,096
	// characters a message.
	MaxRowBytes = 1 << 20
	// MaxArchive bounds a TSV archive in bytes: rows come newest first and are
	// sorted in memory.
	MaxArchive = 512 << 20
	// MaxName bounds a nickname or room name in bytes; it becomes a URI.
	MaxName = 512
	// maxPath and maxPathPart bound the name of a file in bytes, and what is between
	// two slashes of it, as systems do.
	maxPath     = 4 << 10
	maxPathPart = 255
	// MaxChat bounds a text chat in bytes, media aside: it is read twice.
	MaxChat = 4 << 30
	// MaxChats bounds the text chats of one folder or archive.
	MaxChats = 4096
	// MaxChatLine bounds a line of a text chat in bytes: WhatsApp allows 65,536
	// characters a message.
	MaxChatLine = 1 << 20
	// MaxMessageText bounds the text of one message in bytes; a longer one becomes a
	// file: a message has to fit in one segment.
	MaxMessageText = 1 << 20
	// maxHeldText bounds the texts of a conversion that became files, in bytes: they
	// are held until they are sent. It is a hundred times more than anybody typed.
	maxHeldText = 256 << 20
	// maxAbout bounds what is said of a file or a room in bytes, and maxAddress where a
	// file is.
	maxAbout   = 64 << 10
	maxAddress = 8 << 10
	// maxChanges bounds the changes of a room that are one dialog.
	maxChanges = 4 << 10
	// What a vCon has of a file, an event and a person besides texts, in bytes.
	fileOverhead  = 256
	eventOverhead = 128
	partyOverhead = 64
	// MaxFilesOfMessage bounds the files of one message: with its text they are the
	// parts of one MIMI message, of which there are 1,024 at most.
	MaxFilesOfMessage = 1000
	// MaxRecord bounds one record of an export in JSON, in bytes: a message with
	// all of its reactions, or a table of people, fits.
	MaxRecord = 32 << 20
	// MaxExport bounds one file of an export that is read as a stream, in bytes,
	// media files aside: a lifetime of messages fits.
	MaxExport = 64 << 30
	// MaxXMLTag bounds the attributes of one XML tag in bytes, those that are not
	// held aside: the longest text of a multimedia message has a tenth of it.
	MaxXMLTag = 4 << 20
	// MaxXMLParts bounds the parts, and the addresses, of one multimedia message,
	// and maxXMLText the bytes of its texts that are held.
	MaxXMLParts = 1 << 10
	maxXMLText  = MaxRecord
	// MaxMails bounds the mails of a mailbox: about two hundred bytes of memory for
	// each.
	MaxMails = 4 << 20
	// MaxHeader bounds the header of a mail in bytes; providers refuse a tenth.
	MaxHeader = 1 << 20
	// MaxReferences bounds the mails that one refers to: its thread's first and its
	// nearest.
	MaxReferences = 256
	// MaxRecipients bounds the people of one field of a mail, and MaxMembers those of
	// a thread.
	MaxRecipients = 2 << 10
	MaxMembers    = 16 << 10
	// MaxMailParts and MaxMailDepth bound the parts of a mail, and parts in parts.
	MaxMailParts = 512
	MaxMailDepth = 16
	// MaxHeldMail bounds mail in an archive, which is held in memory, in bytes.
	MaxHeldMail = 512 << 20
	// MaxNames bounds the names of people that are kept for other rooms.
	MaxNames = 1 << 20
	// MaxRooms bounds the rooms of one export.
	MaxRooms = 1 << 17
	// MaxMessageIDs bounds the messages of one room whose ids are kept for replies:
	// about a hundred bytes of memory for each.
	MaxMessageIDs = 8 << 20
	// MaxPeople bounds the people of one export that are kept to be looked up.
	MaxPeople = 1 << 20
	// maxCounted bounds what an export says it has so many of, so that sums do not
	// overflow.
	maxCounted = 1 << 40
	// MaxListed bounds the members of a conversation that are taken from a list:
	// those who wrote are there anyway.
	MaxListed = 10_000
	// MaxMarkup bounds the text in which markup is looked for, in bytes: messengers
	// allow 40,000 characters at most. A longer one is plain.
	MaxMarkup = 256 << 10
	// maxMixed and maxMixedText bound the dialogs, and the bytes of their texts,
	// that wait in all rooms of an export together.
	maxMixed     = 64 << 10
	maxMixedText = 4 * MaxText
	// detectBytes is how much of a file tells its layout.
	detectBytes = 8 << 10
)

// errRooms says that an export has more rooms than MaxRooms.
var errRooms = errors.New("more rooms than any messenger has")

// errPeople says that an export has more people than MaxPeople.
var errPeople = errors.New("more people than any messenger's export has")
