package convert_test

import (
	"context"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// fuzzed converts and checks that the report adds up and each id verifies. What
// is parsed cannot be written back: logs hold less than a vCon.
func fuzzed(t *testing.T, kind convert.Kind, name string, pairs ...string) {
	report := &convert.Report{}
	for v, err := range convert.Convert(context.Background(), kind, files(pairs...), name, convert.Options{MaxMessages: 5}, report) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.AppendCBOR(nil); err != nil {
			t.Fatal(err)
		}
		for i := range v.Dialog {
			if d := &v.Dialog[i]; d.Type == "text" {
				if level, missing := mimi.Verify(d, v.Parties[*d.Originator].IMURI, v.Room.ID); level != mimi.Verified08 {
					t.Fatalf("dialog %d: %v %v", i, level, missing)
				}
			}
		}
	}
	checkReport(t, report)
}

// fuzzedJSON is fuzzed for a layout whose files are refused when they are no JSON,
// or truncated; never in another way.
func fuzzedJSON(t *testing.T, kind convert.Kind, name string, pairs ...string) {
	report := &convert.Report{}
	for v, err := range convert.Convert(context.Background(), kind, files(pairs...), name, convert.Options{MaxMessages: 5}, report) {
		if err != nil {
			if !strings.Contains(err.Error(), "JSON") {
				t.Fatal(err)
			}
			return
		}
		checkVCon(t, v.VCon)
		checkContents(t, v)
	}
	checkReport(t, report)
}

func FuzzIRC(f *testing.F) {
	f.Add(evening, "0 1 -\n1 3 -\n")
	f.Add("=== [A] ndy80 [n=a@b]  has joined #ubuntu\n[10:00]  * a b\n", "")
	f.Fuzz(func(t *testing.T, log, links string) {
		fuzzed(t, convert.IRC, day, day, log, "logs/2004-11-15_03.annotation.txt", links)
	})
}

func FuzzGitter(f *testing.F) {
	f.Add(archive)
	f.Fuzz(func(t *testing.T, text string) {
		fuzzed(t, convert.Gitter, "x.tsv", "x.tsv", text)
	})
}

func FuzzSMS(f *testing.F) {
	f.Add(exported("sms/" + smsName))
	f.Add(exported("sms/" + callsName))
	f.Add(`<smses count="1"><mms date="1" address="a~b~+1"><part ct="image/png" data="QUJD&#10;"/><addr type="137" address="b"/></mms></smses>`)
	f.Fuzz(func(t *testing.T, text string) {
		report := &convert.Report{}
		for v, err := range convert.Convert(context.Background(), convert.SMS, files("x.xml", text), "x.xml", convert.Options{MaxMessages: 5}, report) {
			if err != nil {
				if !strings.Contains(err.Error(), "XML") {
					t.Fatal(err)
				}
				return
			}
			checkVCon(t, v.VCon)
			checkContents(t, v)
		}
		checkReport(t, report)
	})
}

func FuzzWhatsApp(f *testing.F) {
	for _, name := range testdata.Glob("exports/whatsapp/*/*.txt") {
		f.Add(string(testdata.Read(name)))
	}
	f.Add("13.02.24, 10:00 - A: x\n14.02.24, 10:00 - A hat die Gruppe „x“ erstellt.\n")
	f.Fuzz(func(t *testing.T, text string) {
		const name = "WhatsApp Chat with A.txt"
		fuzzed(t, convert.WhatsApp, name, name, text, "IMG-20240110-WA0001.jpg", "a picture")
	})
}

func FuzzDetect(f *testing.F) {
	f.Add("x", evening)
	f.Add("x.tsv", archive)
	f.Fuzz(func(t *testing.T, name, text string) {
		kind, ok := convert.Detect(name, []byte(text))
		if ok != (kind != "") {
			t.Error("kind and ok differ")
		}
	})
}

func BenchmarkIRC(b *testing.B) {
	log := ""
	for range 500 {
		log += evening
	}
	fsys := files(day, log)
	b.ReportAllocs()
	var n uint64
	for b.Loop() {
		report := &convert.Report{}
		for _, err := range convert.Convert(context.Background(), convert.IRC, fsys, day, convert.Options{}, report) {
			if err != nil {
				b.Fatal(err)
			}
		}
		n += report.Messages
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
}
