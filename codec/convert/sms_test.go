package convert_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

const (
	smsName   = "sms-20240518120000.xml"
	callsName = "calls-20240518120000.xml"
)

// exported reads a file below testdata/exports.
func exported(name string) string { return string(testdata.Read("exports/" + name)) }

// roomEnding is the vCon of a room by the end of its id.
func roomEnding(t testing.TB, all []*convert.VCon, end string) *convert.VCon {
	t.Helper()
	i := slices.IndexFunc(all, func(v *convert.VCon) bool { return strings.HasSuffix(v.Room.ID, "/r/"+end) })
	if i < 0 {
		t.Fatalf("no room %s", end)
	}
	return all[i]
}

func TestSMS(t *testing.T) {
	vcons, report := all(t, convert.SMS, files("a/"+smsName, exported("sms/"+smsName)), "a/"+smsName, convert.Options{Owner: "Kim"})
	mara := roomEnding(t, vcons, "+491705550101")
	equal(t, lines(mara), []string{
		"17T06:00:00.000 Mara Lind: Are you coming tonight? 😀",
		"17T06:01:00.000 Kim: Yes, at 7.\n\"Usual\" place & table <3",
		"17T06:02:00.000 Kim: I will bring",
		"17T06:03:00.000 Kim: Subject: Tonight\n\nRunning late \uFFFD",
		"17T09:00:00.000 Mara Lind: Look at this dot\n[image/gif dot.gif]",
		"17T11:00:00.000 Mara Lind: Multimedia message that was not downloaded",
		"17T12:00:00.000 Mara Lind: [video/mp4 VID_0001.mp4]",
	})
	if mara.Room.Name != "Mara Lind" || mara.Parties[1].Tel != "+491705550101" {
		t.Errorf("room %q, tel %q", mara.Room.Name, mara.Parties[1].Tel)
	}
	for i, want := range []string{"", "", "draft", "failed", "", "not downloaded", ""} {
		if got := mimi.OriginOf(&mara.Dialog[i]).Kind; got != want {
			t.Errorf("message %d is of kind %q, want %q", i, got, want)
		}
	}
	if got := contentOf(t, mara.Contents[0], 0); !strings.HasPrefix(got, "GIF89a") {
		t.Errorf("the picture is %q", got)
	}
	group := roomEnding(t, vcons, "+491705550101~01705550102")
	equal(t, lines(group), []string{
		"17T10:00:00.000 Kim: Subject: Saturday\n\nHike on Saturday?\n[text/x-vcard contact000000.vcf]",
		"17T10:01:00.000 Jon, the neighbour: I am in 🥾",
	})
	if p := group.Parties[1:]; len(p) != 3 || p[0].Name != "Mara Lind" || p[1].Name != "Jon, the neighbour" || p[2].Name != "Kim" {
		t.Errorf("parties of the group are %+v", p)
	}
	if got := contentOf(t, group.Contents[0], 0); got != "BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Mara Lind\r\nEND:VCARD\r\n" {
		t.Errorf("the contact is %q", got)
	}
	if v := roomEnding(t, vcons, "parcel"); v.Room.Name != "PARCEL" || v.Parties[1].Name != "PARCEL" || v.Parties[1].Tel != "" {
		t.Errorf("room %q of %+v", v.Room.Name, v.Parties[1])
	}
	want := convert.Report{Kind: convert.SMS, Files: 1, VCons: 4, Records: 15, Messages: 11, Attachments: 3, Contents: 2,
		Left: map[convert.Reason]uint64{
			convert.RecordTwice: 1, convert.RecordUndated: 1, convert.DeliveryReport: 1, convert.RecordMalformed: 1},
		LeftAttachments: map[convert.Reason]uint64{convert.NotInExport: 1},
		Mended:          map[convert.Reason]uint64{convert.BrokenText: 1, convert.SlideLayout: 1},
	}
	if fmt.Sprint(*report) != fmt.Sprint(want) {
		t.Errorf("report\n%+v, want\n%+v", *report, want)
	}
}

func TestSMSCalls(t *testing.T) {
	vcons, _ := all(t, convert.SMS, files(callsName, exported("sms/"+callsName)), callsName, convert.Options{Owner: "Kim"})
	mara := roomEnding(t, vcons, "+491705550101")
	equal(t, lines(mara), []string{
		"17T06:06:40.000 Mara Lind: Incoming call, 1:12",
		"17T06:23:20.000 Kim: Outgoing call, 1:06:40, then dialled ,12",
		"17T06:40:00.000 Mara Lind: Missed call",
	})
	if got := mimi.OriginOf(&mara.Dialog[0]).Kind; got != "call" {
		t.Errorf("a call is of kind %q", got)
	}
	equal(t, lines(roomEnding(t, vcons, "unknown")), []string{
		"17T06:56:40.000 Private number: Rejected call",
		"17T06:56:40.001 Unknown number: Missed call",
	})
}

// TestSMSFolder takes messages and calls of a folder, with a backup that has some
// of them once more.
func TestSMSFolder(t *testing.T) {
	fsys := files("b/"+smsName, exported("sms/"+smsName), "b/"+callsName, exported("sms/"+callsName), "b/sms.xsl", "<xsl/>")
	_, report := all(t, convert.SMS, fsys, "b", convert.Options{})
	if report.Files != 2 || report.OtherFiles != 1 || report.Messages != 16 {
		t.Errorf("report %+v", report)
	}
}

func smsXML(records string) string { return `<smses count="1">` + records + "</smses>" }

func oneSMS(attrs string) string {
	return smsXML(`<sms address="1" date="1715925600000" type="1" ` + attrs + ` />`)
}

func TestSMSText(t *testing.T) {
	for _, tt := range []struct {
		body, want string
		mended     uint64
	}{
		{"&#55357;&#56832;&#55357;&#56833;", "😀😁", 0},
		{"&#xD83D;&#xDE00;", "😀", 0},
		{"&#56832;&#55357;", "\uFFFD\uFFFD", 1},
		{"&#55357;x&#56832;", "\uFFFDx\uFFFD", 1},
		{"&#55357;&#55357;&#56832;", "\uFFFD😀", 1},
		{"a&#0;b&#7;c", "a\x00b\x07c", 0},
		{"a\x01b", "a\x01b", 0},
		{"&#1114112;&#-1;&#;&nbsp;&", "&#1114112;&#-1;&#;&nbsp;&", 0},
		{"&amp;#55357;", "&#55357;", 0},
		{"a > b\r\nc\rd\te", "a > b\nc\nd\te", 0},
		{"ü\xff", "ü\uFFFD", 1},
	} {
		vcons, report := all(t, convert.SMS, files("x.xml", oneSMS(`body="`+tt.body+`"`)), "x.xml", convert.Options{})
		if got := mimi.PlainText(&vcons[0].Dialog[0]); got != tt.want || report.Mended[convert.BrokenText] != tt.mended {
			t.Errorf("%q is %q, want %q; mended %d", tt.body, got, tt.want, report.Mended[convert.BrokenText])
		}
	}
}

// TestSMSLimits has both sides of each limit of a record.
func TestSMSLimits(t *testing.T) {
	const fixed = len(`address` + `1` + `date` + `1715925600000` + `type` + `1` + `body`)
	mms := func(inner string) string {
		return smsXML(`<mms address="1" date="1715925600000" msg_box="1" m_type="132"><parts>` + inner + `</parts></mms>`)
	}
	part := `<part ct="text/plain" text="x"/>`
	for _, tt := range []struct {
		name, text string
		left       uint64
	}{
		{"tag", oneSMS(`body="` + strings.Repeat("x", convert.MaxXMLTag-fixed-1) + `"`), 0},
		{"tag", oneSMS(`body="` + strings.Repeat("x", convert.MaxXMLTag-fixed) + `"`), 1},
		{"tag of half", oneSMS(`body="` + strings.Repeat("x", convert.MaxXMLTag/2) + `" toa="` + strings.Repeat("x", convert.MaxXMLTag/2) + `"`), 1},
		{"attributes", oneSMS(strings.Repeat(`toa="1" `, 256-3)), 0},
		{"attributes", oneSMS(strings.Repeat(`toa="1" `, 256-2)), 1},
		{"parts", mms(strings.Repeat(part, convert.MaxXMLParts)), 0},
		{"parts", mms(strings.Repeat(part, convert.MaxXMLParts+1)), 1},
		{"texts", mms(strings.Repeat(`<part ct="text/plain" text="`+strings.Repeat("x", 4<<20-100)+`"/>`, 8)), 0},
		{"texts", mms(strings.Repeat(`<part ct="text/plain" text="`+strings.Repeat("x", 4<<20-100)+`"/>`, 9)), 1},
		{"data of any length", mms(`<part ct="image/x" data="` + strings.Repeat("QUFB", 4<<20) + `"/>`), 0},
	} {
		_, report := all(t, convert.SMS, files("x.xml", tt.text), "x.xml", convert.Options{})
		if report.Records != 1 || report.Left[convert.RecordTooLong] != tt.left {
			t.Errorf("%s: %+v", tt.name, report)
		}
	}
}

func TestSMSRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "byte 0: truncated XML",
		"<smses count='1'>":                      "truncated XML",
		"<smses count='1'><sms body='x":          "byte 29: truncated XML",
		"<smses count='1'><sms body=x/>":         "malformed XML",
		"<smses count='1'><>":                    "malformed XML",
		"<smses count='1'></smses ":              "truncated XML",
		"<html></html>":                          "malformed XML",
		"<smses count='1'><mms date='1'":         "truncated XML",
		"<smses count='1'><mms date='1'><parts>": "truncated XML",
		"<smses count='1'><" + strings.Repeat("x", 257) + "/>": "malformed XML",
	} {
		_, _, err := convert.All(context.Background(), convert.SMS, files("x.xml", text), "x.xml", convert.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestSMSDetect(t *testing.T) {
	for text, want := range map[string]bool{
		exported("sms/" + smsName)[:400]:           true,
		exported("sms/" + callsName)[:200]:         true,
		"\uFEFF<smses>":                            true,
		"<smses count=\"1\" backup_set":            false, // not even one tag
		"<calls/>":                                 false,
		"<html><smses count=\"1\"></smses></html>": false,
		"smses":               false,
		"{\"a\":\"<smses>\"}": false,
	} {
		if kind, _ := convert.Detect("x.xml", []byte(text)); (kind == convert.SMS) != want {
			t.Errorf("%.60q is %q", text, kind)
		}
	}
}

// TestSMSData decodes contents in every form that they may have.
func TestSMSData(t *testing.T) {
	for data, want := range map[string]string{
		"QUJD": "ABC", "QUI=": "AB", "QUI": "AB", "QQ": "A", "Q": "", "": "", "null": "",
		"Q U\nJ\tD": "ABC", "QU&#10;JD&#13;&#10;": "ABC", "QU=JD": "A$", "Q*U!JD": "ABC",
		base64.StdEncoding.EncodeToString([]byte(strings.Repeat("xyz", 99_999))): strings.Repeat("xyz", 99_999),
	} {
		text := smsXML(`<mms address="1" date="1715925600000" msg_box="1"><parts><part ct="image/png" data="` + data + `"/></parts></mms>`)
		vcons, report := all(t, convert.SMS, files("x.xml", text), "x.xml", convert.Options{})
		got := ""
		if report.Contents > 0 {
			got = contentOf(t, vcons[0].Contents[0], 0)
		}
		if got != want || (report.Mended[convert.NotBase64] > 0) != strings.ContainsAny(data, "*!") {
			t.Errorf("%.40q is %.40q, want %.40q; %v", data, got, want, report.Mended)
		}
	}
}

// goldenSMS has every kind of record of one conversation.
const goldenSMS = `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<smses count="9">
<sms address="+49 170 5550101" date="1715925600000" type="1" subject="null" body="Tonight? &#55357;&#56832;" contact_name="Mara Lind"/>
<sms address="+491705550101" date="1715925660000" type="2" subject="null" body="Yes &amp; gladly" contact_name="Mara Lind"/>
<sms address="+491705550101" date="1715925660000" type="2" subject="null" body="Yes &amp; gladly" contact_name="Mara Lind"/>
<sms address="+491705550101" date="1715925720000" type="3" body="I will" contact_name="Mara Lind"/>
<sms address="+491705550101" date="1715925780000" type="5" subject="Tonight" body="Late &#55357;" contact_name="Mara Lind" new="1"/>
<mms date="1715936400000" msg_box="1" address="+491705550101" m_id="a" sub="null" m_type="132" contact_name="Mara Lind"><parts>
<part seq="-1" ct="application/smil" text="&lt;smil/&gt;"/><part ct="image/gif" name="dot.gif" data="R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"/>
<part ct="text/plain" text="A dot"/></parts><addrs><addr address="+491705550101" type="137"/><addr address="+491705550199" type="151"/></addrs></mms>
<mms date="1715943600000" msg_box="1" address="+491705550101" m_id="b" m_type="130" contact_name="Mara Lind"><parts/></mms>
<mms date="1715943660000" msg_box="1" address="+491705550101" m_id="c" m_type="134" contact_name="Mara Lind"><parts/></mms>
<call number="+491705550101" duration="72" date="1715926000000" type="1" presentation="1" contact_name="Mara Lind"/>
</smses>
`
