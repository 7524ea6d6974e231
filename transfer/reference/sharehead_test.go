package reference

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"slices"
	"testing"
)

// Sections "Share", "Head", and "Identities", "Attestations": maps with small keys that
// one of their values signs.

type shareHead struct {
	sharer                                 []byte
	intent, role, since, until             uint64
	created, notAfter, recipients, unknown uint64
	room                                   string
}

// signed tells whether an identity signed a hash for this purpose.
func signed(identity []byte, purpose string, hash, signature []byte) bool {
	message := slices.Concat([]byte("vcon-transfer/1 "+purpose), []byte{0}, hash)
	return len(identity) == 32 && ed25519.Verify(identity, message, signature)
}

// byKey are the values of a map with unsigned keys in order, and the map without one.
func byKey(it item, left uint64) (values map[uint64]item, without []byte, ok bool) {
	if !it.is(majorMap) {
		return nil, nil, false
	}
	values = map[uint64]item{}
	kept := item{major: majorMap}
	for i := 0; i < len(it.list); i += 2 {
		if !it.list[i].is(majorUint) {
			return nil, nil, false
		}
		values[it.list[i].arg] = it.list[i+1]
		if it.list[i].arg != left {
			kept.list = append(kept.list, it.list[i], it.list[i+1])
		}
	}
	without = encodeHead(majorMap, uint64(len(kept.list)/2))
	for _, part := range kept.list {
		without = append(without, part.raw...)
	}
	return values, without, true
}

const lastInstant = 253402300799999

func parseShareHead(hh, b []byte) (*shareHead, error) {
	bad := refusal("verification")
	it, err := cborReader{depth: 8, count: 64}.parse(b)
	if err != nil || len(b) > 65536 {
		return nil, bad
	}
	v, without, ok := byKey(it, 16)
	if !ok {
		return nil, bad
	}
	h := &shareHead{}
	for key, value := range v {
		fine := true
		number := func(to *uint64, most uint64) {
			*to = value.arg
			fine = value.is(majorUint) && value.arg <= most
		}
		text := func(most int) { fine = value.is(majorText) && sized(value, most) && plainText(string(value.data)) }
		ignored := uint64(0)
		switch key {
		case 1:
			h.sharer, fine = value.fixed(32)
		case 2:
			number(&h.intent, 2)
			fine = fine && h.intent > 0
		case 3:
			text(64)
		case 4:
			text(2048)
			h.room = string(value.data)
		case 5:
			text(256)
		case 6:
			fine = value.is(majorBytes) && sized(value, 1024)
		case 7:
			number(&h.role, 1<<32-1)
		case 8:
			number(&h.since, lastInstant)
		case 9:
			number(&h.until, lastInstant)
		case 10:
			number(&h.created, lastInstant)
		case 11:
			number(&h.notAfter, lastInstant)
		case 12:
			number(&h.recipients, 16384)
		case 13, 14, 15:
			number(&ignored, 1<<64-1)
		case 16:
			_, fine = value.fixed(64)
		default:
			h.unknown++
			fine = h.unknown <= 16
		}
		if !fine {
			return nil, bad
		}
	}
	if h.sharer == nil || h.intent == 0 || h.recipients == 0 || h.notAfter <= h.created || h.notAfter-h.created > 2592000000 || (h.intent == 2) != (h.room != "") {
		return nil, bad
	}
	if !signed(h.sharer, "share-head", labeledHash("share head", hh, lp(without)), v[16].data) {
		return nil, bad
	}
	return h, nil
}

func TestShareHeads(t *testing.T) {
	var all []struct{ Secret, Header, Head, ID, End, Signature string }
	load(t, "pairing/share.json", &all)
	for i, v := range all {
		header, head, end := unhex(t, v.Header), unhex(t, v.Head), unhex(t, v.End)
		h, err := parseShareHead(header, head)
		if err != nil {
			t.Fatalf("vector %d: %v", i, err)
		}
		seed, err := checkedText(v.Secret, "VCT-SECRET-IDENTITY-", "identity key check")
		if err != nil || !bytes.Equal(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), h.sharer) {
			t.Errorf("vector %d: another sharer, %v", i, err)
		}
		id := labeledHash("share id", header, lp(head))
		if hex.EncodeToString(id) != v.ID || !signed(h.sharer, "share-root", labeledHash("share root", id, lp(end)), unhex(t, v.Signature)) {
			t.Errorf("vector %d: id %x", i, id)
		}
		header[0] ^= 1
		if _, err := parseShareHead(header, head); err == nil {
			t.Errorf("vector %d: taken for another file", i)
		}
	}
	if len(all) == 0 {
		t.Error("no vectors")
	}
}

func TestAttestations(t *testing.T) {
	var all []struct {
		Secret, URI, Attestation string
		Version                  uint64
		Devices                  []string
	}
	load(t, "pairing/attestation.json", &all)
	for i, a := range all {
		it, err := cborReader{depth: 8, count: 256}.parse(unhex(t, a.Attestation))
		if err != nil {
			t.Fatal(err)
		}
		v, without, ok := byKey(it, 7)
		seed, err := checkedText(a.Secret, "VCT-SECRET-IDENTITY-", "identity key check")
		if !ok || err != nil {
			t.Fatal(err)
		}
		key := ed25519.NewKeyFromSeed(seed)
		account, _ := v[1].fixed(32)
		if !bytes.Equal(account, key.Public().(ed25519.PublicKey)) || string(v[2].data) != a.URI || v[3].arg != a.Version || len(v[6].list) != len(a.Devices) {
			t.Errorf("attestation %d: %v", i, v)
		}
		for n, d := range a.Devices {
			want, err := checkedText(d, "VCT-IDENTITY-", "identity check")
			if got, _ := v[6].list[n].fixed(32); err != nil || !bytes.Equal(got, want) {
				t.Errorf("attestation %d: device %d is %x", i, n, got)
			}
		}
		if !signed(account, "attest", labeledHash("attestation", without), v[7].data) {
			t.Errorf("attestation %d: false", i)
		}
	}
	if len(all) == 0 {
		t.Error("no attestations")
	}
}
