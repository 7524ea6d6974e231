package codec

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

const everyPlace = `{
 "parties": [0, [1, 2], null, "x"], "originator": 3, "transferee": 4, "transferor": 5,
 "transfer_target": [6, 7], "transfer-target": 8, "original": 9, "recordings": [9],
 "party_history": [{"party": 10, "originator": 11, "event": "add"}, {"event": "room", "party": 0}, {}]
}`

func dialogOf(t testing.TB, text string) *Dialog {
	t.Helper()
	return must(DecodeDialogCBOR(must(RawOfJSON([]byte(text)))(t)))(t)
}

func TestMapParties(t *testing.T) {
	d := dialogOf(t, everyPlace)
	var seen []uint32
	d.EachParty(func(n uint32) { seen = append(seen, n) })
	slices.Sort(seen)
	if want := []uint32{0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11}; !slices.Equal(seen, want) {
		t.Errorf("sees %v instead of %v", seen, want)
	}
	before := must(AppendDialogCBOR(nil, d))(t)
	shared := *d // another dialog with the same slices, maps and pointers
	if err := d.MapParties(func(n uint32) (uint32, error) { return n + 1000, nil }); err != nil {
		t.Fatal(err)
	}
	if after := must(AppendDialogCBOR(nil, &shared))(t); !bytes.Equal(before, after) {
		t.Error("a dialog that shares memory was changed")
	}
	want := `{
 "parties": [1000, [1001, 1002], null, "x"], "originator": 1003, "transferee": 1004, "transferor": 1005,
 "transfer_target": [1006, 1007], "transfer-target": 1008, "original": 9, "recordings": [9],
 "party_history": [{"party": 1010, "originator": 1011, "event": "add"}, {"event": "room", "party": 1000}, {}]
}`
	if err := sameJSON(t, []byte(want), must(AppendDialogJSON(nil, d))(t)); err != nil {
		t.Error(err)
	}
}

func TestMapPartiesForms(t *testing.T) {
	twice := func(n uint32) (uint32, error) { return 2 * n, nil }
	for in, want := range map[string]string{
		`{}`:                                 `{}`,
		`{"parties":[1,2,3],"originator":0}`: `{"parties":[2,4,6],"originator":0}`,
		`{"parties":4}`:                      `{"parties":8}`,
		`{"parties":[]}`:                     `{"parties":[]}`,
		`{"parties":{"a":1}}`:                `{"parties":{"a":1}}`,
		`{"parties":[1.0,-1,4294967296,1]}`:  `{"parties":[1.0,-1,4294967296,2]}`,
		`{"parties":null,"originator":null}`: `{"parties":null,"originator":null}`,
		`{"parties":[[[[1]]]]}`:              `{"parties":[[[[2]]]]}`,
	} {
		d := dialogOf(t, in)
		if err := d.MapParties(twice); err != nil {
			t.Fatal(err)
		}
		if err := sameJSON(t, []byte(want), must(AppendDialogJSON(nil, d))(t)); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestMapPartiesError(t *testing.T) {
	unknown := errors.New("no such party")
	for n := range uint32(12) {
		d := dialogOf(t, everyPlace)
		before := must(AppendDialogCBOR(nil, d))(t)
		hit := false
		err := d.MapParties(func(m uint32) (uint32, error) {
			if m == n {
				hit = true
				return 0, unknown
			}
			return m + 1, nil
		})
		if hit != errors.Is(err, unknown) {
			t.Errorf("%d: %v", n, err)
		}
		if after := must(AppendDialogCBOR(nil, d))(t); hit && !bytes.Equal(before, after) {
			t.Errorf("%d: changed in spite of an error", n)
		}
	}
}

func TestMapPartiesAttachment(t *testing.T) {
	party := uint32(7)
	a := Attachment{Party: &party}
	n := uint32(0)
	a.EachParty(func(m uint32) { n = m })
	if err := a.MapParties(func(m uint32) (uint32, error) { return m + 1, nil }); err != nil || n != 7 || *a.Party != 8 || party != 7 {
		t.Error(err, n, *a.Party, party)
	}
	if err := a.MapParties(func(uint32) (uint32, error) { return 0, errors.ErrUnsupported }); err == nil || *a.Party != 8 {
		t.Error(err, *a.Party)
	}
	if err := new(Attachment).MapParties(nil); err != nil {
		t.Error(err)
	}
}
