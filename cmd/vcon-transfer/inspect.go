package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

func newInspect(ui *terminal) *cobra.Command {
	var f inspectFlags
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "what is in a vCon, an export, a store, a sealed file, a request or an offer: counts, rooms, dates, levels, problems",
		Long: "Tell what is in a vCon file or folder, another program's export, a store, the outside of a sealed file,\n" +
			"a request, or an offer (its text or its QR code as a picture). Nothing is changed, and the secret of an offer\n" +
			"is never shown. FILE may be -, for a vCon or an offer.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return inspect(c.Context(), ui, args[0], &f)
		},
	}
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object on standard output")
	c.Flags().StringVar(&f.signer, "signer", "", "verify a signed vCon: a PEM file with public keys, or with certificates that a chain may end in")
	c.Flags().StringVar(&f.hubKey, "hub-key", "", "verify the franks of messages: file with the hub's public key, raw as in the MLS group or in PEM")
	return c
}

// inspect shows as much as can be read, and then says why it was not all.
func inspect(ctx context.Context, ui *terminal, path string, f *inspectFlags) error {
	// The garbage of a million elements is short-lived: a third as much again as what
	// lives is enough for it, and stays below what docs/command-line.md promises.
	defer debug.SetGCPercent(debug.SetGCPercent(30))
	i := &inspection{File: path}
	failed := i.readWith(ctx, ui, path, f)
	if f.json && failed != nil && len(i.Problems) == 0 {
		i.problem(problem{What: failed.Error()}) // a script has it in the object
	}
	if i.Kind != "" || f.json {
		if err := i.write(ui, f.json); err != nil {
			return err
		}
	}
	return failed
}

// An inspection is what is in a file. Its JSON form is for scripts: fields may
// come, none goes away.
type inspection struct {
	File    string            `json:"file"`
	Kind    string            `json:"kind"` // vcon, export, store, offer, sealed file, request, recipient key; "" for what cannot be told
	Format  string            `json:"format,omitempty"`
	Bytes   int64             `json:"bytes,omitempty"`
	Files   uint64            `json:"files,omitempty"`
	Version []string          `json:"version,omitempty"`
	Opaque  string            `json:"opaque,omitempty"`    // "signed" or "encrypted": there is one, see Sealed
	Forms   map[string]uint64 `json:"old_forms,omitempty"` // of docs/wire-format.md, "Old forms"

	Sealed     []sealInspection `json:"sealed,omitempty"`
	MoreSealed uint64           `json:"more_sealed,omitempty"` // that are counted only

	Rooms       []roomInspection  `json:"rooms,omitempty"`
	Records     map[string]uint64 `json:"records,omitempty"`
	IDs         map[string]uint64 `json:"message_ids,omitempty"`
	Missing     map[string]uint64 `json:"missing,omitempty"`  // parameters without which an id is not derivable
	Analyses    map[string]uint64 `json:"analyses,omitempty"` // by type
	Attachments *attachmentCounts `json:"attachments,omitempty"`
	Transfers   []transferInfo    `json:"transfers,omitempty"`
	Offer       *offerInspection  `json:"offer,omitempty"`

	Signatures []signatureInspection `json:"signatures,omitempty"` // with --signer
	Franks     map[string]uint64     `json:"franks,omitempty"`     // with --hub-key
	franks     *frankSurvey

	SealedFile *sealedFileInspection `json:"sealed_file,omitempty"`
	Request    *requestInspection    `json:"request,omitempty"`

	Changes  []string  `json:"changes,omitempty"` // of an export, what is carried with a change
	Problems []problem `json:"problems,omitempty"`
	More     uint64    `json:"more_problems,omitempty"` // that are counted only
}

type roomInspection struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
	Who     []string  `json:"who,omitempty"` // some of the people, where there is no name
	People  uint64    `json:"people"`
	Records uint64    `json:"records"`
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	State   string    `json:"state,omitempty"` // of a store: complete or incomplete
}

type attachmentCounts struct {
	Count   uint64 `json:"count"`
	Content uint64 `json:"with_content"`
	Bytes   uint64 `json:"bytes"` // of that content
}

type transferInfo struct {
	Started  time.Time    `json:"started"`
	Sender   string       `json:"sender"`
	SharedBy string       `json:"shared_by,omitempty"`
	State    string       `json:"state"`            // complete, incomplete or superseded
	Transfer string       `json:"transfer"`         // its id, as in status
	Messages uint64       `json:"messages"`         // announced
	Ledger   *host.Ledger `json:"ledger,omitempty"` // of a complete one

	ledger segment.Ledger
}

type offerInspection struct {
	Version uint8     `json:"version"`
	Suite   string    `json:"suite"`
	Intent  string    `json:"intent"`
	Route   string    `json:"route"`
	Public  bool      `json:"public_route"`
	Expiry  time.Time `json:"expires"`
	Expired bool      `json:"expired"`
}

// A problem is something wrong, and where.
type problem struct {
	File    string `json:"file,omitempty"`
	Pointer string `json:"pointer,omitempty"` // JSON pointer
	Offset  int64  `json:"offset,omitempty"`  // in bytes, 0 when unknown
	What    string `json:"what"`
}

func (p problem) String() string {
	var parts []string
	for _, s := range []string{p.File, p.Pointer} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if p.Offset > 0 {
		parts = append(parts, fmt.Sprintf("byte %d", p.Offset))
	}
	if len(parts) == 0 {
		return p.What
	}
	return strings.Join(parts, ", ") + ": " + p.What
}

// maxProblems bounds the list; maxProblemsShown what of it goes to a person.
const (
	maxProblems      = 1000
	maxProblemsShown = 20
)

func (i *inspection) problem(p problem) {
	if len(i.Problems) < maxProblems {
		i.Problems = append(i.Problems, p)
	} else {
		i.More++
	}
}

func (i *inspection) write(ui *terminal, asJSON bool) error {
	if !asJSON {
		return i.print(newView(ui))
	}
	out, err := json.Marshal(i)
	if err == nil {
		_, err = fmt.Fprintf(ui.out, "%s\n", tameJSON(out))
	}
	if err != nil {
		return destinationError{fmt.Errorf("write standard output: %w", err)}
	}
	return nil
}

// tameJSON escapes what changes the direction of text, which JSON allows in clear
// and only strings can have.
func tameJSON(data []byte) []byte {
	var out []byte
	for _, r := range string(data) {
		if unicode.Is(unicode.Bidi_Control, r) {
			out = fmt.Appendf(out, "\\u%04x", r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}
