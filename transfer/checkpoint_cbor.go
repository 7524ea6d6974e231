package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// CheckpointVersion is the first element. A program reads its own and those of the
// versions before it that it still speaks: a transfer goes on when the program is updated
// under it. One that an older program wrote is begun again with a new offer.
const CheckpointVersion = 1

var (
	// ErrCheckpoint is what every error of ParseCheckpoint wraps.
	ErrCheckpoint = errors.New("not a checkpoint of this version")
	// ErrCheckpointNewer: the checkpoint is of a newer version of the program. It is an
	// ErrCheckpoint too.
	ErrCheckpointNewer = errors.New("of a newer version")
)

// MarshalBinary gives the one encoding of a checkpoint, a deterministic CBOR array
// of at most MaxCheckpoint bytes. It is in clear: a State seals it. The errors are
// of values that no transfer has, or over their limits.
func (c *Checkpoint) MarshalBinary() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("encode checkpoint: %w", err)
	}
	routes, err := pairing.MarshalRoutes(c.Routes)
	if err != nil {
		return nil, fmt.Errorf("encode checkpoint: %w", err)
	}
	b := codec.AppendArray(nil, checkpointElements)
	for _, n := range []uint64{CheckpointVersion, uint64(c.Role), uint64(c.Suite), uint64(c.Intent)} {
		b = codec.AppendUint(b, n)
	}
	b = codec.AppendBytes(b, c.TransferID[:])
	b = codec.AppendBytes(b, c.Resumption[:])
	b = codec.AppendUint(b, uint64(c.Connection))
	b = codec.AppendUint(b, uint64(c.Paired.UnixMilli()))
	b = codec.AppendUint(b, uint64(c.Expires.UnixMilli()))
	b = codec.AppendText(b, c.Peer)
	b = codec.AppendBytes(b, routes)
	p := &c.Progress
	for _, n := range []uint64{p.Bytes, p.TotalBytes, p.Messages, p.TotalMessages, p.Held} {
		b = codec.AppendUint(b, n)
	}
	b = codec.AppendText(b, c.Code)
	b = appendScope(b, &c.Scope)
	var end []byte
	if c.End != nil {
		if end, err = segment.AppendEnd(nil, c.End); err != nil {
			return nil, fmt.Errorf("encode checkpoint: %w", err)
		}
	}
	b = codec.AppendBytes(b, end)
	b = codec.AppendBytes(b, c.Receipt)
	b = appendTime(b, c.Info.Started)
	b = codec.AppendText(b, c.Info.Sender)
	b = codec.AppendText(b, c.Info.SharedBy)
	b = codec.AppendUint(b, c.Info.Messages)
	b = codec.AppendUint(b, c.Info.Bytes)
	if len(b) > MaxCheckpoint {
		return nil, fmt.Errorf("encode checkpoint: more than %d bytes", MaxCheckpoint)
	}
	return b, nil
}

// checkpointElements is the length of the array.
const checkpointElements = 25

// ParseCheckpoint reads what MarshalBinary gave, and nothing else. Every error is
// an ErrCheckpoint.
func ParseCheckpoint(b []byte) (*Checkpoint, error) {
	c, err := parseCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w: %w", err, ErrCheckpoint)
	}
	return c, nil
}

func parseCheckpoint(b []byte) (*Checkpoint, error) {
	if len(b) > MaxCheckpoint {
		return nil, errors.New("too long")
	}
	r := stateReader{b: b}
	elements, version := r.array(math.MaxInt32), r.uint(math.MaxUint64)
	switch {
	case !r.bad && version > CheckpointVersion:
		return nil, ErrCheckpointNewer // the rest is that one's business
	case elements != checkpointElements || version != CheckpointVersion:
		return nil, errors.New("another version")
	}
	c := &Checkpoint{
		Role:   pairing.Role(r.uint(math.MaxUint8)),
		Suite:  hpke.Suite(r.uint(math.MaxUint8)),
		Intent: pairing.Intent(r.uint(math.MaxUint8)),
	}
	copy(c.TransferID[:], r.bytes(len(c.TransferID)))
	copy(c.Resumption[:], r.bytes(len(c.Resumption)))
	c.Connection = uint32(r.uint(math.MaxUint32))
	c.Paired = time.UnixMilli(int64(r.uint(maxMillis)))
	c.Expires = time.UnixMilli(int64(r.uint(maxMillis)))
	c.Peer = r.text(pairing.MaxLabel)
	routes := r.bytes(MaxCheckpoint)
	p := &c.Progress
	for _, n := range []*uint64{&p.Bytes, &p.TotalBytes, &p.Messages, &p.TotalMessages, &p.Held} {
		*n = r.uint(math.MaxUint64)
	}
	c.Code = r.text(checkCodeSize)
	c.Scope = r.scope()
	end := r.bytes(segment.MaxEnd)
	c.Receipt = bytes.Clone(r.bytes(maxReceipt))
	c.Info = segment.TransferInfo{
		Started: r.time(), Sender: r.text(pairing.MaxLabel), SharedBy: r.text(pairing.MaxLabel),
		Messages: r.uint(math.MaxUint64), Bytes: r.uint(math.MaxUint64),
	}
	if r.bad || len(r.b) > 0 {
		return nil, errors.New("malformed")
	}
	var err error
	if c.Routes, err = pairing.ParseRoutes(routes); err != nil {
		return nil, err
	}
	if len(end) > 0 {
		if c.End, err = segment.ParseEnd(end); err != nil {
			return nil, err
		}
	}
	if c.Role == pairing.RoleReceiver {
		c.Info.ID = c.TransferID
	}
	if len(c.Receipt) == 0 {
		c.Receipt = nil
	}
	again, err := c.MarshalBinary() // checks the values, and that this was the one encoding
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, errors.New("not deterministic")
	}
	return c, nil
}

// check refuses what no transfer has.
func (c *Checkpoint) check() error {
	life := c.Expires.Sub(c.Paired)
	sender := c.Role == pairing.RoleSender
	digits := strings.Trim(c.Code, "0123456789") == "" && (c.Code == "" || len(c.Code) == checkCodeSize)
	switch {
	case !sender && c.Role != pairing.RoleReceiver:
		return errors.New("no role")
	case c.TransferID == [32]byte{} || c.Resumption.Equal(hpke.Secret{}):
		return errors.New("no transfer")
	case c.Intent != pairing.SameAccount && c.Intent != pairing.CatchUp:
		return errors.New("unknown intent")
	case c.Paired.UnixMilli() < 0 || c.Expires.UnixMilli() > maxMillis || life <= 0 || life > MaxLifetime:
		return errors.New("lifetime out of range")
	case !label(c.Peer) || !label(c.Info.Sender) || !label(c.Info.SharedBy):
		return errors.New("label out of range")
	case !digits || !sender && c.Code != "":
		return errors.New("check code out of place")
	case len(c.Receipt) > maxReceipt:
		return errors.New("receipt too long")
	case len(c.Scope.Rooms) > MaxScopeRooms:
		return fmt.Errorf("scope of more than %d rooms", MaxScopeRooms)
	case !sender && c.End != nil:
		return errors.New("an end of the new device")
	case sender && c.Info != segment.TransferInfo{}, !sender && c.Info.ID != c.TransferID:
		return errors.New("information of another transfer")
	}
	for _, room := range c.Scope.Rooms {
		if len(room) > segment.MaxRoomID || !utf8.ValidString(room) {
			return errors.New("room out of range")
		}
	}
	_, err := hpke.ParseSuite(byte(c.Suite))
	return err
}

func label(s string) bool { return len(s) <= pairing.MaxLabel && utf8.ValidString(s) }

// A scope is [rooms, since, until, max, flags]; rooms is [] for all rooms, else
// [[id, ...]].
func appendScope(b []byte, s *segment.Scope) []byte {
	b = codec.AppendArray(b, 5)
	if s.Rooms == nil {
		b = codec.AppendArray(b, 0)
	} else {
		b = codec.AppendArray(codec.AppendArray(b, 1), len(s.Rooms))
		for _, room := range s.Rooms {
			b = codec.AppendText(b, room)
		}
	}
	b = appendTime(appendTime(b, s.Since), s.Until)
	b = codec.AppendUint(b, s.MaxMessages)
	var flags uint64
	if s.NoMedia {
		flags |= 1
	}
	if s.CatchUp {
		flags |= 2
	}
	return codec.AppendUint(b, flags)
}

func (r *stateReader) scope() (s segment.Scope) {
	if r.array(5) != 5 {
		r.bad = true
	}
	if r.array(1) == 1 {
		s.Rooms = []string{}
		for range r.array(MaxScopeRooms) {
			s.Rooms = append(s.Rooms, r.text(segment.MaxRoomID))
		}
	}
	s.Since, s.Until, s.MaxMessages = r.time(), r.time(), r.uint(math.MaxUint64)
	flags := r.uint(3)
	s.NoMedia, s.CatchUp = flags&1 != 0, flags&2 != 0
	return s
}

// A time is [] for the zero one, else [seconds since 1970 + 2^62, nanoseconds].
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return codec.AppendArray(b, 0)
	}
	b = codec.AppendArray(b, 2)
	b = codec.AppendUint(b, uint64(t.Unix())+timeBias)
	return codec.AppendUint(b, uint64(t.Nanosecond()))
}

const timeBias = 1 << 62

func (r *stateReader) time() (t time.Time) {
	switch r.array(2) {
	case 0:
		return t
	case 2:
		seconds := int64(r.uint(math.MaxUint64) - timeBias)
		return time.Unix(seconds, int64(r.uint(999_999_999))).UTC()
	}
	r.bad = true
	return t
}

// A stateReader reads the few forms that a checkpoint has. After the first thing
// that is wrong it gives zeros and zero counts.
type stateReader struct {
	b   []byte
	bad bool
}

// head reads a head of the major type, of at most limit.
func (r *stateReader) head(major byte, limit uint64) uint64 {
	if r.bad || len(r.b) == 0 || r.b[0]>>5 != major {
		r.bad = true
		return 0
	}
	n, size := uint64(r.b[0]&0x1f), 1
	if n >= 24 {
		if n > 27 {
			r.bad = true
			return 0
		}
		size += 1 << (n - 24)
		if len(r.b) < size {
			r.bad = true
			return 0
		}
		n = 0
		for _, c := range r.b[1:size] {
			n = n<<8 | uint64(c)
		}
	}
	r.b = r.b[size:]
	if n > limit {
		r.bad = true
		return 0
	}
	return n
}

func (r *stateReader) uint(limit uint64) uint64 { return r.head(0, limit) }
func (r *stateReader) array(limit int) int      { return int(r.head(4, uint64(limit))) }
func (r *stateReader) bytes(limit int) []byte   { return r.take(2, limit) }
func (r *stateReader) text(limit int) string    { return string(r.take(3, limit)) }

func (r *stateReader) take(major byte, limit int) []byte {
	n := r.head(major, uint64(limit))
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}
