package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

func newInspect(ui *terminal) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "what is in a vCon, an export, a store or an offer: counts, rooms, dates, levels, problems",
		Long: "Tell what is in a vCon file or folder, another program's export, a store, or an offer (its text or its\n" +
			"QR code as a picture). Nothing is changed, and the secret of an offer is never shown. FILE may be -.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return inspect(c.Context(), ui, args[0], asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return c
}

// inspect shows as much as can be read, and then says why it was not all.
func inspect(ctx context.Context, ui *terminal, path string, asJSON bool) error {
	i := &inspection{File: path}
	failed := i.read(ctx, ui, path)
	if i.Kind != "" {
		if err := i.write(ui, asJSON); err != nil {
			return err
		}
	}
	return failed
}

// An inspection is what is in a file. Its JSON form is for scripts: fields may
// come, none goes away.
type inspection struct {
	File    string   `json:"file"`
	Kind    string   `json:"kind"` // vcon, export, store, offer
	Format  string   `json:"format,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"`
	Files   uint64   `json:"files,omitempty"`
	Version []string `json:"version,omitempty"`
	Opaque  string   `json:"opaque,omitempty"` // signed or encrypted: carried whole, not looked into

	Rooms       []roomInspection  `json:"rooms,omitempty"`
	Records     map[string]uint64 `json:"records,omitempty"`
	IDs         map[string]uint64 `json:"message_ids,omitempty"`
	Missing     map[string]uint64 `json:"missing,omitempty"` // parameters without which an id is not derivable
	Attachments *attachmentCounts `json:"attachments,omitempty"`
	Transfers   []transferInfo    `json:"transfers,omitempty"`
	Offer       *offerInspection  `json:"offer,omitempty"`

	Problems []problem `json:"problems,omitempty"`
	More     uint64    `json:"more_problems,omitempty"` // that are counted only
}

type roomInspection struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
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
	Started  time.Time `json:"started"`
	Sender   string    `json:"sender"`
	SharedBy string    `json:"shared_by,omitempty"`
	State    string    `json:"state"` // complete, incomplete or superseded
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

// read finds out what path leads to and looks into it.
func (i *inspection) read(ctx context.Context, ui *terminal, path string) error {
	if path == "-" {
		data, err := readWhole(ui, path)
		if err != nil {
			return err
		}
		if offerLike(data) {
			return i.readOffer(data)
		}
		return i.readVCons(ctx, []vconFile{{r: bytes.NewReader(data), size: int64(len(data))}})
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() <= pairing.MaxImageBytes {
		prefix, err := readPrefix(path)
		if err != nil {
			return unreadable(path, err)
		}
		if imageLike(prefix) || info.Size() <= pairing.MaxOfferText && offerLike(prefix) {
			data, err := os.ReadFile(path)
			if err != nil {
				return unreadable(path, err)
			}
			return i.readOffer(data)
		}
	}
	a, err := detectSource(path)
	if err != nil {
		return err
	}
	switch a.kind {
	case storeSource:
		return i.readStore(ctx, path)
	case exportSource:
		return i.readExport(ctx, a)
	}
	files, err := vconFiles(path)
	if err != nil {
		return err
	}
	return i.readVCons(ctx, files)
}

// offerLike tells the text of an offer: the first two bytes of every version up to
// 23 are those of an array of seven elements and a small number.
func offerLike(data []byte) bool {
	text := strings.ToUpper(strings.TrimLeft(string(data[:min(len(data), 64)]), " \r\n\t"))
	return strings.HasPrefix(text, "Q4") && !strings.ContainsAny(text, "{}[]<>:;")
}

func imageLike(data []byte) bool {
	for _, magic := range []string{"\x89PNG", "\xff\xd8\xff", "GIF8"} {
		if bytes.HasPrefix(data, []byte(magic)) {
			return true
		}
	}
	return false
}

// readOffer reads an offer; its secret is erased at once.
func (i *inspection) readOffer(data []byte) error {
	text := string(data)
	if imageLike(data) {
		var err error
		if text, err = pairing.ReadQR(bytes.NewReader(data)); err != nil {
			return offerError{fmt.Errorf("read QR code: %w", err)}
		}
	}
	o, err := pairing.ParseOffer(text)
	if err != nil {
		return offerError{err}
	}
	o.Erase()
	i.Kind, i.Offer = "offer", &offerInspection{
		Version: o.Version, Suite: o.Suite.String(), Intent: o.Intent.String(),
		Route: o.Route.String(), Public: o.Route.Public(), Expiry: o.Expiry.UTC(), Expired: o.Expired(),
	}
	return nil
}

// readStore looks into a store, and at its integrity.
func (i *inspection) readStore(ctx context.Context, path string) error {
	store, err := openStore(ctx, path)
	if err != nil {
		return err
	}
	defer store.Close()
	i.Kind, i.Format = "store", "sqlite"
	rooms, err := store.ListRooms(ctx)
	if err != nil {
		return storeError(ctx, path, err)
	}
	i.Records = map[string]uint64{}
	for n := range rooms {
		r := &rooms[n]
		state := "complete"
		if r.Incomplete {
			state = "incomplete"
		}
		i.Rooms = append(i.Rooms, roomInspection{ID: r.ID, Name: r.Name, People: r.Participants, Records: r.Messages + r.Events, First: r.First, Last: r.Last, State: state})
		i.count("message", r.Messages)
		i.count("roster event", r.Events)
		i.count("kept aside", r.Quarantined)
	}
	transfers, err := store.Transfers(ctx)
	if err != nil {
		return storeError(ctx, path, err)
	}
	for n := range transfers {
		t := &transfers[n]
		state := "incomplete"
		if t.Complete {
			state = "complete"
		} else if t.Superseded {
			state = "superseded"
		}
		i.Transfers = append(i.Transfers, transferInfo{Started: t.Started, Sender: t.Sender, SharedBy: t.SharedBy, State: state})
	}
	check, err := store.Check(ctx)
	if err != nil {
		return storeError(ctx, path, err)
	}
	i.Attachments = &attachmentCounts{Count: check.Attachments, Content: check.Attachments - min(check.Lost, check.Attachments)}
	for _, d := range check.Damage {
		i.problem(problem{What: d})
	}
	if check.Lost > 0 {
		i.problem(problem{What: plural(check.Lost, "content") + " of attachments gone or changed"})
	}
	if !check.OK() {
		return sourceError{fmt.Errorf("the store %s is damaged", path)}
	}
	return nil
}

func (i *inspection) count(what string, n uint64) {
	if n > 0 {
		i.Records[what] += n
	}
}

// readExport converts an export without keeping what comes of it.
func (i *inspection) readExport(ctx context.Context, a sourceArg) error {
	fsys, name, err := exportFS(a.path)
	if err != nil {
		return err
	}
	i.Kind, i.Format = "export", string(a.layout)
	s := newSurvey(i)
	report := new(convert.Report)
	for v, err := range convert.Convert(ctx, a.layout, fsys, name, convert.Options{}, report) {
		if err != nil {
			s.finish()
			return sourceError{fmt.Errorf("read source %q: %w", a.path, err)}
		}
		s.vcon(v)
	}
	i.Files = report.Files
	for _, why := range slices.Sorted(maps.Keys(report.Left)) {
		i.problem(problem{What: fmt.Sprintf("%s left out: %s", plural(report.Left[why], "record"), why)})
	}
	for _, why := range slices.Sorted(maps.Keys(report.LeftLinks)) {
		if why == convert.LinkToItself {
			continue
		}
		i.problem(problem{What: fmt.Sprintf("%s left out: %s", plural(report.LeftLinks[why], "reply link"), why)})
	}
	s.finish()
	return nil
}

// A vconFile is one file to look into; r is nil for one that is opened by path.
type vconFile struct {
	path string // "" for standard input
	r    io.ReadSeeker
	size int64
}

// vconFiles lists the vCons of a path.
func vconFiles(path string) ([]vconFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.IsDir() {
		return []vconFile{{path: path, size: info.Size()}}, nil
	}
	var files []vconFile
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != path && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return filepath.SkipDir
			}
		case e.Type().IsRegular() && isVConName(e.Name()):
			info, err := e.Info()
			if err != nil {
				return err
			}
			files = append(files, vconFile{path: p, size: info.Size()})
		}
		return nil
	})
	if err != nil {
		return nil, unreadable(path, err)
	}
	return files, nil
}

func (i *inspection) readVCons(ctx context.Context, files []vconFile) error {
	i.Kind, i.Files = "vcon", uint64(len(files))
	s := newSurvey(i)
	var bad error
	for _, f := range files {
		i.Bytes += f.size
		if err := s.file(ctx, f, len(files) > 1); err != nil {
			if ctx.Err() != nil {
				return err
			}
			if f.path == "" {
				f.path = "-"
			}
			bad = unreadable(f.path, err)
		}
	}
	s.finish()
	return bad
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
