package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
)

type convertFlags struct {
	from, format, room string
	upgrade, repair    bool
	export             exportFlags
}

func newConvert(ui *terminal) *cobra.Command {
	var f convertFlags
	c := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "between CBOR and JSON vCons, and from other programs' exports",
		Long: "Convert a vCon of any size between CBOR and JSON, without loss. An export of another program, a folder of vCons or a\n" +
			"store becomes one vCon for each room: OUT is then a folder, or a file when there is one room only.\n" +
			"IN and OUT may be - for standard input and output. A file that exists is not overwritten.",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(c.Context(), ui, args[0], args[1])
		},
	}
	p := c.Flags()
	p.StringVar(&f.format, "format", "", "`FORMAT` of OUT: cbor or json (default: by its extension; json for -, cbor for a folder)")
	p.StringVar(&f.from, "from", "", "`LAYOUT` of the export: "+layouts()+" (default: found out)")
	p.StringVar(&f.room, "room", "", "`NAME` of the room, for exports that do not say it")
	f.export.bind(c)
	p.BoolVar(&f.upgrade, "upgrade", false, "rewrite the names of old vCon versions as those of today")
	p.BoolVar(&f.repair, "repair", false, "put U+FFFD for what is no Unicode in a JSON vCon, and say where")
	return c
}

func (f *convertFlags) run(ctx context.Context, ui *terminal, in, out string) error {
	if f.format != "" && f.format != "cbor" && f.format != "json" {
		return usageError{fmt.Errorf("--format %q is neither cbor nor json", f.format)}
	}
	if f.from != "" && !slices.Contains(convert.Kinds(), convert.Kind(f.from)) {
		return usageError{fmt.Errorf("--from %q is not known; there are %s", f.from, layouts())}
	}
	if f.from != "" && in == "-" {
		return usageError{errors.New("--from needs a file or a folder: dates and rooms are in the names of files")}
	}
	a := sourceArg{path: in, kind: exportSource, layout: convert.Kind(f.from)}
	if f.from == "" {
		var err error
		if a, err = detectSource(in); err != nil {
			return err
		}
	}
	single := a.kind == vconSource && !isFolder(in) && !isFolder(out)
	if f.upgrade && !single {
		return usageError{errors.New("--upgrade is for one vCon, and OUT a file")}
	}
	if f.repair && !single {
		return usageError{errors.New("--repair is for one vCon, and OUT a file")}
	}
	if (f.room != "" || f.export != exportFlags{}) && a.kind != exportSource {
		return usageError{errors.New("--room, --owner and --time-zone are for exports")}
	}
	if single {
		return f.one(ctx, ui, in, out)
	}
	return f.rooms(ctx, ui, a, out)
}

// rooms writes one vCon for each room of a source.
func (f *convertFlags) rooms(ctx context.Context, ui *terminal, a sourceArg, out string) error {
	folder := isFolder(out) || out != "-" && !isVConName(out)
	format := codec.FormatCBOR
	if !folder || f.format != "" {
		var err error
		if format, err = f.formatOf(ui, out); err != nil {
			return err
		}
	}
	if !folder {
		if err := free(out); err != nil {
			return err
		}
	}
	if f.from == "" && a.kind == exportSource {
		ui.remark("%s: read as %s", a.path, a.layout)
	}
	options, err := f.export.options(f.room)
	if err != nil {
		return err
	}
	m := &mergedSource{options: options}
	defer m.Close()
	if err := m.open(ctx, ui, []sourceArg{a}); err != nil {
		return err
	}
	rooms, err := m.Rooms(ctx)
	if err != nil {
		return sourceError{err}
	}
	if len(rooms) != 1 && !folder {
		return usageError{fmt.Errorf("there are %d rooms in %q: OUT has to be a folder", len(rooms), a.path)}
	}
	if folder {
		if err := os.MkdirAll(out, 0o700); err != nil {
			return destinationError{fmt.Errorf("make folder: %w", err)}
		}
	}
	for _, info := range rooms {
		to := out
		if folder {
			to = filepath.Join(out, roomFile(info.Room.ID)+"."+format.String())
			if err := free(to); err != nil {
				return err
			}
		}
		if err := writeOut(ui, to, func(w io.Writer) error {
			return history.WriteVCon(ctx, w, m, info, history.WriteOptions{Format: format})
		}); err != nil {
			return err
		}
		ui.remark("%s: %s", to, plural(info.Items, "item"))
	}
	left, err := m.Left(ctx)
	if err != nil {
		return sourceError{err}
	}
	sayLeft(ui, "left out", left)
	return nil
}

// formatOf is the format of a file: --format, or what its extension says.
func (f *convertFlags) formatOf(ui *terminal, out string) (codec.Format, error) {
	name := f.format
	if name == "" {
		switch strings.ToLower(filepath.Ext(out)) {
		case ".cbor":
			name = "cbor"
		case ".json", ".vcon":
			name = "json"
		default:
			if out != "-" {
				return 0, usageError{fmt.Errorf("the name %q does not tell its format: add .cbor or .json, or --format", out)}
			}
			name = "json"
		}
	}
	if name == "json" {
		return codec.FormatJSON, nil
	}
	if file, ok := ui.out.(*os.File); ok && out == "-" && term.IsTerminal(int(file.Fd())) {
		return 0, usageError{errors.New("CBOR is not for a terminal: name a file, or use --format json")}
	}
	return codec.FormatCBOR, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || strings.HasSuffix(path, string(filepath.Separator))
}
