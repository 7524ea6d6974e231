package convert

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Discord, by Tyrrrz/DiscordChatExporter's JSON: one channel a file, or a part of
// one ("--partition"), oldest message first unless "--reverse" was given.
//
//	{"guild": {id, name}, "channel": {id, type, categoryId, category, name, topic},
//	 "dateRange", "exportedAt", "messages": [...], "messageCount"}
//
// With "--media" URLs are paths beside the file, in FILE.json_Files by default.
// Layout: that project's Core/Exporting/JsonMessageWriter.cs, MessageKind.cs and
// PlainTextMessageExtensions.cs (of March 2026), its docs/Using-the-CLI.md;
// discord.com/developers "Message Types" for types without a name there. Older
// versions have fewer members. A message is known by its id.

// detectDiscord looks for the first members of an export.
func detectDiscord(_ string, prefix []byte) bool {
	names := firstMembers(bytes.TrimPrefix(prefix, []byte("\ufeff")))
	if len(names) < 3 || names[0] != "guild" || names[1] != "channel" {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool {
		return !slices.Contains([]string{"guild", "channel", "dateRange", "exportedAt", "messages", "messageCount"}, name)
	})
}

// isDiscordMedia reports a file of a media folder.
func isDiscordMedia(name string) bool {
	return slices.ContainsFunc(strings.Split(path.Dir(name), "/"), func(s string) bool { return strings.HasSuffix(s, ".json_Files") })
}

// discordFolder reports a folder with exports right in it.
func discordFolder(fsys fs.FS, dir string) (bool, error) {
	_, ok, err := exportRoot(fsys, dir, func(dir string) (bool, error) {
		names, err := discordFiles(fsys, dir)
		return len(names) > 0, err
	})
	return ok, err
}

// discordFiles are the exports right in a folder.
func discordFiles(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	if len(entries) > MaxFiles {
		return nil, fmt.Errorf("read folder: more than %d files", MaxFiles)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() || !strings.EqualFold(path.Ext(e.Name()), ".json") {
			continue
		}
		name := path.Join(dir, e.Name())
		kind, err := detectEntry(fsys, name, e)
		if err != nil {
			return nil, err
		}
		if kind == Discord {
			names = append(names, name)
		}
	}
	return names, nil
}

// A discordChannel is the head of a file, and the state while it is read.
type discordChannel struct {
	*run
	file  string
	guild struct {
		Name flexible `json:"name"`
	}
	channel struct {
		ID       flexible `json:"id"`
		Type     flexible `json:"type"`
		Category flexible `json:"category"` // of a thread: its channel
		Name     flexible `json:"name"`
		Topic    flexible `json:"topic"`
	}
	first int64 // the time of its first message

	room *room
	ids  map[string]mimi.MessageID
}

// convertDiscord converts a file, or all files of a folder: those of one channel
// in the order of time, whatever they are called.
func convertDiscord(r *run, name string) error {
	info, err := fs.Stat(r.fsys, name)
	if err != nil {
		return fmt.Errorf("open export: %w", err)
	}
	names := []string{name}
	if info.IsDir() {
		if names, err = r.discordNames(name); err != nil {
			return err
		}
		r.report.Files += uint64(len(names)) - 1 // the folder is counted as one
	}
	channels := make([]*discordChannel, len(names))
	for i, name := range names {
		c := &discordChannel{run: r, file: name}
		if err := c.head(); err != nil {
			return err
		}
		channels[i] = c
	}
	slices.SortStableFunc(channels, func(a, b *discordChannel) int {
		return cmp.Or(cmp.Compare(a.channel.ID, b.channel.ID), cmp.Compare(a.first, b.first))
	})
	for i, c := range channels {
		if i > 0 && channels[i-1].channel.ID == c.channel.ID {
			c.room, c.ids = channels[i-1].room, channels[i-1].ids
		} else {
			c.room, c.ids = r.roomOf(string(cmp.Or(c.channel.ID, c.channel.Name, "channel")), c.name(len(channels))), map[string]mimi.MessageID{}
			c.room.subject = r.short(string(c.channel.Topic))
		}
		if err := c.convert(); err != nil {
			return err
		}
		if i+1 == len(channels) || channels[i+1].channel.ID != c.channel.ID {
			if err := c.room.flush(); err != nil {
				return err
			}
			c.ids = nil
		}
	}
	return nil
}

// discordNames are the exports of a folder. What else is in it is counted, but for
// media.
func (r *run) discordNames(dir string) ([]string, error) {
	root, _, err := exportRoot(r.fsys, dir, func(dir string) (bool, error) {
		names, err := discordFiles(r.fsys, dir)
		return len(names) > 0, err
	})
	if err != nil {
		return nil, err
	}
	var names []string
	files := 0
	err = fs.WalkDir(r.fsys, root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read folder: %w", err)
		case e.IsDir() || isDiscordMedia(name) || strings.HasPrefix(e.Name(), "."):
			return nil
		}
		if files++; files > MaxFiles {
			return fmt.Errorf("read folder: more than %d files", MaxFiles)
		}
		kind, err := detectEntry(r.fsys, name, e)
		if err != nil {
			return err
		}
		if kind == Discord {
			names = append(names, name)
		} else {
			r.report.leaveFile()
		}
		return nil
	})
	return names, err
}

// name is what people call the channel: with its server, and a thread with its
// channel.
func (c *discordChannel) name(channels int) string {
	if c.opts.Room != "" && channels == 1 {
		return c.opts.Room
	}
	name := string(c.channel.Name)
	if c.guild.Name == "" || strings.HasPrefix(string(c.channel.Type), "Direct") {
		return name
	}
	if strings.Contains(string(c.channel.Type), "Thread") && c.channel.Category != "" {
		name = string(c.channel.Category) + " / " + name
	}
	return string(c.guild.Name) + " #" + name
}

// head reads up to the first message.
func (c *discordChannel) head() error {
	q := *c
	q.run = c.quiet()
	err := q.read(func(v jsontext.Value) error {
		q.first, _ = discordMillis(v)
		return errStopped
	})
	c.guild, c.channel, c.first = q.guild, q.channel, q.first
	if err == errStopped {
		return nil
	}
	return err
}

// read calls use with each message of the file.
func (c *discordChannel) read(use func(jsontext.Value) error) error {
	j, err := c.openJSON(c.file)
	if err != nil {
		return err
	}
	defer j.Close()
	err = j.object(func(name string) error {
		switch name {
		case "guild":
			_, err := j.read(&c.guild)
			return err
		case "channel":
			_, err := j.read(&c.channel)
			return err
		case "messages":
			return j.array(func(int) error {
				raw, err := j.raw()
				if err != nil {
					return err
				}
				return use(raw)
			})
		case "dateRange", "exportedAt", "messageCount": // of the export, not of the chat
			return nil
		}
		c.report.mend(FieldUnknown)
		return nil
	})
	if err != nil {
		return err
	}
	return j.end()
}

// convert converts the messages of a file, oldest first.
func (c *discordChannel) convert() error {
	read, err := c.oldestFirst(func(r *run, use func(jsontext.Value) error) error {
		q := *c
		q.run = r
		return q.read(use)
	}, discordMillis, MaxArchive)
	if err != nil {
		return err
	}
	return read(c.run, func(raw jsontext.Value) error {
		c.report.Records++
		m := &discordMessage{}
		if raw.Kind() != '{' || !unmarshal(raw, m) || m.ID == "" {
			c.report.leave(RecordMalformed)
			return nil
		}
		millis, ok := isoMillis(string(m.Timestamp))
		if !ok {
			c.report.leave(RecordUndated)
			return nil
		}
		if _, twice := c.ids[string(m.ID)]; twice {
			c.report.leave(RecordTwice)
			return nil
		}
		c.unknown(m.Rest, discordDerived...)
		return c.record(m, millis)
	})
}

func discordMillis(v jsontext.Value) (int64, bool) {
	var m struct {
		Timestamp flexible `json:"timestamp"`
	}
	if v.Kind() != '{' || !unmarshal(v, &m) {
		return 0, false
	}
	return isoMillis(string(m.Timestamp))
}

// isoMillis reads a date of RFC 3339.
func isoMillis(s string) (int64, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !inRange(t) || !inRange(t.UTC()) {
		return 0, false
	}
	return t.UnixMilli(), true
}
