package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/sealedfile"
)

// A requestDir holds the secret keys of the requests that this device made, a file of
// mode 0600 each. What is opened with one is its last use.
type requestDir string

func requestsIn(state string) requestDir { return requestDir(filepath.Join(state, "requests")) }

// maxRequests bounds the requests of a device that are looked at.
const maxRequests = 64

// name is where the key of a request is.
func (d requestDir) name(k *hpke.PublicKey) string {
	sum := sha256.Sum256(k.Bytes())
	return filepath.Join(string(d), fmt.Sprintf("%x.key", sum[:8]))
}

// withoutConnection makes a flag of send or receive exclude those that are for a
// connection, which would have no effect.
func withoutConnection(c *cobra.Command, flag string, others ...string) {
	for _, other := range append(others, "transport-fd", "json", "host-identity", "timeout", "answer-timeout", "new", "strict",
		"state-key-file", "state-key-fd", "ask-state-key") {
		c.MarkFlagsMutuallyExclusive(flag, other)
	}
}

// keep writes the key of a request, before the request can go anywhere.
func (d requestDir) keep(k *hpke.PrivateKey) error {
	text, err := pairing.RecipientKeyText(k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return destinationError{fmt.Errorf("keep the key of the request: %w", err)}
	}
	if err := writePrivate(d.name(k.Public()), []byte(text+"\n")); err != nil {
		return destinationError{fmt.Errorf("keep the key of the request: %w", err)}
	}
	return nil
}

// keys reads the keys of all requests.
func (d requestDir) keys() (all []*hpke.PrivateKey, err error) {
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, destinationError{fmt.Errorf("read requests: %w", err)}
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".key") || len(all) == maxRequests {
			continue
		}
		k, err := readRecipientKey(filepath.Join(string(d), e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// say lists the requests that wait for a file, and forgets them.
func (d requestDir) say(ui *terminal, forget, asJSON bool) (n int, err error) {
	keys, err := d.keys()
	if err != nil {
		return 0, err
	}
	for _, k := range keys {
		name, mark := d.name(k.Public()), requestMark(k.Public().Bytes())
		k.Erase()
		line := statusLine{Role: "request", State: "waiting", Mark: mark}
		if info, err := os.Stat(name); err == nil {
			line.Started = new(info.ModTime().UTC().Truncate(time.Second))
		}
		end := ""
		if forget {
			if err := os.Remove(name); err != nil {
				return n, destinationError{fmt.Errorf("forget request: %w", err)}
			}
			line.Forgot, end = true, " Forgotten: a file for it cannot be opened any more."
		}
		if asJSON {
			err = json.NewEncoder(ui.out).Encode(line)
		} else {
			_, err = fmt.Fprintf(ui.out, "request %s, made %s: waits for its sealed file.%s\n", mark, moment(*orNow(line.Started)), end)
		}
		if err != nil {
			return n, destinationError{fmt.Errorf("write standard output: %w", err)}
		}
		n++
	}
	return n, nil
}

func orNow(t *time.Time) *time.Time {
	if t == nil {
		return new(time.Now())
	}
	return t
}

// done removes the key that a file was sealed to: the file is imported, and a copy of it
// stays closed for ever.
func (d requestDir) done(ui *terminal, k *hpke.PublicKey) {
	if err := os.Remove(d.name(k)); err != nil {
		ui.warn("state", "the key of the request is still there: %v", err)
		return
	}
	ui.remark("The key of the request is erased: the file cannot be opened again.")
}

// writeRequest is receive --request: no connection, a file that asks for a sealed one.
func (f *receiveFlags) writeRequest(ctx context.Context, ui *terminal) error {
	if err := free(f.request); err != nil {
		return err
	}
	offer, err := f.offer(ctx, ui, nil)
	if err != nil {
		return err
	}
	b, key, err := pairing.NewRequest(offer)
	if err != nil {
		return err
	}
	defer key.Erase()
	text, err := b.RequestText()
	if err != nil {
		return err
	}
	if err := requestsIn(f.state.path()).keep(key); err != nil {
		return err
	}
	if err := os.WriteFile(f.request, []byte(text+"\n"), 0o644); err != nil {
		os.Remove(requestsIn(f.state.path()).name(key.Public())) // nobody will answer it
		return destinationError{fmt.Errorf("write request: %w", err)}
	}
	ui.say("The request is in %s. It is no secret, but take care that the old device gets this one and no other.", f.request)
	ui.say("There: vcon-transfer send SOURCE... --for %s --to-file OUT. Here, then: vcon-transfer open OUT.", filepath.Base(f.request))
	ui.say("Check on the old device: request %s", requestMark(b.PublicKey))
	return nil
}

// requestMark is what a person compares on the two screens: a request that was
// exchanged on its way has another one.
func requestMark(publicKey []byte) string {
	sum := hpke.Hash("request mark", publicKey)
	return fmt.Sprintf("%x-%x-%x-%x", sum[:4], sum[4:8], sum[8:12], sum[12:16])
}

// sealFor is send --to-file: no connection, a sealed file for a request.
func (f *sendFlags) sealFor(ctx context.Context, ui *terminal, source func() (history.Reader, error)) error {
	text, err := readShort(f.request, pairing.MaxRequestText)
	if err != nil {
		return offerError{fmt.Errorf("read request: %w", err)}
	}
	b, err := pairing.ParseRequest(text)
	if err != nil {
		return offerError{fmt.Errorf("%s: %w", f.request, err)}
	}
	if f.attest != "" {
		accounts, err := readIdentities(f.attest)
		if err != nil {
			return err
		}
		if err := b.Attested(accounts, f.seen, time.Now()); err != nil {
			return fileError{err}
		}
	}
	key, err := hpke.ParsePublicKey(b.Suite, b.PublicKey)
	if err != nil {
		return offerError{err}
	}
	o := sealedfile.SealOptions{Intent: b.Intent, Recipients: []*hpke.PublicKey{key}, Label: f.label}
	if o.Signer, err = f.identity.signer(ctx, ui); err != nil {
		return err
	}
	if b.Intent == pairing.CatchUp {
		if len(f.rooms) != 1 || b.Room != "" && b.Room != f.rooms[0] || o.Signer == nil {
			return usageError{fmt.Errorf("the request is for the history of a room: say --room %s and sign with --identity", printable(orElse(b.Room, "URI"), 200))}
		}
	}
	if o.Scope, err = f.scope(); err != nil {
		return err
	}
	o.Consent = func(ctx context.Context, h *pairing.ShareHead, overview *segment.Overview) error {
		to := "To another device of yours"
		if h.Intent == pairing.CatchUp {
			to = "To a member of the room"
		}
		ui.say("%s, which calls itself %q, into a file that only it can open until %s:", to, printable(b.Label, pairing.MaxLabel), day(h.NotAfter))
		if b.Signer != (pairing.Identity{}) {
			ui.say("  it signs as %s", b.Signer.Text())
		}
		ui.say("  request %s", requestMark(b.PublicKey))
		if !f.yes {
			ui.say("Only go on if that device shows the same request.")
		}
		return sealConsent(ctx, ui, overview, f.yes, "Seal it?")
	}
	return sealInto(ctx, ui, f.toFile, source, o)
}
