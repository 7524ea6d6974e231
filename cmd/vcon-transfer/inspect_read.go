package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

// read finds out what path leads to and looks into it.
func (i *inspection) read(ctx context.Context, ui *terminal, path string) error {
	if path == "-" {
		return i.readStdin(ctx, ui)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		prefix, err := readPrefix(path)
		if err != nil {
			return unreadable(path, err)
		}
		if bytes.HasPrefix(prefix, []byte(sealedFileMagic)) {
			return i.readSealedFile(path)
		}
		if info.Size() <= pairing.MaxRequestText && keyLike(prefix) {
			data, err := os.ReadFile(path)
			if err != nil {
				return unreadable(path, err)
			}
			return i.readKeyText(path, data)
		}
		if info.Size() <= pairing.MaxImageBytes && imageLike(prefix) || info.Size() <= pairing.MaxOfferText && offerLike(prefix) {
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

// readStdin looks into a vCon or an offer.
func (i *inspection) readStdin(ctx context.Context, ui *terminal) error {
	source, err := openSeekable(ctx, ui, "-")
	if err != nil {
		return err
	}
	defer source.Close()
	all := io.NewSectionReader(source, 0, source.size)
	if source.size <= pairing.MaxImageBytes {
		data, err := io.ReadAll(io.LimitReader(all, prefixBytes))
		if err != nil {
			return unreadable("-", err)
		}
		if imageLike(data) || source.size <= pairing.MaxOfferText && offerLike(data) {
			rest, err := io.ReadAll(all)
			if err != nil {
				return unreadable("-", err)
			}
			return i.readOffer(append(data, rest...))
		}
		if _, err := all.Seek(0, io.SeekStart); err != nil {
			return unreadable("-", err)
		}
	}
	return i.readVCons(ctx, []vconFile{{r: all, size: source.size}})
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
	if keyLike([]byte(text)) {
		return i.readKeyText(i.File, []byte(text))
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
	if i.Records, err = store.Kinds(ctx); err != nil {
		return storeError(ctx, path, err)
	}
	for n := range rooms {
		r := &rooms[n]
		state := "complete"
		if r.Incomplete {
			state = "incomplete"
		}
		i.Rooms = append(i.Rooms, roomInspection{ID: r.ID, Name: r.Name, People: r.Participants, Records: r.Messages + r.Events, First: r.First, Last: r.Last, State: state})
		if r.Who != "" {
			i.Rooms[n].Who = []string{r.Who}
		}
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
		info := transferInfo{
			Started: t.Started, Sender: t.Sender, SharedBy: t.SharedBy, State: state,
			Transfer: hex.EncodeToString(t.ID[:]), Messages: t.Messages, ledger: t.Ledger,
		}
		if t.Complete {
			info.Ledger = host.LedgerOf(t.Ledger)
		}
		i.Transfers = append(i.Transfers, info)
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
	e, err := openExport(a.path)
	if err != nil {
		return err
	}
	defer e.Close()
	i.Kind, i.Format = "export", string(a.layout)
	s := newSurvey(i)
	report := new(convert.Report)
	for v, err := range convert.Convert(ctx, a.layout, e, e.name, convert.Options{Location: time.Local, Archive: e.archive()}, report) {
		if err != nil {
			s.finish()
			return sourceError{fmt.Errorf("read source %q: %w", a.path, err)}
		}
		s.vcon(v)
	}
	i.Files = report.Files
	i.Attachments.Count = report.Attachments // also those whose content the export does not have
	for _, l := range leftLines(report) {
		i.problem(problem{What: l.what + " left out: " + l.why})
	}
	i.Changes = mendedLines(report)
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
