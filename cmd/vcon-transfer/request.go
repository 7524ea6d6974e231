package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/sealedfile"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

// withoutConnection makes a flag of send or receive exclude those that are for a
// connection, which would have no effect.
func withoutConnection(c *cobra.Command, flag string, others ...string) {
	for _, other := range append(others, "transport-fd", "json", "host-identity", "timeout", "answer-timeout", "new", "strict") {
		c.MarkFlagsMutuallyExclusive(flag, other)
	}
}

// requests opens the state directory for requests, which are kept nowhere else.
func (f *stateFlags) requests(ctx context.Context, ui *terminal) (*statedir.Dir, error) {
	key, err := f.key.read(ctx, ui)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	dir, err := statedir.Open(f.path(), statedir.Options{Key: key})
	if err != nil {
		return nil, destinationError{fmt.Errorf("%s: %w", f.path(), err)}
	}
	return dir, nil
}

// sayRequests lists the requests that wait for a file, and forgets them.
func sayRequests(ui *terminal, dir *statedir.Dir, forget, asJSON bool) (n int, err error) {
	all, err := dir.Requests()
	if err != nil {
		return 0, destinationError{err}
	}
	for _, r := range all {
		public := r.Key.Public()
		r.Key.Erase()
		line := statusLine{Role: "request", State: "waiting", Mark: requestMark(public.Bytes()), Started: new(r.Made.UTC())}
		end := ""
		if forget {
			if err := dir.ForgetRequest(public); err != nil {
				return n, destinationError{err}
			}
			line.Forgot, end = true, " Forgotten: a file for it cannot be opened any more."
		}
		if asJSON {
			err = json.NewEncoder(ui.out).Encode(line)
		} else {
			_, err = fmt.Fprintf(ui.out, "request %s, made %s: waits for its sealed file.%s\n", line.Mark, moment(r.Made), end)
		}
		if err != nil {
			return n, destinationError{fmt.Errorf("write standard output: %w", err)}
		}
		n++
	}
	return n, nil
}

// requestDone removes the key that a file was sealed to: the file is imported, and a copy
// of it stays closed for ever.
func requestDone(ui *terminal, dir *statedir.Dir, k *hpke.PublicKey) {
	if err := dir.ForgetRequest(k); err != nil {
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
	dir, err := f.state.requests(ctx, ui)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.KeepRequest(key); err != nil {
		return destinationError{err}
	}
	if err := os.WriteFile(f.request, []byte(text+"\n"), 0o644); err != nil {
		_ = dir.ForgetRequest(key.Public()) // nobody will answer it
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
func (f *sendFlags) sealFor(ctx context.Context, ui *terminal, scope segment.Scope, source func() (history.Reader, error)) error {
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
	if o.Scope = scope; b.Intent == pairing.CatchUp {
		if o.Scope, err = f.scope(); err != nil { // the sealer caps it, and says by which policy
			return err
		}
		o.Role = f.policy.role
		if o.Policy, err = f.policy.read(); err != nil {
			return err
		}
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
