package hpke

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

// sealedFor makes a whole sealed file.
func sealedFor(t testing.TB, s Suite, to []*PublicKey, head, payload []byte, random io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	f, err := newFileSealer(&out, s, to, random)
	check(t, err)
	w, err := f.SealHead(head)
	check(t, err)
	_, err = w.Write(payload)
	check(t, err)
	check(t, w.Close())
	return out.Bytes()
}

// openedBy opens a whole sealed file.
func openedBy(file []byte, key *PrivateKey) (head, payload []byte, err error) {
	o, err := OpenFile(bytes.NewReader(file), key)
	if err != nil {
		return nil, nil, err
	}
	payload, err = io.ReadAll(o.Payload())
	return o.Head(), payload, err
}

func publicKeys(keys []*PrivateKey) []*PublicKey {
	var public []*PublicKey
	for _, k := range keys {
		public = append(public, k.Public())
	}
	return public
}

func TestSealedFileOpensForEachRecipientAndNobodyElse(t *testing.T) {
	for _, s := range suites() {
		for _, c := range []struct{ recipients, stanzas int }{{1, 1}, {2, 2}, {3, 4}, {25, 32}} {
			t.Run(fmt.Sprintf("%v for %d", s, c.recipients), func(t *testing.T) {
				var keys []*PrivateKey
				for range c.recipients {
					keys = append(keys, newKey(t, s))
				}
				head, payload := []byte("head"), pattern(MaxChunk+7)
				file := sealedFor(t, s, publicKeys(keys), head, payload, rand.Reader)
				want := prefixSize + c.stanzas*s.stanzaSize() + 4 + len(head) + Overhead + len(payload) + 2*Overhead
				if len(file) != want {
					t.Errorf("%d bytes, want %d", len(file), want)
				}
				for _, k := range keys {
					gotHead, gotPayload, err := openedBy(file, k)
					check(t, err)
					equal(t, "head", gotHead, head)
					equal(t, "payload", gotPayload, payload)
				}
				if _, _, err := openedBy(file, newKey(t, s)); !errors.Is(err, ErrRecipient) {
					t.Errorf("a stranger's key: %v", err)
				}
			})
		}
	}
}

// TestSealedFileOfTheReference opens a file with the second implementation of
// HPKE, walking the layout as the wire format tells it.
func TestSealedFileOfTheReference(t *testing.T) {
	for _, s := range suites() {
		key, other := newKey(t, s), newKey(t, s)
		head, payload := []byte("who and what"), pattern(100)
		file := sealedFor(t, s, publicKeys([]*PrivateKey{key, other, other}), head, payload, rand.Reader)
		kem, kdf, aead := s.IDs()
		ref := reference{kem, kdf, aead}
		raw, err := key.Bytes()
		check(t, err)
		if string(file[:8]) != "VCTB\x01"+string(rune(s))+"\x00\x00" || binary.BigEndian.Uint32(file[8:]) != 4 {
			t.Fatalf("prefix %x", file[:12])
		}
		pkHash := sha256.Sum256(slices.Concat([]byte("vcon-transfer/1 pk\x00"), key.Public().Bytes()))
		info := slices.Concat([]byte("vcon-transfer/1 stanza\x00"), pkHash[:])
		aad := sha256.Sum256(file[:76])
		end := 76
		var fileKey []byte
		for range 4 {
			stanza := file[end : end+s.EncSize()+48]
			end += len(stanza)
			c := ref.schedule(0, ref.decap(t, raw, stanza[:s.EncSize()]), info, nil, nil)
			a, nonce := c.next(t)
			if k, err := a.Open(nil, nonce, stanza[s.EncSize():], aad[:]); err == nil {
				fileKey = k
			}
		}
		prk := Extract(file[12:44], fileKey)
		equal(t, "commitment", prk.expand("vcon-transfer/1 commit\x00", 32), file[44:76])
		hh := sha256.Sum256(slices.Concat([]byte("vcon-transfer/1 bundle header\x00"), file[:end]))
		n := int(binary.BigEndian.Uint32(file[end:]))
		sealedHead := file[end+4 : end+4+n]
		a, err := chacha20poly1305.New(prk.expand("vcon-transfer/1 head\x00"+string(hh[:]), 32))
		check(t, err)
		gotHead, err := a.Open(nil, make([]byte, 12), sealedHead, nil)
		check(t, err)
		equal(t, "head", gotHead, head)
		hash := sha256.Sum256(sealedHead)
		a, err = chacha20poly1305.New(prk.expand("vcon-transfer/1 payload\x00"+string(hh[:])+string(hash[:]), 32))
		check(t, err)
		gotPayload, err := a.Open(nil, append(make([]byte, 11), 1), file[end+4+n:], nil)
		check(t, err)
		equal(t, "payload", gotPayload, payload)
	}
}

func TestSealedFileRefusesNumbersOfRecipients(t *testing.T) {
	key := newKey(t, SuiteX25519)
	for _, n := range []int{0, MaxStanzas + 1} {
		if _, err := NewFileSealer(io.Discard, SuiteX25519, slices.Repeat([]*PublicKey{key.Public()}, n)); !errors.Is(err, ErrRecipients) {
			t.Errorf("%d recipients: %v", n, err)
		}
	}
}

func TestSealedFileOfTenThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand key agreements")
	}
	keys := make([]*PrivateKey, 3)
	for i := range keys {
		keys[i] = newKey(t, SuiteX25519)
	}
	to := slices.Repeat(publicKeys(keys[:1]), 10_000)
	to[9_999] = keys[1].Public()
	file := sealedFor(t, SuiteX25519, to, nil, pattern(5), rand.Reader)
	if p, err := ReadFilePrefix(bytes.NewReader(file)); err != nil || p.Stanzas != 10_240 {
		t.Errorf("%d stanzas (%v), want 10240", p.Stanzas, err)
	}
	_, payload, err := openedBy(file, keys[1])
	check(t, err)
	equal(t, "payload", payload, pattern(5))
	if _, _, err := openedBy(file, keys[2]); !errors.Is(err, ErrRecipient) {
		t.Errorf("a stranger's key: %v", err)
	}
}

func TestPaddedStanzas(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 4, 129: 256, 256: 256, 257: 512, 512: 512, 513: 768, 10_000: 10_240, MaxStanzas: MaxStanzas} {
		if got := paddedStanzas(n); got != want {
			t.Errorf("%d recipients: %d stanzas, want %d", n, got, want)
		}
	}
}

func TestSealedFileNeverMixesSuites(t *testing.T) {
	pq, classic := newKey(t, SuiteXWing), newKey(t, SuiteX25519)
	if _, err := NewFileSealer(io.Discard, SuiteXWing, publicKeys([]*PrivateKey{pq, classic})); !errors.Is(err, ErrSuite) {
		t.Errorf("sealed for both: %v", err)
	}
	file := sealedFor(t, SuiteX25519, publicKeys([]*PrivateKey{classic}), nil, nil, rand.Reader)
	if _, err := OpenFile(bytes.NewReader(file), pq); !errors.Is(err, ErrSuite) {
		t.Errorf("opened with a key of the other suite: %v", err)
	}
}

func TestSealedFileHeadLimit(t *testing.T) {
	key := newKey(t, SuiteX25519)
	file := sealedFor(t, SuiteX25519, publicKeys([]*PrivateKey{key}), pattern(MaxHead), nil, rand.Reader)
	head, _, err := openedBy(file, key)
	check(t, err)
	equal(t, "head", head, pattern(MaxHead))
	f, err := NewFileSealer(io.Discard, SuiteX25519, publicKeys([]*PrivateKey{key}))
	check(t, err)
	if _, err := f.SealHead(pattern(MaxHead + 1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("head beyond the limit: %v", err)
	}
	at := prefixSize + SuiteX25519.stanzaSize()
	binary.BigEndian.PutUint32(file[at:], MaxHead+Overhead+1)
	if _, err := OpenFile(bytes.NewReader(file), key); !errors.Is(err, ErrTooLarge) {
		t.Errorf("length of the head beyond the limit: %v", err)
	}
}

func TestSealedFileHasOneHead(t *testing.T) {
	f, err := NewFileSealer(io.Discard, SuiteX25519, publicKeys([]*PrivateKey{newKey(t, SuiteX25519)}))
	check(t, err)
	_, err = f.SealHead(nil)
	check(t, err)
	if _, err := f.SealHead(nil); !errors.Is(err, ErrFinished) {
		t.Errorf("second head: %v", err)
	}
}

// TestSealedFileCutOrChanged cuts the file at each byte and flips a bit of each.
func TestSealedFileCutOrChanged(t *testing.T) {
	key := newKey(t, SuiteX25519)
	file := sealedFor(t, SuiteX25519, publicKeys([]*PrivateKey{key}), []byte("head"), pattern(40), rand.Reader)
	for i := range file {
		_, _, err := openedBy(file[:i], key)
		if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrOpen) {
			t.Errorf("cut at %d: %v", i, err)
		}
		changed := bytes.Clone(file)
		changed[i] ^= 1
		if _, _, err := openedBy(changed, key); err == nil {
			t.Errorf("bit %d flipped: opened", i)
		}
	}
	if _, _, err := openedBy(append(bytes.Clone(file), 0), key); err == nil {
		t.Error("a byte after the end: opened")
	}
}

func TestSealedFileAfterErase(t *testing.T) {
	key := newKey(t, SuiteX25519)
	file := sealedFor(t, SuiteX25519, publicKeys([]*PrivateKey{key}), nil, nil, rand.Reader)
	key.Erase()
	if _, err := OpenFile(bytes.NewReader(file), key); !errors.Is(err, ErrErased) {
		t.Errorf("with an erased key: %v", err)
	}
}

func BenchmarkOpenSealedFile(b *testing.B) {
	for _, s := range suites() {
		b.Run(s.String(), func(b *testing.B) {
			key := newKey(b, s)
			others := slices.Repeat([]*PublicKey{newKey(b, s).Public()}, 255)
			file := sealedFor(b, s, append(others, key.Public()), nil, nil, rand.Reader)
			for b.Loop() {
				_, _, err := openedBy(file, key)
				check(b, err)
			}
		})
	}
}
