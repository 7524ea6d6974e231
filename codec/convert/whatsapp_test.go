package convert_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	_ "time/tzdata" // the rules of summer time, where the system has none

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// chatFolder is a folder of testdata/exports/whatsapp, with media beside the chat.
func chatFolder(folder string, media ...string) fstest.MapFS {
	m := fstest.MapFS{}
	sub := testdata.Sub("exports/whatsapp/" + folder)
	for _, name := range testdata.Glob("exports/whatsapp/" + folder + "/*") {
		base := name[strings.LastIndexByte(name, '/')+1:]
		b, err := fs.ReadFile(sub, base)
		if err != nil {
			panic(err)
		}
		m[folder+"/"+base] = &fstest.MapFile{Data: b}
	}
	for _, name := range media {
		m[folder+"/"+name] = &fstest.MapFile{Data: []byte("content of " + name)}
	}
	return m
}

func TestWhatsAppAndroid(t *testing.T) {
	fsys := chatFolder("android-en", "IMG-20240110-WA0001.jpg", "Dan Miller.vcf", "not referred to.jpg")
	vcons, report := all(t, convert.WhatsApp, fsys, "android-en", convert.Options{})
	v := vcons[0]
	equal(t, lines(v), []string{
		"09T00:01:00.000 +1 555-010-0123: wrong order in the file",
		"09T09:58:00.000 Weekend Trip: Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them. Learn more.",
		"09T09:58:00.000 room Weekend Trip by Alice Moore Weekend, self_add Alice Moore",
		"09T09:58:00.000 add Me by Alice Moore",
		"09T09:59:00.000 add Bob by Alice Moore, add Carol Diaz by Alice Moore, add +1 555-010-0123 by Alice Moore",
		"09T10:00:00.000 room Weekend Trip by Alice Moore Weekend: the trip",
		"09T10:01:00.000 Alice Moore: Hi all: who is in?",
		"09T12:00:00.000 Bob: me!\n\nAnd a second paragraph.\n- a list: one",
		"09T12:00:00.000 Bob: me!",
		"10T12:05:00.000 Carol Diaz: the lake\n[image/jpeg IMG-20240110-WA0001.jpg]",
		"10T12:06:00.000 Carol Diaz: [text/vcard Dan Miller.vcf]",
		"10T12:07:00.000 Bob: <Media omitted>",
		"10T12:08:00.000 Bob (deleted)",
		"10T12:08:00.000 Alice Moore (deleted)",
		"10T12:09:00.000 Bob: leave at 7, not 8",
		"10T12:10:00.000 Carol Diaz: location: https://maps.google.com/?q=47.5,11.1",
		"10T12:11:00.000 Alice Moore: POLL:\nWhich day?\nOPTION: Saturday (3 votes)\nOPTION: Sunday (0 votes)",
		"10T12:12:00.000 Bob: Missed voice call",
		"10T13:00:00.000 leave Bob",
		"10T13:01:00.000 remove Carol Diaz by Me",
		"10T13:02:00.000 self_add Dan Miller",
		"10T13:03:00.000 Weekend Trip: Alice Moore changed this group's icon",
		"13T13:04:00.000 Dan Miller: bye",
	})
	if v.Room.ID != "mimi://whatsapp.example/r/Weekend%20Trip" || v.Parties[1].Name != "Alice Moore" {
		t.Errorf("room %s, parties %+v", v.Room.ID, v.Parties)
	}
	for i, want := range map[int]string{4: "", 10: "contact", 11: "file", 15: "location", 16: "poll", 17: "call", 22: ""} {
		if got := mimi.OriginOf(&v.Dialog[i]).Kind; got != want {
			t.Errorf("dialog %d is %q, want %q", i, got, want)
		}
	}
	if p := chatParty(v, "+15550100123"); p.Name != "+1 555-010-0123" || p.Tel != "+15550100123" {
		t.Errorf("a number is %+v", p)
	}
	if report.Contents != 2 || report.LeftAttachments[convert.NotInExport] != 1 || report.OtherFiles != 1 ||
		fmt.Sprint(report.Mended) != fmt.Sprint(map[convert.Reason]uint64{convert.EditedBefore: 1, convert.NoticeAsText: 2}) {
		t.Errorf("report %+v", report)
	}
}

func chatParty(v *convert.VCon, key string) (p struct{ Name, Tel string }) {
	for i := range v.Parties {
		if strings.HasSuffix(v.Parties[i].IMURI, "/u/"+key) {
			p.Name, p.Tel = v.Parties[i].Name, v.Parties[i].Tel
		}
	}
	return p
}

func TestWhatsAppLanguages(t *testing.T) {
	for folder, want := range map[string][]string{
		"android-de": {
			"02T07:58:00.000 Wanderfreunde: Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Nur Personen in diesem Chat können sie lesen, anhören oder teilen.",
			"02T07:58:00.000 room Wanderfreunde by Me Wanderfreunde, self_add Me",
			"02T07:59:00.000 add Jürgen Groß by Me, add Anke by Me",
			"02T08:00:00.000 Jürgen Groß: Moin",
			"02T08:01:00.000 Anke: <Medien ausgeschlossen>\nRoute.gpx",
			"02T08:02:00.000 Anke: [video/mp4 VID-20240302-WA0003.mp4]",
			"02T08:03:00.000 Jürgen Groß (deleted)",
			"02T08:04:00.000 room Wanderfreunde by Anke Bergfreunde",
			"02T08:05:00.000 remove Jürgen Groß by Anke",
			"02T08:06:00.000 leave Anke",
			"02T08:07:00.000 Wanderfreunde: Deine Sicherheitsnummer für Anke hat sich geändert. Tippe, um mehr zu erfahren.",
		},
		"ios-es": {
			"03T00:00:00.000 Iñaki: la playa\n[video/mp4 00000006-VIDEO-2024-04-03-12-00-00.mp4]",
			"03T11:59:59.000 Iñaki: [image/jpeg 00000005-PHOTO-2024-04-03-11-59-59.jpg]",
			"03T20:00:05.000 Viaje: Los mensajes y las llamadas están cifrados de extremo a extremo. Solo las personas en este chat pueden leerlos, escucharlos o compartirlos.",
			"03T20:00:05.000 room Viaje by Lucía Viaje, self_add Lucía",
			"03T20:00:06.000 add Me by Lucía",
			"03T20:00:07.000 add Iñaki by Lucía, add +34 600 000 000 by Lucía",
			"03T20:01:00.000 Lucía: ¡Hola! @Iñaki",
			"03T20:02:00.000 Iñaki: imagen omitida",
			"03T20:02:30.000 Iñaki: [application/pdf Plan.pdf]",
			"03T20:03:00.000 Iñaki (deleted)",
			"03T20:04:00.000 ~Nuria: a las ocho",
			"03T20:05:00.000 Lucía: ENCUESTA:\n¿Tren o coche?\nOPCIÓN: Tren (2 votos)\nOPCIÓN: Coche (0 votos)",
			"03T20:06:00.000 Iñaki: Llamada perdida. Haz clic para volver a llamar",
			"03T20:07:00.000 Viaje: Lucía cambió la descripción del grupo",
			"03T20:08:00.000 leave Iñaki",
		},
		"ios-ja": {
			"15T00:05:00.000 太郎: おはよう：）",
			"15T15:24:10.000 花子: メッセージと通話はエンドツーエンドで暗号化されます。",
			"15T15:24:10.000 花子: こんにちは",
			"16T12:30:00.000 太郎: [image/jpeg 00000004-PHOTO-2024-01-16-12-30-00.jpg]",
			"16T12:31:00.000 花子: 画像は含まれていません",
		},
		"android-ar": {
			"05T09:05:00.000 Layla: الرسائل والمكالمات مشفرة تمامًا بين الطرفين.",
			"05T09:06:00.000 Layla: صباح الخير",
			"25T00:08:00.000 Layla (deleted)",
			"25T12:07:00.000 Layla: [image/jpeg IMG-20231225-WA0000.jpg]",
		},
	} {
		t.Run(folder, func(t *testing.T) {
			vcons, report := all(t, convert.WhatsApp, chatFolder(folder), folder, convert.Options{})
			equal(t, lines(vcons[0]), want)
			if report.Mended[convert.DateOrderGuessed] != 0 || report.Mended[convert.RoomGuessed] != 0 {
				t.Errorf("mended %v", report.Mended)
			}
		})
	}
}

// TestWhatsAppExcerpt counts a real export's lines by other means.
func TestWhatsAppExcerpt(t *testing.T) {
	const name = "exports/whatsapp/WhatsApp Chat with TestUser.txt"
	text := string(testdata.Read(name))
	vcons, report := all(t, convert.WhatsApp, testdata.FS, name, convert.Options{})
	if report.Messages != uint64(strings.Count(text, "\n")) || report.Attachments != uint64(strings.Count(text, "<Anhang: ")) || report.Contents != 0 {
		t.Errorf("report %+v", report)
	}
	senders := map[string]int{}
	for _, l := range lines(vcons[0]) {
		_, l, _ = strings.Cut(l, " ")
		sender, _, _ := strings.Cut(l, ": ")
		senders[sender]++
	}
	for _, sender := range []string{"M.", "Alice", "Bob"} {
		if want := strings.Count(text, "] "+sender+": "); senders[sender] != want || want == 0 {
			t.Errorf("%d messages of %s, want %d", senders[sender], sender, want)
		}
	}
	if first := lines(vcons[0])[0]; first != "08T08:00:00.000 M.: Test message 1 from M.\n[video/mp4 video1.mp4]" {
		t.Error(first)
	}
}

func TestWhatsAppZip(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	book := chatFolder("ios-book", "00000004-PHOTO-2026-02-08-08-01-00.png", "00000005-List.txt", "spare.png")
	for name, f := range book {
		part, err := w.Create(strings.TrimPrefix(name, "ios-book/"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(f.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	fsys, err := convert.OpenZip(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if kind, err := convert.DetectExport(fsys, "."); err != nil || kind != convert.WhatsApp {
		t.Fatal(kind, err)
	}
	vcons, report := all(t, convert.WhatsApp, fsys, ".", convert.Options{Archive: "WhatsApp Chat - The readers.zip"})
	v := vcons[0]
	equal(t, lines(v), []string{
		"08T08:00:12.000 The readers: Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them.",
		"08T08:00:12.000 room The readers by Me Book club, self_add Me",
		"08T08:00:40.000 Maya: which one?",
		"08T08:01:00.000 Maya: [image/png 00000004-PHOTO-2026-02-08-08-01-00.png]",
		"14T08:02:00.000 Tom: the list\n[text/plain 00000005-List.txt]",
		"14T08:02:30.000 Tom: [audio/ogg 00000006-AUDIO-2026-02-14-08-02-30.opus]",
	})
	if report.Contents != 2 || report.Attachments != 3 || report.OtherFiles != 1 || report.Files != 1 {
		t.Errorf("report %+v", report)
	}
	if got := contentOf(t, v.Contents[1], 0); got != "content of 00000005-List.txt" {
		t.Errorf("content %q", got)
	}
}

// chatOf converts a chat of lines, in a file that the app names.
func chatOf(t testing.TB, opts convert.Options, text ...string) ([]*convert.VCon, *convert.Report) {
	t.Helper()
	const name = "WhatsApp Chat with X.txt"
	return all(t, convert.WhatsApp, files(name, strings.Join(text, "\n")+"\n"), name, opts)
}

func TestWhatsAppDates(t *testing.T) {
	const guessed = " guessed"
	for _, c := range []struct {
		name  string
		heads []string
		want  string // of the first record
	}{
		{"day above 12", []string{"01/02/24, 10:00 - ", "13/02/24, 10:00 - "}, "2024-02-01T10:00"},
		{"month second above 12", []string{"1/2/24, 10:00 - ", "1/13/24, 10:00 - "}, "2024-01-02T10:00"},
		{"days that go on", []string{"3/4/2024, 10:00 - ", "4/4/2024, 10:00 - ", "1/5/2024, 10:00 - "}, "2024-04-03T10:00"},
		{"months that go on", []string{"3/4/2024, 10:00 - ", "4/4/2024, 10:00 - ", "5/1/2024, 10:00 - "}, "2024-03-04T10:00"},
		{"dots", []string{"01.02.2024, 10:00 - "}, "2024-02-01T10:00"},
		{"American without zeros", []string{"1/2/24, 10:00 AM - "}, "2024-01-02T10:00" + guessed},
		{"British", []string{"01/02/2024, 10:00 - "}, "2024-02-01T10:00" + guessed},
		{"four digits first", []string{"2024-02-01, 10:00 - "}, "2024-02-01T10:00"},
		{"four digits first, slashes", []string{"2024/02/01, 10:00 - "}, "2024-02-01T10:00"},
		{"two digits, year first", []string{"24-02-01 10:00 - ", "24-02-28 10:00 - ", "24-03-31 10:00 - "}, "2024-02-01T10:00"},
		{"Korean", []string{"2024. 2. 1. 오후 3:04 - "}, "2024-02-01T15:04"},
		{"Chinese noon", []string{"2024/2/1 中午12:04 - ", "2024/2/1 晚上8:04 - "}, "2024-02-01T12:04"},
		{"Finnish", []string{"[1.2.2024 klo 15.04.05] "}, "2024-02-01T15:04"},
		{"French", []string{"01/02/2024 à 15:04 - ", "13/02/2024 à 15:04 - "}, "2024-02-01T15:04"},
		{"midnight of twelve hours", []string{"13/02/2024, 12:04 a. m. - "}, "2024-02-13T00:04"},
		{"noon of twelve hours", []string{"13/02/2024, 12:04 p.m. - "}, "2024-02-13T12:04"},
		{"Persian digits", []string{"۱۳/۰۲/۲۰۲۴, ۱۵:۰۴ - "}, "2024-02-13T15:04"},
		{"Buddhist years", []string{"13/2/2567 15:04 - "}, "2024-02-13T15:04"},
		{"old iOS", []string{"13/02/2012 17:03:48: "}, "2012-02-13T17:03"},
		{"old iOS of twelve hours", []string{"3/24/14, 1:59:59 PM: "}, "2014-03-24T13:59"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text []string
			for i, head := range c.heads {
				text = append(text, fmt.Sprintf("%sA: %d", head, i))
			}
			vcons, report := chatOf(t, convert.Options{}, text...)
			got := ""
			for i := range vcons[0].Dialog {
				if mimi.PlainText(&vcons[0].Dialog[i]) == "0" {
					got = string(vcons[0].Dialog[i].Start[:len("2024-02-01T10:00")])
				}
			}
			if report.Mended[convert.DateOrderGuessed] > 0 {
				got += guessed
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if report.Messages != uint64(len(c.heads)) {
				t.Errorf("report %+v", report)
			}
		})
	}
}

// TestWhatsAppLanguageOfDates has the order decided by what the app wrote.
func TestWhatsAppLanguageOfDates(t *testing.T) {
	vcons, report := chatOf(t, convert.Options{}, "1/2/24, 10:00 - Ana creó el grupo \"X\"", "1/2/24, 10:00 - Ana: hola")
	if report.Mended[convert.DateOrderGuessed] != 0 || vcons[0].CreatedAt != "2024-02-01T10:00:00.000Z" {
		t.Errorf("%s, %+v", vcons[0].CreatedAt, report)
	}
}

func TestWhatsAppOtherCalendar(t *testing.T) {
	_, report := chatOf(t, convert.Options{}, "13/02/1446, 10:00 - A: of a year that is not ours", "and its second line", "14/02/1446, 10:00 - A: b")
	if report.Left[convert.RecordUndated] != 2 || report.Records != 2 {
		t.Errorf("report %+v", report)
	}
}

// chatIDs are the message ids of a conversion, those of changes aside.
func chatIDs(vcons []*convert.VCon) map[string]string {
	m := make(map[string]string)
	for _, v := range vcons {
		for i := range v.Dialog {
			if d := &v.Dialog[i]; d.MessageID != "" {
				m[string(d.MessageID)] = string(d.Start) + " " + mimi.PlainText(d)
			}
		}
	}
	return m
}

// TestWhatsAppCutAndGrown converts each stretch of a chat: Android exports the
// newest messages only, and a chat goes on.
func TestWhatsAppCutAndGrown(t *testing.T) {
	text := string(testdata.Read("exports/whatsapp/android-en/WhatsApp Chat with Weekend Trip.txt"))
	text = strings.Repeat("1/8/24, 7:00\u202fAM - Bob: ok\n", 3) + text + "1/13/24, 1:04\u202fPM - Dan Miller: bye\n"
	convertPart := func(lines []string) map[string]string {
		const name = "WhatsApp Chat with Weekend Trip.txt"
		vcons, _ := all(t, convert.WhatsApp, files(name, strings.Join(lines, "")), name, convert.Options{})
		return chatIDs(vcons)
	}
	all := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	whole := convertPart(all)
	if len(whole) != 20 {
		t.Fatalf("%d ids", len(whole))
	}
	for n := 1; n < len(all); n++ {
		if strings.HasPrefix(all[n], "1/") {
			for id, what := range convertPart(all[n:]) {
				if whole[id] != what {
					t.Fatalf("from line %d: %q is %q in the whole", n, what, whole[id])
				}
			}
			// Before the first day above 12 the order is a guess, but the right one.
			for id, what := range convertPart(all[:n]) {
				if whole[id] != what {
					t.Fatalf("up to line %d: %q is %q in the whole", n, what, whole[id])
				}
			}
		}
	}
}

// TestWhatsAppSystems has one chat as iOS and Android export it, and in two zones.
func TestWhatsAppSystems(t *testing.T) {
	android, _ := chatOf(t, convert.Options{}, "13/02/24, 10:00 - Ana: hi", "13/02/24, 10:00 - Ana: hi", "13/02/24, 22:01 - Ana: two", "lines")
	ios, _ := chatOf(t, convert.Options{Location: time.FixedZone("", 3600)}, "[2/13/2024, 10:00:05\u202fAM] Ana: hi\r", "[2/13/2024, 10:00:07\u202fAM] Ana: hi\r",
		"[2/13/2024, 10:01:00\u202fPM] Ana: two", "lines\r")
	a, b := chatIDs(android), chatIDs(ios)
	for id := range a {
		if _, ok := b[id]; !ok || len(a) != 3 || len(b) != 3 {
			t.Errorf("%q is not in %q", a[id], b)
		}
	}
	if ios[0].Dialog[0].Start != "2024-02-13T09:00:05.000Z" {
		t.Errorf("starts %s", ios[0].Dialog[0].Start)
	}
}

func TestWhatsAppSummerTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	vcons, _ := chatOf(t, convert.Options{Location: berlin}, "27.10.24, 02:50 - A: first", "27.10.24, 02:10 - A: second", "27.10.24, 03:00 - A: third")
	equal(t, lines(vcons[0]), []string{"27T00:50:00.000 A: first", "27T01:10:00.000 A: second", "27T02:00:00.000 A: third"})
}

func TestWhatsAppOwner(t *testing.T) {
	vcons, _ := chatOf(t, convert.Options{Owner: "Ana"}, "13/02/24, 10:00 - You added Bob", "13/02/24, 10:01 - Ana: hi")
	equal(t, lines(vcons[0]), []string{"13T10:00:00.000 add Bob by Ana", "13T10:01:00.000 Ana: hi"})
	if len(vcons[0].Parties) != 3 {
		t.Errorf("parties %+v", vcons[0].Parties)
	}
}

func TestWhatsAppText(t *testing.T) {
	const head = "13/02/24, 10:00 - "
	for _, c := range []struct{ name, in, want string }{
		{"a head of another shape", "A: look:\n[13/02/24, 10:00:00] B: pasted\n13/02/2024, 10:00 - B: this too", "A: look:\n[13/02/24, 10:00:00] B: pasted\n13/02/2024, 10:00 - B: this too"},
		{"an impossible date", "A: a\n30/02/24, 10:00 - B: b", "A: a\n30/02/24, 10:00 - B: b"},
		{"an impossible clock", "A: a\n13/02/24, 25:00 - B: b", "A: a\n13/02/24, 25:00 - B: b"},
		{"said, not done", "A: Bob left", "A: Bob left"},
		{"said with quotes", `A: Bob changed the subject to "x"`, `A: Bob changed the subject to "x"`},
		{"a subject with a colon", `A changed the subject to "a: b"`, "room X by A a: b"},
		{"an empty text", "A: ", "A: "},
		{"a text from the second line on", "A: \nsecond", "A: \nsecond"},
		{"blank lines", "A: a\n\nb", "A: a\n\nb"},
		{"a smaller sign", "A: I <3 you", "A: I <3 you"},
		{"deleted is only a part", "A: This message was deleted, why?", "A: This message was deleted, why?"},
		{"a name that leads out", "A: ../../etc/passwd.txt (file attached)", "A: ../../etc/passwd.txt (file attached)"},
		{"a file by another word", "A: IMG-20240101-WA0001.jpg (zzz)", "A: [image/jpeg IMG-20240101-WA0001.jpg]"},
		{"no file", "A: see (file attached)", "A: see (file attached)"},
		{"control characters in a name", "A\x00B\x1b: x", "AB: x"},
		{"a notice", "Your security code with Bob changed. Tap to learn more.", "X: Your security code with Bob changed. Tap to learn more."},
		{"a group in a community", "A added this group to the community: y", "A added this group to the community: y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			vcons, _ := chatOf(t, convert.Options{}, head+c.in)
			equal(t, lines(vcons[0]), []string{"13T10:00:00.000 " + c.want})
		})
	}
}

// TestWhatsAppLimits has what belongs to no record, and both sides of each limit.
func TestWhatsAppLimits(t *testing.T) {
	const head = "13.02.24, 10:00 - A: "
	_, report := chatOf(t, convert.Options{}, "a line before the first", "", head+"x")
	if report.Left[convert.NotALogLine] != 1 || report.Left[convert.BlankLine] != 1 || report.Records != 3 || report.Messages != 1 {
		t.Errorf("report %+v", report)
	}
	for n, long := range map[int]uint64{convert.MaxChatLine: 0, convert.MaxChatLine + 1: 1} {
		line := strings.Repeat("x", n-1) // and the line feed
		vcons, report := chatOf(t, convert.Options{}, head+"a", line, head+"b")
		if report.Left[convert.LineTooLong] != long || report.Messages != 2 || report.Records != 2+long {
			t.Errorf("%d bytes: report %+v", n, report)
		}
		if got := len(mimi.PlainText(&vcons[0].Dialog[0])) > 1; got != (long == 0) {
			t.Errorf("%d bytes: the line is in the text: %v", n, got)
		}
	}
	_, report = chatOf(t, convert.Options{}, head+"caf\xe9", "13.02.24, 10:00 - "+strings.Repeat("n", convert.MaxName)+": x", "13.02.24, 10:00 - "+strings.Repeat("n", convert.MaxName+1)+": x")
	if report.Mended[convert.BrokenText] != 1 || report.Mended[convert.NoticeAsText] != 1 || report.Messages != 3 {
		t.Errorf("report %+v", report)
	}
}

// TestWhatsAppRecordOfManyLines has a text of more lines than a record may hold.
func TestWhatsAppRecordOfManyLines(t *testing.T) {
	text := []string{"13.02.24, 10:00 - A: x"}
	for range convert.MaxRecord>>19 + 1 {
		text = append(text, strings.Repeat("x", 1<<19-1))
	}
	_, report := chatOf(t, convert.Options{}, text...)
	if report.Messages != 1 || report.Left[convert.LineTooLong] != 2 || report.Mended[convert.TextAsFile] != 1 {
		t.Errorf("report %+v", report)
	}
}

func TestWhatsAppDetect(t *testing.T) {
	const one, other = "13.02.24, 10:00 - A: x\n", "[13.02.24, 10:00:00] A: x\n"
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"WhatsApp Chat with A.txt", one, true},
		{"x/_chat.txt", "\ufeff" + other, true},
		{"x/WhatsApp-Chat mit A.TXT", "\r\n" + one, true},
		{"_chat.txt", "hello\n" + other, false},
		{"WhatsApp notes.txt", "things to do\n", false},
		{"family.txt", one + "more text\n" + one, true},
		{"family.txt", one + "more text\n" + other, false},
		{"family.txt", one, false},
		{"family.log", one + one, false},
		{"_chat.txt", `{"vcon":"0.4.0"}`, false},
		{"_chat.txt", "", false},
		{"_chat.txt", "[22:18] <A> hi\n", false},
		{"_chat.txt", "2024-02-13 10:00:00,123 - name - INFO - text\n", false},
	} {
		if kind, _ := convert.Detect(c.name, []byte(c.text)); (kind == convert.WhatsApp) != c.want {
			t.Errorf("%s %q is %q", c.name, c.text, kind)
		}
	}
	for _, name := range testdata.Glob("irc/*.txt") {
		if kind, _ := convert.Detect("WhatsApp.txt", testdata.Read(name)); kind == convert.WhatsApp {
			t.Errorf("%s is a chat", name)
		}
	}
}

// TestWhatsAppSentChats has chats among the files of a chat: what somebody sent is no
// chat of one's own.
func TestWhatsAppSentChats(t *testing.T) {
	const a, b = "WhatsApp Chat with A.txt", "WhatsApp Chat with B.txt"
	refer := func(name string) string { return "13.02.24, 10:00 - A: \u200e" + name + " (file attached)\n" }
	const plain = "13.02.24, 10:00 - B: hello\n"
	for _, c := range []struct {
		name, archive string
		fsys          fstest.MapFS
		rooms         string
	}{
		{"two chats", "", files(a, plain, b, plain), "A B"},
		{"one was sent in the other", "", files(a, refer(b), b, plain), "A"},
		{"each names the other", "", files(a, refer(b), b, refer(a)), "A B"},
		{"each names the other, the archive tells", "WhatsApp Chat with B.zip", files(a, refer(b), b, refer(a)), "B"},
		{"iOS", "WhatsApp Chat - C.zip", files("_chat.txt", "[13.02.24, 10:00:00] A: x\n", b, plain), "C"},
		{"folders", "", files("WhatsApp Chat - C/_chat.txt", "[13.02.24, 10:00:00] A: x\n", "WhatsApp Chat - D/_chat.txt", "[13.02.24, 10:00:00] A: x\n"), "C D"},
	} {
		t.Run(c.name, func(t *testing.T) {
			vcons, report := all(t, convert.WhatsApp, c.fsys, ".", convert.Options{Archive: c.archive})
			var rooms []string
			for _, v := range vcons {
				rooms = append(rooms, v.Room.Name)
			}
			if got := strings.Join(rooms, " "); got != c.rooms || report.Files != uint64(len(vcons)) {
				t.Errorf("rooms %s, want %s; report %+v", got, c.rooms, report)
			}
		})
	}
}

// TestWhatsAppFilesBeside has a chat that was named by itself: only files that the
// app names are taken from beside it, since anybody can write that one is attached.
func TestWhatsAppFilesBeside(t *testing.T) {
	const chat = "Downloads/WhatsApp Chat with A.txt"
	fsys := files(chat, "13.02.24, 10:00 - B: secret.pdf (file attached)\n13.02.24, 10:01 - B: IMG-20240213-WA0001.jpg (file attached)\n13.02.24, 10:02 - B: WhatsApp Chat with A.txt (file attached)\n",
		"Downloads/secret.pdf", "not B's", "Downloads/IMG-20240213-WA0001.jpg", "a picture")
	_, report := all(t, convert.WhatsApp, fsys, chat, convert.Options{})
	if report.Attachments != 3 || report.Contents != 1 {
		t.Errorf("report %+v", report)
	}
	_, report = all(t, convert.WhatsApp, fsys, "Downloads", convert.Options{})
	if report.Attachments != 3 || report.Contents != 2 {
		t.Errorf("report of the folder %+v", report)
	}
}

func TestWhatsAppRoomNames(t *testing.T) {
	const text, notice = "[13.02.24, 10:00:00] A: x\n", "[13.02.24, 10:00:00] The Group: \u200eMessages and calls are end-to-end encrypted.\n"
	for _, c := range []struct{ file, text, room, archive, want string }{
		{"WhatsApp Chat with Ann B.txt", text, "", "", "Ann B"},
		{"WhatsApp-Chat mit Jörg.txt", text, "", "", "Jörg"},
		{"Чат WhatsApp с контактом Аня.txt", text, "", "", "Аня"},
		{"花子とのWhatsAppチャット.txt", text, "", "", "花子"},
		{"WhatsApp 与 小明 的对话.txt", text, "", "", "小明"},
		{"WhatsApp Chat - Ann/_chat.txt", text, "", "", "Ann"},
		{"_chat.txt", text, "", "WhatsApp Chat - Ann.zip", "Ann"},
		{"WhatsApp Chat with Ann.txt", text, "Other", "", "Other"},
		{"Downloads/_chat.txt", notice + text, "", "", "The Group"},
		{"Downloads/_chat.txt", text, "", "", "Downloads guessed"},
		{"_chat.txt", text, "", "", "WhatsApp guessed"},
		{"WhatsApp Chat with .txt", text, "", "", "WhatsApp Chat with guessed"},
	} {
		vcons, report := all(t, convert.WhatsApp, files(c.file, c.text), c.file, convert.Options{Room: c.room, Archive: c.archive})
		got := vcons[0].Room.Name
		if report.Mended[convert.RoomGuessed] > 0 {
			got += " guessed"
		}
		if got != c.want {
			t.Errorf("%s %s: %s, want %s", c.file, c.archive, got, c.want)
		}
	}
}

func TestWhatsAppEvents(t *testing.T) {
	for line, want := range map[string]string{
		`Bob joined using a group link.`:            "self_add Bob",
		`You joined using this group's invite link`: "self_add Me",
		`You were added`:                            "add Me",
		`Bob and Carol were added`:                  "add Bob, add Carol",
		`Bob removed you`:                           "remove Me by Bob",
		`Bob wurde hinzugefügt.`:                    "add Bob",
		`Bob ist der Gruppe mithilfe eines Einladungslinks beigetreten.`: "self_add Bob",
		`Bob hat dich entfernt.`:                                           "remove Me by Bob",
		`Añadiste a Bob y Carol`:                                           "add Bob by Me, add Carol by Me",
		`Bob se unió usando el enlace de invitación de este grupo`:         "self_add Bob",
		`Bob cambió el nombre del grupo de "A" a "B"`:                      "room X by Bob B",
		`Bob a créé le groupe « A »`:                                       "room X by Bob A, self_add Bob",
		`Bob vous a ajouté(e)`:                                             "add Me by Bob",
		`Bob a quitté le groupe`:                                           "leave Bob",
		`Bob a rejoint le groupe via un lien d’invitation`:                 "self_add Bob",
		`Vous avez retiré Bob`:                                             "remove Bob by Me",
		`Bob criou o grupo "A"`:                                            "room X by Bob A, self_add Bob",
		`Bob adicionou você`:                                               "add Me by Bob",
		`Bob saiu`:                                                         "leave Bob",
		`Bob entrou usando o link de convite deste grupo`:                  "self_add Bob",
		`Bob mudou o nome do grupo de "A" para "B"`:                        "room X by Bob B",
		`Bob ha creato il gruppo "A"`:                                      "room X by Bob A, self_add Bob",
		`Bob ti ha aggiunto`:                                               "add Me by Bob",
		`Bob ha abbandonato il gruppo`:                                     "leave Bob",
		`Bob è entrato usando il link d'invito al gruppo`:                  "self_add Bob",
		`Bob ha cambiato l'oggetto da “A” in “B”`:                          "room X by Bob B",
		`Bob heeft de groep "A" gemaakt`:                                   "room X by Bob A, self_add Bob",
		`Bob heeft je toegevoegd`:                                          "add Me by Bob",
		`Bob heeft Carol en Dan toegevoegd`:                                "add Carol by Bob, add Dan by Bob",
		`Bob is deelnemer geworden via de uitnodigingslink van deze groep`: "self_add Bob",
		`Bob heeft het onderwerp gewijzigd van "A" naar "B"`:               "room X by Bob B",
		`Bob, "A" grubunu oluşturdu`:                                       "room X by Bob A, self_add Bob",
		`Bob, Carol kişisini ekledi`:                                       "add Carol by Bob",
		`Bob sizi ekledi`:                                                  "add Me by Bob",
		`Bob gruptan ayrıldı`:                                              "leave Bob",
		`Bob bu grubun davet bağlantısını kullanarak katıldı`:              "self_add Bob",
		`Bob grup adını "B" olarak değiştirdi`:                             "room X by Bob B",
		`Боб создал(-а) группу "A"`:                                        "room X by Боб A, self_add Боб",
		`Боб добавил(-а) вас`:                                              "add Me by Боб",
		`Боб добавил(-а) Анну и Ивана`:                                     "add Анну by Боб, add Ивана by Боб",
		`Боб вышел(-а) из группы`:                                          "leave Боб",
		`Боб присоединился(-ась) к группе по ссылке-приглашению`: "self_add Боб",
		`Боб изменил(-а) название группы с «A» на «B»`:           "room X by Боб B",
		`Боб удалил(-а) Анну`: "remove Анну by Боб",
	} {
		t.Run(line, func(t *testing.T) {
			vcons, report := chatOf(t, convert.Options{}, "13/02/24, 10:00 - "+line)
			equal(t, lines(vcons[0]), []string{"13T10:00:00.000 " + want})
			if report.Changes != 1 {
				t.Errorf("report %+v", report)
			}
		})
	}
}

// bookClub is an export with media that has every kind of record.
func bookClub() map[string]string {
	const folder, lrm = "WhatsApp Chat - Book club/", "\u200e"
	text := string(testdata.Read("exports/whatsapp/ios-book/_chat.txt"))
	for _, line := range []string{
		"[14/02/2026, 08:03:00] Book club: " + lrm + "Maya added Tom, +49 170 0000000 and Ida",
		"[14/02/2026, 08:03:00] Maya: ok",
		"[14/02/2026, 08:03:00] Maya: ok",
		"[14/02/2026, 08:04:00] Tom: changed " + lrm + "<This message was edited>",
		lrm + "[14/02/2026, 08:05:00] Tom: " + lrm + "This message was deleted.",
		lrm + "[14/02/2026, 08:06:00] Maya: " + lrm + "POLL:",
		"Next?",
		lrm + "OPTION: Middlemarch (" + lrm + "2 votes)",
		lrm + "OPTION: Emma (" + lrm + "1 vote)",
		"",
		"[14/02/2026, 08:07:00] Tom: " + lrm + "Location: https://maps.google.com/?q=51.5,-0.1",
		lrm + "[14/02/2026, 08:08:00] Tom: " + lrm + "<attached: 00000014-Ida Stone.vcf>",
		lrm + "[14/02/2026, 08:08:30] Tom: " + lrm + "sticker omitted",
		"[14/02/2026, 08:09:00] Tom: " + lrm + "Missed voice call. " + lrm + "Tap to call back",
		"[14/02/2026, 08:10:00] Ida: first",
		"",
		"[14/02/2026, 08:10] Bob: pasted from elsewhere",
		"[14/02/2026, 08:11:00] Book club: " + lrm + "Ida changed the group name to “Readers: all of us”",
		"[14/02/2026, 08:12:00] Book club: " + lrm + "Ida removed Tom",
		"[14/02/2026, 08:13:00] Book club: " + lrm + "Maya left",
		"[14/02/2026, 08:14:00] Ida: " + lrm + "Ida turned on disappearing messages. New messages will disappear from this chat 24 hours after they're sent.",
	} {
		text += line + "\r\n"
	}
	return map[string]string{
		folder + "_chat.txt":                              text,
		folder + "00000004-PHOTO-2026-02-08-08-01-00.png": "a picture", folder + "00000005-List.txt": "a list", folder + "spare.png": "nobody's",
	}
}
