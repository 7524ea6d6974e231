package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// scopeFlags say what of a history is sent or shared.
type scopeFlags struct {
	since, until string
	rooms        []string
	maxMessages  uint64
	noMedia      bool
}

func (f *scopeFlags) bind(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&f.since, "since", "", "only messages from this date or time on (2026-01-31, or RFC 3339)")
	p.StringVar(&f.until, "until", "", "only messages before this date or time")
	p.StringArrayVar(&f.rooms, "room", nil, "only this room, by its URI; may be repeated")
	p.Uint64Var(&f.maxMessages, "max-messages", 0, "only the newest N messages of each room")
	p.BoolVar(&f.noMedia, "no-media", false, "no attachments")
}

// scope is what the flags select.
func (f *scopeFlags) scope() (segment.Scope, error) {
	s := segment.Scope{Rooms: f.rooms, MaxMessages: f.maxMessages, NoMedia: f.noMedia}
	var err error
	if s.Since, err = parseTime(f.since); err != nil {
		return s, usageError{fmt.Errorf("--since: %w", err)}
	}
	if s.Until, err = parseTime(f.until); err != nil {
		return s, usageError{fmt.Errorf("--until: %w", err)}
	}
	if !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return s, usageError{errors.New("--since is not before --until")}
	}
	return s, nil
}

// parseTime reads a date, in the local time zone, or an RFC 3339 time.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is neither a date like 2026-01-31 nor an RFC 3339 time", s)
	}
	return t, nil
}
