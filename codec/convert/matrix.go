package convert

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Matrix: what Element's "Export chat" writes as JSON, alone or as export.json in
// a folder of its ZIP, beside images, videos, audio, files and stickers:
//
//	{"room_name", "room_creator", "topic", "export_date", "exported_by",
//	 "messages": [events, decrypted, oldest first]}
//
// and events as the client-server API gives them: {"chunk": [...]} of /messages,
// or the array alone, in either order, of one room or several.
//
// Layout: matrix-org/matrix-react-sdk (September 2024), utils/exportUtils/
// JSONExport.ts and Exporter.ts, whose exports have no reactions, edits and
// redactions of their own; the events: Matrix specification v1.11, client-server
// API, "Room Events" and "Instant Messaging"; MSC3381 (polls), MSC3488 and MSC3672
// (locations). An event is known by its id.

// detectMatrix looks for the head of Element's export, for the head of what
// servers give, or for an event. All members of a head are known.
func detectMatrix(_ string, prefix []byte) bool {
	prefix = bytes.TrimLeft(bytes.TrimPrefix(prefix, []byte("\ufeff")), " \t\r\n")
	has := func(names ...string) bool {
		for _, name := range names {
			if !bytes.Contains(prefix, []byte(`"`+name+`"`)) {
				return false
			}
		}
		return true
	}
	if bytes.HasPrefix(prefix, []byte("[")) {
		return has("origin_server_ts", "sender", "type", "content", "event_id")
	}
	names := firstMembers(prefix)
	only := func(known ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(known, name) })
	}
	switch {
	case len(names) == 0:
		return false
	case names[0] == "room_name":
		return only("room_name", "room_creator", "topic", "export_date", "exported_by", "messages") && has("exported_by", "messages")
	}
	return slices.Contains(names, "chunk") && only("start", "end", "chunk", "state") && has("origin_server_ts", "sender", "type")
}

// isMatrixMedia reports a file that Element puts beside an export. An export may
// itself lie in a folder that somebody calls so.
func isMatrixMedia(name string) bool {
	return slices.Contains(matrixFolders, path.Base(path.Dir(name))) && !strings.EqualFold(path.Ext(name), ".json")
}

var matrixFolders = []string{"images", "videos", "audio", "files", "stickers"}

// A matrixExport is the state while one file is read.
type matrixExport struct {
	*run
	file, roomName, topic string

	scan   matrixScan
	people map[string]string // displayname by user id, as of the event that is read
	rooms  rooms
	known  map[string]matrixKnown // messages by event id
	wait   map[string][]jsontext.Value
	held   int                 // events in wait
	bytes  int                 // of them
	media  map[string][]string // names in the folders beside the export
	used   map[string]bool     // files that are content of messages
}

// A matrixKnown is a message that others may refer to.
type matrixKnown struct {
	id      mimi.MessageID
	room    *room
	sender  string
	millis  int64
	reply   *mimi.MessageID
	topic   string
	gone    bool              // it was deleted
	none    bool              // it is no message
	answers map[string]string // of a poll, by id
}

// convertMatrix converts a file: read once for what concerns earlier events
// (redactions, names), and once for the events.
func convertMatrix(r *run, name string) error {
	x := &matrixExport{run: r, file: name, rooms: rooms{run: r}, people: map[string]string{}, known: map[string]matrixKnown{}, wait: map[string][]jsontext.Value{},
		media: map[string][]string{}, used: map[string]bool{}}
	read, err := r.oldestFirst(x.read, matrixMillis, MaxArchive)
	if err != nil {
		return err
	}
	x.scan = newMatrixScan()
	if err := read(r.quiet(), x.scan.event); err != nil {
		return err
	}
	if err := read(r, x.event); err != nil {
		return err
	}
	if err := x.rest(); err != nil {
		return err
	}
	if err := x.unused(); err != nil {
		return err
	}
	return x.rooms.flush()
}

// read calls use with each event of the file.
func (x *matrixExport) read(r *run, use func(jsontext.Value) error) error {
	j, err := r.openJSON(x.file)
	if err != nil {
		return err
	}
	defer j.Close()
	list := func() error {
		return j.array(func(int) error {
			raw, err := j.raw()
			if err != nil {
				return err
			}
			return use(raw)
		})
	}
	if j.dec.PeekKind() == '[' {
		err = list()
	} else {
		err = j.object(func(name string) error {
			switch name {
			case "messages", "chunk":
				return list()
			case "room_name":
				return x.text(j, &x.roomName)
			case "topic":
				return x.text(j, &x.topic)
			case "room_creator", "export_date", "exported_by", "start", "end": // of the export, not of the chat
				return nil
			case "state":
				return list()
			}
			r.report.mend(FieldUnknown)
			return nil
		})
	}
	if err != nil {
		return err
	}
	return j.end()
}

func (x *matrixExport) text(j *jsonFile, to *string) error {
	var f flexible
	_, err := j.read(&f)
	*to = string(f)
	return err
}

func matrixMillis(v jsontext.Value) (int64, bool) {
	var e struct {
		TS flexible `json:"origin_server_ts"`
	}
	if v.Kind() != '{' || !unmarshal(v, &e) {
		return 0, false
	}
	return matrixTime(e.TS)
}

// matrixTime reads milliseconds since 1970.
func matrixTime(f flexible) (int64, bool) {
	n, ok := f.int64()
	return n, ok && n > 0 && n < maxSeconds*1000
}

// event converts one event, and those that waited for it.
func (x *matrixExport) event(raw jsontext.Value) error {
	e := &matrixEvent{}
	if raw.Kind() != '{' || !unmarshal(raw, e) || e.Type == "" {
		x.report.Records++
		x.report.leave(RecordMalformed)
		return nil
	}
	// An event that refers to a later one waits for that.
	if to := e.refersTo(); to != "" && to != string(e.EventID) && x.scan.has(to) && !x.done(to) && x.held < maxWaiting && x.bytes+len(raw) <= maxWaitingBytes {
		x.wait[to] = append(x.wait[to], raw.Clone())
		x.held++
		x.bytes += len(raw)
		return nil
	}
	if err := x.once(e); err != nil {
		return err
	}
	return x.release(string(e.EventID))
}

// once converts an event, unless one of its id came before.
func (x *matrixExport) once(e *matrixEvent) error {
	id := string(e.EventID)
	if id != "" && x.done(id) {
		x.report.Records++
		x.report.leave(RecordTwice)
		return nil
	}
	if err := x.record(e); err != nil || id == "" || x.done(id) {
		return err
	}
	remember(x.known, id, matrixKnown{none: true})
	return nil
}

// maxWaiting and maxWaitingBytes bound the events that wait for one that they refer
// to.
const (
	maxWaiting      = 64 << 10
	maxWaitingBytes = 2 * MaxRecord
)

func (x *matrixExport) done(id string) bool {
	_, ok := x.known[id]
	return ok
}

// release converts what waited for an event, now that it is known, or never will
// be.
func (x *matrixExport) release(id string) error {
	for queue := []string{id}; len(queue) > 0; queue = queue[1:] {
		waiting := x.wait[queue[0]]
		delete(x.wait, queue[0])
		x.held -= len(waiting)
		for _, raw := range waiting {
			x.bytes -= len(raw)
			e := &matrixEvent{}
			if unmarshal(raw, e) {
				if err := x.once(e); err != nil {
					return err
				}
				queue = append(queue, string(e.EventID))
			}
		}
	}
	return nil
}

// rest converts what still waits: for each other, or for what was left out.
func (x *matrixExport) rest() error {
	ids := make([]string, 0, len(x.wait))
	for id := range x.wait {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := x.release(id); err != nil {
			return err
		}
	}
	return nil
}

// room is the room of an event.
func (x *matrixExport) room(e *matrixEvent) (*room, error) {
	key := cmp.Or(string(e.RoomID), x.scan.onlyRoom(), x.roomName, "room")
	name := cmp.Or(x.roomName, x.scan.names[key], key)
	if x.opts.Room != "" && len(x.scan.roomIDs) <= 1 {
		name = x.opts.Room
	}
	m, err := x.rooms.of(key, name)
	if err != nil {
		return nil, err
	}
	m.subject = x.short(x.topic)
	return m, nil
}

// who is the person with a Matrix id, by the name of that time: a later one must
// not change what was written before.
func (x *matrixExport) who(id string) person {
	if id == "" {
		return roomItself
	}
	return person{key: id, name: cmp.Or(x.people[id], x.scan.people[id], id)}
}
