package pairing

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Both sides go on from what they stored, and their connections have fresh keys.
func TestRestoreSession(t *testing.T) {
	r0 := newReceiver(t, ReceiverOptions{Intent: CatchUp})
	h := shake(t, r0, newSender(t, r0.Offer(), SenderOptions{}))
	stored := func(s *Session, last uint32) ResumeOptions {
		return ResumeOptions{
			Suite: s.Suite(), TransferID: s.TransferID(), Resumption: s.Resumption(), Intent: CatchUp, LastConnection: last,
		}
	}
	sending, err := RestoreSession(stored(h.sending, 4))
	if err != nil {
		t.Fatal(err)
	}
	receiving, err := RestoreSession(stored(h.receiving, 3))
	if err != nil {
		t.Fatal(err)
	}
	if sending.Connection() != 4 || sending.TransferID() != h.sending.TransferID() || sending.Resumption() != h.sending.Resumption() {
		t.Errorf("restored %v", sending)
	}
	if sending.ControlKey(SenderToReceiver) != nil || sending.DataKey() != nil || sending.CheckCode() != "" {
		t.Error("a restored session has keys of a connection")
	}
	c, _ := sending.Rendezvous(RoleSender)
	if d, _ := h.receiving.Rendezvous(RoleSender); c != d {
		t.Error("another channel")
	}
	r, err := NewResumeReceiver(ResumeOptions{Session: receiving, Intent: CatchUp})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewResumeSender(ResumeOptions{Session: sending, Intent: CatchUp})
	if err != nil {
		t.Fatal(err)
	}
	again := shake(t, r, s)
	sameSession(t, again.receiving, again.sending)
	if again.sending.Connection() != 5 || bytes.Equal(again.sending.DataKey(), h.sending.DataKey()) {
		t.Errorf("connection %d, or a key of another one", again.sending.Connection())
	}
	sending.Erase()
	if sending.Resumption() != (hpke.Secret{}) {
		t.Error("not erased")
	}
	for _, o := range []ResumeOptions{
		{Suite: hpke.SuiteXWing}, {Suite: 9, Resumption: hpke.Secret{1}}, {Suite: hpke.SuiteXWing, Resumption: hpke.Secret{1}, Intent: 9},
	} {
		if _, err := RestoreSession(o); err == nil {
			t.Errorf("no error for %v", o.Suite)
		}
	}
}

func storedRoutes() []Route {
	return []Route{
		lan(), {}, {Kind: RouteTCP, Addr: netip.MustParseAddrPort("[fd00::1]:7373")},
		{Kind: RouteUnix, Path: "/run/s"}, {Kind: RouteRelay, Path: "https://relay.example/x"},
	}
}

func TestMarshalRoutes(t *testing.T) {
	long := make([]Route, MaxRoutes)
	for i := range long {
		long[i] = Route{Kind: RouteRelay, Path: "https://r/" + strings.Repeat("x", MaxURL-10)}
	}
	for _, routes := range [][]Route{{}, storedRoutes(), make([]Route, MaxRoutes), long} {
		b, err := MarshalRoutes(routes)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRoutes(b)
		if err != nil || !reflect.DeepEqual(again, routes) {
			t.Errorf("%v, %v", again, err)
		}
		_, err = ParseRoutes(append(b, 0))
		wantErr(t, err, ErrMalformed)
	}
	_, err := MarshalRoutes(make([]Route, MaxRoutes+1))
	wantErr(t, err, ErrLimit)
	_, err = MarshalRoutes([]Route{{Kind: 9}})
	wantErr(t, err, ErrMalformed)
	for _, b := range [][]byte{nil, {0xf6}, {0x00}, {0x81, 0x81, 0x09}, {0x98, 0x00}, {0x91}} {
		_, err := ParseRoutes(b)
		wantErr(t, err, ErrMalformed)
	}
	_, err = ParseRoutes(encode(make([][]any, MaxRoutes+1)))
	wantErr(t, err, ErrMalformed)
	_, err = ParseRoutes(make([]byte, MaxRoutes*(MaxURL+8)+1))
	wantErr(t, err, ErrMalformed)
}

func FuzzParseRoutes(f *testing.F) {
	b, err := MarshalRoutes(storedRoutes())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		routes, err := ParseRoutes(b)
		if err != nil {
			wantErr(t, err, ErrMalformed)
			return
		}
		if again, err := MarshalRoutes(routes); err != nil || !bytes.Equal(again, b) {
			t.Errorf("another encoding of the same: %v", err)
		}
	})
}
