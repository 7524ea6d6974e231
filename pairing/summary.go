package pairing

import (
	"bytes"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Summary is what S tells R in M2 before any content: how much will come. It is sealed to R's key and comes
// from somebody who knows the offer, not yet from somebody who was confirmed.
type Summary struct {
	Time        time.Time // S's clock, in whole milliseconds: message deadlines count by it
	Messages    uint64
	Attachments uint64
	Bytes       uint64
	Rooms       []RoomCount // the first MaxRooms; Request cuts the list and the names
	RoomsTotal  uint64      // all of them; Request raises it to len(Rooms)
	Intent      Intent      // what S was asked to do; it is the offer's
	Label       string      // what the device calls itself; the peer's word
	Identity    []byte      // a key; Request sets it
	Signature   []byte      // by that key, over the transcript; Request sets it
	MaxVersion  uint8       // the highest protocol version that S speaks; Request sets its own for zero

	// Signer is whose Signature it is; the zero Identity when there is none. OpenRequest sets it.
	Signer Identity

	unknown fields
}

// RoomCount is one room of a Summary.
type RoomCount struct {
	ID       string // a room whose id is longer than MaxRoomID is left out of the list
	Name     string
	Messages uint64
	First    int64 // milliseconds since 1970, of the oldest message
	Last     int64 // milliseconds since 1970, of the newest message
}

// Keys of the summary's map.
const (
	summaryTime = 1 + iota
	summaryMessages
	summaryAttachments
	summaryBytes
	summaryRooms
	summaryRoomsTotal
	summaryIntent
	summaryLabel
	summaryIdentity
	summarySignature
	summaryMaxVersion

	summaryLast = summaryMaxVersion
)

// fit makes any summary one that can be sent.
func (s Summary) fit() Summary {
	s.RoomsTotal = max(s.RoomsTotal, uint64(len(s.Rooms)))
	if s.MaxVersion == 0 {
		s.MaxVersion = Version
	}
	rooms := make([]RoomCount, 0, min(len(s.Rooms), MaxRooms))
	for _, r := range s.Rooms {
		if len(rooms) == MaxRooms {
			break
		}
		if len(r.ID) > MaxRoomID {
			continue
		}
		r.ID, r.Name = plain(r.ID, MaxRoomID), plain(r.Name, MaxRoomName)
		rooms = append(rooms, r)
	}
	s.Rooms = rooms
	s.Label = plain(s.Label, MaxLabel)
	s.Time = time.UnixMilli(s.Time.UnixMilli())
	return s
}

func (s *Summary) marshal() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("encode summary: %w", err)
	}
	f := fields{}
	put(f, summaryTime, s.Time.UnixMilli())
	put(f, summaryMessages, s.Messages)
	put(f, summaryAttachments, s.Attachments)
	put(f, summaryBytes, s.Bytes)
	if len(s.Rooms) > 0 {
		rooms := make([][]any, len(s.Rooms))
		for i, r := range s.Rooms {
			rooms[i] = []any{r.ID, r.Name, r.Messages, r.First, r.Last}
		}
		f[summaryRooms] = encode(rooms)
	}
	put(f, summaryRoomsTotal, s.RoomsTotal)
	put(f, summaryIntent, uint8(s.Intent))
	put(f, summaryLabel, s.Label)
	putBytes(f, summaryIdentity, s.Identity)
	putBytes(f, summarySignature, s.Signature)
	put(f, summaryMaxVersion, s.MaxVersion)
	return encode(f.merge(s.unknown)), nil
}

func (s *Summary) check() error {
	if err := s.Intent.check(); err != nil {
		return err
	}
	if s.MaxVersion == 0 {
		return fmt.Errorf("no version: %w", ErrVersion)
	}
	if err := checkText(s.Label, MaxLabel); err != nil {
		return fmt.Errorf("label: %w", err)
	}
	if len(s.Rooms) > MaxRooms || len(s.Identity) > MaxIdentity || len(s.Signature) > MaxIdentity {
		return fmt.Errorf("%d rooms, identity of %d bytes, signature of %d: %w", len(s.Rooms), len(s.Identity), len(s.Signature), ErrLimit)
	}
	if s.RoomsTotal < uint64(len(s.Rooms)) {
		return fmt.Errorf("%d rooms of %d: %w", len(s.Rooms), s.RoomsTotal, ErrMalformed)
	}
	for i, r := range s.Rooms {
		if err := checkText(r.ID, MaxRoomID); err != nil {
			return fmt.Errorf("room %d: id: %w", i, err)
		}
		if err := checkText(r.Name, MaxRoomName); err != nil {
			return fmt.Errorf("room %d: name: %w", i, err)
		}
	}
	return nil
}

// parseSummary reads what marshal gave, of this or a later version.
func parseSummary(data []byte) (*Summary, error) {
	f, err := parseFields(data)
	if err != nil {
		return nil, fmt.Errorf("read summary: %w", err)
	}
	r := &reader{f: f, what: "summary"}
	s := &Summary{
		Time:        time.UnixMilli(get[int64](r, summaryTime)),
		Messages:    get[uint64](r, summaryMessages),
		Attachments: get[uint64](r, summaryAttachments),
		Bytes:       get[uint64](r, summaryBytes),
		RoomsTotal:  get[uint64](r, summaryRoomsTotal),
		Intent:      Intent(get[uint8](r, summaryIntent)),
		Label:       r.text(summaryLabel, MaxLabel),
		Identity:    r.bytes(summaryIdentity, MaxIdentity),
		Signature:   r.bytes(summarySignature, MaxIdentity),
		MaxVersion:  get[uint8](r, summaryMaxVersion),
	}
	if r.err != nil {
		return nil, r.err
	}
	if s.Rooms, err = parseRooms(f[summaryRooms]); err != nil {
		return nil, fmt.Errorf("read summary: %w", err)
	}
	if s.unknown, err = f.unknown(summaryLast); err != nil {
		return nil, fmt.Errorf("read summary: %w", err)
	}
	again, err := s.marshal()
	if err != nil {
		return nil, fmt.Errorf("read summary: value out of range: %w", ErrMalformed)
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("read summary: encoding is not deterministic: %w", ErrMalformed)
	}
	return s, nil
}

func parseRooms(raw cbor.RawMessage) ([]RoomCount, error) {
	if raw == nil {
		return nil, nil
	}
	type row struct {
		_        struct{} `cbor:",toarray"`
		ID, Name string
		Messages uint64
		First    int64
		Last     int64
	}
	var rows []row
	if err := decode(raw, &rows); err != nil || len(rows) == 0 || len(rows) > MaxRooms {
		return nil, fmt.Errorf("rooms: %w", ErrMalformed)
	}
	rooms := make([]RoomCount, len(rows))
	for i, r := range rows {
		rooms[i] = RoomCount{ID: r.ID, Name: r.Name, Messages: r.Messages, First: r.First, Last: r.Last}
	}
	return rooms, nil
}
