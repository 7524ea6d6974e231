package host

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// Have asks the host what it has, before anything comes.
type Have struct {
	Want     bool   `json:"want"`
	Transfer string `json:"transfer"`
	Sender   string `json:"sender"`
	SharedBy string `json:"shared_by,omitempty"`
	Messages uint64 `json:"messages"` // announced
	Bytes    uint64 `json:"bytes"`    // announced
}

func (Have) event() string { return "have" }

// askHave asks for the segments and attachments that the host has from elsewhere.
func (s *Sink) askHave(ctx context.Context) error {
	answers, over := s.conn.listen(maxHaves, "have")
	defer over()
	err := s.conn.Emit(Have{
		Want: true, Transfer: hex.EncodeToString(s.info.ID[:]), Sender: Printable(s.info.Sender, pairing.MaxLabel),
		SharedBy: Printable(s.info.SharedBy, pairing.MaxLabel), Messages: s.info.Messages, Bytes: s.info.Bytes,
	})
	for more := true; err == nil && more; {
		var cmd *Command
		if cmd, err = s.wait(ctx, answers); err == nil && cmd != nil {
			err = s.holds(cmd)
			more = cmd.More
		}
	}
	return err
}

func (s *Sink) holds(cmd *Command) error {
	if len(s.segments)+len(cmd.Segments) > MaxHeld || len(s.contents)+len(cmd.Attachments) > MaxHeld {
		return fmt.Errorf("the host has more than %d segments or attachments", MaxHeld)
	}
	for _, text := range cmd.Segments {
		id, ok := parseHash(text)
		if !ok {
			s.conn.Tell("bad-command", "a segment that is no SHA-256: it will come")
			continue
		}
		s.segments[id] = true
	}
	for i := range cmd.Attachments {
		key, sum, ok := cmd.Attachments[i].content()
		if !ok {
			s.conn.Tell("bad-command", "an attachment without room or SHA-256: it will come")
			continue
		}
		s.contents[key] = sum
	}
	return nil
}

// Have says what the host has staged, or had before.
func (s *Sink) Have(_ context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	if !s.begun {
		return nil, errNoTransfer
	}
	var wants []segment.Want
	for i := range entries {
		switch e := &entries[i]; e.Type {
		case segment.SegmentType:
			wants = append(wants, segment.Want{Need: !s.segments[e.Segment.ID]})
		case segment.AttachmentType:
			w, err := s.haveContent(keyOf(room.ID, &e.Attachment))
			if err != nil {
				return nil, stored("compare manifest", err)
			}
			wants = append(wants, w)
		}
	}
	return wants, nil
}

func (s *Sink) haveContent(key contentKey) (segment.Want, error) {
	if sum, ok := s.contents[key]; ok {
		return segment.Want{Have: sum}, nil
	}
	info, err := s.root.Lstat(key.part())
	if errors.Is(err, fs.ErrNotExist) {
		return segment.Want{Need: true}, nil
	}
	if err != nil {
		return segment.Want{}, err
	}
	return segment.Want{Need: true, Offset: min(uint64(info.Size()), key.size)}, nil
}
