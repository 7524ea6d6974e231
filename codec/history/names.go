package history

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// fileName is the name, without an extension, of the file that holds a room: a
// readable part of the room's id, and a hash of the whole of it. Only a-z, 0-9
// and "-" come out, whatever the peer calls the room, and two rooms never meet.
func fileName(room string) string {
	sum := sha256.Sum256([]byte(room))
	return slug(room) + "-" + hex.EncodeToString(sum[:8])
}

// slug is the readable part: the last segment of the id's path, in ASCII.
func slug(room string) string {
	room = room[max(0, len(room)-maxSlugInput):]
	room = strings.TrimRight(room, "/")
	room = room[strings.LastIndexAny(room, "/:")+1:]
	var b strings.Builder
	for _, r := range room {
		switch r = unicode.ToLower(r); {
		case b.Len() >= maxSlug:
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := strings.Trim(b.String(), "-")
	if s == "" {
		return "room"
	}
	return s
}

// attachmentName is the name of the file that holds content with this SHA-256.
func attachmentName(sum [32]byte) string { return hex.EncodeToString(sum[:]) }
