package reference

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
	"time"
)

// sessionVector is one whole session.
type sessionVector struct {
	Time         string
	RandReceiver string `json:"rand_receiver"`
	RandSender   string `json:"rand_sender"`
	OfferText    string `json:"offer_text"`
	CheckCode    string `json:"check_code"`
	TransferID   string `json:"transfer_id"`
	Root         string
	Segment      string
	Attachment   string
	FromSender   string `json:"from_sender"`
	FromReceiver string `json:"from_receiver"`
}

// side is one direction of the recorded session.
type side struct {
	frames  []frame
	records [][]byte // opened
	chunks  []byte   // plaintext of the data stream
}

// openAll opens the records and chunks after the handshake.
func (s *side) openAll(t *testing.T, control, data []byte) {
	t.Helper()
	var records, chunks uint64
	ended := false
	for _, f := range s.frames[2:] {
		switch f.kind {
		case 5:
			plain, err := open(control, recordNonce(records), f.payload, nil)
			if err != nil {
				t.Fatalf("record %d: %v", records, err)
			}
			records++
			s.records = append(s.records, plain)
		case 6:
			last := f.flags == 1
			plain, err := open(data, chunkNonce(chunks, last), f.payload, nil)
			if err != nil || ended {
				t.Fatalf("chunk %d: %v", chunks, err)
			}
			chunks++
			ended = last
			s.chunks = append(s.chunks, plain...)
		default:
			t.Fatalf("frame of type %d after the handshake", f.kind)
		}
	}
}

// sealAgain seals everything after the handshake again and compares.
func (s *side) sealAgain(t *testing.T, control, data []byte) {
	t.Helper()
	var records, chunks uint64
	rest := s.chunks
	for i, f := range s.frames[2:] {
		var got []byte
		if f.kind == 5 {
			got = seal(t, control, recordNonce(records), s.records[records], nil)
			records++
		} else {
			n := len(f.payload) - 16
			got = seal(t, data, chunkNonce(chunks, f.flags == 1), rest[:n], nil)
			rest = rest[n:]
			chunks++
		}
		if !bytes.Equal(got, f.payload) {
			t.Errorf("frame %d after the handshake is sealed otherwise", i)
		}
	}
}

// recordNonce is section "Session", "Records".
func recordNonce(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4), n) }

// TestSession decodes the recorded session and makes its bytes again from the
// randomness of both sides: each step is one of section "Pairing" or "Session".
func TestSession(t *testing.T) { testSession(t, "transfer/session.json", false) }

// In the second one each side pauses once.
func TestSessionWithPauses(t *testing.T) { testSession(t, "transfer/session-pauses.json", true) }

func testSession(t *testing.T, name string, pauses bool) {
	var v sessionVector
	load(t, name, &v)
	sender := side{frames: readFrames(t, unhex(t, v.FromSender))}
	receiver := side{frames: readFrames(t, unhex(t, v.FromReceiver))}
	for i, want := range []byte{1, 3} {
		if sender.frames[i].kind != want || receiver.frames[i].kind != want+1 {
			t.Fatal("the handshake has other frames")
		}
	}
	m0, m2 := sender.frames[0].payload, sender.frames[1].payload
	m1, m3 := receiver.frames[0].payload, receiver.frames[1].payload

	o, err := parseText(v.OfferText)
	if err != nil {
		t.Fatal(err)
	}
	h := newHandshake(t, 1, o.secret, o.binary, o.suite)
	h.hello(t, m0)
	b := h.reveal(t, m0, m1)
	if !bytes.Equal(labeledHash("receiver bundle", h.bundle), o.commitment) ||
		b.suiteByte != o.suiteByte || b.intent != o.intent {
		t.Error("bundle is not that of the offer")
	}

	// The order of the draws is that of section "Pairing", "Vectors".
	fromR, fromS := stream{seed: v.RandReceiver}, stream{seed: v.RandSender}
	oneTime, random, nB, ps := fromR.next(32), fromR.next(32), fromR.next(32), fromR.next(32)
	if !bytes.Equal(o.suite.public(t, oneTime), b.publicKey) || !bytes.Equal(random, b.random) ||
		!bytes.Equal(nB, h.nB) || !bytes.Equal(ps, o.secret) {
		t.Error("the receiver drew otherwise")
	}
	h.request(t, oneTime, m2)
	h.finish(t, m3)
	if h.checkCode(t) != v.CheckCode || hex.EncodeToString(h.transferID(t)) != v.TransferID {
		t.Error("check code or transfer id differs")
	}
	sum, err := parseSummary(h.summary)
	if err != nil || sum.intent != o.intent {
		t.Errorf("summary: %v", err)
	}
	if err := checkAccept(h.accept, sum.version); err != nil {
		t.Error(err)
	}
	h.remake(t, &fromS, b.publicKey, m0, m2)
	h.answerAgain(t, &fromR, m0, m1, m3)

	keyS, keyR := expand(t, h.session, "control S", nil, 32), expand(t, h.session, "control R", nil, 32)
	keyData := expand(t, h.session, "data", nil, 32)
	sender.openAll(t, keyS, keyData)
	receiver.openAll(t, keyR, nil)
	sender.sealAgain(t, keyS, keyData)
	receiver.sealAgain(t, keyR, nil)
	if pauses {
		// S pauses right behind confirm, R before ready: a last word, and one more.
		sender.records = takePause(t, sender.records, 1)
		receiver.records = takePause(t, receiver.records, 0)
	}
	checkFlow(t, v, h, sender, receiver, &fromR)
}

// takePause takes out a pause of its side and the word that ends it.
func takePause(t *testing.T, records [][]byte, at int) [][]byte {
	t.Helper()
	if len(records) < at+2 || !bytes.Equal(records[at], []byte{11}) || !bytes.Equal(records[at+1], []byte{1}) {
		t.Fatalf("no pause at record %d: %x", at, records)
	}
	return slices.Delete(slices.Clone(records), at, at+2)
}

// remake makes M0 and M2 from the sender's randomness: nS, then that of the
// encapsulation.
func (h *handshake) remake(t *testing.T, random *stream, publicKey, m0, m2 []byte) {
	t.Helper()
	head := append([]byte{h.mode, 0, 0, 0, 0}, random.next(32)...)
	if got := append(head, mac(expand(t, h.prk, "hello", nil, 32), head)...); !bytes.Equal(got, m0) {
		t.Error("M0 is made otherwise")
	}
	enc, secret := h.suite.encapsulate(t, publicKey, random.next(h.suite.seed))
	ctx := h.suite.setup(t, secret, h.info(), expand(t, h.prk, "psk", nil, 32), label("pair"))
	if got := append(enc, ctx.seal(t, pad(h.summary), nil)...); !bytes.Equal(got, m2) {
		t.Error("M2 is made otherwise")
	}
}

// answerAgain makes M1 and M3; nR is the receiver's next draw.
func (h *handshake) answerAgain(t *testing.T, random *stream, m0, m1, m3 []byte) {
	t.Helper()
	if got := append(bytes.Clone(h.nB), seal(t, h.bundleKey(t, h.nB), nil, pad(h.bundle), m0)...); !bytes.Equal(got, m1) {
		t.Error("M1 is made otherwise")
	}
	nR := random.next(32)
	if got := append(nR, seal(t, h.acceptKey(t, nR), nil, pad(h.accept), h.th2)...); !bytes.Equal(got, m3) {
		t.Error("M3 is made otherwise")
	}
}

// checkFlow follows the records and the data stream of the one transfer.
func checkFlow(t *testing.T, v sessionVector, h *handshake, sender, receiver side, fromR *stream) {
	t.Helper()
	take := func(records *[][]byte, kind byte) []byte {
		t.Helper()
		if len(*records) == 0 || (*records)[0][0] != kind {
			t.Fatalf("record of type %d is not there: %x", kind, *records)
		}
		body := (*records)[0][1:]
		*records = (*records)[1:]
		return body
	}
	s, r := sender.records, receiver.records
	confirm, ready := take(&s, 3), take(&r, 4)
	pageBody, answerBody := take(&s, 5), take(&r, 6)
	if len(confirm)+len(ready) > 0 || binary.BigEndian.Uint32(pageBody) != 0 || binary.BigEndian.Uint32(answerBody) != 0 {
		t.Error("confirm, ready, or the number of the page")
	}
	p, err := parsePage(pageBody[4:])
	if err != nil {
		t.Fatal(err)
	}
	wants, err := parseAnswer(answerBody[4:])
	if err != nil {
		t.Fatal(err)
	}

	units := readUnits(t, sender.chunks)
	var hashes [][]byte
	var bytesTaken, messages, staged uint64
	for i, e := range p.entries {
		if e.kind == entryRoom {
			continue
		}
		u := units[0]
		units = units[1:]
		if wants[0].held || u.page != 0 || u.index != uint32(i) || u.offset != wants[0].offset ||
			uint64(len(u.content)) != e.bytes-u.offset || uint64(u.kind)+1 != e.kind {
			t.Errorf("unit of entry %d is not what was wanted", i)
		}
		wants = wants[1:]
		bytesTaken += uint64(len(u.content))
		staged++
		content := v.Attachment
		if e.kind == entrySegment {
			content = v.Segment
			messages += e.items
			if !bytes.Equal(sha(u.content), e.id) {
				t.Error("segment has another id")
			}
		} else {
			if !bytes.Equal(sha(u.content), u.sum) || e.hash != nil && !bytes.Equal(e.hash, u.sum) {
				t.Error("attachment has another hash")
			}
			hashes = append(hashes, u.sum)
		}
		if hex.EncodeToString(u.content) != content {
			t.Errorf("content of entry %d differs", i)
		}
	}
	if len(wants) > 0 || len(units) != 1 || units[0].kind != 0 {
		t.Error("wants or units are left over, or the padding is not there")
	}

	stagedBody := take(&r, 7)
	for i, want := range []uint64{staged, bytesTaken, messages} {
		if len(stagedBody) != 24 || binary.BigEndian.Uint64(stagedBody[8*i:]) != want {
			t.Errorf("staged is %x", stagedBody)
		}
	}
	last, err := parseEnd(take(&s, 8))
	if err != nil {
		t.Fatal(err)
	}
	root := rootOf(h.transferID(t), p.entries, hashes)
	if !bytes.Equal(root, last.root) || hex.EncodeToString(root) != v.Root {
		t.Errorf("root is %x", root)
	}
	checkReceipt(t, v, h, take(&r, 9), last, fromR)
	if bye := take(&s, 10); len(bye) > 0 || len(s) > 0 || len(r) > 0 {
		t.Error("records after bye")
	}
}

// checkReceipt opens the receipt and seals it again.
func checkReceipt(t *testing.T, v sessionVector, h *handshake, sealed []byte, sent end, fromR *stream) {
	t.Helper()
	prk := extract(t, label("resume"), h.rms(t))
	plain, err := openReceipt(t, prk, sealed)
	if err != nil {
		t.Fatal(err)
	}
	salt := fromR.next(32)
	key := expand(t, prk, "receipt", salt, 32)
	if !bytes.Equal(append(salt, seal(t, key, nil, plain, nil)...), sealed) {
		t.Error("receipt is sealed otherwise")
	}
	at, err := time.Parse(time.RFC3339, v.Time)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseEnd(plain[40:])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain[:32], h.transferID(t)) || binary.BigEndian.Uint64(plain[32:]) != uint64(at.UnixMilli()) ||
		!bytes.Equal(got.root, sent.root) || !got.ledger.balances() ||
		got.ledger.source != sent.ledger.source || got.ledger.attachments != sent.ledger.attachments {
		t.Errorf("receipt %x", plain)
	}
}
