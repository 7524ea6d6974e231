package convert_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

const mboxName = "trip.mbox"

// roomNamed is the vCon of a room by its name.
func roomNamed(t testing.TB, all []*convert.VCon, name string) *convert.VCon {
	t.Helper()
	i := slices.IndexFunc(all, func(v *convert.VCon) bool { return v.Room.Name == name })
	if i < 0 {
		t.Fatalf("no room %q", name)
	}
	return all[i]
}

func TestMbox(t *testing.T) {
	vcons, report := all(t, convert.Mbox, files(mboxName, exported("mbox/"+mboxName)), mboxName, convert.Options{})
	hike := roomNamed(t, vcons, "Hike on Saturday 🥾")
	equal(t, lines(hike), []string{
		"17T08:00:00.000 Ada Berg: Who comes along on Saturday? The route is attached.\nFrom the station it is a long walk. Café at the top.\n[image/gif dot.gif]\n[application/gpx+xml Straße.gpx]",
		"17T09:00:00.000 Ben Ruiz: I am in. Let us meet at the café, it is the one with the blue door.\n> Who comes along on Saturday?\n> From 8 to 10 the ferry does not go. (to 0)",
		"17T10:00:00.000 add Dan O'Neil by Zoë Köhler",
		"17T10:00:00.000 Zoë Köhler: Subject: Dan comes too (was: Hike on Saturday)\n\nDan would like to join us.\n[application/pgp-signature signature.asc] (to 1)",
		"17T12:00:00.000 Dan O'Neil: Thanks for asking “me”! (to 3)",
	})
	if p := hike.Dialog[0].MultiPart.Parts[0].MultiPart; p == nil || p.PartSemantics != "chooseOne" || !strings.HasPrefix(p.Parts[1].MediaType, "text/html") {
		t.Errorf("the first mail has no two forms: %+v", p)
	}
	for i, want := range []string{"GIF89a", "<gpx></gpx>\n", "-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0\n-----END"} {
		if got := contentOf(t, hike.Contents[i], 0); !strings.HasPrefix(got, want) {
			t.Errorf("content %d is %q", i, got)
		}
	}
	var people []string
	for _, p := range hike.Parties[1:] {
		people = append(people, p.Name+" "+p.Mailto)
	}
	equal(t, people, []string{"Ada Berg ada@example.org", "Ben Ruiz ben@example.net", "Zoë Köhler zoe@example.com", "Dan O'Neil dan@example.com"})
	packing := roomNamed(t, vcons, "Packing list")
	equal(t, lines(packing), []string{
		"17T15:00:00.000 Ada Berg: boots, map\n[message/rfc822 part-2.eml]\n[message/rfc822 message.eml]",
		"17T16:00:00.000 add Ben by Ada Berg",
		"17T16:00:00.000 Ada Berg: and a rope\nFrom the shop, at 10:00 in 2024, not a new mail",
	})
	if got := mimi.OriginOf(&packing.Dialog[0]).Kind; got != "draft" {
		t.Errorf("the draft is of kind %q", got)
	}
	if got := contentOf(t, packing.Contents[0], 0); !strings.HasPrefix(got, "From: Ben <ben@example.net>\nSubject: forwarded\n\ninside") {
		t.Errorf("the forwarded mail is %q", got)
	}
	if got := contentOf(t, packing.Contents[1], 0); !strings.HasPrefix(got, "X-GM-THRID: 1799290000000000001\n") || !strings.HasSuffix(got, "without a colon\n\n") {
		t.Errorf("the whole mail is %q", got)
	}
	want := convert.Report{Kind: convert.Mbox, Files: 1, VCons: 2, Records: 11, Messages: 6, Changes: 2,
		Left:  map[convert.Reason]uint64{convert.RecordTwice: 1, convert.ServerNotice: 1, convert.Expunged: 1},
		Links: 3, Replies: 3, Attachments: 5, Contents: 5,
		Mended: map[convert.Reason]uint64{convert.CharsetUnknown: 1, convert.MailBroken: 1, convert.DeliveryDate: 1},
	}
	if fmt.Sprint(*report) != fmt.Sprint(want) {
		t.Errorf("report\n%+v, want\n%+v", *report, want)
	}
}

// mailOf is a mail in a mailbox.
func mailOf(header, body string) string {
	return "From a@x.example Fri May 17 08:00:00 2024\n" + header + "\n\n" + body + "\n\n"
}

// oneMail converts a mailbox of one mail, and returns its message.
func oneMail(t *testing.T, header, body string) (*convert.VCon, *convert.Report) {
	t.Helper()
	vcons, report := all(t, convert.Mbox, files("x", mailOf("From: a@x.example\nDate: 17 May 2024 08:00:00 +0000\n"+header, body)), "x", convert.Options{})
	if len(vcons) != 1 || len(vcons[0].Dialog) != 1 {
		t.Fatalf("%d vCons, %+v", len(vcons), report)
	}
	return vcons[0], report
}

func TestMboxTexts(t *testing.T) {
	for _, tt := range []struct{ name, header, body, want string }{
		{"plain", "X: y", "hello", "hello"},
		{"UTF-8 that says nothing", "X: y", "grüß", "grüß"},
		{"ISO 8859-1 that says nothing", "X: y", "gr\xfc\xdf", "grüß"},
		{"UTF-8 that says ASCII", "Content-Type: text/plain; charset=us-ascii", "grüß", "grüß"},
		{"shift_jis", "Content-Type: text/plain; charset=Shift_JIS", "\x93\xfa\x96\x7b", "日本"},
		{"iso-2022-jp", "Content-Type: text/plain; charset=ISO-2022-JP", "\x1b$BF|K\\\x1b(B", "日本"},
		{"gb2312", "Content-Type: text/plain; charset=gb2312", "\xd6\xd0\xce\xc4", "中文"},
		{"koi8-r", "Content-Type: text/plain; charset=\"koi8-r\"", "\xd0\xd2\xc9", "при"},
		{"utf-16", "Content-Type: text/plain; charset=utf-16be\nContent-Transfer-Encoding: base64", "AGEAYg==", "ab"},
		{"cp437", "Content-Type: text/plain; charset=IBM437", "\x81", "ü"},
		{"replacement", "Content-Type: text/plain; charset=replacement", "abc", "abc"},
		{"quoted-printable that is none", "Content-Transfer-Encoding: quoted-printable", "a=b =3D =\n=E4=F6 100=", "a=b = äö 100"},
		{"base64 with rubbish", "Content-Transfer-Encoding: Base64", "aGVs*bG8=\n\n--\nx", "hello\xc7"[:5]},
		{"no media type", "Content-Type: text", "abc", "abc"},
		{"a broken media type", "Content-Type: text/plain; charset=utf-8; name", "grüß", "grüß"},
		{"CRLF", "X: y", "a\r\nb", "a\nb"},
		{"mboxrd", "X: y", ">From a\n>>From b\n> From c\n>Fromage", "From a\n>From b\n> From c\n>Fromage"},
		{"a paragraph", "X: y", "a\n\nFrom here on\n\nFrom a@b Fri May 17 08:00:00 2024\nno header", "a\n\nFrom here on\n\nFrom a@b Fri May 17 08:00:00 2024\nno header"},
		{"HTML only", "Content-Type: text/html", "<p>a &amp; <b>b</b></p>", "a & b"},
		{"HTML and a plain footer", "Content-Type: multipart/mixed; boundary=b", "--b\nContent-Type: text/html\n\n<p>a</p>\n--b\n\n<foot>\n--b--", "a\n<foot>"},
		{"flowed", "Content-Type: text/plain; format=flowed", "a \nb\n\n  c\n> d \n> e\n>> f\n-- \ng", "a b\n\n c\n> d e\n>> f\n-- \ng"},
		{"flowed with delsp", "Content-Type: text/plain; format=flowed; delsp=yes", "a \nb", "ab"},
		{"an unterminated multipart", "Content-Type: multipart/mixed; boundary=b", "--b\n\nabc", "abc"},
		{"a subject", "Subject: Re: AW: Fwd: Re[2]: [list] Fun", "x", "x"},
	} {
		v, _ := oneMail(t, tt.header, tt.body)
		if got := strings.TrimRight(mimi.PlainText(&v.Dialog[0]), "\n"); !strings.HasPrefix(got, tt.want) || len(got) > len(tt.want)+8 && tt.name != "base64 with rubbish" {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if tt.name == "a subject" && v.Room.Name != "[list] Fun" {
			t.Errorf("room %q", v.Room.Name)
		}
	}
}

func TestMboxDates(t *testing.T) {
	for date, want := range map[string]string{
		"Date: Fri, 17 May 2024 08:00:00 +0200":                                 "2024-05-17T06:00:00.000Z",
		"Date: 17 May 2024 08:00:00 EDT":                                        "2024-05-17T12:00:00.000Z",
		"Date: 17 May 2024 08:00:00 AEST":                                       "2024-05-17T08:00:00.000Z",
		"Date: Fri, 17 May 2024 08:00 CEST":                                     "2024-05-17T06:00:00.000Z",
		"Date: Fri 17 May 2024 08:00:00 GMT+0200":                               "2024-05-17T06:00:00.000Z",
		"Date: Friday, May 17 2024 08:00:00 PDT (somewhere)":                    "2024-05-17T15:00:00.000Z",
		"Date: 17-May-24 08:00:00 +02:00":                                       "2024-05-17T06:00:00.000Z",
		"Date: 2024-05-17T08:00:00+02:00":                                       "2024-05-17T06:00:00.000Z",
		"Date: Fri May 17 08:00:00 2024":                                        "2024-05-17T08:00:00.000Z",
		"Date: 17 May 99 08:00:00 +0000":                                        "1999-05-17T08:00:00.000Z",
		"Date: 1 Jan 1904 00:00:00 +0000\nReceived: x; 17 May 2024 09:00:00 +0": "2024-05-17T09:00:00.000Z",
		"Date: 17 May 20240 08:00:00 +0000":                                     "2024-05-17T07:00:00.000Z",
		"X: y":                                                                  "2024-05-17T07:00:00.000Z",
	} {
		text := "From a@x.example Fri May 17 09:00:00 +0200 2024\nFrom: a@x.example\n" + date + "\n\nx\n"
		vcons, report := all(t, convert.Mbox, files("x", text), "x", convert.Options{})
		if len(vcons) != 1 || string(vcons[0].Dialog[0].Start) != want {
			t.Errorf("%q: %+v, want %s", date, report, want)
		}
	}
	_, report := all(t, convert.Mbox, files("x.eml", "From: a@x.example\nMessage-ID: <a>\nDate: soon\n\nx"), "x.eml", convert.Options{})
	if report.Left[convert.RecordUndated] != 1 {
		t.Errorf("a mail without any date: %+v", report)
	}
}

// TestMboxStable converts a mailbox that has grown: what was there keeps its ids,
// whatever file the mails are in, and answers come with what they answer.
func TestMboxStable(t *testing.T) {
	whole := exported("mbox/" + mboxName)
	mails := strings.SplitAfter(whole, "\n\nFrom ")
	ids := func(fsys map[string]string) (out []string) {
		var pairs []string
		for name, text := range fsys {
			pairs = append(pairs, name, text)
		}
		vcons, _ := all(t, convert.Mbox, files(pairs...), ".", convert.Options{})
		for _, d := range roomNamed(t, vcons, "Hike on Saturday 🥾").Dialog {
			out = append(out, string(d.MessageID))
		}
		return out
	}
	want := ids(map[string]string{"a.mbox": whole})
	split := strings.TrimSuffix(strings.Join(mails[2:], ""), "\n")
	got := ids(map[string]string{"a.mbox": "From " + split, "b.mbox": strings.TrimSuffix(mails[0]+mails[1], "From ")})
	equal(t, got, want)
	first := ids(map[string]string{"a.mbox": strings.TrimSuffix(mails[0]+mails[1], "From ")})
	equal(t, first, want[:2])
}

func TestMboxThreads(t *testing.T) {
	mail := func(id, header string) string {
		return mailOf("From: a@x.example\nMessage-ID: <"+id+">\nSubject: "+id+"\n"+header, id)
	}
	text := mail("a1", "References: <a2>") + mail("a2", "References: <a1>") + // a circle
		mail("b1", "In-Reply-To: <b1>") + // of itself
		mail("c2", "References: <c0> <c1>") + mail("c3", "In-Reply-To: <c0>") + // of what is not there
		mail("d1", "X: y") + mail("d2", "X: y")
	vcons, report := all(t, convert.Mbox, files("x", text), "x", convert.Options{})
	if len(vcons) != 5 || report.Messages != 7 || report.Replies != 1 || report.LeftLinks[convert.LinkToNothing] != 4 {
		t.Errorf("%d rooms, %+v", len(vcons), report)
	}
}

// TestMboxClocks has an answer that is dated before what it answers.
func TestMboxClocks(t *testing.T) {
	text := mailOf("From: b@x.example\nMessage-ID: <b>\nIn-Reply-To: <a>\nDate: 17 May 2024 07:00:00 +0000", "answer") +
		mailOf("From: a@x.example\nMessage-ID: <a>\nDate: 17 May 2024 08:00:00 +0000", "question")
	vcons, report := all(t, convert.Mbox, files("x", text), "x", convert.Options{})
	if d := vcons[0].Dialog; report.Replies != 1 || d[0].InReplyTo != d[1].MessageID {
		t.Errorf("%+v, %+v", report, d)
	}
}

// TestMboxLimits has both sides of the limits of a mail.
func TestMboxLimits(t *testing.T) {
	parts := func(n int) string { return strings.Repeat("--b\n\nx\n", n) + "--b--" }
	nested := func(n int) string {
		s := "leaf"
		for i := range n {
			s = fmt.Sprintf("--b%d\nContent-Type: %s\n\n%s\n--b%d--\n", i, map[bool]string{true: "text/plain", false: fmt.Sprintf("multipart/mixed; boundary=b%d", i-1)}[i == 0], s, i)
		}
		return s
	}
	to := func(n int) string {
		var s []string
		for i := range n {
			s = append(s, fmt.Sprintf("p%d@x.example", i))
		}
		return "To: " + strings.Join(s, ",")
	}
	for _, tt := range []struct {
		name, header, body string
		why                convert.Reason
		over               bool
	}{
		{"parts", "Content-Type: multipart/mixed; boundary=b", parts(convert.MaxMailParts - 1), convert.MailBroken, false},
		{"parts", "Content-Type: multipart/mixed; boundary=b", parts(convert.MaxMailParts), convert.MailBroken, true},
		{"depth", fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d", convert.MaxMailDepth-1), nested(convert.MaxMailDepth), convert.MailBroken, false},
		{"depth", fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d", convert.MaxMailDepth), nested(convert.MaxMailDepth + 1), convert.MailBroken, true},
		{"text", "X: y", strings.Repeat("x", convert.MaxMessageText-3), convert.TextAsFile, false},
		{"text", "X: y", strings.Repeat("x", convert.MaxMessageText+1), convert.TextAsFile, true},
		{"recipients", to(convert.MaxRecipients), "x", convert.TooManyPeople, false},
		{"recipients", to(convert.MaxRecipients + 1), "x", convert.TooManyPeople, true},
	} {
		_, report := oneMail(t, tt.header, tt.body)
		if (report.Mended[tt.why] > 0) != tt.over {
			t.Errorf("%s: %+v", tt.name, report)
		}
	}
	long := "X-Long: " + strings.Repeat("x", convert.MaxHeader)
	v, _ := oneMail(t, long, "text")
	if got := mimi.PlainText(&v.Dialog[0]); strings.TrimSpace(got) != "text" {
		t.Errorf("a mail with a long header reads %.40q", got)
	}
}

// TestMboxFolded reads a header that is folded in very many lines, which is to be
// no more work than its length.
func TestMboxFolded(t *testing.T) {
	_, report := oneMail(t, "X: y\n"+strings.Repeat(" z\n", convert.MaxHeader/3-100)+"Subject: s", "text")
	if report.Messages != 1 {
		t.Errorf("%+v", report)
	}
}

func TestMboxInZip(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("Takeout/Mail/All mail.mbox")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(exported("mbox/" + mboxName))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	fsys, err := convert.OpenZip(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	vcons, report := all(t, convert.Mbox, fsys, ".", convert.Options{})
	if report.Messages != 6 || contentOf(t, roomNamed(t, vcons, "Hike on Saturday 🥾").Contents[1], 4) != "></gpx>\n" {
		t.Errorf("%+v", report)
	}
}

func TestMboxDetect(t *testing.T) {
	mail := "From: a@x.example\nDate: soon\nSubject: x\n\nx"
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"mbox", exported("mbox/" + mboxName), true},
		{"x", "From - Fri May 17 14:00:00 2024\r\nX-Mozilla-Status: 0001\r\n", true},
		{"x", "From 17@xxx Fri May 17 15:00:00 +0000 2024\nX-GM-THRID: 1\n", true},
		{"x", "From a Fri May 17 14:00:00 2024\nno header", false},
		{"x", "From here to there\nX: y\n", false},
		{"x.eml", mail, true},
		{"x.txt", mail, false},
		{"x.eml", "Hello\n\nFrom: x", false},
	} {
		if kind, _ := convert.Detect(tt.name, []byte(tt.text)); (kind == convert.Mbox) != tt.want {
			t.Errorf("%s, %.30q: %q", tt.name, tt.text, kind)
		}
	}
}

func FuzzMbox(f *testing.F) {
	f.Add(exported("mbox/" + mboxName))
	f.Add(goldenMbox)
	f.Add(mailOf("From: a@b\nReferences: <a> <b>\nContent-Type: multipart/digest; boundary=b", "--b\n\nFrom: c\n\nd\n--b--"))
	f.Add(mailOf("From: a@b, c <d@e>\nContent-Type: text/plain; format=flowed; delsp=yes; charset=utf-7", ">From x \n> y"))
	f.Fuzz(func(t *testing.T, text string) {
		report := &convert.Report{}
		for v, err := range convert.Convert(context.Background(), convert.Mbox, files("x", text), "x", convert.Options{MaxMessages: 5}, report) {
			if err != nil {
				t.Fatal(err)
			}
			checkVCon(t, v.VCon)
			checkContents(t, v)
		}
		checkReport(t, report)
	})
}

// goldenMbox has a thread with every kind of part.
const goldenMbox = `From ada@example.org Fri May 17 08:00:00 2024
Message-ID: <hike-1@example.org>
From: Ada Berg <ada@example.org>
To: Ben Ruiz <ben@example.net>
Subject: Hike
Date: Fri, 17 May 2024 10:00:00 +0200
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: multipart/alternative; boundary=i

--i
Content-Transfer-Encoding: quoted-printable

Caf=C3=A9?
>From the station?
--i
Content-Type: text/html

<b>Caf&eacute;?</b>
--i--
--o
Content-Type: image/gif; name=dot.gif
Content-Transfer-Encoding: base64
Content-ID: <dot@example.org>

R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7
--o--

From ben@example.net Fri May 17 09:00:00 2024
Message-ID: <hike-2@example.net>
From: Ben Ruiz <ben@example.net>
To: Ada Berg <ada@example.org>
Cc: Dan <dan@example.com>
References: <hike-1@example.org>
Subject: Re: Hike
X-Mozilla-Draft-Info: internal
Content-Type: text/html

<p>Yes!</p>

From dan@example.com Fri May 17 11:00:00 2024
Message-ID: <hike-3@example.com>
From: Dan <dan@example.com>
To: Ada Berg <ada@example.org>
In-Reply-To: <hike-0@example.com>
References: <hike-1@example.org> <hike-0@example.com>
Subject: Late (was: Hike)
Date: Fri, 17 May 2024 11:00:00 +0000
Content-Type: text/plain; format=flowed

I come 
later.

`
