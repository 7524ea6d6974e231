package sealedfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

const room = "mimi://example.com/r/engineering_team"

var begin = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// conversation is a room with a message a minute from begin on, the last with
// pictures.
func conversation(messages, pictures int) *codec.VCon {
	v := &codec.VCon{Version: codec.Version, Room: &codec.Room{ID: room, Name: "Engineering Team"}, Parties: []codec.Party{
		{IMURI: room}, {IMURI: "mimi://example.com/u/alice", Name: "Alice"}, {IMURI: "mimi://example.com/u/bob", Name: "Bob"},
	}}
	for i := range messages {
		sum := sha256.Sum256(fmt.Append(nil, room, i))
		sum[0] = 1 // as MIMI's message ids begin
		d := codec.Dialog{
			Type: "text", Start: codec.Date(begin.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)),
			Duration: new(uint64), Parties: []uint32{0}, Originator: new(uint32(1 + i%2)), MessageID: codec.BinaryOf(sum[:]),
			MediaType: "text/plain", Encoding: codec.EncodingNone,
			Body: codec.Body{Kind: codec.BodyText, Data: fmt.Appendf(nil, "message %d: the build is green again", i)},
		}
		v.Dialog = append(v.Dialog, d)
		if n := i - (messages - pictures); n >= 0 {
			v.Attachments = append(v.Attachments, codec.Attachment{
				Start: d.Start, Party: d.Originator, MediaType: "image/png", Encoding: codec.EncodingBase64URL,
				DialogObjectRef: "mid:" + string(d.MessageID) + ":0@anon.invalid",
				Body:            codec.Body{Kind: codec.BodyBytes, Data: bytes.Repeat([]byte{byte(n), 1, 2, 3, 4, 5, 6, 7}, 20_000)},
			})
		}
	}
	return v
}

func sourceOf(t testing.TB, v ...*codec.VCon) transfer.Source {
	s := history.NewSource(history.FromVCons(v), history.SourceOptions{})
	t.Cleanup(func() { s.Close() })
	return s
}

func keyFor(t testing.TB, s hpke.Suite) *hpke.PrivateKey {
	t.Helper()
	k, err := hpke.GenerateKey(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publics(keys ...*hpke.PrivateKey) (all []*hpke.PublicKey) {
	for _, k := range keys {
		all = append(all, k.Public())
	}
	return all
}

func identity(t testing.TB) *pairing.IdentityKey {
	t.Helper()
	k, err := pairing.NewIdentityKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// seal seals, and fails the test when it cannot.
func seal(t testing.TB, o SealOptions) ([]byte, *Result) {
	t.Helper()
	var w bytes.Buffer
	r, err := Seal(t.Context(), &w, o)
	if err != nil {
		t.Fatal(err)
	}
	return w.Bytes(), r
}

// A watched sink counts what reaches it.
type watched struct {
	*history.DirSink
	path                     string
	begun, staged, committed int
	contents                 int
	stagedTexts              []string
	failAfter                int // segments; 0 never fails
}

func newSink(t testing.TB) *watched {
	t.Helper()
	path := t.TempDir()
	s, err := history.OpenDir(path, history.DirOptions{Format: codec.FormatCBOR})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &watched{DirSink: s, path: path}
}

func (s *watched) Begin(ctx context.Context, info segment.TransferInfo) error {
	s.begun++
	return s.DirSink.Begin(ctx, info)
}

func (s *watched) StageSegment(ctx context.Context, r segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	if s.failAfter > 0 && s.staged == s.failAfter {
		return segment.Ledger{}, errors.New("no room")
	}
	s.staged++
	if seg, err := segment.Decode(data); err == nil {
		for _, it := range seg.Items {
			s.stagedTexts = append(s.stagedTexts, string(it.Dialog.Body.Data))
		}
	}
	return s.DirSink.StageSegment(ctx, r, e, data)
}

func (s *watched) StageAttachment(ctx context.Context, r segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	s.contents++
	return s.DirSink.StageAttachment(ctx, r, seg, e, offset)
}

func (s *watched) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	s.committed++
	return s.DirSink.Commit(ctx, end, receipt)
}

// bodies are the texts that a folder shows, in their order.
func (s *watched) bodies(t testing.TB) (texts []string) {
	t.Helper()
	for _, v := range s.vcons(t) {
		for _, d := range v.Dialog {
			if d.Type == "text" {
				texts = append(texts, string(d.Body.Data))
			}
		}
	}
	return texts
}

func (s *watched) vcons(t testing.TB) (all []*codec.VCon) {
	t.Helper()
	root := os.DirFS(s.path)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".cbor") {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		v, err := codec.DecodeCBOR(data)
		all = append(all, v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// refused fails the test unless Open ends so, and nothing reached the sink.
func refused(t testing.TB, file []byte, o OpenOptions, code wire.Code, why error) {
	t.Helper()
	sink := newSink(t)
	o.Sink = sink
	r, err := Open(t.Context(), bytes.NewReader(file), o)
	if err == nil || r != nil || transfer.CodeOf(err) != code || why != nil && !errors.Is(err, why) {
		t.Errorf("%v (%v), not %v (%v)", err, transfer.CodeOf(err), why, code)
	}
	if sink.begun+sink.staged+sink.contents > 0 {
		t.Error("something reached the sink")
	}
}
