package convert_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

const (
	roomA = "5592f45815522ed4b3e31e8d\tExample/Русский"
	user1 = "58178f59d73408ce4f32201a"
	user2 = "583c9c50d73408ce4f3947bb"
)

// Newest first, as gitter's archives are.
var archive = strings.Join([]string{
	roomA + "\t2016-12-06T20:30:56.994Z\t" + user1 + "\tKlara-Fall\t5847200128d755bf14d1c842\tпривет, @Boris \U0001F600",
	roomA + "\t2016-12-05T22:18:41.106Z\t" + user2 + "\tBoris\t5845e7c10da034021b721a79\t\"```python\nprint(\"\"hi\"\",\t1)\r\n```\n\"",
	roomA + "\t2016-12-05T22:18:41.106Z\t" + user2 + "\tBoris\t5845e7c10da034021b721a70\t\"@Klara-Fall :point_up: [October 28, 2016 12:28 PM](https://gitter.im/Example/Git?at=5845e7c10da034021b721a60)\nyes\"",
	roomA + "\t2016-12-05T22:00:00.000Z\t" + user1 + "\tklara-fall\t5845e7c10da034021b721a60\tsays \"hello\" in the middle",
}, "\r\n") + "\r\n"

func TestGitter(t *testing.T) {
	vcons, report := all(t, convert.Gitter, files("Russian.tsv", archive), "Russian.tsv", convert.Options{})
	if len(vcons) != 1 || report.Messages != 4 || report.Replies != 1 {
		t.Fatalf("%d vCons, %+v", len(vcons), report)
	}
	v := vcons[0]
	equal(t, lines(v), []string{
		`05T22:00:00.000 klara-fall: says "hello" in the middle`,
		"05T22:18:41.106 Boris: @Klara-Fall :point_up: [October 28, 2016 12:28 PM](https://gitter.im/Example/Git?at=5845e7c10da034021b721a60)\nyes (to 0)",
		"05T22:18:41.106 Boris: ```python\nprint(\"hi\",\t1)\r\n```\n",
		"06T20:30:56.994 klara-fall: привет, @Boris \U0001F600",
	})
	if v.Room.ID != "mimi://gitter.example/r/example%2F%D1%80%D1%83%D1%81%D1%81%D0%BA%D0%B8%D0%B9" || len(v.Parties) != 3 {
		t.Errorf("room %s, %d parties", v.Room.ID, len(v.Parties))
	}
	if d := &v.Dialog[0]; d.MediaType != "text/markdown;variant=GFM" {
		t.Errorf("media type %s", d.MediaType)
	}
}

func TestGitterGrown(t *testing.T) {
	_, older, _ := strings.Cut(archive, "\r\n")
	whole, _ := all(t, convert.Gitter, files("x.tsv", archive), "x.tsv", convert.Options{})
	part, _ := all(t, convert.Gitter, files("x.tsv", older), "x.tsv", convert.Options{})
	for i := range part[0].Dialog {
		if encode(t, &part[0].Dialog[i]) != encode(t, &whole[0].Dialog[i]) {
			t.Errorf("dialog %d differs", i)
		}
	}
}

func TestGitterRoomsAndPieces(t *testing.T) {
	two := archive + strings.ReplaceAll(strings.ReplaceAll(archive, "Русский", "Other"), "5845", "6845")
	two = strings.ReplaceAll(two, "5847200128d755bf14d1c842\tпривет, @Boris \U0001F600\r\n"+roomA[:24]+"\tExample/O", "6847200128d755bf14d1c842\tпривет\r\n"+roomA[:24]+"\tExample/O")
	vcons, report := all(t, convert.Gitter, files("x.tsv", two), "x.tsv", convert.Options{MaxMessages: 3})
	rooms := make(map[string]int)
	for _, v := range vcons {
		rooms[v.Room.Name] += len(v.Dialog)
	}
	if len(rooms) != 2 || report.Messages+report.Left[convert.RowTwice] != 8 || report.VCons < 4 {
		t.Errorf("rooms %v, %+v", rooms, report)
	}
}

func TestGitterBadRows(t *testing.T) {
	good := strings.Split(archive, "\r\n")[0]
	row := strings.Split(good, "\t")
	with := func(column int, value string) string {
		f := append([]string(nil), row...)
		f[column] = value
		return strings.Join(f, "\t")
	}
	rows := []string{
		good,
		good,                        // the same id
		"",                          // blank
		strings.Join(row[:6], "\t"), // too few
		good + "\tmore",             // too many
		strings.Repeat("\t", 100),   // far too many
		with(2, "yesterday"),        // no date
		with(1, ""),                 // no room
		with(5, ""),                 // no id
		with(4, strings.Repeat("n", convert.MaxName+1)),
		with(4, "\xff"),
		with(6, "\"quoted\" and more"),
		with(6, strings.Repeat("x", convert.MaxRowBytes)),
		with(5, "d847200128d755bf14d1c841")[:len(good)-20] + "caf\xe9",
		with(5, "e847200128d755bf14d1c841"),
		with(5, "f847200128d755bf14d1c841") + " :point_up: [x](https://gitter.im/a?at=000000000000000000000000)",
		with(6, "\"never closed"),
	}
	vcons, report := all(t, convert.Gitter, files("x.tsv", strings.Join(rows, "\r\n")), "x.tsv", convert.Options{})
	want := map[convert.Reason]uint64{
		convert.RowTwice: 1, convert.BlankLine: 1, convert.RowWithoutDate: 1, convert.RowMalformed: 10,
	}
	if fmt.Sprint(report.Left) != fmt.Sprint(want) {
		t.Errorf("left %v, want %v", report.Left, want)
	}
	if report.Mended[convert.NotUTF8] != 1 || report.LeftLinks[convert.LinkToNothing] != 1 || len(vcons) != 1 {
		t.Errorf("%d vCons, report %+v", len(vcons), report)
	}
}

func TestGitterRowLimit(t *testing.T) {
	f := strings.Split(strings.Split(archive, "\r\n")[0], "\t")
	head := strings.Join(f[:6], "\t") + "\t"
	fixed := len(strings.Join(f[:6], ""))
	for n, messages := range map[int]uint64{convert.MaxRowBytes - fixed: 1, convert.MaxRowBytes - fixed + 1: 0} {
		vcons, report := all(t, convert.Gitter, files("x.tsv", head+strings.Repeat("x", n)+"\r\n"), "x.tsv", convert.Options{})
		if report.Messages != messages {
			t.Errorf("%d bytes: %+v", n, report)
		}
		if messages == 1 && len(mimi.PlainText(&vcons[0].Dialog[0])) != n {
			t.Error("text was cut")
		}
	}
}

func TestGitterMuchText(t *testing.T) {
	f := strings.Split(strings.Split(archive, "\r\n")[0], "\t")
	const size = convert.MaxText / 8
	for n, want := range map[int]int{8: 1, 9: 2, 17: 3} {
		var rows []string
		for i := range n {
			f[5], f[6] = fmt.Sprintf("%024x", i), strings.Repeat("x", size)
			rows = append(rows, strings.Join(f, "\t"))
		}
		vcons, _, err := convert.All(context.Background(), convert.Gitter, files("x.tsv", strings.Join(rows, "\r\n")), "x.tsv", convert.Options{})
		if err != nil || len(vcons) != want {
			t.Errorf("%d messages in %d vCons, want %d: %v", n, len(vcons), want, err)
		}
	}
}
