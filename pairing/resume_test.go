package pairing

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func resumed(t testing.TB, r *Receiver, from *Session, last uint32) *run {
	t.Helper()
	s, err := NewResumeSender(ResumeOptions{Session: from, LastConnection: last})
	if err != nil {
		t.Fatal(err)
	}
	return shake(t, r, s)
}

func TestResume(t *testing.T) {
	for _, suite := range suites() {
		r0 := newReceiver(t, ReceiverOptions{Suite: suite})
		h := shake(t, r0, newSender(t, r0.Offer(), SenderOptions{}))
		if err := r0.TryCode(h.receiving, h.sending.CheckCode()); err != nil {
			t.Fatal(err)
		}
		r, err := NewResumeReceiver(ResumeOptions{Session: h.receiving})
		if err != nil {
			t.Fatal(err)
		}
		if r.Offer() != nil {
			t.Error("a resumption has an offer")
		}
		cs, _ := h.sending.Rendezvous(RoleSender)
		if c, _ := r.Rendezvous(); c != cs {
			t.Error("channels differ")
		}
		if c0, _ := h.s.Rendezvous(); c0 == cs {
			t.Error("the channel of the pairing is used again")
		}
		first := resumed(t, r, h.sending, 0)
		second := resumed(t, r, first.sending, 0)
		third := resumed(t, r, h.sending, 7)
		for i, x := range []*run{first, second, third} {
			sameSession(t, x.receiving, x.sending)
			if x.sending.CheckCode() != "" || x.sending.TransferID() != h.sending.TransferID() {
				t.Error("check code or another transfer on resume")
			}
			if want := []uint32{1, 2, 8}[i]; x.receiving.Connection() != want || x.s.Connection() != want {
				t.Errorf("connection %d, want %d", x.receiving.Connection(), want)
			}
			if bytes.Equal(x.sending.DataKey(), h.sending.DataKey()) || i > 0 && bytes.Equal(x.sending.DataKey(), first.sending.DataKey()) {
				t.Error("a key of another connection")
			}
		}
		if bytes.Equal(first.bundle.PublicKey, second.bundle.PublicKey) {
			t.Error("one R key on two connections")
		}
		wantErr(t, r.TryCode(first.receiving, "123456"), ErrOrder)
		if is, err := IsResume(first.m0); !is || err != nil {
			t.Error("M0 of a resumption is not seen as one")
		}
		if is, err := IsResume(h.m0); is || err != nil {
			t.Error("M0 of a pairing is seen as a resumption")
		}
		if _, err := IsResume(nil); !errors.Is(err, ErrStranger) {
			t.Error("an empty M0 is seen as something")
		}
		// The two modes do not mix.
		if _, _, err := r.Hello(h.m0); !errors.Is(err, ErrStranger) {
			t.Errorf("hello of the pairing: %v", err)
		}
		if _, _, err := newReceiver(t, ReceiverOptions{Suite: suite}).Hello(first.m0); !errors.Is(err, ErrStranger) {
			t.Errorf("hello of a resumption: %v", err)
		}
	}
}

func TestResumeStale(t *testing.T) {
	h := paired(t)
	stored := ResumeOptions{Suite: h.receiving.Suite(), TransferID: h.receiving.TransferID(), Resumption: h.receiving.Resumption(), LastConnection: 5}
	for _, last := range []uint32{0, 3, 4} {
		r, err := NewResumeReceiver(stored)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewResumeSender(ResumeOptions{Session: h.sending, LastConnection: last})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = r.Hello(s.Hello())
		wantErr(t, err, ErrStale)
		refused, ok := errors.AsType[*RefusedError](err)
		if !ok {
			t.Fatalf("not a refusal: %v", err)
		}
		if e, err := s.OpenError(refused.Sealed); err != nil || e.Code != codeBusy {
			t.Fatalf("%v, %v", e, err)
		}
		resumed(t, r, h.sending, 5)
	}
}

// N replays the hello of an earlier try: it must not push out the connection that is being made.
func TestResumeReplay(t *testing.T) {
	h := paired(t)
	r, err := NewResumeReceiver(ResumeOptions{Session: h.receiving})
	if err != nil {
		t.Fatal(err)
	}
	hello := func(last uint32) *Sender {
		s, err := NewResumeSender(ResumeOptions{Session: h.sending, LastConnection: last})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	lost, live := hello(0), hello(1)
	mLost, cLost, err := r.Hello(lost.Hello())
	if err != nil {
		t.Fatal(err)
	}
	m1, _, err := r.Hello(live.Hello())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.Hello(lost.Hello())
	wantErr(t, err, ErrStale)
	_, _, err = r.Hello(hello(1).Hello())
	wantErr(t, err, ErrStale)
	again, conn, err := r.Hello(live.Hello())
	if err != nil || !bytes.Equal(again, m1) {
		t.Fatalf("another route: %v", err)
	}
	if _, err := live.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	m2, err := live.Request(summary())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.OpenRequest(m2); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Accept(Accept{}); err != nil {
		t.Fatal(err)
	}
	// A recorded hello and request get the keys of that connection no second time.
	_, _, err = r.Hello(live.Hello())
	wantErr(t, err, ErrStale)
	_, err = conn.OpenRequest(m2)
	wantErr(t, err, ErrStale)
	// Nor does an older connection come after a newer one.
	if _, err := lost.OpenBundle(mLost); err != nil {
		t.Fatal(err)
	}
	if m2, err = lost.Request(summary()); err != nil {
		t.Fatal(err)
	}
	_, err = cLost.OpenRequest(m2)
	wantErr(t, err, ErrStale)
	resumed(t, r, h.sending, 2)
}

func TestResumeNeedsSecret(t *testing.T) {
	h := paired(t)
	r, err := NewResumeReceiver(ResumeOptions{Session: h.receiving})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []ResumeOptions{
		{Suite: hpke.SuiteXWing, TransferID: h.sending.TransferID(), Resumption: hpke.Secret{1}},
		{Suite: hpke.SuiteXWing, TransferID: h.sending.TransferID(), Resumption: h.r.Offer().Secret},
	} {
		s, err := NewResumeSender(o)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = r.Hello(s.Hello())
		wantErr(t, err, ErrStranger)
	}
	// Another transfer id is another transcript.
	s, err := NewResumeSender(ResumeOptions{Suite: hpke.SuiteXWing, Resumption: h.sending.Resumption()})
	if err != nil {
		t.Fatal(err)
	}
	m1, conn, err := r.Hello(s.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	m2, _ := s.Request(summary())
	_, err = conn.OpenRequest(m2)
	wantErr(t, err, ErrStranger)
}

func TestResumeOptions(t *testing.T) {
	good := ResumeOptions{Suite: hpke.SuiteXWing, Resumption: hpke.Secret{1}}
	for name, c := range map[string]struct {
		change func(*ResumeOptions)
		want   error
	}{
		"suite":  {func(o *ResumeOptions) { o.Suite = 0 }, ErrSuite},
		"intent": {func(o *ResumeOptions) { o.Intent = 9 }, ErrIntent},
		"secret": {func(o *ResumeOptions) { o.Resumption.Erase() }, ErrErased},
	} {
		o := good
		c.change(&o)
		_, err := NewResumeReceiver(o)
		wantErr(t, err, c.want)
		_, err = NewResumeSender(o)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := good
	o.LastConnection = math.MaxUint32
	_, err := NewResumeSender(o)
	wantErr(t, err, ErrLimit)
	o.LastConnection--
	if s, err := NewResumeSender(o); err != nil || s.Connection() != math.MaxUint32 {
		t.Errorf("last connection number: %v", err)
	}
	o = good
	o.Rand = &dry{}
	_, err = NewResumeSender(o)
	wantErr(t, err, errNoRandom)
	r, err := NewResumeReceiver(o)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := NewResumeSender(good)
	_, _, err = r.Hello(s.Hello())
	wantErr(t, err, errNoRandom)
	h := paired(t)
	h.sending.Erase()
	_, err = NewResumeSender(ResumeOptions{Session: h.sending})
	wantErr(t, err, ErrErased)
}

func TestReceipt(t *testing.T) {
	for _, suite := range suites() {
		rms := hpke.Secret{1, 2, 3}
		sealed, err := SealReceipt(suite, rms, nil, []byte("receipt"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := OpenReceipt(suite, rms, sealed); err != nil || string(got) != "receipt" {
			t.Fatalf("%q, %v", got, err)
		}
		other, _ := SealReceipt(suite, rms, nil, []byte("receipt"))
		if bytes.Equal(sealed, other) {
			t.Error("two receipts under one key")
		}
		for bit := range 8 * len(sealed) {
			bad := bytes.Clone(sealed)
			bad[bit/8] ^= 1 << (bit % 8)
			_, err := OpenReceipt(suite, rms, bad)
			wantErr(t, err, ErrTampered)
		}
		for n := range len(sealed) {
			_, err := OpenReceipt(suite, rms, sealed[:n])
			wantErr(t, err, ErrTampered)
		}
		_, err = OpenReceipt(suite, hpke.Secret{9}, sealed)
		wantErr(t, err, ErrTampered)
	}
	_, err := SealReceipt(0, hpke.Secret{1}, nil, nil)
	wantErr(t, err, ErrSuite)
	_, err = OpenReceipt(0, hpke.Secret{1}, nil)
	wantErr(t, err, ErrSuite)
}
