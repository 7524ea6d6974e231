package mimi

import (
	"crypto/sha256"
	"encoding/hex"
)

// A MessageID names a message in its room: the id of the hash function and 31
// bytes of hash (section 3.3).
type MessageID [32]byte

// hashSHA256 is SHA-256 in the Named Information hash algorithm registry.
const hashSHA256 = 0x01

// MessageIDv8 computes the message id of draft -08, whose hash input has the
// lengths of the two URIs. A URI longer than MaxURI has no id: the result is
// then zero.
func MessageIDv8(senderURI, roomURI string, content []byte, salt [SaltSize]byte) MessageID {
	if len(senderURI) > MaxURI || len(roomURI) > MaxURI {
		return MessageID{}
	}
	in := make([]byte, 0, 4+len(senderURI)+len(roomURI)+len(content)+SaltSize)
	in = append(in, byte(len(senderURI)>>8), byte(len(senderURI)))
	in = append(in, senderURI...)
	in = append(in, byte(len(roomURI)>>8), byte(len(roomURI)))
	in = append(in, roomURI...)
	return idOf(append(append(in, content...), salt[:]...))
}

// MessageIDv7 computes the message id of drafts up to -07, which concatenated
// the URIs without their lengths.
func MessageIDv7(senderURI, roomURI string, content []byte, salt [SaltSize]byte) MessageID {
	in := make([]byte, 0, len(senderURI)+len(roomURI)+len(content)+SaltSize)
	in = append(in, senderURI...)
	in = append(in, roomURI...)
	return idOf(append(append(in, content...), salt[:]...))
}

func idOf(in []byte) MessageID {
	sum := sha256.Sum256(in)
	var id MessageID
	id[0] = hashSHA256
	copy(id[1:], sum[:len(id)-1])
	return id
}

// String returns the id in lower-case hexadecimal.
func (id MessageID) String() string { return hex.EncodeToString(id[:]) }
