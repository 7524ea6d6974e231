package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

// ran runs one command in this process.
func ran(t *testing.T, want int, args ...string) (out, stderr string) {
	t.Helper()
	var o, e strings.Builder
	if got := run(args, strings.NewReader(""), &o, &e); got != want {
		t.Errorf("%v: exit code %d, want %d:\n%s", args, got, want, &e)
	}
	return o.String(), e.String()
}

func TestFindRoom(t *testing.T) {
	rooms := []sqlite.RoomSummary{
		{ID: "mimi://a.example/r/1", Name: "Chess"},
		{ID: "mimi://a.example/r/2", Name: "Chess club"},
		{ID: "mimi://a.example/r/3", Name: "Dinner"},
		{ID: "mimi://a.example/r/4", Name: "dinner"},
		{ID: "mimi://a.example/r/5", Name: "2"},
		{ID: "3", Name: "a number for a URI"},
	}
	for _, c := range []struct {
		which string
		want  int // index, or -1
	}{
		{"mimi://a.example/r/2", 1},
		{"1", 0},
		{"2", 1}, // the number goes before the name
		{"3", 5}, // and the URI before the number
		{"Chess", 0},
		{"chess", 0},
		{"club", 1},
		{"CLUB", 1},
		{"ches", -1}, // two of them
		{"dinner", -1},
		{"0", -1},
		{"7", -1},
		{"", -1},
		{"nothing like it", -1},
	} {
		room, err := findRoom(rooms, c.which)
		switch {
		case c.want < 0 && err == nil:
			t.Errorf("%q finds %q", c.which, room.Name)
		case c.want < 0:
			if _, ok := errors.AsType[usageError](err); !ok {
				t.Errorf("%q: %v is no usage error", c.which, err)
			}
		case err != nil || room != &rooms[c.want]:
			t.Errorf("%q: %v, %v", c.which, room, err)
		}
	}
	if room, err := findRoom(rooms[:1], ""); err != nil || room != &rooms[0] {
		t.Errorf("the only room: %v", err)
	}
	if _, err := findRoom(nil, ""); err == nil {
		t.Error("a room of an empty history")
	}
}

func TestRelayOptions(t *testing.T) {
	good := relayFlags{maxChannels: 1, maxPerAddress: 2, maxBytes: 3, maxRate: 4, wait: 5, idle: 6, drain: 7}
	o, err := good.options()
	if err != nil || o.MaxChannels != 1 || o.MaxPerAddress != 2 || o.MaxBytes != 3 || o.MaxRate != 4 ||
		o.WaitTimeout != 5 || o.IdleTimeout != 6 || o.DrainTimeout != 7 || o.Tokens != nil || o.TLS != nil {
		t.Errorf("options are %+v, %v", o, err)
	}
	now := good
	now.drain = 0 // at once, which is not the server's zero
	if o, err := now.options(); err != nil || o.DrainTimeout >= 0 {
		t.Errorf("drain 0 is %v, %v", o.DrainTimeout, err)
	}
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("a-token-that-is-long-enough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	paid := good
	paid.tokenFile = tokens
	if o, err := paid.options(); err != nil || o.Tokens == nil {
		t.Errorf("the tokens are not used: %v", err)
	}
	for _, bad := range []func(*relayFlags){
		func(f *relayFlags) { f.maxChannels = 0 }, func(f *relayFlags) { f.maxPerAddress = -1 },
		func(f *relayFlags) { f.wait = 0 }, func(f *relayFlags) { f.idle = -time.Second },
		func(f *relayFlags) { f.drain = -1 }, func(f *relayFlags) { f.maxRate = -1 },
		func(f *relayFlags) { f.tlsKey = "x" },
	} {
		f := good
		bad(&f)
		if _, err := f.options(); err == nil {
			t.Errorf("%+v is taken", f)
		}
	}
}

// A message that was changed on the way to us, or by who exported it, is found.
func TestInspectFindsMismatch(t *testing.T) {
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	for i := range v.Dialog {
		if d := &v.Dialog[i]; changed == 0 && d.Body.Kind == codec.BodyText && d.Replaces == "" {
			d.Body.Data = append([]byte("not "), d.Body.Data...)
			changed++
		}
	}
	data, err := v.AppendCBOR(nil)
	if err != nil || changed != 1 {
		t.Fatal(changed, err)
	}
	file := filepath.Join(t.TempDir(), "changed.cbor")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := ran(t, exitDone, "inspect", file)
	for _, want := range []string{"the message id is not that of the content", "         1  mismatch", "        13  verified"} {
		if !strings.Contains(out, want) {
			t.Errorf("inspect does not say %q:\n%s", want, out)
		}
	}
}

// What JSON cannot hold is refused with its place, and leaves no file behind.
func TestConvertRefusesWhatJSONCannotHold(t *testing.T) {
	raw, err := codec.RawOf([]any{1, []byte{0xff}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		t.Fatal(err)
	}
	v.Dialog[0].Extra = codec.Fields{"bytes": raw}
	data, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "in", "bytes.cbor")
	if err := errors.Join(os.Mkdir(filepath.Dir(source), 0o700), os.WriteFile(source, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, stderr := ran(t, exitSource, "convert", source, filepath.Join(dir, "out.json"))
	if !strings.Contains(stderr, "/dialog/0") {
		t.Errorf("the place is missing: %s", stderr)
	}
	ran(t, exitSource, "convert", filepath.Dir(source), filepath.Join(dir, "out.json"))
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%d files are there, want one: %v", len(left), err)
	}
	ran(t, exitDone, "convert", source, filepath.Join(dir, "out.cbor"))
}
