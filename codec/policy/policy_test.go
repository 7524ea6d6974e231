package policy

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const asJSON = `{"history_sharing":"optional","roles_that_can_share":[2,300],"automatically_share":true,"max_time_period":604800}`

var asTLS = []byte{0, 8, 0, 0, 0, 2, 0, 0, 1, 44, 1, 0, 9, 58, 128}

func TestForms(t *testing.T) {
	fromJSON, err := Parse([]byte(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	fromTLS, err := Parse(asTLS)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []*History{fromJSON, fromTLS} {
		if h.Sharing != Optional || !slices.Equal(h.Roles, []uint32{2, 300}) || !h.Automatically || h.MaxPeriod != 7*24*3600 {
			t.Errorf("%+v", h)
		}
		if b, err := h.AppendTLS(nil); err != nil || !bytes.Equal(b, asTLS) {
			t.Errorf("% x, %v", b, err)
		}
	}
	many := &History{Roles: make([]uint32, MaxRoles)}
	for i := range many.Roles {
		many.Roles[i] = uint32(i + 2)
	}
	b, err := many.AppendTLS(nil)
	if err != nil || len(b) != MaxTLS-2 { // a length of two bytes
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if again, err := ParseTLS(b); err != nil || !slices.Equal(again.Roles, many.Roles) {
		t.Error(err)
	}
	many.Roles = append(many.Roles, 9)
	if _, err := many.AppendTLS(nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("%d roles: %v", len(many.Roles), err)
	}
}

func TestMalformed(t *testing.T) {
	with := func(old, new string) []byte { return []byte(strings.Replace(asJSON, old, new, 1)) }
	for name, data := range map[string][]byte{
		"empty": {}, "no key": with(`"max_time_period":604800`, `"other":1`), "a key missing": with(`,"max_time_period":604800`, ``),
		"twice":         with(`"automatically_share":true`, `"automatically_share":true,"automatically_share":false`),
		"unknown":       with(`{`, `{"more":1,`),
		"another word":  with("optional", "perhaps"),
		"no number":     with("604800", `"604800"`),
		"too large":     with("604800", "4294967296"),
		"negative":      with("604800", "-1"),
		"null":          with("604800", "null"),
		"banned":        with("[2,", "[1,"),
		"nobody":        with("[2,", "[0,"),
		"contradiction": with("optional", "forbidden"),
		"too long":      with("{", "{"+strings.Repeat(" ", MaxJSON)),
		"trailing":      append(with("", ""), 'x'),
		"tls short":     asTLS[:14],
		"tls long":      append(slices.Clone(asTLS), 0),
		"tls length":    {0, 0x40, 4, 0, 0, 0, 2, 1, 0, 0, 0, 0},
		"tls boolean":   {0, 0, 2, 0, 0, 0, 0},
		"tls odd":       {0, 3, 0, 0, 2, 1, 0, 0, 0, 0},
		"tls huge":      {0, 0x80, 0, 0, 4, 0, 0, 0, 2, 1, 0, 0, 0, 0},
		"tls forbids":   {2, 0, 1, 0, 0, 0, 0},
	} {
		if h, err := Parse(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	if h, err := Parse([]byte{2, 0, 0, 0, 0, 0, 0}); err != nil || h.Sharing != Forbidden {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestCheck(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	h := &History{Roles: []uint32{2, 5}, MaxPeriod: 60}
	for _, c := range []struct {
		h     *History
		role  uint32
		since time.Time
		ok    bool
	}{
		{h, 2, now.Add(-time.Minute), true},
		{h, 5, now, true},
		{h, 3, now, false},
		{h, 0, now, false},
		{h, 2, now.Add(-time.Minute - time.Millisecond), false},
		{h, 2, time.Time{}, false},
		{&History{Sharing: Required, Roles: []uint32{2}, MaxPeriod: 60}, 2, now, true},
		{&History{Sharing: Forbidden}, 2, now, false},
		{&History{Roles: []uint32{2}}, 2, now, true},
		{&History{Roles: []uint32{2}, MaxPeriod: 1<<32 - 1}, 2, now.AddDate(-136, 0, 0), true},
		{&History{Roles: []uint32{2}, MaxPeriod: 1<<32 - 1}, 2, now.AddDate(-137, 0, 0), false},
	} {
		if err := c.h.Check(c.role, c.since, now); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrForbidden) {
			t.Errorf("%+v, role %d, since %v: %v", c.h, c.role, c.since, err)
		}
	}
}

// FuzzParse: what is read is written again and read the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(asJSON))
	f.Add(asTLS)
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Parse(data)
		if err != nil {
			return
		}
		b, err := h.AppendTLS(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseTLS(b)
		if err != nil || !slices.Equal(again.Roles, h.Roles) || again.Sharing != h.Sharing || again.MaxPeriod != h.MaxPeriod || again.Automatically != h.Automatically {
			t.Errorf("%+v, %+v, %v", h, again, err)
		}
		if data[0] <= byte(Forbidden) && !bytes.Equal(b, data) {
			t.Error("two forms of one policy")
		}
	})
}
