package sealedfile

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/policy"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// A fileVector is a sealed file and what an opener makes of it at an instant.
type fileVector struct {
	Name     string   `json:"name"`
	Key      string   `json:"key"` // text form of the opener's secret key
	At       int64    `json:"at"`  // ms since 1970
	Trust    string   `json:"trust,omitempty"`
	Policy   string   `json:"policy,omitempty"` // the opener's own, TLS form
	Classic  bool     `json:"classic,omitempty"`
	File     string   `json:"file"`
	Refused  string   `json:"refused,omitempty"` // the code; "" when it opens
	ID       string   `json:"id,omitempty"`
	Root     string   `json:"root,omitempty"`
	Segments []string `json:"segments,omitempty"` // ids, in the manifest's order
	Items    uint64   `json:"items,omitempty"`
}

const fileVectors = "../../testdata/vectors/share/files.json"

func TestFileVectors(t *testing.T) {
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
		makeFileVectors(t)
	}
	raw, err := os.ReadFile(fileVectors)
	if err != nil {
		t.Fatal(err)
	}
	var all []fileVector
	if err := json.Unmarshal(raw, &all); err != nil || len(all) < 12 {
		t.Fatal(len(all), err)
	}
	for _, v := range all {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(time.UnixMilli(v.At)))
			key, err := pairing.ParseRecipientKey(v.Key)
			if err != nil {
				t.Fatal(err)
			}
			sink := newSink(t)
			o := OpenOptions{Keys: []*hpke.PrivateKey{key}, Classic: v.Classic, Sink: sink}
			if v.Trust != "" {
				id, err := pairing.ParseIdentity(v.Trust)
				if err != nil {
					t.Fatal(err)
				}
				o.Trust = []pairing.Identity{id}
			}
			if v.Policy != "" {
				if o.Policy, err = policy.ParseTLS(unhex(t, v.Policy)); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Open(t.Context(), bytes.NewReader(unhex(t, v.File)), o)
			if v.Refused != "" {
				if err == nil || transfer.CodeOf(err).String() != v.Refused || sink.begun > 0 {
					t.Errorf("%s: %v, not %s", v.Name, err, v.Refused)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", v.Name, err)
			}
			if hex.EncodeToString(r.ID[:]) != v.ID || hex.EncodeToString(r.Root[:]) != v.Root || r.Ledger.Imported+r.Ledger.Tombstones != v.Items {
				t.Errorf("%s: %x, %x, %+v", v.Name, r.ID, r.Root, r.Ledger)
			}
		})
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lacking does not hold the content of one message's attachment.
type lacking struct {
	transfer.Source
	of *codec.Dialog
}

func (l lacking) OpenAttachment(ctx context.Context, room string, seg segment.ID, e segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	if e.MessageID == string(l.of.MessageID) {
		return nil, segment.ErrContentAbsent
	}
	return l.Source.OpenAttachment(ctx, room, seg, e, offset)
}

// makeFileVectors seals anew: keys and files are random, what is said of them is not.
func makeFileVectors(t *testing.T) {
	var all []fileVector
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(begin.Add(time.Hour)))
		sharer, thief := identity(t), identity(t)
		keys := []*hpke.PrivateKey{keyFor(t, hpke.SuiteXWing), keyFor(t, hpke.SuiteXWing)}
		stranger, classic := keyFor(t, hpke.SuiteXWing), keyFor(t, hpke.SuiteX25519)
		rules := &policy.History{Roles: []uint32{2}, MaxPeriod: 3600}
		strict := &policy.History{Roles: []uint32{2}, MaxPeriod: 3599}
		tls := func(h *policy.History) string {
			b, err := h.AppendTLS(nil)
			if err != nil {
				t.Fatal(err)
			}
			return hex.EncodeToString(b)
		}
		add := func(v fileVector, key *hpke.PrivateKey, file []byte, r *Result) {
			text, err := pairing.RecipientKeyText(key)
			if err != nil {
				t.Fatal(err)
			}
			v.Key, v.File = text, hex.EncodeToString(file)
			if v.At == 0 {
				v.At = time.Now().UnixMilli()
			}
			if v.Refused == "" {
				v.ID, v.Root, v.Items = hex.EncodeToString(r.ID[:]), hex.EncodeToString(r.Root[:]), r.Head.Messages
				for page, err := range sourceOf(t, conversation(4, 0)).Manifest(t.Context(), segment.Scope{CatchUp: r.Head.Room != ""}) {
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range page.Entries {
						if e.Type == segment.SegmentType {
							v.Segments = append(v.Segments, hex.EncodeToString(e.Segment.ID[:]))
						}
					}
				}
			}
			all = append(all, v)
		}
		o := SealOptions{
			Source: sourceOf(t, conversation(4, 0)), Scope: segment.Scope{Rooms: []string{room}}, Recipients: publics(keys...),
			Intent: pairing.CatchUp, Signer: sharer, Label: "Alice", Policy: rules, Role: 2, Lifetime: time.Hour,
		}
		file, r := seal(t, o)
		trust := sharer.Identity().Text()
		add(fileVector{Name: "catch-up, first recipient", Trust: trust, Policy: tls(rules)}, keys[0], file, r)
		add(fileVector{Name: "catch-up, second recipient", Trust: trust}, keys[1], file, r)
		o.Source, o.Recipients, o.Classic = sourceOf(t, conversation(4, 0)), publics(classic), true
		o.Intent, o.Scope, o.Policy, o.Role, o.Signer = pairing.SameAccount, segment.Scope{}, nil, 0, nil
		migration, m := seal(t, o)
		add(fileVector{Name: "migration, classic suite", Classic: true}, classic, migration, m)
		withMedia := conversation(9, 0)
		for i := range 3 {
			d := &withMedia.Dialog[5+i]
			withMedia.Attachments = append(withMedia.Attachments, codec.Attachment{
				Start: d.Start, Party: d.Originator, MediaType: "image/png", Filename: "picture.png", Encoding: codec.EncodingBase64URL,
				DialogObjectRef: "mid:" + string(d.MessageID) + ":0@anon.invalid", Body: codec.Body{Kind: codec.BodyBytes, Data: []byte{byte(i), 1, 2}},
			})
		}
		withMedia.Attachments[2].Body, withMedia.Attachments[2].URL = codec.Body{}, "https://example.com/picture" // only referred to
		o.Recipients, o.Intent, o.Signer, o.Label = publics(keys...), pairing.CatchUp, sharer, "Alice"
		o.Scope = segment.Scope{Rooms: []string{room}, Since: begin.Add(2 * time.Minute), Until: begin.Add(8 * time.Minute)}
		o.Source = lacking{sourceOf(t, withMedia), &withMedia.Dialog[6]}
		media, a := seal(t, o)
		add(fileVector{Name: "attachments, one absent, and a window"}, keys[0], media, a)
		v := &all[len(all)-1]
		v.Segments, v.Items = nil, a.Head.Messages
		for page, err := range o.Source.Manifest(t.Context(), segment.Scope{Rooms: o.Scope.Rooms, Since: o.Scope.Since, Until: o.Scope.Until, CatchUp: true}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				if e.Type == segment.SegmentType {
					v.Segments = append(v.Segments, hex.EncodeToString(e.Segment.ID[:]))
				}
			}
		}
		if l := a.Ledger; l.Attachments != 3 || l.AttachmentsQuarantined[segment.ContentAbsent] != 1 || len(l.AttachmentsExcluded) == 0 || l.Excluded[segment.OutsideScope] != 3 {
			t.Fatalf("not what the vector is for: %+v", l)
		}
		no := func(name, code string, file []byte) { add(fileVector{Name: name, Refused: code}, keys[0], file, nil) }
		add(fileVector{Name: "classic suite that was not allowed", Refused: "suite"}, classic, migration, nil)
		no("of another suite than the key", "suite", migration)
		add(fileVector{Name: "wrong recipient", Refused: "intent"}, stranger, file, nil)
		no("cut in the header", "verification", file[:700])
		no("cut in the payload", "verification", file[:len(file)-100])
		no("more behind the end", "verification", append(slices.Clone(file), 0))
		half := (hpke.SuiteXWing.EncSize() + 48)
		swapped := slices.Concat(file[:76], file[76+half:76+2*half], file[76:76+half], file[76+2*half:])
		no("swapped stanzas", "verification", swapped)
		commitment := slices.Clone(file)
		commitment[44] ^= 1
		no("prefix changed (its commitment)", "intent", commitment) // no stanza opens: the prefix is their AAD
		nobody := slices.Clone(file)
		nobody[11] = 0
		headLength := slices.Clone(file)
		headLength[76+2*half+1] = 2 // 128 KiB and more
		no("head too long", "limit", headLength)
		newer := slices.Clone(file)
		newer[4] = 2
		no("a newer version", "version", newer)
		no("no recipients", "source", nobody)
		add(fileVector{Name: "expired", At: r.Head.NotAfter.UnixMilli() + 1, Refused: "expired"}, keys[0], file, nil)
		add(fileVector{Name: "of the future", At: r.Head.Created.Add(-pairing.MaxSkew).UnixMilli() - 1, Refused: "expired"}, keys[0], file, nil)
		add(fileVector{Name: "policy breach", Policy: tls(strict), Refused: "policy"}, keys[0], file, nil)
		add(fileVector{Name: "sharer who is not trusted", Trust: thief.Identity().Text(), Refused: "untrusted"}, keys[0], file, nil)
		forged := forgery{v: conversation(4, 0), recipients: publics(keys...), sharer: sharer, ends: thief}
		no("a recipient's payload behind the sharer's head", "verification", forged.make(t))
		forged.ends, forged.head = sharer, func(h *pairing.ShareHead) { h.Since = begin.Add(time.Second) }
		no("messages before the window", "verification", forged.make(t))
	})
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(fileVectors), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fileVectors, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
