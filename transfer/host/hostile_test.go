package host

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A host may say what it has in as many commands as it likes, and faster than the sink
// takes them: here all of them before the event is out.
func TestSinkManyHaves(t *testing.T) {
	const lines = 10 * MaxWindow
	dir := t.TempDir()
	var conn *Conn
	warned := make(chan string, lines)
	conn = New(Options{Write: func(line []byte) error {
		if strings.Contains(string(line), `"event":"have"`) {
			for i := range lines {
				sum := sha256.Sum256(fmt.Append(nil, i))
				c, err := parseCommand(fmt.Appendf(nil, `{"cmd":"have","segments":["%x"],"more":%t}`, sum, i < lines-1))
				if err != nil {
					return err
				}
				if !conn.answer(c) {
					warned <- fmt.Sprint(i)
				}
			}
		}
		return nil
	}})
	sink, err := OpenSink(conn, dir, SinkOptions{Answer: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	if err := sink.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
		t.Errorf("%v; %d answers were not taken", err, len(warned))
	}
	if len(sink.segments) != lines {
		t.Errorf("%d segments of %d", len(sink.segments), lines)
	}
}

// A null in a list is not taken for the item 0, or for a room without a name.
func TestCommandNulls(t *testing.T) {
	for _, line := range []string{
		`{"cmd":"ack","batch":1,"there":[null]}`,
		`{"cmd":"ack","batch":1,"there":[1, null ]}`,
		`{"cmd":"ack","batch":1,"rejected":[null]}`,
		`{"cmd":"have","segments":[null]}`,
		`{"cmd":"have","attachments":[null]}`,
		`{"cmd":"consent","ok":true,"rooms":[null]}`,
	} {
		if _, err := parseCommand([]byte(line)); err == nil || !strings.Contains(err.Error(), "null") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
