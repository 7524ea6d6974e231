package convert_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

func TestIRCExcerpts(t *testing.T) {
	vcons, report := all(t, convert.IRC, testdata.FS, "irc", convert.Options{Room: "#ubuntu"})
	if len(vcons) != 3 || report.Records != 1250+1753+1500 || report.OtherFiles != 2 {
		t.Errorf("%d vCons, %+v", len(vcons), report)
	}
	if report.Replies+report.LeftLinks[convert.LinkFurther]+report.LeftLinks[convert.LinkToEvent] != 189+566+423 || report.Replies < 1000 {
		t.Errorf("replies: %+v", report)
	}
	if n := report.Left[convert.NotALogLine]; n != 0 {
		t.Errorf("%d lines were not understood", n)
	}
	for _, v := range vcons {
		if v.Room.ID != "mimi://irc.example/r/ubuntu" {
			t.Errorf("room %s", v.Room.ID)
		}
	}
	// Replies are to what people answered.
	first := vcons[0]
	at := make(map[codec.Binary]*codec.Dialog)
	shown := 0
	for i := range first.Dialog {
		d := &first.Dialog[i]
		at[d.MessageID] = d
		if d.InReplyTo == "" {
			continue
		}
		to := at[d.InReplyTo]
		if to == nil {
			t.Fatalf("dialog %d replies to nothing before it", i)
		}
		if nick := first.Parties[*to.Originator].Name; strings.Contains(mimi.PlainText(d), nick) {
			shown++
		}
	}
	if shown < 50 {
		t.Errorf("only %d replies name whom they answer", shown)
	}
}

func TestGitterExcerpts(t *testing.T) {
	vcons, report := all(t, convert.Gitter, testdata.FS, "gitter", convert.Options{})
	if len(vcons) != 5 || report.Messages != 1500 || report.Dropped() != 2 {
		t.Errorf("%d vCons, %+v", len(vcons), report)
	}
	multi, wide := 0, 0
	for _, v := range vcons {
		for i := range v.Dialog {
			text := mimi.PlainText(&v.Dialog[i])
			if strings.Contains(text, "\n") {
				multi++
			}
			if strings.IndexFunc(text, func(c rune) bool { return c > 127 }) >= 0 {
				wide++
			}
		}
	}
	if multi < 80 || wide < 400 {
		t.Errorf("%d messages of several lines, %d beyond ASCII", multi, wide)
	}
}

// TestExcerptsNameNobody looks for what the program that made them replaces.
func TestExcerptsNameNobody(t *testing.T) {
	mail := regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+`)
	address := regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	notAnybody := regexp.MustCompile(`^(127|0|10|192\.168|255|224|2\.6|2\.4|1|3|198\.51\.100)\.`)
	for _, name := range append(testdata.Glob("irc/*.raw.txt"), testdata.Glob("gitter/*.tsv")...) {
		text := string(testdata.Read(name))
		for _, s := range mail.FindAllString(text, -1) {
			if !strings.HasSuffix(strings.TrimRight(s, ".-"), ".example.net") && !strings.HasSuffix(s, "@example.net") {
				t.Errorf("%s: %s", name, s)
			}
		}
		for _, s := range address.FindAllString(text, -1) {
			if !notAnybody.MatchString(s) {
				t.Errorf("%s: %s", name, s)
			}
		}
	}
}

func TestExcerptsAreSmall(t *testing.T) {
	total := 0
	for _, pattern := range []string{"mimi/*/*", "irc/*", "gitter/*"} {
		for _, name := range testdata.Glob(pattern) {
			total += len(testdata.Read(name))
		}
	}
	if total > 1<<20 {
		t.Errorf("%d bytes", total)
	}
}
