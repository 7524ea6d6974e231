package codec

import (
	"bufio"
	"io"
	"strconv"
)

// An EventKind says what a Scanner met.
type EventKind uint8

const (
	EventField      EventKind = iota + 1 // a top-level parameter that none of the other kinds describes: Name, Value
	EventRoom                            // the room: Room
	EventParty                           // an element of parties: Index, Party
	EventDialog                          // an element of dialog: Index, Dialog
	EventAttachment                      // an element of attachments: Index, Attachment, and Body when it was not loaded
	EventOther                           // an element of those arrays that is not an object: Name, Index, Value
	EventTooLarge                        // a parameter or an element beyond MaxElement, passed over: Name, Index
)

// An Event is one thing that a Scanner met. Offset and Length are its place in
// the source, in bytes.
type Event struct {
	Kind       EventKind
	Name       string // of the top-level parameter
	Index      int    // in the array, else -1
	Offset     int64
	Length     int64
	Value      Raw
	Room       *Room
	Party      *Party
	Dialog     *Dialog
	Attachment *Attachment
	Body       *Section // of Attachment, when its body is longer than MaxInlineBody
}

// A Scanner reads a vCon of any size, one element at a time, in the order of the
// source: in CBOR with sorted keys dialog comes before parties, so that who needs
// the parties first scans twice. It holds at most one element of MaxElement
// bytes.
type Scanner struct {
	src    source
	format Format
	walk   walker
	names  map[string]bool // top-level names so far
	array  string          // name of the array that we are in, or ""
	index  int
	state  scanState
	mend   func(Mend)
	where  string // pointer of the value at hand, kept when something may be mended
	buf    []byte // of the last collector, for the next
	err    error
}

type scanState uint8

const (
	scanStart scanState = iota
	scanObject
	scanArray
	scanDone
)

// A walker finds the bounds of values in one encoding. Its methods leave the
// source after what they read.
type walker interface {
	begin() error                        // the start of the top-level object
	name() (string, bool, error)         // the next top-level name; false at the end of the object
	open() (isArray bool, err error)     // whether the value is an array that is not empty; if so, enters it
	element() (bool, error)              // whether the array has another element; leaves it at its end
	isObject() (bool, error)             // whether the value is an object
	value(c *collector) error            // one value
	decode(c *collector, e *Event) error // what was collected, by e.Kind
	end() error                          // nothing may follow
}

// NewScanner reads from r. Errors come from Next.
func NewScanner(r io.Reader) *Scanner { return Options{}.NewScanner(r) }

// NewScanner is the function of that name with o's repair.
func (o Options) NewScanner(r io.Reader) *Scanner {
	return &Scanner{src: source{r: bufio.NewReaderSize(r, scanBuffer)}, names: make(map[string]bool), mend: o.Mend}
}

// Format is the encoding of the source, known after the first Next.
func (s *Scanner) Format() Format { return s.format }

// Next returns the next event, and io.EOF after the last one when the source
// ended as it must. Other errors are an *Error, or of the reader.
func (s *Scanner) Next() (Event, error) {
	if s.err != nil {
		return Event{}, s.err
	}
	e, err := s.next()
	if err != nil {
		s.err = err
		return Event{}, err
	}
	return e, nil
}

func (s *Scanner) next() (Event, error) {
	if s.state == scanStart {
		if err := s.start(); err != nil {
			return Event{}, err
		}
	}
	for {
		if s.state == scanArray {
			more, err := s.walk.element()
			if err != nil {
				return Event{}, inName(inIndex(err, s.index), s.array)
			}
			if more {
				e, err := s.value(s.array, s.index)
				s.index++
				return e, err
			}
			s.state = scanObject
		}
		name, more, err := s.walk.name()
		if err != nil {
			return Event{}, err
		}
		if !more {
			s.state = scanDone
			if err := s.walk.end(); err != nil {
				return Event{}, err
			}
			return Event{}, io.EOF
		}
		if s.names[name] {
			return Event{}, inName(s.src.failName("duplicate name"), name)
		}
		if len(s.names) == MaxFields {
			return Event{}, s.src.fail("too many parameters")
		}
		s.names[name] = true
		if name == "parties" || name == "dialog" || name == "attachments" {
			isArray, err := s.walk.open()
			if err != nil {
				return Event{}, inName(err, name)
			}
			if isArray {
				s.array, s.index, s.state = name, 0, scanArray
				continue
			}
		}
		return s.value(name, -1)
	}
}

func (s *Scanner) start() error {
	prefix, err := s.src.r.Peek(512)
	if err != nil && err != io.EOF {
		return err
	}
	if s.format, err = DetectFormat(prefix); err != nil {
		return err
	}
	if s.format == FormatJSON {
		s.walk = newJSONWalker(&s.src, s.mended())
	} else {
		s.walk = &cborWalker{src: &s.src}
	}
	s.state = scanObject
	return s.walk.begin()
}

// mended reports a Mend of the value at hand.
func (s *Scanner) mended() func(Mend) {
	if s.mend == nil {
		return nil
	}
	return func(m Mend) {
		m.Pointer = s.where + m.Pointer
		s.mend(m)
	}
}

// where is the pointer of a top-level value, or of an element of one.
func where(name string, index int) string {
	p := "/" + publicName(name)
	if index >= 0 {
		p += "/" + strconv.Itoa(index)
	}
	return p
}

// value reads one top-level value or array element into an event.
func (s *Scanner) value(name string, index int) (Event, error) {
	e := Event{Kind: EventField, Name: name, Index: index}
	switch {
	case index >= 0:
		e.Kind = map[string]EventKind{"parties": EventParty, "dialog": EventDialog, "attachments": EventAttachment}[name]
		if e.Kind == EventParty && index >= MaxParties {
			return e, inName(s.src.fail("too many elements"), name)
		}
	case name == "room":
		e.Kind = EventRoom
	}
	if s.mend != nil {
		s.where = where(name, index)
		defer func() { s.where = "" }()
	}
	c := collector{b: s.buf[:0], limit: MaxElement, offset: -1, splitBody: e.Kind == EventAttachment}
	err := s.walk.value(&c)
	e.Offset, e.Length = c.offset, s.src.off-c.offset
	if cap(c.b) > cap(s.buf) {
		s.buf = c.b
	}
	if err == nil {
		if c.overflow {
			e.Kind = EventTooLarge
			return e, nil
		}
		err = s.walk.decode(&c, &e)
	}
	if err == nil {
		return e, nil
	}
	if p, ok := err.(*Error); ok && p.Offset < 0 {
		p.Offset = e.Offset
	}
	if index >= 0 {
		err = inIndex(err, index)
	}
	return e, inName(err, name)
}

// A collector gathers the bytes of one value, unless there are too many.
type collector struct {
	b         []byte
	limit     int
	overflow  bool
	offset    int64 // of the value in the source, -1 before it was reached
	splitBody bool  // give a large body member as a section
	section   *Section
	holes     *holes // long texts are left out and noted here
}

func (c *collector) add(b ...byte) {
	if c.overflow || len(c.b)+len(b) > c.limit {
		c.overflow, c.b = true, nil
		return
	}
	c.b = append(c.b, b...)
}

// room reports whether n more bytes fit; if not, the value is given up.
func (c *collector) room(n uint64) bool {
	if c.overflow || n > uint64(c.limit-len(c.b)) {
		c.overflow, c.b = true, nil
		return false
	}
	return true
}

// depthOf is the nesting around e's value.
func depthOf(e *Event) int {
	if e.Index >= 0 {
		return 2
	}
	return 1
}

// build fills e from an element in CBOR.
func (e *Event) build(r *reader, section *Section) (err error) {
	c, err := r.peek()
	if err != nil {
		return err
	}
	if c>>5 != majorMap && e.Kind != EventField {
		if e.Kind = EventOther; e.Index < 0 {
			e.Kind = EventField
		}
	}
	switch e.Kind {
	case EventRoom:
		e.Room, err = decode(r, roomTable)
	case EventParty:
		e.Party, err = decode(r, partyTable)
	case EventDialog:
		e.Dialog, err = decode(r, dialogTable)
	case EventAttachment:
		if e.Attachment, err = decode(r, attachmentTable); err == nil && section != nil {
			e.Attachment.Body, e.Body = Body{}, section
			section.encoding = e.Attachment.Encoding
		}
	default:
		if err = r.wellformed(); err == nil {
			e.Value, err = r.canon(nil)
		}
	}
	return err
}
