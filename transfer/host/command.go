package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// A Command is one line from the host. A field that a command does not have refuses the
// command: a host that says more than this program understands would be taken to have
// said less, in a consent for instance.
type Command struct {
	Cmd string `json:"cmd"`

	// consent, route, import
	OK          *bool      `json:"ok,omitempty"`
	Rooms       *[]string  `json:"rooms,omitempty"`
	Since       *time.Time `json:"since,omitempty"`
	Until       *time.Time `json:"until,omitempty"`
	MaxMessages *uint64    `json:"max_messages,omitempty"`
	NoMedia     *bool      `json:"no_media,omitempty"`

	Code   *string `json:"code,omitempty"`   // check_code: the digits; abort: why, a token
	Secret []byte  `json:"secret,omitempty"` // secret

	Signature []byte `json:"signature,omitempty"` // signature

	// ack, window, have
	Batch       *uint64      `json:"batch,omitempty"`
	Rejected    []Rejection  `json:"rejected,omitempty"`
	There       []int        `json:"there,omitempty"`
	Size        *int         `json:"size,omitempty"`
	Segments    []string     `json:"segments,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	More        bool         `json:"more,omitempty"` // another have follows
}

// A Rejection is an item of a batch that the host does not take, and why: a token of
// lower-case letters, digits and hyphens, which goes into the ledger of both devices.
type Rejection struct {
	Item *int   `json:"item"`
	Code string `json:"code"`
}

// An Attachment names one that the host holds, for the command have.
type Attachment struct {
	Room      string `json:"room"`
	MessageID string `json:"message_id"`
	Part      uint64 `json:"part"`
	Size      uint64 `json:"size"`
	SHA256    string `json:"sha256"`
}

// fields says which commands there are, and what each has beside its name: those that
// must be there first, then those that may.
var fields = map[string]struct{ must, may []string }{
	"consent":    {[]string{"ok"}, []string{"rooms", "since", "until", "max_messages", "no_media"}},
	"route":      {[]string{"ok"}, nil},
	"import":     {[]string{"ok"}, nil},
	"check_code": {[]string{"code"}, nil},
	"secret":     {[]string{"secret"}, nil},
	"signature":  {[]string{"signature"}, nil},
	"have":       {nil, []string{"segments", "attachments", "more"}},
	"window":     {[]string{"size"}, nil},
	"ack":        {[]string{"batch"}, []string{"rejected", "there"}},
	"committed":  {nil, nil},
	"abort":      {nil, []string{"code"}},
	"pause":      {nil, nil},
	"resume":     {nil, nil},
	"cancel":     {nil, nil},
}

// parseCommand reads a line. Its errors tell the host's developer what is wrong with it,
// and repeat nothing of its values.
func parseCommand(line []byte) (*Command, error) {
	if len(line) > MaxCommand {
		return nil, fmt.Errorf("longer than %d bytes", MaxCommand)
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(line, &given); err != nil {
		return nil, errors.New("not a JSON object")
	}
	c := new(Command)
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("field %q has another type", wrong.Field)
		}
		return nil, errors.New("a field that no command has, or with a value that it cannot have")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one object on a line")
	}
	f, ok := fields[c.Cmd]
	if !ok {
		return nil, errors.New("no such command")
	}
	delete(given, "cmd")
	for _, name := range f.must {
		if v, ok := given[name]; !ok || string(v) == "null" {
			return nil, fmt.Errorf("command %s needs the field %q", c.Cmd, name)
		}
		delete(given, name)
	}
	for _, name := range f.may {
		if string(given[name]) == "null" {
			return nil, fmt.Errorf("field %q is null: leave it out", name) // rooms that are none are not all rooms
		}
		if hasNull(given[name]) {
			return nil, fmt.Errorf("field %q has a null in its list", name)
		}
		delete(given, name)
	}
	for name := range given {
		return nil, fmt.Errorf("command %s has no field %q", c.Cmd, Printable(name, 32))
	}
	for _, r := range c.Rejected {
		if r.Item == nil || !isToken(r.Code) {
			return nil, fmt.Errorf("a rejection needs an item and a code of 1 to %d lower-case letters, digits and hyphens", maxToken)
		}
	}
	if c.Cmd == "abort" && c.Code != nil && !isToken(*c.Code) {
		return nil, errors.New("the code of abort is no token")
	}
	return c, nil
}

// hasNull tells whether v is a list with a null in it: encoding/json would take that for
// the item 0, or for the room without a name.
func hasNull(v json.RawMessage) bool {
	var list []json.RawMessage
	if json.Unmarshal(v, &list) != nil {
		return false
	}
	return slices.ContainsFunc(list, func(item json.RawMessage) bool { return string(item) == "null" })
}

// maxToken bounds a host's code, so that a ledger of many fits into a record.
const maxToken = 32

func isToken(s string) bool {
	if s == "" || len(s) > maxToken {
		return false
	}
	for _, r := range []byte(s) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}
