package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A vector is one history, what a source makes of it under some scopes, and what a
// folder then holds. testdata/vectors/history has it as JSON.
type vector struct {
	Comment string            `json:"comment"`
	VCon    json.RawMessage   `json:"vcon"`
	Now     string            `json:"now"`
	Scopes  []vectorScope     `json:"scopes"`
	Folder  map[string]string `json:"folder"` // SHA-256 of each file, after scope 0 as CBOR and then JSON
}

type vectorScope struct {
	Since       string            `json:"since,omitempty"`
	Until       string            `json:"until,omitempty"`
	MaxMessages uint64            `json:"max_messages,omitempty"`
	CatchUp     bool              `json:"catch_up,omitempty"`
	Segments    []string          `json:"segments"` // ids, in the order of the manifest
	Items       uint64            `json:"items"`
	Tombstones  uint64            `json:"tombstones"`
	Excluded    map[string]uint64 `json:"excluded,omitempty"`
}

func TestVectors(t *testing.T) {
	const path = "../../testdata/vectors/history/scopes.json"
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
		updateVectors(t, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want vector
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if got := runVector(t, want); !reflect.DeepEqual(got.Scopes, want.Scopes) || !reflect.DeepEqual(got.Folder, want.Folder) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// runVector fills in what a vector expects.
func runVector(t *testing.T, v vector) vector {
	t.Helper()
	at := func(text string) (when time.Time) {
		if text == "" {
			return when
		}
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	r := open(t, write(t, "vector.json", v.VCon))
	src := NewSource(r, SourceOptions{Now: func() time.Time { return at(v.Now) }})
	scopes := v.Scopes
	v.Scopes, v.Folder = nil, map[string]string{}
	for _, s := range scopes {
		l := list(t, src, segment.Scope{Since: at(s.Since), Until: at(s.Until), MaxMessages: s.MaxMessages, CatchUp: s.CatchUp})
		s.Segments, s.Items, s.Tombstones, s.Excluded = nil, 0, 0, nil
		for _, id := range l.ids {
			s.Segments = append(s.Segments, hex.EncodeToString(id[:]))
		}
		for _, it := range l.items() {
			s.Items++
			if it.Dialog.Type == "tombstone" {
				s.Tombstones++
			}
		}
		for why, n := range l.left.Excluded {
			if s.Excluded == nil {
				s.Excluded = map[string]uint64{}
			}
			s.Excluded[string(why)] = n
		}
		v.Scopes = append(v.Scopes, s)
	}
	for _, format := range []codec.Format{codec.FormatCBOR, codec.FormatJSON} {
		dir := t.TempDir()
		move(t, src, openDir(t, dir, format), segment.Scope{}, segment.TransferInfo{}, 0)
		for name, data := range tree(t, dir) {
			sum := sha256.Sum256(data)
			v.Folder[filepath.ToSlash(name)] = hex.EncodeToString(sum[:])
		}
	}
	return v
}

func updateVectors(t *testing.T, path string) {
	t.Helper()
	text, err := newMaker(11, room, 4).history(60).AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := vector{
		Comment: "one room; segment ids by scope, and the files that a folder holds after the first scope (docs/wire-format.md, \"Histories\")",
		VCon:    text, Now: "2024-03-01T10:00:10Z",
		Scopes: []vectorScope{{}, {Since: "2024-03-01T09:00:25Z"}, {MaxMessages: 10}, {CatchUp: true},
			{CatchUp: true, Since: "2024-03-01T09:00:15Z", Until: "2024-03-01T09:00:40Z"}},
	}
	data, err := json.MarshalIndent(runVector(t, v), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
