package convert

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Slack exports: the ZIP that a workspace's owner gets, its unpacked folder, and
// those that rusq/slackdump writes in the same layout, with files.
//
//	users.json          people: id, name, deleted, profile
//	channels.json groups.json mpims.json dms.json    conversations: id, name,
//	                    created, creator, members, topic, purpose
//	NAME/YYYY-MM-DD.json    a conversation's messages of a day; of dms the folder is
//	                    called by the id
//	NAME/attachments/ID-name, __uploads/ID/name    files, by slackdump
//
// Layout: slack.com/help 220556107 "How to read Slack data exports",
// docs.slack.dev "message event" with its subtypes and "Rich text block",
// slackdump's source/filestorage.go (v4), hfaran/slack-export-viewer. A message is
// known by its channel and ts.

// isSlack reports a folder that has the lists of a Slack export.
func isSlack(fsys fs.FS, dir string) (bool, error) {
	users, err := hasFile(fsys, path.Join(dir, "users.json"))
	if err != nil || !users {
		return false, err
	}
	for _, name := range slackLists {
		if ok, err := hasFile(fsys, path.Join(dir, name)); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

var slackLists = [...]string{"channels.json", "groups.json", "mpims.json", "dms.json"}

func hasFile(fsys fs.FS, name string) (bool, error) {
	info, err := fs.Stat(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Mode().IsRegular(), err
}

func slackFolder(fsys fs.FS, dir string) (bool, error) {
	_, ok, err := exportRoot(fsys, dir, func(dir string) (bool, error) { return isSlack(fsys, dir) })
	return ok, err
}

// A slackExport is the state while one export is read.
type slackExport struct {
	*run
	dir      string
	people   map[string]person
	channels map[string]*slackChannel // by id
	folders  map[string]*slackChannel // by folder
	used     map[string]bool          // files that are content of messages
}

// A slackChannel is a conversation of any kind.
type slackChannel struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Members []string `json:"members"`
	Created flexible `json:"created"`
	Creator flexible `json:"creator"`
	Topic   slackSet `json:"topic"`
	Purpose slackSet `json:"purpose"`

	// State of the app, the conversation's kind, what is pinned now.
	Rest jsontext.Value `json:",embed"`

	uri string
}

// A slackSet is a topic or a purpose.
type slackSet struct {
	Value   flexible `json:"value"`
	Creator flexible `json:"creator"`
	LastSet flexible `json:"last_set"`
}

func convertSlack(r *run, name string) error {
	dir, ok, err := exportRoot(r.fsys, name, func(dir string) (bool, error) { return isSlack(r.fsys, dir) })
	if err != nil {
		return err
	}
	if !ok {
		return ErrUnknownKind
	}
	r.report.Files-- // the folder; its files are counted as they are read
	x := &slackExport{run: r, dir: dir, people: map[string]person{}, channels: map[string]*slackChannel{},
		folders: map[string]*slackChannel{}, used: map[string]bool{}}
	if err := x.readPeople(); err != nil {
		return err
	}
	for _, list := range slackLists {
		if err := x.readChannels(list); err != nil {
			return err
		}
	}
	return x.walk()
}

// walk converts each folder that has days, and counts what is neither one nor
// known.
func (x *slackExport) walk() error {
	entries, err := fs.ReadDir(x.fsys, x.dir)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	files := 0
	for _, e := range entries {
		if files++; files > MaxFiles {
			return fmt.Errorf("read folder: more than %d files", MaxFiles)
		}
		name := e.Name()
		switch {
		case !e.IsDir():
			if name != "users.json" && !slices.Contains(slackLists[:], name) && !strings.HasPrefix(name, ".") {
				x.report.leaveFile()
			}
		case name != "__uploads" && name != "__MACOSX" && !strings.HasPrefix(name, "."):
			if err := x.folder(name); err != nil {
				return err
			}
		}
	}
	return x.unused()
}

// folder converts one conversation.
func (x *slackExport) folder(name string) error {
	dir := path.Join(x.dir, name)
	entries, err := fs.ReadDir(x.fsys, dir)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	if len(entries) > MaxFiles {
		return fmt.Errorf("read folder: more than %d files", MaxFiles)
	}
	var days []string
	for _, e := range entries {
		switch {
		case !e.IsDir() && isDay(e.Name()):
			days = append(days, path.Join(dir, e.Name()))
		case !e.IsDir() && !strings.HasPrefix(e.Name(), "."):
			x.report.leaveFile()
		}
	}
	if len(days) == 0 {
		return nil
	}
	ch := x.folders[name]
	if ch == nil {
		ch = x.channels[name]
	}
	if ch == nil {
		x.report.mend(RoomUnlisted)
		ch = &slackChannel{ID: name, Name: name}
	}
	c, err := x.open(ch, dir)
	if err != nil {
		return err
	}
	for _, day := range days { // their names are in the order of time
		x.report.Files++
		if err := c.day(day, MaxArchive); err != nil {
			return err
		}
	}
	if err := c.described(); err != nil {
		return err
	}
	return c.room.flush()
}

// isDay reports a name of the form YYYY-MM-DD.json.
func isDay(name string) bool {
	return len(name) == len("2006-01-02.json") && name[4] == '-' && name[7] == '-' && strings.HasSuffix(name, ".json") &&
		strings.Trim(name[:10], "0123456789-") == ""
}

// A slackRoom is the state while one conversation is read.
type slackRoom struct {
	*slackExport
	room  *room
	ch    *slackChannel
	ids   map[string]mimi.MessageID // by ts
	files map[string][]string       // in the folder "attachments", by file id

	topic, purpose string // as last set by a message
}

func (x *slackExport) open(ch *slackChannel, dir string) (*slackRoom, error) {
	c := &slackRoom{slackExport: x, ch: ch, room: x.roomOf(ch.ID, x.roomName(ch)), ids: map[string]mimi.MessageID{}, files: map[string][]string{}}
	for i, id := range ch.Members {
		if i >= MaxListed {
			x.report.mend(MembersCut)
			break
		}
		c.room.party(x.who(id))
	}
	entries, err := fs.ReadDir(x.fsys, path.Join(dir, "attachments"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	if len(entries) > MaxFiles {
		return nil, fmt.Errorf("read folder: more than %d files", MaxFiles)
	}
	for _, e := range entries {
		if id, _, ok := strings.Cut(e.Name(), "-"); ok && !e.IsDir() {
			c.files[id] = append(c.files[id], path.Join(dir, "attachments", e.Name()))
		}
	}
	return c, nil
}

// roomName is a conversation's name as its people see it.
func (x *slackExport) roomName(ch *slackChannel) string {
	if x.opts.Room != "" && len(x.channels) <= 1 {
		return x.opts.Room
	}
	if ch.Name != "" && !strings.HasPrefix(ch.Name, "mpdm-") {
		return ch.Name
	}
	var names []string
	for _, id := range ch.Members {
		if p := x.who(id); len(ch.Members) == 1 || p.name != x.opts.Owner {
			names = append(names, p.name)
		}
		if len(names) == maxNamed {
			break
		}
	}
	return cmp.Or(strings.Join(names, ", "), ch.Name, ch.ID)
}

// maxNamed is how many people name a conversation that has no name: Slack allows
// nine in one.
const maxNamed = 9

// described carries the topic and the purpose of the list, where no message of
// the export set them.
func (c *slackRoom) described() error {
	for _, d := range []struct {
		set  *slackSet
		last string
		room codec.Room
	}{
		{&c.ch.Topic, c.topic, codec.Room{Subject: string(c.ch.Topic.Value)}},
		{&c.ch.Purpose, c.purpose, codec.Room{Description: []codec.RoomDescription{{Content: string(c.ch.Purpose.Value)}}}},
	} {
		seconds, ok := d.set.LastSet.int64()
		if d.set.Value == "" || string(d.set.Value) == d.last || !ok || seconds <= 0 || seconds > maxSeconds {
			continue
		}
		c.report.Records++
		if err := c.room.changes(seconds*1000, change{event: "room", who: roomItself, by: c.who(string(d.set.Creator)), room: &d.room}); err != nil {
			return err
		}
	}
	return nil
}

// maxSeconds is the end of the year 9999, since 1970.
const maxSeconds = 253402300799

// slackMillis reads a ts: seconds, a point and a number of six digits, which are
// microseconds in spirit.
func slackMillis(ts string) (int64, bool) {
	whole, part, _ := strings.Cut(ts, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds <= 0 || seconds > maxSeconds || len(part) > 9 {
		return 0, false
	}
	millis := int64(0)
	if part != "" {
		if millis, err = strconv.ParseInt((part + "000")[:3], 10, 64); err != nil {
			return 0, false
		}
	}
	return seconds*1000 + millis, true
}
