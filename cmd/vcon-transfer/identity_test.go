package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// identityFile makes an identity with the command, and returns its file and its public
// text.
func identityFile(t *testing.T, dir, name string) (file, public string) {
	t.Helper()
	p := begin(t, limited(t), dir, "identity", "new", name)
	exits(t, p, exitDone)
	return filepath.Join(dir, name), strings.TrimSpace(p.out.String())
}

func writeText(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The key is private, never overwritten, and never printed.
func TestIdentityCommand(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	file, public := identityFile(t, dir, "id")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := pairing.ParseIdentity(public); err != nil {
		t.Errorf("%q: %v", public, err)
	}
	exits(t, begin(t, ctx, dir, "identity", "new", "id"), exitDestination)
	shown := begin(t, ctx, dir, "identity", "public", "id")
	exits(t, shown, exitDone)
	if got := strings.TrimSpace(shown.out.String()); got != public {
		t.Errorf("%q, want %q", got, public)
	}
	writeText(t, dir, "public", public)
	bad := begin(t, ctx, dir, "identity", "public", "public")
	exits(t, bad, exitUsage)
	if strings.Contains(bad.stderr(), public[20:40]) {
		t.Error("an error repeats what it read")
	}
}

// Only a sender that is trusted may send; one that is not has not used the offer up. Both
// see who the other one is.
func TestTrustedSender(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	receiver, receiverPublic := identityFile(t, dir, "receiver")
	friend, friendPublic := identityFile(t, dir, "friend")
	other, _ := identityFile(t, dir, "other")
	trust := writeText(t, dir, "trust", "# my old phone\n"+friendPublic+" # black\n\n")
	r, offer := hostReceive(t, ctx, dir, "--identity", receiver, "--trust", trust)
	hostSend(t, ctx, dir, offer, "--yes", "--identity", other).ends(exitPolicy, "untrusted")
	hostSend(t, ctx, dir, offer, "--yes").ends(exitPolicy, "untrusted")
	if w := r.event("warning"); w["code"] != "untrusted" {
		t.Errorf("%v", w)
	}
	s := hostSend(t, ctx, dir, offer, "--yes", "--identity", friend)
	if e := s.event("connected"); e["identity"] != receiverPublic {
		t.Errorf("%v", e)
	}
	if e := s.event("consent"); e["identity"] != receiverPublic {
		t.Errorf("%v", e)
	}
	if e := r.event("connected"); e["identity"] != friendPublic {
		t.Errorf("%v", e)
	}
	r.event("check_code")
	r.code(s.event("check_code")["code"])
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")
}

// With --no-code the signature takes the place of the digits: the new device does not ask.
func TestTrustedSenderWithoutCode(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	friend, friendPublic := identityFile(t, dir, "friend")
	other, _ := identityFile(t, dir, "other")
	trust := writeText(t, dir, "trust", friendPublic+"\n")
	r, offer := hostReceive(t, ctx, dir, "--trust", trust, "--no-code")
	hostSend(t, ctx, dir, offer, "--yes", "--identity", other).ends(exitPolicy, "untrusted")
	s := hostSend(t, ctx, dir, offer, "--yes", "--identity", friend)
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")
	for _, line := range r.read {
		if strings.Contains(line, `"check_code"`) {
			t.Error("asks for the digits")
		}
	}
	hostStart(t, ctx, dir, nil, "receive", "--no-code", "--listen", "127.0.0.1:0").ends(exitUsage, "usage")
}

// The host signs with a key of its own; a signature that is none ends the run here, and
// not on the other device.
func TestHostedSign(t *testing.T) {
	key, err := pairing.NewIdentityKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(h *hostRun, purpose string) {
		t.Helper()
		e := h.event("sign")
		hash, err := hex.DecodeString(e["hash"].(string))
		if err != nil || e["purpose"] != purpose {
			t.Fatalf("%v", e)
		}
		signature, err := key.Sign(pairing.Purpose(purpose), [32]byte(hash))
		if err != nil {
			t.Fatal(err)
		}
		h.tell(fmt.Sprintf(`{"cmd":"signature","signature":%q}`, base64.StdEncoding.EncodeToString(signature)))
	}
	dir, ctx := t.TempDir(), limited(t)
	public := writeText(t, dir, "public", key.Identity().Text())
	r := hostStart(t, ctx, dir, nil, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--host-identity", public, "--trust", public)
	sign(r, "receiver")
	offer := r.event("offer")["text"].(string)
	s := hostSend(t, ctx, dir, offer, "--yes", "--host-identity", public)
	if e := s.event("connected"); e["identity"] != key.Identity().Text() {
		t.Errorf("%v", e)
	}
	sign(s, "sender")
	r.event("check_code")
	r.code(s.event("check_code")["code"])
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")

	bad := hostStart(t, ctx, dir, nil, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--host-identity", public, "--new")
	bad.event("sign")
	bad.tell(fmt.Sprintf(`{"cmd":"signature","signature":%q}`, base64.StdEncoding.EncodeToString(make([]byte, 64))))
	bad.ends(exitUsage, "usage")

	late := hostStart(t, ctx, dir, nil, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--host-identity", public, "--new", "--answer-timeout", "1s")
	late.event("sign")
	late.ends(exitPeer, "timeout")

	ended := hostStart(t, ctx, dir, nil, "receive", "--listen", "127.0.0.1:0", "--store", "new.db", "--host-identity", public, "--new")
	ended.event("sign")
	ended.stdin.Close()
	ended.ends(exitInterrupted, "interrupted")
}
