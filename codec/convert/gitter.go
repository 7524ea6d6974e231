package convert

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Gitter archives: freeCodeCamp/gitter-history's TSV, one room a file, newest
// message first. Columns: room id, room URI, time sent, user id, username,
// message id, text (Markdown). Layout from the files themselves; that
// repository describes none.

const gitterColumns = 7

// gitterID is the length of gitter's ids, which are hexadecimal.
const gitterID = 24

func detectGitter(_ string, prefix []byte) bool {
	line, _, _ := bytes.Cut(prefix, []byte("\n"))
	f := strings.Split(string(line), "\t")
	if len(f) < gitterColumns || !isHexID(f[0]) || !isHexID(f[3]) || !isHexID(f[5]) {
		return false
	}
	_, err := time.Parse(time.RFC3339, f[2])
	return err == nil
}

func isHexID(s string) bool {
	return len(s) == gitterID && strings.Trim(s, "0123456789abcdef") == ""
}

// A gitterRow is one message.
type gitterRow struct {
	room, roomID, id, user, text string
	millis                       int64
}

func convertGitter(r *run, name string) error {
	rows, err := r.gitterRows(name)
	if err != nil {
		return err
	}
	// Oldest first; an id grows with time, so it orders messages of one moment.
	slices.SortStableFunc(rows, func(a, b gitterRow) int {
		return cmp.Or(cmp.Compare(a.room, b.room), cmp.Compare(a.millis, b.millis), cmp.Compare(a.id, b.id))
	})
	var m *room
	ids := make(map[string]mimi.MessageID, len(rows))
	for i := range rows {
		row := &rows[i]
		if i == 0 || row.room != rows[i-1].room {
			if m != nil {
				if err := m.flush(); err != nil {
					return err
				}
			}
			m = r.room(cmp.Or(r.opts.Room, row.room))
		}
		if err := r.gitterMessage(m, row, ids); err != nil {
			return err
		}
	}
	if m == nil {
		return nil
	}
	return m.flush()
}

func (r *run) gitterMessage(m *room, row *gitterRow, ids map[string]mimi.MessageID) error {
	if _, twice := ids[row.id]; twice {
		r.report.leave(RowTwice)
		return nil
	}
	msg := &message{
		sender: nick(row.user), millis: row.millis, mediaType: markdown, text: row.text,
		salt: salt(m.uri, row.roomID, row.id),
	}
	if to, ok := pointsAt(row.text); ok {
		r.report.Links++
		if id, known := ids[to]; known {
			msg.reply = &id
			r.report.Replies++
		} else {
			r.report.leaveLink(LinkToNothing)
		}
	}
	id, err := m.add(msg)
	ids[row.id] = id
	return err
}

// pointsAt returns the id of the message that a text begins by pointing at:
// gitter writes a quotation as ":point_up: [date](https://gitter.im/room?at=id)".
func pointsAt(text string) (string, bool) {
	i := strings.Index(text, ":point_up: [")
	if i < 0 || i > 64 { // after the name of who is answered
		return "", false
	}
	_, rest, ok := strings.Cut(text[i:], "](https://gitter.im/")
	if !ok {
		return "", false
	}
	target, _, ok := strings.Cut(rest, ")")
	_, id, at := strings.Cut(target, "?at=")
	return id, ok && at && isHexID(id)
}

// gitterRows reads all rows, which come newest first and have to be turned.
func (r *run) gitterRows(name string) ([]gitterRow, error) {
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	defer f.Close()
	limited := &io.LimitedReader{R: f, N: MaxArchive + 1}
	in := &rowReader{in: bufio.NewReaderSize(limited, 64<<10)}
	var rows []gitterRow
	for {
		if len(rows)%1024 == 0 {
			if err := r.ctx.Err(); err != nil {
				return nil, err
			}
		}
		fields, err := in.read()
		if limited.N <= 0 {
			return nil, fmt.Errorf("read archive: more than %d bytes", int64(MaxArchive))
		}
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case errors.Is(err, errRow):
			r.report.Records++
			r.report.leave(RowMalformed)
			continue
		case err != nil:
			return nil, fmt.Errorf("read archive: %w", err)
		}
		r.report.Records++
		row, why := gitterRowOf(fields)
		if why != "" {
			r.report.leave(why)
			continue
		}
		if !utf8.ValidString(row.text) {
			row.text = latin1(row.text)
			r.report.mend(NotUTF8)
		}
		rows = append(rows, row)
	}
}

func gitterRowOf(f []string) (gitterRow, Reason) {
	if len(f) == 1 && strings.TrimSpace(f[0]) == "" {
		return gitterRow{}, BlankLine
	}
	if len(f) != gitterColumns {
		return gitterRow{}, RowMalformed
	}
	row := gitterRow{roomID: f[0], room: f[1], user: cmp.Or(f[4], f[3]), id: f[5], text: f[6]}
	for _, s := range f[:6] {
		if len(s) > MaxName || !utf8.ValidString(s) {
			return gitterRow{}, RowMalformed
		}
	}
	if row.room == "" || row.user == "" || row.id == "" {
		return gitterRow{}, RowMalformed
	}
	t, err := time.Parse(time.RFC3339, f[2])
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return gitterRow{}, RowWithoutDate
	}
	row.millis = t.UnixMilli()
	return row, ""
}
