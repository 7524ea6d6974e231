package hpke

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"slices"
	"testing"

	"golang.org/x/crypto/chacha20"
)

// The dishonest sharer writes one file that two recipients read differently: two
// file keys, a stanza of each, and ciphertext that opens under both. The AEAD
// does not prevent that; only the commitment does.

// twoFaced is the header of a file whose stanzas hold two file keys. It commits to
// the first.
type twoFaced struct {
	raw    []byte
	header [32]byte
	prk    [2]Secret
}

func newTwoFaced(t *testing.T, s Suite, to [2]*PrivateKey, random io.Reader) twoFaced {
	t.Helper()
	nonce := pattern(sealedHash)
	keys := [2][]byte{streamKey(1), streamKey(2)}
	var f twoFaced
	var commitment [sealedHash]byte
	f.prk[0], commitment = fileSecret(nonce, keys[0])
	f.prk[1], _ = fileSecret(nonce, keys[1])
	f.raw = slices.Concat([]byte{'V', 'C', 'T', 'B', 1, byte(s), 0, 0, 0, 0, 0, 2}, nonce, commitment[:])
	aad := sha256.Sum256(f.raw)
	var sealer FileSealer
	for i, k := range to {
		stanza, err := sealer.stanza(k.public, aad[:], keys[i], random)
		check(t, err)
		f.raw = append(f.raw, stanza...)
	}
	f.header = Hash("bundle header", f.raw)
	return f
}

// collide gives a ciphertext of ChaCha20-Poly1305 that opens under both keys with
// an empty AAD and a nonce of zeros. Poly1305 is a polynomial over 2^130-5 in its
// one-time key r: two keys that give one tag are one linear equation for a block
// of the ciphertext.
func collide(t *testing.T, keys [2][]byte) []byte {
	t.Helper()
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 130), big.NewInt(5))
	two128 := new(big.Int).Lsh(big.NewInt(1), 128)
	var r, s [2]*big.Int
	for i, k := range keys {
		c, err := chacha20.NewUnauthenticatedCipher(k, make([]byte, 12))
		check(t, err)
		one := make([]byte, 32)
		c.XORKeyStream(one, one)
		for _, j := range []int{3, 7, 11, 15} {
			one[j] &= 15
		}
		for _, j := range []int{4, 8, 12} {
			one[j] &= 252
		}
		r[i], s[i] = little(one[:16]), little(one[16:])
	}
	lengths := make([]byte, 16)
	lengths[8] = 32 // no AAD, two blocks of ciphertext
	block := func(b []byte) *big.Int { return new(big.Int).Add(little(b), two128) }
	for salt := range uint64(1000) {
		first := binary.BigEndian.AppendUint64(make([]byte, 8), salt)
		// The polynomial without the second block, which is multiplied by r².
		var rest, square [2]*big.Int
		for i := range r {
			square[i] = new(big.Int).Exp(r[i], big.NewInt(2), p)
			a := new(big.Int).Mul(block(first), new(big.Int).Exp(r[i], big.NewInt(3), p))
			rest[i] = a.Add(a, new(big.Int).Mul(block(lengths), r[i]))
		}
		for wrap := int64(-4); wrap <= 4; wrap++ {
			// t1 - t0 = s0 - s1 + wrap * 2^128, where ti is the polynomial of key i.
			right := new(big.Int).Sub(s[0], s[1])
			right.Add(right, new(big.Int).Mul(big.NewInt(wrap), two128))
			right.Add(right, rest[0]).Sub(right, rest[1])
			factor := new(big.Int).Sub(square[1], square[0])
			x := right.Mul(right, factor.ModInverse(factor.Mod(factor, p), p))
			x.Mod(x, p).Sub(x, two128)
			if x.Sign() < 0 || x.BitLen() > 128 {
				continue
			}
			second := x.FillBytes(make([]byte, 16))
			slices.Reverse(second)
			ct := slices.Concat(first, second)
			for i := range r {
				sum := new(big.Int).Add(rest[i], new(big.Int).Mul(block(second), square[i]))
				tag := sum.Mod(sum, p).Add(sum, s[i]).Mod(sum, two128).FillBytes(make([]byte, 16))
				slices.Reverse(tag)
				sealed := append(bytes.Clone(ct), tag...)
				if opens(keys[0], sealed) && opens(keys[1], sealed) {
					return sealed
				}
			}
		}
	}
	t.Fatal("no collision found")
	return nil
}

func little(b []byte) *big.Int {
	r := bytes.Clone(b)
	slices.Reverse(r)
	return new(big.Int).SetBytes(r)
}

func opens(key, sealed []byte) bool {
	aead, err := SuiteX25519.NewAEAD(key)
	if err != nil {
		return false
	}
	_, err = aead.Open(nil, make([]byte, NonceSize), sealed, nil)
	return err == nil
}

func TestTwoRecipientsCannotBeShownTwoFiles(t *testing.T) {
	const s = SuiteX25519
	to := [2]*PrivateKey{newKey(t, s), newKey(t, s)}
	f := newTwoFaced(t, s, to, rand.Reader)
	head := collide(t, [2][]byte{headKey(s, f.prk[0], f.header), headKey(s, f.prk[1], f.header)})
	file := append(binary.BigEndian.AppendUint32(bytes.Clone(f.raw), uint32(len(head))), head...)

	// The attack is real: each recipient finds a stanza of his, and one head opens
	// for both, as two texts.
	var texts [2][]byte
	for i, k := range to {
		src := bytes.NewReader(file)
		raw := make([]byte, prefixSize)
		prefix, err := readPrefix(src, raw)
		check(t, err)
		fileKey, header, err := readStanzas(src, prefix, raw, k)
		check(t, err)
		prk, _ := fileSecret(prefix.nonce[:], fileKey)
		sealed, err := readHead(src)
		check(t, err)
		texts[i], err = openHead(s, prk, header, sealed)
		check(t, err)
	}
	if bytes.Equal(texts[0], texts[1]) {
		t.Fatal("both recipients read the same")
	}

	// The one whose key is committed to opens it (the payload is missing); the
	// other is told why not.
	if _, _, err := openedBy(file, to[0]); !errors.Is(err, ErrTruncated) {
		t.Errorf("with the key that is committed to: %v", err)
	}
	if _, err := OpenFile(bytes.NewReader(file), to[1]); !errors.Is(err, ErrCommitment) {
		t.Errorf("with the other key: %v", err)
	}
}

// TestRecipientsAreBoundToTheHeader passes the content on under stanzas of the
// recipient's own making: the hash that the sharer signs is another one.
func TestRecipientsAreBoundToTheHeader(t *testing.T) {
	const s = SuiteX25519
	first, second := newKey(t, s), newKey(t, s)
	file := sealedFor(t, s, []*PublicKey{first.Public()}, []byte("head"), pattern(10), rand.Reader)
	raw := bytes.Clone(file[:prefixSize])
	prefix, err := readPrefix(bytes.NewReader(raw), make([]byte, prefixSize))
	check(t, err)
	fileKey, header, err := readStanzas(bytes.NewReader(file[prefixSize:]), prefix, raw, first)
	check(t, err)

	var sealer FileSealer
	aad := sha256.Sum256(raw)
	stanza, err := sealer.stanza(second.Public(), aad[:], fileKey, rand.Reader)
	check(t, err)
	forged := slices.Concat(raw, stanza)
	prk, _ := fileSecret(prefix.nonce[:], fileKey)
	hash := Hash("bundle header", forged)
	key := headKey(s, prk, hash)
	aead, err := s.NewAEAD(key)
	check(t, err)
	head := aead.Seal(nil, make([]byte, NonceSize), []byte("head"), nil)
	forged = append(binary.BigEndian.AppendUint32(forged, uint32(len(head))), head...)
	var payload bytes.Buffer
	w, err := NewWriter(&payload, s, payloadKey(s, prk, hash, head))
	check(t, err)
	_, err = w.Write(pattern(10))
	check(t, err)
	check(t, w.Close())
	forged = append(forged, payload.Bytes()...)

	o, err := OpenFile(bytes.NewReader(forged), second)
	check(t, err)
	_, err = io.Copy(io.Discard, o.Payload())
	check(t, err)
	if o.Header() == header {
		t.Error("another recipient, and the same hash of the header")
	}

	// Nor can he leave the hash as it is and put his stanza in: nothing opens then.
	swapped := slices.Concat(raw, stanza, file[len(raw)+len(stanza):])
	if _, err := OpenFile(bytes.NewReader(swapped), second); !errors.Is(err, ErrOpen) {
		t.Errorf("swapped stanza: %v", err)
	}
}
