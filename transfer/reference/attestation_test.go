package reference

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
)

// attestation is section "Identities", "Attestations".
type attestation struct {
	account          []byte
	uri              string
	version          uint64
	issued, notAfter uint64
	devices          [][]byte
	signature        []byte
	hash             []byte // that is signed
}

// withoutKey is a map without one of the numbered keys, in its own bytes.
func (it item) withoutKey(key uint64) []byte {
	n, body := uint64(0), []byte(nil)
	for pair := range slices.Chunk(it.list, 2) {
		if pair[0].is(majorUint) && pair[0].arg == key {
			continue
		}
		n++
		body = slices.Concat(body, pair[0].raw, pair[1].raw)
	}
	return append(encodeHead(majorMap, n), body...)
}

// numbered calls take for each key below n, counts those of a later version,
// and says which of the first were there.
func (it item) numbered(n uint64, take func(key uint64, v item) bool) (seen map[uint64]bool, ok bool) {
	seen = map[uint64]bool{}
	unknown := 0
	if !it.is(majorMap) {
		return seen, false
	}
	for pair := range slices.Chunk(it.list, 2) {
		key := pair[0]
		switch {
		case !key.is(majorUint):
			return seen, false
		case key.arg == 0 || key.arg >= n:
			unknown++
		case !take(key.arg, pair[1]):
			return seen, false
		default:
			seen[key.arg] = true
		}
	}
	return seen, unknown <= 16
}

func parseAttestation(b []byte) (a attestation, ok bool) {
	it, err := small.parse(b)
	if err != nil || len(b) > 8192 {
		return a, false
	}
	seen, ok := it.numbered(8, func(key uint64, v item) (ok bool) {
		switch key {
		case 1:
			a.account, ok = v.fixed(32)
			return ok && checkIdentity(a.account)
		case 2:
			a.uri = string(v.data)
			return v.is(majorText) && sized(v, 512) && plainText(a.uri)
		case 3:
			a.version = v.arg
			return v.is(majorUint) && v.arg > 0
		case 4:
			a.issued = v.arg
			return v.is(majorUint)
		case 5:
			a.notAfter = v.arg
			return v.is(majorUint)
		case 6:
			for _, d := range v.list {
				device, ok := d.fixed(32)
				if n := len(a.devices); !ok || !checkIdentity(device) || n > 0 && bytes.Compare(a.devices[n-1], device) >= 0 {
					return false
				}
				a.devices = append(a.devices, device)
			}
			return v.is(majorArray) && len(v.list) > 0 // 128 are the limit of any array here
		}
		a.signature, ok = v.fixed(64)
		return ok
	})
	a.hash = labeledHash("attestation", it.withoutKey(7))
	return a, ok && len(seen) == 7 && a.notAfter > a.issued && a.notAfter-a.issued <= 604_800_000
}

// admits is what S does with key 9 of a bundle that device signed, at an instant
// and with the highest version that it has seen.
func admits(b, account, device []byte, at, version uint64) bool {
	a, ok := parseAttestation(b)
	return ok && bytes.Equal(a.account, account) && verify(a.account, "attest", a.hash, a.signature) &&
		slices.ContainsFunc(a.devices, func(d []byte) bool { return bytes.Equal(d, device) }) &&
		at <= a.notAfter && a.issued <= at+300_000 && a.version >= version
}

func TestAttestations(t *testing.T) {
	var all []struct {
		Secret, URI string
		Version     uint64
		Issued      uint64
		NotAfter    uint64 `json:"not_after"`
		Devices     []string
		Attestation string
	}
	load(t, "pairing/attestation.json", &all)
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	for i, v := range all {
		seed, ok := readSeed(v.Secret)
		b := unhex(t, v.Attestation)
		a, good := parseAttestation(b)
		if !ok || !good {
			t.Fatalf("vector %d is refused", i)
		}
		var devices []string
		for _, d := range a.devices {
			devices = append(devices, writeText(d, "VCT-IDENTITY-", "identity check"))
		}
		if a.uri != v.URI || a.version != v.Version || a.issued != v.Issued || a.notAfter != v.NotAfter ||
			!slices.Equal(devices, v.Devices) {
			t.Errorf("vector %d: %+v", i, a)
		}
		account := publicIdentity(seed)
		if got := sign(seed, "attest", a.hash); !bytes.Equal(got, a.signature) {
			t.Errorf("vector %d: another signature: %x", i, got)
		}
		for _, device := range a.devices {
			if !admits(b, account, device, v.Issued, v.Version) || !admits(b, account, device, v.NotAfter, 0) ||
				!admits(b, account, device, v.Issued-300_000, v.Version) {
				t.Errorf("vector %d: device %x is refused", i, device)
			}
			for what, got := range map[string]bool{
				"another account": admits(b, device, device, v.Issued, 0),
				"another device":  admits(b, account, account, v.Issued, 0),
				"ended":           admits(b, account, device, v.NotAfter+1, 0),
				"of the future":   admits(b, account, device, v.Issued-300_001, 0),
				"an older list":   admits(b, account, device, v.Issued, v.Version+1),
				"nothing":         admits(nil, account, device, v.Issued, 0),
			} {
				if got {
					t.Errorf("vector %d: %s is admitted", i, what)
				}
			}
		}
		refuseChanged(t, b, account, a, seed)
	}
}

// refuseChanged changes every byte, each of which the signature covers or is
// part of, and signs what a reader has to refuse all the same.
func refuseChanged(t *testing.T, b, account []byte, a attestation, seed []byte) {
	t.Helper()
	for at := range b {
		changed := bytes.Clone(b)
		changed[at] ^= 1
		if admits(changed, account, a.devices[0], a.issued, 0) {
			t.Errorf("byte %d changed is admitted", at)
		}
	}
	if len(a.devices) < 2 {
		return
	}
	first, second := hex.EncodeToString(a.devices[0]), hex.EncodeToString(a.devices[1])
	for what, list := range map[string]string{
		"as it was":      "825820" + first + "5820" + second,
		"backwards":      "825820" + second + "5820" + first,
		"one twice":      "825820" + first + "5820" + first,
		"nobody":         "80",
		"a key to avoid": "825820" + hex.EncodeToString(make([]byte, 32)) + "5820" + first,
	} {
		it, _ := small.parse(b)
		it.list = slices.Clone(it.list)
		it.list[11].raw = unhex(t, list)
		hash := labeledHash("attestation", it.withoutKey(7))
		it.list[13].raw = slices.Concat([]byte{0x58, 64}, sign(seed, "attest", hash))
		again := it.withoutKey(1 << 63) // no such key: the whole map
		if got := admits(again, account, a.devices[0], a.issued, 0); got != (what == "as it was") {
			t.Errorf("signed, devices %s: admitted: %v", what, got)
		}
	}
}
