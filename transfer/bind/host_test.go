package bind

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// An app imports into a store of its own.
func TestToHost(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 300)
	want := count(t, p.send.Sources)
	p.receive.Folder, p.receive.ToHost = "", filepath.Join(t.TempDir(), "flight")
	var mu sync.Mutex
	items := make(map[string]bool)
	p.receiver.on["have"] = func(map[string]any) { p.receiving.Command(`{"cmd":"have"}`) }
	p.receiver.on["batch"] = func(e map[string]any) {
		mu.Lock()
		all, _ := e["items"].([]any)
		for _, item := range all {
			if i := item.(map[string]any); e["kind"] == "messages" {
				items[i["key"].(string)] = true
			}
		}
		mu.Unlock()
		p.receiving.Command(fmt.Sprintf(`{"cmd":"ack","batch":%v}`, e["batch"]))
	}
	p.receiver.on["commit"] = func(map[string]any) { p.receiving.Command(`{"cmd":"committed"}`) }
	p.start()
	p.receiver.expect(p.receiving, "ok", 0)
	p.sender.expect(p.sending, "ok", 0)
	if len(items) != want {
		t.Errorf("%d messages in the app's store, want %d", len(items), want)
	}
	if left, err := os.ReadDir(filepath.Join(p.receive.ToHost, "parts")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// signs answers the event sign of the side that is asked for.
func signs(t *testing.T, key *pairing.IdentityKey, to func() *Transfer) func(map[string]any) {
	return func(e map[string]any) {
		hash, err := hex.DecodeString(e["hash"].(string))
		if err != nil {
			t.Error(err)
			return
		}
		signature, err := key.Sign(pairing.Purpose(e["purpose"].(string)), [32]byte(hash))
		if err != nil {
			t.Error(err)
		}
		to().Command(fmt.Sprintf(`{"cmd":"signature","signature":%q}`, base64.StdEncoding.EncodeToString(signature)))
	}
}

// Both apps sign with keys that they keep; a sender that is not trusted is refused.
func TestAppSigns(t *testing.T) {
	transfertest.CheckLeaks(t)
	var keys [2]*pairing.IdentityKey
	for i := range keys {
		var err error
		if keys[i], err = pairing.NewIdentityKey(nil); err != nil {
			t.Fatal(err)
		}
	}
	p := newPair(t, 20)
	p.receive.Identity, p.receive.Trust = keys[0].Identity().Text(), keys[1].Identity().Text()
	p.receiver.on["sign"] = signs(t, keys[0], func() *Transfer { return p.receiving })
	p.start()
	p.sender.expect(p.sending, "untrusted", 11)

	p.sender = newApp(t, "trusted sender")
	p.sender.on["consent"] = func(map[string]any) { p.sending.Consent(true) }
	p.sender.on["sign"] = signs(t, keys[1], func() *Transfer { return p.sending })
	p.send.Identity = keys[1].Identity().Text()
	p.startSender()
	p.imported(count(t, p.send.Sources))
	if r, s := p.receiver.await("connected")["identity"], p.sender.await("connected")["identity"]; r != p.send.Identity || s != p.receive.Identity {
		t.Errorf("the new device sees %v, the old one %v", r, s)
	}
	for _, bad := range []ReceiveConfig{{Folder: "f", NoCode: true}, {Folder: "f", Attestation: []byte("x")}, {Folder: "f", Identity: "x"}, {Folder: "f", Trust: keys[0].Text()}, {Folder: "f", ToHost: "g"}} {
		if _, err := NewReceiver(&bad, p.receiver); host.CodeOf(err) != host.CodeUsage {
			t.Errorf("%v", err)
		}
	}
}

// With accounts only a device that one of them attests is sent to; with a trusted
// signature nobody has to type.
func TestAppAttested(t *testing.T) {
	transfertest.CheckLeaks(t)
	var keys [3]*pairing.IdentityKey // new device, old device, account
	for i := range keys {
		var err error
		if keys[i], err = pairing.NewIdentityKey(nil); err != nil {
			t.Fatal(err)
		}
	}
	attestation, err := pairing.Attest(keys[2], pairing.Attestation{
		URI: "mimi://example.com/u/alice", Version: 3, Issued: time.Now(), NotAfter: time.Now().Add(time.Hour), Devices: []pairing.Identity{keys[0].Identity()},
	})
	if err != nil {
		t.Fatal(err)
	}
	for account, code := range map[*pairing.IdentityKey]string{keys[1]: "untrusted", keys[2]: ""} {
		p := newPair(t, 20)
		p.receive.Identity, p.receive.Trust, p.receive.NoCode = keys[0].Identity().Text(), keys[1].Identity().Text(), true
		p.receive.Attestation = attestation
		p.receiver.on["sign"] = signs(t, keys[0], func() *Transfer { return p.receiving })
		p.receiver.on["check_code"] = func(map[string]any) { t.Error("asks for the digits") }
		p.send.Identity, p.send.Accounts = keys[1].Identity().Text(), account.Identity().Text()
		p.sender.on["sign"] = signs(t, keys[1], func() *Transfer { return p.sending })
		p.start()
		if code == "" {
			p.imported(count(t, p.send.Sources))
			continue
		}
		p.sender.expect(p.sending, code, 11)
		p.receiver.expect(p.receiving, code, 11)
	}
}
