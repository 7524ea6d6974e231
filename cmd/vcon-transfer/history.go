package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
)

type historyFlags struct {
	store, since, until, room string
	levels                    bool
	newest, most              int // --limit of show and of search, which have two defaults
}

func newHistory(ui *terminal) *cobra.Command {
	var f historyFlags
	c := &cobra.Command{
		Use:   "history",
		Short: "list, show and search what was received",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("say what to do with the history: list, show or search")}
		},
	}
	c.PersistentFlags().StringVar(&f.store, "store", "", "SQLite history `FILE` (default: in the user's data directory)")
	list := &cobra.Command{
		Use:   "list",
		Short: "list the rooms, with counts and dates",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return f.list(c.Context(), ui) },
	}
	show := &cobra.Command{
		Use:   "show [ROOM]",
		Short: "show the messages of a room",
		Long: "Show the messages of a room, oldest first. ROOM is its number in `history list`, its name or its URI;\n" +
			"it may be left out when there is only one.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.show(c.Context(), ui, strings.Join(args, "")) },
	}
	search := &cobra.Command{
		Use:   "search TEXT...",
		Short: "find messages that have all of these words, the newest first",
		Args:  cobra.MinimumNArgs(1),
		RunE:  func(c *cobra.Command, args []string) error { return f.search(c.Context(), ui, strings.Join(args, " ")) },
	}
	for _, sub := range []*cobra.Command{show, search} {
		sub.Flags().StringVar(&f.since, "since", "", "only messages from this date or `TIME` on (2026-01-31, or RFC 3339)")
		sub.Flags().StringVar(&f.until, "until", "", "only messages before this date or `TIME`")
	}
	show.Flags().BoolVar(&f.levels, "levels", false, "say of each message how far its id attests its content")
	show.Flags().IntVar(&f.newest, "limit", 0, "only the newest `N` messages (default: all)")
	search.Flags().IntVar(&f.most, "limit", 100, "at most `N` messages")
	search.Flags().StringVar(&f.room, "room", "", "only this `ROOM`: its number, name or URI")
	c.AddCommand(list, show, search)
	return c
}

// open opens the store for reading.
func (f *historyFlags) open(ctx context.Context) (*sqlite.Store, error) {
	if f.store == "" {
		f.store = defaultStore()
	}
	return openStore(ctx, f.store)
}

// openStore opens a store that has to be there. Whatever is wrong with it is the
// fault of a source here.
func openStore(ctx context.Context, path string) (*sqlite.Store, error) {
	store, err := sqlite.Open(ctx, path, sqlite.Options{MustExist: true})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, sourceError{fmt.Errorf("no history at %s", path)}
	case err != nil:
		return nil, storeError(ctx, path, err)
	}
	return store, nil
}

// storeError is an error of reading a store; that it is a destination too, for
// receive, is of no importance.
func storeError(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return sourceError{fmt.Errorf("read %s: %s", path, err.Error())}
}

// query is what the flags select.
func (f *historyFlags) query(limit int) (q sqlite.Query, err error) {
	if q.Since, err = parseTime(f.since); err != nil {
		return q, usageError{fmt.Errorf("--since: %w", err)}
	}
	if q.Until, err = parseTime(f.until); err != nil {
		return q, usageError{fmt.Errorf("--until: %w", err)}
	}
	if limit < 0 {
		return q, usageError{errors.New("--limit cannot be negative")}
	}
	q.Limit = limit
	return q, nil
}

// rooms opens the store and lists its rooms; the caller closes it.
func (f *historyFlags) rooms(ctx context.Context) (*sqlite.Store, []sqlite.RoomSummary, error) {
	store, err := f.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	rooms, err := store.ListRooms(ctx)
	if err != nil {
		return nil, nil, errors.Join(storeError(ctx, f.store, err), store.Close())
	}
	return store, rooms, nil
}

func (f *historyFlags) list(ctx context.Context, ui *terminal) error {
	store, rooms, err := f.rooms(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	transfers, err := store.Transfers(ctx)
	if err != nil {
		return storeError(ctx, f.store, err)
	}
	v := newView(ui)
	if len(rooms) == 0 {
		ui.remark("The history is empty.")
	} else {
		v.rooms(rooms)
	}
	v.incomplete(transfers)
	return v.flush()
}

func (f *historyFlags) show(ctx context.Context, ui *terminal, which string) error {
	q, err := f.query(f.newest)
	if err != nil {
		return err
	}
	store, rooms, err := f.rooms(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	room, err := findRoom(rooms, which)
	if err != nil {
		return err
	}
	beside, err := store.Beside(ctx, room.ID)
	if err != nil {
		return storeError(ctx, f.store, err)
	}
	v := newView(ui)
	v.levels = f.levels
	v.heading(room)
	v.beside(beside)
	for m, err := range store.Messages(ctx, room.ID, q) {
		if err != nil {
			return errors.Join(v.flush(), storeError(ctx, f.store, err))
		}
		if err := v.message(&m); err != nil {
			return err
		}
	}
	return v.flush()
}

func (f *historyFlags) search(ctx context.Context, ui *terminal, text string) error {
	q, err := f.query(f.most)
	if err != nil {
		return err
	}
	store, rooms, err := f.rooms(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	if f.room != "" {
		room, err := findRoom(rooms, f.room)
		if err != nil {
			return err
		}
		q.Room = room.ID
	}
	v := newView(ui)
	found := uint64(0)
	for m, err := range store.Search(ctx, text, q) {
		if err != nil {
			return errors.Join(v.flush(), storeError(ctx, f.store, err))
		}
		found++
		if err := v.hit(&m, nameOfRoom(rooms, m.Room), text); err != nil {
			return err
		}
	}
	if err := v.flush(); err != nil {
		return err
	}
	switch {
	case found == 0:
		ui.remark("Nothing found.")
	case found == uint64(q.Limit):
		ui.remark("%s; there may be more, see --limit.", plural(found, "message"))
	default:
		ui.remark("%s.", plural(found, "message"))
	}
	return nil
}

// findRoom finds a room by URI, by its number in the list, by its name, or by a
// part of its name that no other room has.
func findRoom(rooms []sqlite.RoomSummary, which string) (*sqlite.RoomSummary, error) {
	if len(rooms) == 0 {
		return nil, sourceError{errors.New("the history is empty")}
	}
	if which == "" {
		if len(rooms) == 1 {
			return &rooms[0], nil
		}
		return nil, usageError{fmt.Errorf("there are %d rooms: say which, as `history list` shows them", len(rooms))}
	}
	for i := range rooms {
		if rooms[i].ID == which {
			return &rooms[i], nil
		}
	}
	if n, err := strconv.Atoi(which); err == nil && n >= 1 && n <= len(rooms) {
		return &rooms[n-1], nil
	}
	matches := []func(name string) bool{
		func(name string) bool { return strings.EqualFold(name, which) },
		func(name string) bool { return strings.Contains(strings.ToLower(name), strings.ToLower(which)) },
	}
	for _, match := range matches {
		var found []*sqlite.RoomSummary
		for i := range rooms {
			if match(titleOf(&rooms[i])) {
				found = append(found, &rooms[i])
			}
		}
		if len(found) > 1 {
			return nil, usageError{fmt.Errorf("%d rooms are called %q: say which by its number in `history list`", len(found), which)}
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	return nil, usageError{fmt.Errorf("no room %q in this history: see `history list`", which)}
}

func nameOfRoom(rooms []sqlite.RoomSummary, id string) string {
	for i := range rooms {
		if rooms[i].ID == id {
			return titleOf(&rooms[i])
		}
	}
	return id
}

// defaultStore is where a history is when no --store says so: in the place that
// the system has for the data of programs, or in the working folder for a user
// who has no such place.
func defaultStore() string {
	const program, file = "vcon-transfer", "history.db"
	home, err := os.UserHomeDir()
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, program, file)
		}
	case "darwin", "ios":
		if err == nil {
			return filepath.Join(home, "Library", "Application Support", program, file)
		}
	default:
		// A relative path has no meaning there (XDG base directory specification).
		if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, program, file)
		}
		if err == nil {
			return filepath.Join(home, ".local", "share", program, file)
		}
	}
	return program + "-" + file
}
