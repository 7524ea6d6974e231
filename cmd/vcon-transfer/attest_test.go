package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// attestation makes one with the command.
func attestation(t *testing.T, dir, out, key, devices string, args ...string) string {
	t.Helper()
	p := begin(t, limited(t), dir, append([]string{"identity", "attest", key, devices, "--uri", "mimi://example.com/u/alice", "--out", out}, args...)...)
	exits(t, p, exitDone)
	return filepath.Join(dir, out)
}

// A new device that the account has not attested gets nothing, and the person is told what
// that looks like; one that it has attested goes on as ever.
func TestAttestedReceiver(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	account, accountPublic := identityFile(t, dir, "account")
	stranger, _ := identityFile(t, dir, "stranger")
	phone, phonePublic := identityFile(t, dir, "phone")
	thief, thiefPublic := identityFile(t, dir, "thief")
	accounts := writeText(t, dir, "accounts", accountPublic+"\n")
	devices := writeText(t, dir, "devices", phonePublic+"\n")
	old := attestation(t, dir, "old", account, writeText(t, dir, "both", phonePublic+"\n"+thiefPublic+"\n"), "--version", "7")
	good := attestation(t, dir, "good", account, devices, "--version", "8")
	forged := attestation(t, dir, "forged", stranger, writeText(t, dir, "his", thiefPublic+"\n"))

	refused := func(name string, args ...string) {
		t.Helper()
		r, offer := hostReceive(t, ctx, dir, append(args, "--new")...)
		s := hostSend(t, ctx, dir, offer, "--yes", "--attest", accounts)
		done := s.ends(exitPolicy, "untrusted")
		r.ends(exitPolicy, "untrusted")
		if hint, _ := done["hint"].(string); !strings.Contains(hint, "looks just like this") {
			t.Errorf("%s: the person is not told: %v", name, done)
		}
		if all := strings.Join(s.read, ""); strings.Contains(all, `"consent"`) || strings.Contains(all, `"connected"`) {
			t.Errorf("%s: went on to\n%s", name, all)
		}
	}
	refused("no identity")
	refused("no attestation", "--identity", thief)
	refused("attested by another account", "--identity", thief, "--attestation", forged)

	r, offer := hostReceive(t, ctx, dir, "--identity", phone, "--attestation", good, "--new")
	s := hostSend(t, ctx, dir, offer, "--yes", "--attest", accounts)
	s.event("connected")
	r.event("check_code")
	r.code(s.event("check_code")["code"])
	s.ends(exitDone, "ok")
	r.ends(exitDone, "ok")

	// The list of before had a device that was lost since.
	refused("an older list", "--identity", thief, "--attestation", old)
}

func TestAttestationFlags(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	account, accountPublic := identityFile(t, dir, "account")
	phone, phonePublic := identityFile(t, dir, "phone")
	devices := writeText(t, dir, "devices", phonePublic)
	good := attestation(t, dir, "good", account, devices)
	for name, args := range map[string][]string{
		"without identity":       {"receive", "--attestation", good},
		"of another device":      {"receive", "--attestation", good, "--identity", account},
		"not an attestation":     {"receive", "--attestation", devices, "--identity", phone},
		"a life of eight days":   {"identity", "attest", account, devices, "--uri", "a:b", "--out", "x", "--lifetime", "192h"},
		"no URI":                 {"identity", "attest", account, devices, "--out", "x"},
		"a public key to sign":   {"identity", "attest", devices, devices, "--uri", "a:b", "--out", "x"},
		"accounts without a key": {"send", sampleFile(t), "--attest", writeText(t, dir, "none", "# "+accountPublic)},
	} {
		t.Run(name, func(t *testing.T) { exits(t, begin(t, ctx, dir, args...), exitUsage) })
	}
	exits(t, begin(t, ctx, dir, "identity", "attest", account, devices, "--uri", "a:b", "--out", good), exitDestination)
}
