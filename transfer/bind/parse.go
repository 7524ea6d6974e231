package bind

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

// ParseReceiveConfig reads a ReceiveConfig from a JSON object; its fields are called
// like those in Go, in small letters with underscores, and state_key is base64. A field
// that is not known is refused.
func ParseReceiveConfig(text string) (*ReceiveConfig, error) {
	c := new(ReceiveConfig)
	if err := parse(text, c); err != nil {
		return nil, err
	}
	return c, nil
}

// ParseSendConfig reads a SendConfig as ParseReceiveConfig does. In sources and rooms
// an array may be an array.
func ParseSendConfig(text string) (*SendConfig, error) {
	var c struct {
		SendConfig
		Sources json.RawMessage `json:"sources"`
		Rooms   json.RawMessage `json:"rooms"`
	}
	if err := parse(text, &c); err != nil {
		return nil, err
	}
	for _, l := range []struct {
		name string
		raw  []byte
		to   *string
	}{{"sources", c.Sources, &c.SendConfig.Sources}, {"rooms", c.Rooms, &c.SendConfig.Rooms}} {
		if bytes.HasPrefix(l.raw, []byte("[")) {
			*l.to = string(l.raw)
		} else if l.raw != nil && json.Unmarshal(l.raw, l.to) != nil {
			return nil, usage("%s is neither an array nor a string", l.name)
		}
	}
	return &c.SendConfig, nil
}

// parse repeats nothing of the values: there are secrets among them.
func parse(text string, config any) error {
	if len(text) > maxList {
		return usage("a configuration has at most %d bytes", maxList)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(config); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			return usage("field %q has another type", host.Printable(wrong.Field, 32))
		}
		return usage("the configuration is no JSON object, or has a field that is not known or has a value that it cannot have")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return usage("there is more than one JSON object")
	}
	return nil
}
