package convert_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
)

const day = "logs/2004-11-15_03.raw.txt"

var evening = strings.Join([]string{
	"[22:18] <|trey|> usual, quite stable though  :)",         // 0
	"[22:18] <tweaked> how many?",                             // 1
	"=== topyli [~juha@dsl.example.net]  has joined #ubuntu",  // 2
	"[22:19] <Topyli> hi",                                     // 3
	"[22:19]  * tweaked waves",                                // 4
	"[22:20] * |trey| sighs",                                  // 5
	"=== Adrenal sighs",                                       // 6
	"=== usual is now known as ubuntor",                       // 7
	"=== zcat[1]  [n=zcat@198.51.100.7]  has left #ubuntu []", // 8
	"=== pir was kicked off #ubuntu by Amaranth (flood)",      // 9
	"=== ..[topic/#ubuntu:Amaranth] : Be kind",                // 10
	"=== mode/#ubuntu [+o Amaranth]  by ChanServ",             // 11
	"=== netjoined: irc.example.net -> hub.example.net",       // 12
	"",                                      // 13
	"what is this",                          // 14
	"[22:21] -robot:#ubuntu- maintenance",   // 15
	"[22:21] <tweaked> => 3",                // 16
	"=== Topic for #ubuntu: Be kinder",      // 17
	"=== someone has quit [Ping timeout]",   // 18
	"[22:21:59] <nick> seconds are dropped", // 19
	"[22:22] === latecomer [~a@b.example]  has joined #ubuntu", // 20
}, "\n") + "\n"

func TestIRC(t *testing.T) {
	links := "0 1 -\n1 3 - \n0 3 -\n2 4 -\n3 2 -\n3 3 -\n2 16 -\n3 16 -\n99 100 -\n1 99 -\nx y\n\n5 16 -\n5 2 -\n1 2 -\n"
	fsys := files(day, evening, "logs/2004-11-15_03.annotation.txt", links)
	vcons, report := all(t, convert.IRC, fsys, "logs", convert.Options{})
	if len(vcons) != 1 {
		t.Fatalf("%d vCons", len(vcons))
	}
	v := vcons[0]
	equal(t, lines(v), []string{
		"15T22:18:00.000 |trey|: usual, quite stable though  :)",
		"15T22:18:00.001 tweaked: how many? (to 0)",
		"15T22:18:00.002 self_add topyli",
		"15T22:19:00.000 topyli: hi (to 1)",
		"15T22:19:00.001 tweaked: /me waves",
		"15T22:20:00.000 |trey|: /me sighs",
		"15T22:20:00.001 Adrenal: /me sighs",
		"15T22:20:00.002 leave usual, self_add ubuntor, update ubuntor by usual",
		"15T22:20:00.003 leave zcat[1]",
		"15T22:20:00.004 remove pir by Amaranth",
		"15T22:20:00.005 room ubuntu by Amaranth Be kind",
		"15T22:21:00.000 robot: maintenance",
		"15T22:21:00.001 tweaked: => 3 (to 3)",
		"15T22:21:00.002 room ubuntu Be kinder",
		"15T22:21:00.003 leave someone",
		"15T22:21:00.004 nick: seconds are dropped",
		"15T22:22:00.000 self_add latecomer",
	})
	if v.Room.ID != "mimi://irc.example/r/ubuntu" || v.Parties[0].IMURI != v.Room.ID || v.Parties[1].IMURI != "mimi://irc.example/u/%7Ctrey%7C" {
		t.Errorf("room %s, parties %+v", v.Room.ID, v.Parties[:2])
	}
	want := map[convert.Reason]uint64{
		convert.ModeChange: 1, convert.ServerNotice: 1, convert.BlankLine: 1, convert.NotALogLine: 1,
	}
	if fmt.Sprint(report.Left) != fmt.Sprint(want) || report.Records != 21 {
		t.Errorf("records: %+v", report)
	}
	want = map[convert.Reason]uint64{
		convert.LinkFurther: 2, convert.LinkToEvent: 3, convert.LinkForward: 2, convert.LinkToItself: 1,
		convert.LinkToNothing: 2, convert.LinkMalformed: 1,
	}
	if fmt.Sprint(report.LeftLinks) != fmt.Sprint(want) || report.Replies != 3 {
		t.Errorf("links: %+v, want %v", report, want)
	}
	if report.Dropped() != 4+10 {
		t.Errorf("dropped %d", report.Dropped())
	}
}

func TestIRCTwiceAndAppended(t *testing.T) {
	lines := strings.SplitAfter(strings.Repeat(evening, 3), "\n")
	lines = lines[:len(lines)-1]
	whole, _ := all(t, convert.IRC, files(day, strings.Join(lines, "")), day, convert.Options{})
	for n := range lines {
		part, _ := all(t, convert.IRC, files(day, strings.Join(lines[:n], "")), day, convert.Options{Room: "#ubuntu"})
		if n == 0 {
			if len(part) != 0 {
				t.Error("a vCon from nothing")
			}
			continue
		}
		for i := range part[0].Dialog {
			a, b := encode(t, &part[0].Dialog[i]), encode(t, &whole[0].Dialog[i])
			if a != b {
				t.Fatalf("after %d lines, dialog %d differs:\n%s\n%s", n, i, a, b)
			}
		}
	}
}

func encode(t testing.TB, d *codec.Dialog) string {
	t.Helper()
	b, err := codec.AppendDialogJSON(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestIRCDaysOfOneChannel(t *testing.T) {
	fsys := files(
		"2004-11-16.raw.txt", evening,
		"2004-11-15.raw.txt", evening,
		"2004-11-15.annotation.txt", "0 1 -\n",
		"notes.txt", "not a log\n",
	)
	vcons, report := all(t, convert.IRC, fsys, ".", convert.Options{})
	if len(vcons) != 2 || report.Files != 2 || report.OtherFiles != 1 {
		t.Fatalf("%d vCons, report %+v", len(vcons), report)
	}
	if vcons[0].Room.ID != vcons[1].Room.ID || vcons[0].UUID == vcons[1].UUID {
		t.Error("not two vCons of one room")
	}
	if vcons[0].Dialog[0].Start >= vcons[1].Dialog[0].Start || vcons[0].Dialog[0].MessageID == vcons[1].Dialog[0].MessageID {
		t.Error("days are not apart")
	}
}

func TestIRCLogsWithoutAChannel(t *testing.T) {
	const quiet, named = "[10:00] <a> b\n", "=== a [b@c.example]  has joined #x\n"
	rooms := func(pairs ...string) string {
		vcons, report := all(t, convert.IRC, files(pairs...), ".", convert.Options{})
		var names []string
		for _, v := range vcons {
			names = append(names, v.Room.Name)
		}
		return fmt.Sprint(names, " ", report.Mended[convert.ChannelGuessed])
	}
	for want, pairs := range map[string][]string{
		"[irc irc] 2": {"2004-11-15.txt", quiet, "2004-11-16.txt", quiet},
		"[x x x] 2":   {"2004-11-15.txt", quiet, "2004-11-16.txt", quiet, "2004-11-17.txt", named},
		"[x x y y] 2": {"2004-11-15.txt", named, "2004-11-16.txt", quiet, "2004-11-17-#y.txt", quiet, "2004-11-18.txt", quiet},
	} {
		if got := rooms(pairs...); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestIRCInPieces(t *testing.T) {
	one, _ := all(t, convert.IRC, files(day, evening), day, convert.Options{})
	many, report := all(t, convert.IRC, files(day, evening), day, convert.Options{MaxMessages: 4})
	if report.VCons != 5 {
		t.Errorf("%d vCons", report.VCons)
	}
	var got []string
	for _, v := range many {
		got = append(got, lines(v)...)
	}
	equal(t, got, lines(one[0]))
}

func TestIRCClock(t *testing.T) {
	for _, c := range []struct {
		name, times, want string
	}{
		{"midnight", "23:58 23:59 00:00 00:01", "15T23:58 15T23:59 16T00:00 16T00:01"},
		{"twelve hours", "12:58 12:59 01:00 02:00", "15T12:58 15T12:59 15T13:00 15T14:00"},
		{"twelve hours from zero", "11:59 00:00 11:58 00:01", "15T11:59 15T12:00 15T23:58 16T00:01"},
		{"a step back is held", "10:05 10:04 10:03 10:06", "15T10:05 15T10:05 15T10:05 15T10:06"},
		{"a quiet night", "20:00 04:00 05:00", "15T20:00 16T04:00 16T05:00"},
		{"24 hours once seen", "14:00 03:00", "15T14:00 16T03:00"},
		{"12 hours, a gap", "09:00 03:00", "15T09:00 15T15:00"},
		{"12 hours, too long a gap", "09:00 03:01", "15T09:00 16T03:01"},
		{"an event before the first time", "- 00:00 00:00", "15T00:00 15T00:00 15T00:00"},
		{"an event before a later time", "- 07:00 -", "15T00:00 15T07:00 15T07:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := ""
			for s := range strings.FieldsSeq(c.times) {
				if s == "-" {
					log += "=== a [b@c]  has joined #x\n"
					continue
				}
				log += "[" + s + "] <a> b\n"
			}
			vcons, _ := all(t, convert.IRC, files(day, log), day, convert.Options{})
			var got []string
			for _, l := range lines(vcons[0]) {
				got = append(got, l[:len("15T23:58")])
			}
			equal(t, got, strings.Fields(c.want))
		})
	}
}

func TestIRCManyLinesInAMinute(t *testing.T) {
	log := strings.Repeat("[10:00] <a> b\n", 60_003)
	vcons, report := all(t, convert.IRC, files(day, log), day, convert.Options{MaxMessages: 100_000})
	if n := len(vcons[0].Dialog); n != 60_003 || report.Mended[convert.MinuteOverflows] != 3 {
		t.Errorf("%d messages, %+v", n, report)
	}
}

func TestIRCBadInput(t *testing.T) {
	long := "[10:00] <a> " + strings.Repeat("x", convert.MaxLine)
	fits := "[10:00] <a> " + strings.Repeat("x", convert.MaxLine-len("[10:00] <a> ")-1)
	log := long + "\n" + fits + "\n" + "[10:00] <caf\xe9> d\xe9j\xe0\n[25:00] <a> b\n[10:60] <a> b\n[10:00]<a> b\n[10:00] <> b\n" +
		"[10:00] <" + strings.Repeat("n", convert.MaxName+1) + "> b\n=== " + strings.Repeat("n", convert.MaxName+1) + " waves\n===  \n[10:00] <open b\n" +
		"[10:00] last without a line break"
	vcons, report := all(t, convert.IRC, files(day, log, "logs/2004-11-15_03.annotation.txt", "0 1 -\n"), day, convert.Options{Room: "x"})
	if report.Messages != 2 || report.Left[convert.LineTooLong] != 1 || report.Mended[convert.NotUTF8] != 1 || report.LeftLinks[convert.LinkToEvent] != 1 {
		t.Errorf("report %+v", report)
	}
	got := lines(vcons[0])
	if got[1] != "15T10:00:00.001 café: déjà" {
		t.Errorf("%q", got[1])
	}
}

func TestIRCNames(t *testing.T) {
	const log = "[10:00] <a> b\n"
	for name, want := range map[string]string{
		"2004-11-15.txt":                  "mimi://irc.example/r/irc 2004-11-15",
		"2008/12/11/#ubuntu.txt":          "mimi://irc.example/r/ubuntu 2008-12-11",
		"x/2008-12-11-##c++ & more.log":   "mimi://irc.example/r/%23c++%20&%20more 2008-12-11",
		"1999-01-01/2008-02-29_#café.txt": "mimi://irc.example/r/caf%C3%A9 2008-02-29",
	} {
		vcons, _ := all(t, convert.IRC, files(name, log), name, convert.Options{})
		if got := vcons[0].Room.ID + " " + string(vcons[0].Dialog[0].Start[:10]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	vcons, _ := all(t, convert.IRC, files(day, log), day, convert.Options{Room: "#Dev", Host: "chat.example.org"})
	if v := vcons[0]; v.Room.ID != "mimi://chat.example.org/r/dev" || v.Room.Name != "Dev" || v.Parties[1].IMURI != "mimi://chat.example.org/u/a" {
		t.Errorf("%+v %+v", v.Room, v.Parties)
	}
	for _, name := range []string{"log.txt", "2004-02-30.txt"} {
		if _, _, err := convert.All(context.Background(), convert.IRC, files(name, log), name, convert.Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A failing file system fails each read after the first bytes.
type failing struct{ fstest.MapFS }

type failingFile struct {
	fs.File
	reads int
}

var errDisk = errors.New("disk on fire")

func (f failing) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return &failingFile{File: file}, err
}

func (f *failingFile) Read(b []byte) (int, error) {
	if f.reads++; f.reads > 2 {
		return 0, errDisk
	}
	return f.File.Read(b[:min(len(b), 40)])
}

func TestReadErrors(t *testing.T) {
	for kind, text := range map[convert.Kind]string{convert.IRC: evening, convert.Gitter: archive} {
		if _, _, err := convert.All(context.Background(), kind, failing{files(day, text)}, day, convert.Options{}); !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", kind, err)
		}
		if _, _, err := convert.All(context.Background(), kind, files(), day, convert.Options{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", kind, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, _, err := convert.All(ctx, kind, files(day, text), day, convert.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, _, err := convert.All(context.Background(), "fax", files(day, evening), day, convert.Options{}); !errors.Is(err, convert.ErrUnknownKind) {
		t.Error(err)
	}
}

func TestConvertStops(t *testing.T) {
	n := 0
	for range convert.Convert(context.Background(), convert.IRC, files(day, evening), day, convert.Options{MaxMessages: 2}, nil) {
		n++
		break
	}
	if n != 1 {
		t.Error("did not stop")
	}
}

func TestDetect(t *testing.T) {
	if got := convert.Kinds(); !slices.Contains(got, convert.IRC) || !slices.Contains(got, convert.Gitter) {
		t.Errorf("kinds %v", got)
	}
	for _, c := range []struct {
		name, text string
		want       convert.Kind
	}{
		{day, evening, convert.IRC},
		{day, "\n\n[10:00] * a b\n", convert.IRC},
		{"a.annotation.txt", "1000 1001 -\n", ""},
		{"x.tsv", archive, convert.Gitter},
		{"x.txt", "=== Title ===\n\nSome text\n", ""},
		{"x.json", `{"vcon":"0.4.0"}`, ""},
		{"x.json", discordHead, convert.Discord},
		{"x.txt", "\ufeff\n" + discordHead, convert.Discord},
		{"x.json", `{"guild":{}}`, ""},
		{"x.json", `{"id":1,"guild":{},"channel":{},"messages":[]}`, ""},
		{"a.json_Files/x.json", discordHead, ""},
		{"x.json", `{"room_name":"a","room_creator":"b","topic":"","export_date":"c","exported_by":"d","messages":[`, convert.Matrix},
		{"x.json", `{"room_name":"a","messages":[`, ""},
		{"x.json", `{"room_name":"a","exported_by":"d","messages":[`, convert.Matrix},
		{"x.json", `[{"type":"m.room.message","sender":"a","event_id":"b","origin_server_ts":1,"content":{}}]`, convert.Matrix},
		{"x.json", `[{"type":"message","user":"a","text":"b","ts":"1"}]`, ""},
		{"x.json", `{"chunk":[{"type":"t","sender":"a","origin_server_ts":1}]}`, convert.Matrix},
		{"x.json", `{"vcon":"0.4.0","dialog":[{"chunk":1,"type":"t","sender":"a","origin_server_ts":1}]}`, ""},
		{"files/x.json", `[{"type":"m.room.message","sender":"a","event_id":"b","origin_server_ts":1,"content":{}}]`, convert.Matrix},
		{"x", "", ""},
		{"x.tsv", "a\tb\tc\td\te\tf\tg\n", ""},
		{"x.bin", "\x00\x01\x02", ""},
	} {
		kind, ok := convert.Detect(c.name, []byte(c.text))
		if kind != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q", c.name, kind)
		}
	}
	for _, c := range []struct {
		files []string
		want  convert.Kind
	}{
		{[]string{"users.json", "[]", "channels.json", "[]"}, convert.Slack},
		{[]string{"export/users.json", "[]", "export/dms.json", "[]", ".DS_Store", ""}, convert.Slack},
		{[]string{"users.json", "[]"}, ""},
		{[]string{"channels.json", "[]"}, ""},
		{[]string{"users.json", "[]", "channels.json/x", "[]"}, ""},
		{[]string{"G/a.json", discordHead, "G/a.json_Files/b.png", ""}, convert.Discord},
		{[]string{"Element - R/export.json", `[{"type":"m.room.message","sender":"a","event_id":"b","origin_server_ts":1,"content":{}}]`, "Element - R/images/a.png", ""}, convert.Matrix},
	} {
		kind, err := convert.DetectExport(files(c.files...), ".")
		if kind != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%v: %q, %v", c.files, kind, err)
		}
	}
	kind, err := convert.DetectExport(files("a/notes.txt", "hello", "a/b/"+day, evening), "a")
	if kind != convert.IRC || err != nil {
		t.Error(kind, err)
	}
	if _, err = convert.DetectExport(files("a/notes.txt", "hello"), "."); !errors.Is(err, convert.ErrUnknownKind) {
		t.Error(err)
	}
	if _, err = convert.DetectExport(files(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
