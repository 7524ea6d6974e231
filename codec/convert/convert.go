// Package convert turns histories of other messengers into vCons of MIMI
// messages (draft-ietf-vcon-mimi-messages). Each layout is one converter; the
// messages get real MIMI content with salts derived from what does not change,
// so that converting twice gives the same message ids, and so does converting
// again when the export has grown.
//
// A converter reads through an fs.FS, opens nothing else, and drops nothing
// without counting it in the Report.
package convert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A Kind names a foreign layout, as in `convert --from`.
type Kind string

// The layouts that are read.
const (
	IRC    Kind = "irc"    // channel logs, one a day, with reply links beside them
	Gitter Kind = "gitter" // room archives in TSV
	Mbox   Kind = "mbox"   // mailboxes and single mails
	SMS    Kind = "sms"    // XML of SMS Backup & Restore, messages or calls

	Telegram Kind = "telegram" // Telegram Desktop's result.json
	Signal   Kind = "signal"   // Signal's plaintext export in JSON lines, and signal-export's data.json
	Slack    Kind = "slack"    // workspace exports, unpacked or not
	// Discord is the JSON of DiscordChatExporter.
	Discord Kind = "discord"
	// Matrix is Element's export, or events as servers give them.
	Matrix Kind = "matrix"
	// WhatsApp is a chat that the app exported: its text, with media beside it.
	WhatsApp Kind = "whatsapp"
)

// Options of a conversion. The zero value is usual.
type Options struct {
	// Room names the room (a channel without its #) when the export does not;
	// when it is set it also takes the place of what the export says.
	Room string
	// Host is the host of the URIs of rooms and people. Exports name no
	// provider that speaks MIMI, so the default is KIND.example, which no one
	// owns (RFC 2606).
	Host string
	// MaxMessages ends a vCon after so many dialogs; the next one goes on with
	// the same room. 0 means DefaultMessages.
	MaxMessages int
	// Owner is the name of whose export it is, for layouts that write "me" or
	// nothing in its place. The default is "Me".
	Owner string
	// Location is the time zone of dates that an export writes without one. The
	// default is UTC. Message ids do not depend on it.
	Location *time.Location
	// Archive is the name of the archive that the export is the inside of, if it
	// is one: some layouts name a room nowhere else.
	Archive string
}

// A VCon is a vCon of an export. Contents[i] is the content of Attachments[i],
// which has no body: it is read from the export when it is asked for.
type VCon struct {
	*codec.VCon
	Contents []*Content
}

// defaultOwner is Options.Owner when it is not set.
const defaultOwner = "Me"

// ErrUnknownKind says that no converter has that name, or that a file is of no
// layout that is known.
var ErrUnknownKind = errors.New("convert history: unknown layout")

// Convert yields the vCons of an export: a file, or a folder whose files of that
// layout are taken in the order of their names. Each is bounded by
// Options.MaxMessages; those of one room have the same room id. report, which
// may be nil, counts as it goes and is complete when the sequence ends. The
// sequence ends with the first error.
func Convert(ctx context.Context, kind Kind, fsys fs.FS, name string, opts Options, report *Report) iter.Seq2[*VCon, error] {
	if report == nil {
		report = &Report{}
	}
	report.Kind = kind
	return func(yield func(*VCon, error) bool) {
		l, ok := layoutOf(kind)
		if !ok {
			yield(nil, ErrUnknownKind)
			return
		}
		r := &run{ctx: ctx, fsys: fsys, opts: opts, layout: l, report: report, yield: yield}
		if r.opts.Host == "" {
			r.opts.Host = string(kind) + ".example"
		}
		if r.opts.MaxMessages <= 0 {
			r.opts.MaxMessages = DefaultMessages
		}
		if r.opts.Owner == "" {
			r.opts.Owner = defaultOwner
		}
		if r.opts.Location == nil {
			r.opts.Location = time.UTC
		}
		if err := r.all(name); err != nil && !errors.Is(err, errStopped) {
			yield(nil, fmt.Errorf("convert %s: %w", kind, err))
		}
	}
}

// All is Convert for small exports: all vCons at once.
func All(ctx context.Context, kind Kind, fsys fs.FS, name string, opts Options) ([]*VCon, *Report, error) {
	report := &Report{}
	var all []*VCon
	for v, err := range Convert(ctx, kind, fsys, name, opts, report) {
		if err != nil {
			return nil, report, err
		}
		all = append(all, v)
	}
	return all, report, nil
}

// errStopped ends a conversion whose caller wants no more vCons.
var errStopped = errors.New("stopped")

// A run is one conversion.
type run struct {
	ctx    context.Context
	fsys   fs.FS
	opts   Options
	layout layout
	report *Report
	yield  func(*VCon, error) bool

	files   []string // of a folder: those that follow
	channel string   // what the last log that names its channel names
}

// all converts a file, or the files of a folder and those below it.
func (r *run) all(name string) error {
	name = path.Clean(name)
	info, err := fs.Stat(r.fsys, name)
	if err != nil {
		return fmt.Errorf("open export: %w", err)
	}
	if !info.IsDir() {
		return r.file(name)
	}
	if r.layout.folder != nil {
		if ok, err := r.layout.folder(r.fsys, name); err != nil || ok {
			if err != nil {
				return err
			}
			return r.file(name)
		}
	}
	files := 0
	err = fs.WalkDir(r.fsys, name, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read folder: %w", err)
		case e.IsDir():
			return nil
		case r.layout.side(name):
			return nil // read with the file that it belongs to
		}
		if files++; files > MaxFiles {
			return fmt.Errorf("read folder: more than %d files", MaxFiles)
		}
		kind, err := detectEntry(r.fsys, name, e)
		if err != nil {
			return err
		}
		if kind != r.layout.kind {
			r.report.leaveFile()
			return nil
		}
		r.files = append(r.files, name)
		return nil
	})
	if err != nil {
		return err
	}
	for len(r.files) > 0 {
		name := r.files[0]
		r.files = r.files[1:]
		if err := r.file(name); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) file(name string) error {
	r.report.Files++
	return r.layout.convert(r, name)
}

// emit hands over one vCon.
func (r *run) emit(v *VCon) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if !r.yield(v, nil) {
		return errStopped
	}
	return nil
}
