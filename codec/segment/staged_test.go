package segment

import (
	"bytes"
	"strings"
	"testing"
)

// stagedSamples are of the greatest length, and of the least.
func stagedSamples(t testing.TB, worst Ledger) []*Staged {
	t.Helper()
	a := AttachmentEntry{
		MessageID: strings.Repeat("m", MaxMessageID), Part: MaxPart, Size: MaxContent,
	}
	return []*Staged{
		{Segment: ID{1}, Ledger: worst}, {},
		{Room: strings.Repeat("r", MaxRoomID), Attachment: &a}, {Attachment: new(AttachmentEntry)},
		{Room: strings.Repeat("r", MaxRoomID), Attachment: &a, Reason: Reason(strings.Repeat("r", MaxReason))},
	}
}

func TestStaged(t *testing.T) {
	for _, s := range stagedSamples(t, worstLedger(t)) {
		b, err := AppendStaged([]byte("x"), s)
		if err != nil || len(b)-1 > MaxStaged {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		got, err := ParseStaged(b[1:])
		if err != nil {
			t.Fatal(err)
		}
		if got.Segment != s.Segment || !got.Ledger.Equal(s.Ledger) || got.Room != s.Room || got.Reason != s.Reason || (got.Attachment == nil) != (s.Attachment == nil) {
			t.Errorf("%+v became %+v", s, got)
		}
		if s.Attachment != nil && (got.Attachment.MessageID != s.Attachment.MessageID || got.Attachment.Part != s.Attachment.Part || got.Attachment.Size != s.Attachment.Size) {
			t.Errorf("%+v became %+v", s.Attachment, got.Attachment)
		}
		for n := range len(b) - 1 {
			if _, err := ParseStaged(b[1 : 1+n]); !ours(err) {
				t.Fatalf("%d of %d bytes: %v", n, len(b)-1, err)
			}
		}
	}
	for name, s := range map[string]*Staged{
		"room":       {Room: strings.Repeat("r", MaxRoomID+1), Attachment: new(AttachmentEntry)},
		"message id": {Attachment: &AttachmentEntry{MessageID: strings.Repeat("m", MaxMessageID+1)}},
		"part":       {Attachment: &AttachmentEntry{Part: MaxPart + 1}},
		"size":       {Attachment: &AttachmentEntry{Size: MaxContent + 1}},
	} {
		if b, err := AppendStaged(nil, s); err != nil {
			t.Error(err)
		} else if _, err := ParseStaged(b); !ours(err) {
			t.Errorf("%s over its limit: %v", name, err)
		}
	}
	for _, bad := range []Reason{"Upper", Reason(strings.Repeat("r", MaxReason+1))} {
		if _, err := AppendStaged(nil, &Staged{Attachment: new(AttachmentEntry), Reason: bad}); err == nil {
			t.Errorf("reason %q is encoded", bad)
		}
	}
	if _, err := ParseStaged([]byte{0x85, 0x60, 0x60, 0, 0, 0x60}); !ours(err) {
		t.Errorf("empty reason: %v", err)
	}
	if _, err := ParseStaged(make([]byte, MaxStaged+1)); !ours(err) {
		t.Errorf("too long: %v", err)
	}
}

func FuzzParseStaged(f *testing.F) {
	for _, s := range stagedSamples(f, samplePage().Left) {
		b, err := AppendStaged(nil, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x83, 0x60, 0x60, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseStaged(data)
		if err != nil {
			if !ours(err) {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		b, err := AppendStaged(nil, s)
		if err != nil || !bytes.Equal(b, data) {
			t.Fatalf("%x became %x: %v", data, b, err)
		}
	})
}
