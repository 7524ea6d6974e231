package pairing

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

var shareHeader = [32]byte{0: 7, 31: 9}

// aHead is a head of a catch-up with every field.
func aHead() ShareHead {
	created := time.UnixMilli(1790000000123)
	return ShareHead{
		Intent: CatchUp, Label: "Alice", Room: "mimi://example.com/r/engineering_team", RoomName: "Engineering Team",
		Policy: []byte{0, 4, 0, 0, 0, 2, 0, 0, 9, 58, 128}, Role: 2, Since: created.Add(-time.Hour), Until: created,
		Created: created, NotAfter: created.Add(MaxShareLife), Recipients: 25, Messages: 50000, Attachments: 3, Bytes: 9000000,
	}
}

func TestShareHead(t *testing.T) {
	key := attestKey(t, 1)
	want := aHead()
	b, err := SignShareHead(key, shareHeader, want)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseShareHead(shareHeader, b)
	if err != nil {
		t.Fatal(err)
	}
	if h.Sharer != key.Identity() || h.Room != want.Room || h.RoomName != want.RoomName || h.Label != want.Label || h.Role != 2 ||
		!bytes.Equal(h.Policy, want.Policy) || !h.Since.Equal(want.Since) || !h.Until.Equal(want.Until) || !h.Created.Equal(want.Created) ||
		!h.NotAfter.Equal(want.NotAfter) || h.Recipients != 25 || h.Messages != 50000 || h.Attachments != 3 || h.Bytes != 9000000 {
		t.Errorf("%+v", h)
	}
	other := shareHeader
	other[5] ^= 1
	if _, err := ParseShareHead(other, b); !errors.Is(err, ErrTampered) {
		t.Errorf("for another file: %v", err)
	}
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= 1
		if _, err := ParseShareHead(shareHeader, changed); err == nil {
			t.Errorf("byte %d changed: taken", i)
		}
	}
	// What a later version adds is signed too.
	f, err := parseFields(b)
	if err != nil {
		t.Fatal(err)
	}
	f[200] = encode("more")
	if _, err := ParseShareHead(shareHeader, encode(f)); !errors.Is(err, ErrTampered) {
		t.Errorf("a field that nobody signed: %v", err)
	}
	delete(f, shareSignature)
	signature, err := sign(key, PurposeShareHead, shareHeadHash(shareHeader, encode(f)))
	if err != nil {
		t.Fatal(err)
	}
	f[shareSignature] = encode(signature)
	if _, err := ParseShareHead(shareHeader, encode(f)); err != nil {
		t.Errorf("of a later version: %v", err)
	}
}

// Each limit of a head, on both sides, for who seals; and what only others write.
func TestShareHeadLimits(t *testing.T) {
	key := attestKey(t, 1)
	for name, c := range map[string]struct {
		change func(*ShareHead)
		why    error
	}{
		"longest room":     {func(h *ShareHead) { h.Room = strings.Repeat("r", MaxShareRoom) }, nil},
		"longer room":      {func(h *ShareHead) { h.Room = strings.Repeat("r", MaxShareRoom+1) }, ErrLimit},
		"longest policy":   {func(h *ShareHead) { h.Policy = make([]byte, MaxSharePolicy) }, nil},
		"longer policy":    {func(h *ShareHead) { h.Policy = make([]byte, MaxSharePolicy+1) }, ErrLimit},
		"longest label":    {func(h *ShareHead) { h.Label = strings.Repeat("é", MaxLabel) }, nil}, // cut
		"most recipients":  {func(h *ShareHead) { h.Recipients = hpke.MaxStanzas }, nil},
		"more recipients":  {func(h *ShareHead) { h.Recipients = hpke.MaxStanzas + 1 }, ErrLimit},
		"nobody":           {func(h *ShareHead) { h.Recipients = 0 }, ErrLimit},
		"longer life":      {func(h *ShareHead) { h.NotAfter = h.Created.Add(MaxShareLife + time.Millisecond) }, ErrLimit},
		"no life":          {func(h *ShareHead) { h.NotAfter = h.Created }, ErrLimit},
		"before 1970":      {func(h *ShareHead) { h.Since = time.UnixMilli(-1) }, ErrLimit},
		"since 1970":       {func(h *ShareHead) { h.Since = time.UnixMilli(0) }, nil},
		"beyond 9999":      {func(h *ShareHead) { h.Until = time.UnixMilli(maxInstant + 1) }, ErrLimit},
		"no room":          {func(h *ShareHead) { h.Room = "" }, ErrIntent},
		"migrated room":    {func(h *ShareHead) { h.Intent = SameAccount }, ErrIntent},
		"a migration":      {func(h *ShareHead) { h.Intent, h.Room = SameAccount, "" }, nil},
		"unknown purpose":  {func(h *ShareHead) { h.Intent = 9 }, ErrIntent},
		"room with a mark": {func(h *ShareHead) { h.Room = "mimi://\u202e" }, ErrMalformed},
	} {
		h := aHead()
		c.change(&h)
		b, err := SignShareHead(key, shareHeader, h)
		if !errors.Is(err, c.why) {
			t.Errorf("%s: %v, not %v", name, err, c.why)
		}
		if err == nil {
			if _, err := ParseShareHead(shareHeader, b); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	small := smallOrder()[1]
	if _, err := SignShareHead(lying{key, small}, shareHeader, aHead()); !errors.Is(err, ErrIdentity) {
		t.Errorf("a key of small order: %v", err)
	}
	if _, err := SignShareHead(lying{key, attestKey(t, 2).Identity()}, shareHeader, aHead()); !errors.Is(err, ErrSigner) {
		t.Errorf("another key than the signer's: %v", err)
	}
}

// lying signs with another key than it says.
type lying struct {
	Signer
	id Identity
}

func (l lying) Identity() Identity { return l.id }

func TestShareRoot(t *testing.T) {
	key, id, end := attestKey(t, 1), [32]byte{1}, []byte("end")
	signature, err := SignShareRoot(key, id, end)
	if err != nil {
		t.Fatal(err)
	}
	h := &ShareHead{Sharer: key.Identity()}
	if err := h.VerifyRoot(id, end, signature); err != nil {
		t.Error(err)
	}
	headSignature, err := sign(key, PurposeShareHead, shareRootHash(id, end))
	if err != nil {
		t.Fatal(err)
	}
	other := &ShareHead{Sharer: attestKey(t, 2).Identity()}
	for name, err := range map[string]error{
		"another file":    h.VerifyRoot([32]byte{2}, end, signature),
		"another end":     h.VerifyRoot(id, []byte("fin"), signature),
		"another purpose": h.VerifyRoot(id, end, headSignature),
		"another sharer":  other.VerifyRoot(id, end, signature),
		"no signature":    h.VerifyRoot(id, end, nil),
	} {
		if !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A shareVector is a head and an end with the secret key that signed them.
type shareVector struct {
	Secret    string `json:"secret"` // text form of the sharer's key
	Header    string `json:"header"` // hh
	Head      string `json:"head"`
	ID        string `json:"id"`
	End       string `json:"end"`
	Signature string `json:"signature"` // over the end
}

func TestShareVector(t *testing.T) {
	key, end := attestKey(t, 1), []byte{1, 2, 3}
	migration := ShareHead{Intent: SameAccount, Created: time.UnixMilli(1790000000000), NotAfter: time.UnixMilli(1790000060000), Recipients: 1}
	var got []shareVector
	for _, h := range []ShareHead{aHead(), migration} {
		head, err := SignShareHead(key, shareHeader, h)
		if err != nil {
			t.Fatal(err)
		}
		id := ShareID(shareHeader, head)
		signature, err := SignShareRoot(key, id, end)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, shareVector{key.Text(), hex.EncodeToString(shareHeader[:]), hex.EncodeToString(head),
			hex.EncodeToString(id[:]), hex.EncodeToString(end), hex.EncodeToString(signature)})
	}
	want := vectors(t, "share.json", got)
	for i := range got {
		if len(want) != len(got) || got[i] != want[i] {
			t.Errorf("made %+v, want %+v", got[i], want)
		}
	}
}

func FuzzShareHead(f *testing.F) {
	key := attestKey(f, 1)
	for _, intent := range []Intent{SameAccount, CatchUp} {
		h := aHead()
		if h.Intent = intent; intent == SameAccount {
			h.Room = ""
		}
		b, err := SignShareHead(key, shareHeader, h)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseShareHead(shareHeader, b)
		if err != nil {
			return
		}
		if h.Sharer != key.Identity() {
			t.Fatal("somebody else's signature")
		}
	})
}
