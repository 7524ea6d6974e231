package mimi

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

const (
	frankSender = "mimi://b.example/u/alice"
	frankRoom   = "mimi://hub.example/r/clubhouse"
)

// frankedBy is a dialog that a hub with this key has stamped.
func frankedBy(t testing.TB, key crypto.Signer, suite uint16) *codec.Dialog {
	t.Helper()
	c := &Content{Salt: [SaltSize]byte{1, 2, 3}, Body: NestedPart{Cardinality: Single, ContentType: "text/plain", Content: []byte("hi")}}
	tag := c.FrankingTag()
	d, err := c.Dialog(Envelope{SenderURI: frankSender, RoomURI: frankRoom, Start: "2026-11-27T12:00:00.123Z", FrankingTag: tag[:]})
	if err != nil {
		t.Fatal(err)
	}
	stamp := make([]byte, frankSize)
	stamp[0] = 9
	signed := append([]byte(nil), stamp...)
	signed = append(signed, 0, byte(len(frankSender)))
	signed = append(signed, frankSender...)
	signed = append(signed, 0, byte(len(frankRoom)))
	signed = append(signed, frankRoom...)
	signed = binary.BigEndian.AppendUint64(signed, uint64(time.Date(2026, 11, 27, 12, 0, 0, 123e6, time.UTC).UnixMilli()))
	hash := map[uint16]crypto.Hash{2: crypto.SHA256, 5: crypto.SHA512, 7: crypto.SHA384}[suite]
	if hash != 0 {
		h := hash.New()
		h.Write(signed)
		signed = h.Sum(nil)
	}
	signature, err := key.Sign(rand.Reader, signed, hash)
	if err != nil {
		t.Fatal(err)
	}
	frank := binary.BigEndian.AppendUint16(stamp, suite)
	if len(signature) < 64 {
		frank = append(frank, byte(len(signature)))
	} else {
		frank = binary.BigEndian.AppendUint16(frank, 1<<14|uint16(len(signature)))
	}
	d.Frank = codec.BinaryOf(append(frank, signature...))
	return d
}

func hubKeys(t *testing.T) map[uint16]crypto.Signer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[uint16]crypto.Signer{1: ed, 3: ed}
	for suite, curve := range map[uint16]elliptic.Curve{2: elliptic.P256(), 5: elliptic.P521(), 7: elliptic.P384()} {
		if keys[suite], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func raw(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	switch key := key.(type) {
	case ed25519.PublicKey:
		return key
	case *ecdsa.PublicKey:
		b, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	t.Fatal("unknown key")
	return nil
}

func TestFrank(t *testing.T) {
	for suite, key := range hubKeys(t) {
		hub, err := ParseHubKey(raw(t, key.Public()))
		if err != nil {
			t.Fatal(err)
		}
		d := frankedBy(t, key, suite)
		if f, stamp := VerifyFrank(d, frankSender, frankRoom, hub); f != EnvelopeAttested || len(stamp) != frankSize || stamp[0] != 9 {
			t.Errorf("suite %d: %v", suite, f)
		}
		if matches, known := VerifyTag(d); !matches || !known {
			t.Errorf("suite %d: tag %v, %v", suite, matches, known)
		}
		other, err := ParseHubKey(raw(t, hubKeys(t)[suite].Public()))
		if err != nil {
			t.Fatal(err)
		}
		later := *d
		later.Start = "2026-11-27T12:00:00.124Z"
		frank, _ := d.Frank.Bytes()
		changed := append([]byte(nil), frank...)
		changed[0] ^= 1
		stamped, wrongSuite := *d, *d
		stamped.Frank = codec.BinaryOf(changed)
		changed = append([]byte(nil), frank...)
		changed[frankSize+1] ^= 4
		wrongSuite.Frank = codec.BinaryOf(changed)
		for name, c := range map[string]struct {
			d            *codec.Dialog
			sender, room string
			hub          *HubKey
		}{
			"another sender": {d, frankSender + "2", frankRoom, hub}, "another room": {d, frankSender, frankRoom + "2", hub},
			"another hub": {d, frankSender, frankRoom, other}, "another time": {&later, frankSender, frankRoom, hub},
			"another stamp": {&stamped, frankSender, frankRoom, hub}, "another suite": {&wrongSuite, frankSender, frankRoom, hub},
			// Lengths before the URIs: what one has more the other cannot have less.
			"shifted": {d, frankSender + frankRoom[:1], frankRoom[1:], hub},
		} {
			if f, _ := VerifyFrank(c.d, c.sender, c.room, c.hub); f != FrankFalse {
				t.Errorf("suite %d, %s: %v", suite, name, f)
			}
		}
		for n := range frank {
			cut := *d
			cut.Frank = codec.BinaryOf(frank[:n])
			if f, _ := VerifyFrank(&cut, frankSender, frankRoom, hub); f != Unfranked {
				t.Errorf("suite %d, %d bytes: %v", suite, n, f)
			}
		}
	}
}

// The envelope stays attested under another content, whose tag then is another one too:
// why a frank is no level of verification.
func TestFrankSaysNothingOfContent(t *testing.T) {
	key := hubKeys(t)[1]
	hub, err := ParseHubKey(raw(t, key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	d := frankedBy(t, key, 1)
	d.Body.Data = []byte("forged")
	if matches, known := VerifyTag(d); matches || !known {
		t.Errorf("tag of another content: %v, %v", matches, known)
	}
	c, missing := contentOf(d)
	if len(missing) > 0 {
		t.Fatal(missing)
	}
	tag := c.FrankingTag()
	d.FrankingTag = codec.BinaryOf(tag[:])
	matches, _ := VerifyTag(d)
	if f, _ := VerifyFrank(d, frankSender, frankRoom, hub); f != EnvelopeAttested || !matches {
		t.Errorf("%v, tag %v", f, matches)
	}
	d.Salt = ""
	if _, known := VerifyTag(d); known {
		t.Error("a tag without its salt")
	}
}

func TestHubKey(t *testing.T) {
	for suite, key := range hubKeys(t) {
		b := raw(t, key.Public())
		if _, err := ParseHubKey(b[1:]); !errors.Is(err, ErrHubKey) {
			t.Errorf("suite %d: %v", suite, err)
		}
	}
	if _, err := ParseHubKey(nil); !errors.Is(err, ErrHubKey) {
		t.Error(err)
	}
}

// FuzzFrank: what another one than the hub made attests nothing.
func FuzzFrank(f *testing.F) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	hub, err := ParseHubKey(public)
	if err != nil {
		f.Fatal(err)
	}
	good := frankedBy(f, key, 1)
	frank, _ := good.Frank.Bytes()
	f.Add(frank)
	f.Add(frank[:len(frank)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		d := *good
		d.Frank = codec.BinaryOf(b)
		// 1 and 3 are both Ed25519.
		same := len(b) == len(frank) && string(b[:frankSize]) == string(frank[:frankSize]) && string(b[frankSize+2:]) == string(frank[frankSize+2:])
		if v, _ := VerifyFrank(&d, frankSender, frankRoom, hub); v == EnvelopeAttested && !same {
			t.Error("a frank that the hub did not make")
		}
	})
}
