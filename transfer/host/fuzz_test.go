package host

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// journalSamples are an entry of each kind, the largest, and one of another version.
func journalSamples(t testing.TB) (lines [][]byte) {
	t.Helper()
	many := make(map[segment.Reason]uint64)
	for i := range segment.MaxReasons {
		many[segment.Reason(fmt.Sprintf("%0*d", segment.MaxReason, i))] = segment.MaxCount
	}
	worst := LedgerOf(segment.Ledger{
		Source: segment.MaxCount, Excluded: many, Quarantined: many, AttachmentsExcluded: many, AttachmentsQuarantined: many,
	})
	hash := strings.Repeat("ab", 32)
	a := &Attachment{strings.Repeat("\x01", segment.MaxRoomID), strings.Repeat("<", segment.MaxMessageID), segment.MaxPart, segment.MaxContent, hash}
	for _, e := range []*entry{
		{Segment: hash, Ledger: &Ledger{Source: 2, Imported: 1, Quarantined: map[segment.Reason]uint64{"host x": 1}}},
		{Segment: hash, Ledger: worst},
		{Attachment: &Attachment{"r", "m", 0, 0, hash}},
		{Attachment: a, Rejected: segment.Reason(strings.Repeat("r", segment.MaxReason))},
	} {
		line, err := appendLine(nil, e)
		if err != nil || len(line) > maxEntry {
			t.Fatalf("%d bytes, %v", len(line), err)
		}
		lines = append(lines, line)
	}
	return lines
}

// otherVersion is a whole line that this version does not understand.
func otherVersion(t testing.TB) []byte {
	line, err := appendLine(nil, &entry{Segment: "of another version"})
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// entries counts what a journal has, and says where it ends.
func entries(t testing.TB, data []byte) (all []entry, end int) {
	t.Helper()
	n, err := readJournal(bytes.NewReader(data), func(e *entry) bool { all = append(all, *e); return true })
	if err != nil || n > int64(len(data)) {
		t.Fatalf("ends at %d of %d: %v", n, len(data), err)
	}
	return all, int(n)
}

// A journal that is torn, or damaged, has what is before that.
func TestJournalDamaged(t *testing.T) {
	var data []byte
	ends := []int{0}
	for _, line := range journalSamples(t) {
		data = append(data, line...)
		ends = append(ends, len(data))
	}
	step := 1 + len(data)/3000
	for n := 0; n <= len(data); n += step {
		whole := 0
		for ends[whole] < n && whole+1 < len(ends) && ends[whole+1] <= n {
			whole++
		}
		if all, end := entries(t, data[:n]); len(all) != whole || end != ends[whole] {
			t.Fatalf("cut at %d: %d entries up to %d, want %d up to %d", n, len(all), end, whole, ends[whole])
		}
		if n == len(data) {
			break
		}
		flipped := bytes.Clone(data)
		flipped[n] ^= 1
		whole = 0
		for ends[whole+1] <= n {
			whole++
		}
		if all, end := entries(t, flipped); len(all) != whole || end != ends[whole] {
			t.Fatalf("flipped at %d: %d entries up to %d, want %d up to %d", n, len(all), end, whole, ends[whole])
		}
	}
	other := append(otherVersion(t), data...)
	if all, end := entries(t, other); len(all) != len(ends)-1 || end != len(other) {
		t.Errorf("behind a line of another version: %d entries up to %d of %d", len(all), end, len(other))
	}
}

func FuzzReadJournal(f *testing.F) {
	for _, line := range journalSamples(f) {
		f.Add(line)
		f.Add(append(otherVersion(f), line...))
		f.Add(append(bytes.Clone(line), line[:len(line)/2]...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, end := entries(t, data)
		var again []byte
		for i := range all {
			line, err := appendLine(nil, &all[i])
			if err != nil || !bytes.Contains(data[:end], line) {
				t.Fatalf("%+v is not as it was written: %v", all[i], err)
			}
			again = append(again, line...)
			_ = all[i].staged()
		}
		if bytes.Count(data[:end], []byte("\n")) == len(all) && !bytes.Equal(again, data[:end]) {
			t.Fatalf("%q became %q", data[:end], again)
		}
	})
}

// What is a command is one still when it is written again.
func FuzzParseCommand(f *testing.F) {
	for _, line := range []string{
		`{"cmd":"consent","ok":true,"rooms":["a"],"since":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00+01:00","max_messages":5,"no_media":true}`,
		`{"cmd":"consent","ok":false,"rooms":[]}`, `{"cmd":"route","ok":true}`, `{"cmd":"check_code","code":"123456"}`, `{"cmd":"secret","secret":"AAEC"}`,
		`{"cmd":"have"}`, `{"cmd":"window","size":64}`, `{"cmd":"committed"}`, `{"cmd":"abort"}`, `{"cmd":"abort","code":"disk-full"}`,
		`{"cmd":"have","segments":["` + strings.Repeat("ab", 32) + `"],"attachments":[{"room":"r","message_id":"m","part":1,"size":2,"sha256":"` + strings.Repeat("cd", 32) + `"}],"more":true}`,
		`{"cmd":"ack","batch":7,"rejected":[{"item":3,"code":"no-such-room"}],"there":[0,1]}`, `{"cmd":"pause"}`, `{"cmd":"resume"}`, `{"cmd":"cancel"}`,
		`{"CMD":"cancel"}`, `{"cmd":"consent","ok":false,"OK":true}`, `{"cmd":"cancel"} {}`, `{"cmd":null}`, `[]`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := parseCommand(line)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("%q", err)
			}
			return
		}
		if c.Cmd == "secret" && len(c.Secret) == 0 {
			return // written, it would be none
		}
		first, err := marshal(c)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if len(first) > MaxCommand {
			return // escapes
		}
		d, err := parseCommand(first)
		if err != nil {
			t.Fatalf("%q became %q: %v", line, first, err)
		}
		if again, err := marshal(d); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("%q became %q: %v", first, again, err)
		}
	})
}
