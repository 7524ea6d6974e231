package bind

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

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
	signs := func(key *pairing.IdentityKey, to func() *Transfer) func(map[string]any) {
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
	p := newPair(t, 20)
	p.receive.Identity, p.receive.Trust = keys[0].Identity().Text(), keys[1].Identity().Text()
	p.receiver.on["sign"] = signs(keys[0], func() *Transfer { return p.receiving })
	p.start()
	p.sender.expect(p.sending, "untrusted", 11)

	p.sender = newApp(t, "trusted sender")
	p.sender.on["consent"] = func(map[string]any) { p.sending.Consent(true) }
	p.sender.on["sign"] = signs(keys[1], func() *Transfer { return p.sending })
	p.send.Identity = keys[1].Identity().Text()
	p.startSender()
	p.imported(count(t, p.send.Sources))
	if r, s := p.receiver.await("connected")["identity"], p.sender.await("connected")["identity"]; r != p.send.Identity || s != p.receive.Identity {
		t.Errorf("the new device sees %v, the old one %v", r, s)
	}
	for _, bad := range []ReceiveConfig{{Folder: "f", Identity: "x"}, {Folder: "f", Trust: keys[0].Text()}, {Folder: "f", ToHost: "g"}} {
		if _, err := NewReceiver(&bad, p.receiver); host.CodeOf(err) != host.CodeUsage {
			t.Errorf("%v", err)
		}
	}
}
