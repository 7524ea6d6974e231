package segment

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// worstLedger is a balanced ledger of the greatest length.
func worstLedger(t *testing.T) Ledger {
	t.Helper()
	column := func() map[Reason]uint64 {
		m := map[Reason]uint64{}
		for i := range MaxReasons {
			m[Reason(fmt.Sprintf("%02d", i)+strings.Repeat("x", MaxReason-2))] = MaxCount / (4 * MaxReasons)
		}
		return m
	}
	l := Ledger{
		Excluded: column(), Quarantined: column(), AttachmentsExcluded: column(), AttachmentsQuarantined: column(),
	}
	l.Source, l.Attachments = l.Columns(), l.AttachmentColumns()
	b, err := AppendLedger(nil, &l)
	if err != nil || len(b) > MaxEnd-40 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	return l
}

func TestLedger(t *testing.T) {
	worst := worstLedger(t)
	b, err := AppendLedger(nil, &worst)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseLedger(b)
	if err != nil || !got.Equal(worst) || got.Balanced() != nil {
		t.Errorf("%+v, %v", got, err)
	}
	worst.AddExcluded("one more", 1)
	if _, err := AppendLedger(nil, &worst); err == nil {
		t.Error("encoded more than MaxReasons")
	}
	for r, ok := range map[Reason]bool{
		"": false, "a": true, Reason(strings.Repeat("a", MaxReason)): true, Reason(strings.Repeat("a", MaxReason+1)): false,
		"A": false, "a_": false, "a-1 b": true, "é": false,
	} {
		if _, err := AppendLedger(nil, &Ledger{Excluded: map[Reason]uint64{r: 1}}); (err == nil) != ok {
			t.Errorf("reason %q: %v", r, err)
		}
	}
	for _, r := range []Reason{OutsideScope, NoMedia, Expired, Superseded, Dangling, TooLarge, Malformed, Conflict, Unsupported, ContentAbsent} {
		if !r.valid() {
			t.Errorf("our own reason %q", r)
		}
	}
}

func TestLedgerSums(t *testing.T) {
	a := Ledger{Source: 10, Imported: 4, There: 3, Tombstones: 1, Attachments: 2, AttachmentsImported: 1, AttachmentsThere: 1}
	a.AddExcluded(Expired, 1)
	a.AddQuarantined(Conflict, 1)
	if err := a.Balanced(); err != nil {
		t.Error(err)
	}
	b := a.Clone()
	b.AddExcluded(Superseded, 0)
	if !b.Equal(a) || !a.Equal(b) {
		t.Error("a reason without a count makes a difference")
	}
	b.Add(a)
	if b.Source != 20 || b.Columns() != 20 || b.Excluded[Expired] != 2 || a.Excluded[Expired] != 1 || b.Lost() != 2 {
		t.Errorf("%+v", b)
	}
	c := Ledger{Source: 10, Attachments: 2}
	c.AddColumns(a)
	if !c.Equal(a) {
		t.Errorf("%+v", c)
	}
	for i, change := range []func(*Ledger){
		func(l *Ledger) { l.Source++ },
		func(l *Ledger) { l.Imported++ },
		func(l *Ledger) { l.There++ },
		func(l *Ledger) { l.Tombstones++ },
		func(l *Ledger) { l.AddExcluded(OutsideScope, 1) },
		func(l *Ledger) { l.AddQuarantined(Conflict, 1) },
		func(l *Ledger) { l.Attachments++ },
		func(l *Ledger) { l.AttachmentsImported++ },
		func(l *Ledger) { l.AttachmentsThere++ },
		func(l *Ledger) { l.AddAttachmentExcluded(NoMedia, 1) },
		func(l *Ledger) { l.AddAttachmentQuarantined(ContentAbsent, 1) },
	} {
		c := a.Clone()
		change(&c)
		if c.Balanced() == nil || c.Equal(a) || a.Equal(c) {
			t.Errorf("change %d is not seen", i)
		}
	}
	full := Ledger{Source: math.MaxUint64, Imported: math.MaxUint64}
	full.Add(Ledger{Source: 5, There: 5})
	full.Add(Ledger{There: 5})
	if full.Source != math.MaxUint64 || full.Columns() != math.MaxUint64 {
		t.Errorf("%+v", full)
	}
}
