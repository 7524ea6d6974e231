package codec

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// TestUpgradeRows has one case for each row of the tables of old forms, and for
// what must stay as it is.
func TestUpgradeRows(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", `{}`, `{"vcon":"0.4.0"}`},
		{"version", `{"vcon":"0.0.1"}`, `{"vcon":"0.4.0"}`},
		{"must_support", `{"must_support":["a"]}`, `{"vcon":"0.4.0","critical":["a"]}`},
		{"must_support beside critical", `{"must_support":["a"],"critical":["b"]}`, `{"vcon":"0.4.0","must_support":["a"],"critical":["b"]}`},
		{"appended", `{"appended":{"uuid":"u"}}`, `{"vcon":"0.4.0","amended":{"uuid":"u"}}`},
		{"imUri", `{"parties":[{"imUri":"im:a"}]}`, `{"vcon":"0.4.0","extensions":["mimi-messages"],"parties":[{"im_uri":"im:a"}]}`},
		{"imUri null", `{"parties":[{"imUri":null}]}`, `{"vcon":"0.4.0","parties":[{"im_uri":null}]}`},
		{"extensions kept", `{"extensions":["x"],"room":{"id":"r"}}`, `{"vcon":"0.4.0","extensions":["x","mimi-messages"],"room":{"id":"r"}}`},
		{"extension there", `{"extensions":["mimi-messages"],"room":{"id":"r"}}`, `{"vcon":"0.4.0","extensions":["mimi-messages"],"room":{"id":"r"}}`},
		{"extensions of another form", `{"extensions":["","x"],"room":{"id":"r"}}`, `{"vcon":"0.4.0","extensions":["","x"],"room":{"id":"r"}}`},
		{"extensions null", `{"extensions":null,"room":{"id":"r"}}`, `{"vcon":"0.4.0","extensions":["mimi-messages"],"room":{"id":"r"}}`},
		{"welcome by oneself", `{"dialog":[{"party_history":[{"event":"welcome","party":1,"originator":1},{"event":"welcome","party":1,"originator":0}]}]}`,
			`{"vcon":"0.4.0","dialog":[{"party_history":[{"event":"self_add","party":1,"originator":1},{"event":"add","party":1,"originator":0}]}]}`},
		{"messageId", `{"dialog":[{"messageId":"AAAA"}]}`, `{"vcon":"0.4.0","dialog":[{"message_id":"AAAA"}]}`},
		{"inReplyTo text", `{"dialog":[{"inReplyTo":"AAAA"}]}`, `{"vcon":"0.4.0","dialog":[{"in_reply_to":"AAAA"}]}`},
		{"inReplyTo object", `{"dialog":[{"inReplyTo":{"messageId":"AAAA"}}]}`, `{"vcon":"0.4.0","dialog":[{"in_reply_to":"AAAA"}]}`},
		{"in_reply_to object", `{"dialog":[{"in_reply_to":{"messageId":"AAAA"}}]}`, `{"vcon":"0.4.0","dialog":[{"in_reply_to":"AAAA"}]}`},
		{"inReplyTo with more", `{"dialog":[{"inReplyTo":{"messageId":"AAAA","hash":1}}]}`, `{"vcon":"0.4.0","dialog":[{"inReplyTo":{"messageId":"AAAA","hash":1}}]}`},
		{"topicId", `{"dialog":[{"topicId":"AAAA"}]}`, `{"vcon":"0.4.0","dialog":[{"topic_id":"AAAA"}]}`},
		{"mimetype", `{"dialog":[{"mimetype":"text/plain","body":"x"}]}`, `{"vcon":"0.4.0","dialog":[{"mediatype":"text/plain","encoding":"none","body":"x"}]}`},
		{"both spellings", `{"dialog":[{"mimetype":"a/b","mediatype":"c/d"}]}`, `{"vcon":"0.4.0","dialog":[{"mimetype":"a/b","mediatype":"c/d"}]}`},
		{"null beside", `{"dialog":[{"mimetype":"a/b","mediatype":null}]}`, `{"vcon":"0.4.0","dialog":[{"mimetype":"a/b","mediatype":null}]}`},
		{"body null", `{"dialog":[{"body":null,"replaces":"AAAA"}]}`, `{"vcon":"0.4.0","dialog":[{"replaces":"AAAA"}]}`},
		{"body object", `{"dialog":[{"body":{"a":1}}]}`, `{"vcon":"0.4.0","dialog":[{"body":{"a":1}}]}`},
		{"encoding null", `{"dialog":[{"encoding":null,"body":"x"}]}`, `{"vcon":"0.4.0","dialog":[{"encoding":null,"body":"x"}]}`},
		{"expiring", `{"dialog":[{"expiring":{"relative":false,"expires":"2022-02-08T22:59:06Z"}}]}`, `{"vcon":"0.4.0","dialog":[{"expires":{"relative":false,"absolute_time":"2022-02-08T22:59:06Z"}}]}`},
		{"expiring, relative", `{"dialog":[{"expiring":{"relative":true,"expires":60}}]}`, `{"vcon":"0.4.0","dialog":[{"expires":{"relative":true,"relative_time":60}}]}`},
		{"expiring in today's form", `{"dialog":[{"expiring":{"relative":true,"relative_time":60}}]}`, `{"vcon":"0.4.0","dialog":[{"expires":{"relative":true,"relative_time":60}}]}`},
		{"expiring, no object", `{"dialog":[{"expiring":"soon"}]}`, `{"vcon":"0.4.0","dialog":[{"expiring":"soon"}]}`},
		{"transfer", `{"dialog":[{"transfer-target":1,"target-dialog":[2]}]}`, `{"vcon":"0.4.0","dialog":[{"transfer_target":1,"target_dialog":[2]}]}`},
		{"signature", `{"dialog":[{"url":"u","alg":"SHA-512","signature":"abc"}]}`, `{"vcon":"0.4.0","dialog":[{"url":"u","content_hash":"sha512-abc"}]}`},
		{"signature of another kind", `{"dialog":[{"url":"u","alg":"lm-ots","signature":"abc"}]}`, `{"vcon":"0.4.0","dialog":[{"url":"u","alg":"lm-ots","signature":"abc"}]}`},
		{"signature without alg", `{"dialog":[{"signature":"abc"}]}`, `{"vcon":"0.4.0","dialog":[{"signature":"abc"}]}`},
		{"external part", `{"dialog":[{"external_part":{"mimetype":"a/b"}}]}`, `{"vcon":"0.4.0","dialog":[{"external_part":{"mediatype":"a/b"}}]}`},
		{"parts", `{"dialog":[{"multi_part":{"parts":[{"mimetype":"a/b","body":"x"},{"multi_part":{"parts":[{"external_part":{"mimeType":"c/d"}}]}}]}}]}`,
			`{"vcon":"0.4.0","dialog":[{"multi_part":{"parts":[{"mediatype":"a/b","encoding":"none","body":"x"},{"multi_part":{"parts":[{"external_part":{"mediatype":"c/d"}}]}}]}}]}`},
		{"attachment", `{"attachments":[{"mimetype":"a/b","body":"x"},{"mimetype":7}]}`, `{"vcon":"0.4.0","attachments":[{"mediatype":"a/b","encoding":"none","body":"x"},{"mediatype":7}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := must(DecodeJSON([]byte(tt.in)))(t)
			before := must(v.AppendCBOR(nil))(t)
			u := v.Upgraded()
			if err := sameJSON(t, []byte(tt.want), must(u.AppendJSON(nil))(t)); err != nil {
				t.Error(err)
			}
			c := must(u.AppendCBOR(nil))(t)
			if w := must(must(DecodeCBOR(c))(t).AppendCBOR(nil))(t); !bytes.Equal(w, c) {
				t.Error("the upgraded model is not what a reader makes of it")
			}
			if again := must(u.Upgraded().AppendCBOR(nil))(t); !bytes.Equal(again, c) {
				t.Error("not idempotent")
			}
			if !bytes.Equal(must(v.AppendCBOR(nil))(t), before) {
				t.Error("the receiver was changed")
			}
		})
	}
}

func TestUnsupportedCritical(t *testing.T) {
	for in, want := range map[string][]string{
		`{}`:                    nil,
		`{"critical":["mimi"]}`: nil,
		`{"critical":["mimi","x"],"must_support":["y","mimi"]}`: {"x", "y"},
		`{"critical":[]}`:      nil,
		`{"critical":null}`:    nil,
		`{"critical":[1]}`:     {"critical"},
		`{"must_support":"x"}`: {"must_support"},
		`{"critical":[""]}`:    {""},
	} {
		got := must(DecodeJSON([]byte(in)))(t).UnsupportedCritical("mimi")
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestSet(t *testing.T) {
	v := new(VCon)
	for _, tt := range []struct{ name, value string }{
		{"vcon", `"0.4.0"`}, {"subject", `"s"`}, {"room", `{"id":"r"}`}, {"dialog", `[]`}, {"analysis", `[{"b":1,"a":[]}]`},
		{"created_at", `"2022-02-08T22:13:45Z"`}, {"extensions", `["x"]`}, {"critical", `[]`},
	} {
		if err := v.Set(tt.name, must(RawOfJSON([]byte(tt.value)))(t)); err != nil {
			t.Error(err)
		}
	}
	if v.Version != "0.4.0" || v.Room == nil || v.Room.ID != "r" || len(v.Extra) != 3 || v.CreatedAt == "" {
		t.Errorf("%+v", v)
	}
	for _, bad := range []Raw{nil, {}, {0x61}, {0x00, 0x00}, {0xa2, 0x00, 0x00, 0x00, 0x00}} {
		if err := v.Set("zz", bad); err == nil {
			t.Errorf("%x: no error", []byte(bad))
		}
	}
	if err := v.Set("subject", Raw{0x61, 0xff}); err == nil {
		t.Error("no error")
	}
}

func TestAppendErrors(t *testing.T) {
	text := AppendText(nil, "x")
	for _, tt := range []struct {
		name string
		v    VCon
		want string
	}{
		{"bad UTF-8", VCon{Dialog: []Dialog{{}, {Type: "a\xff"}}}, "/dialog/1/type: invalid UTF-8"},
		{"bad UTF-8 in a date", VCon{CreatedAt: "\xff"}, "/created_at: invalid UTF-8"},
		{"bad UTF-8 in an id", VCon{Dialog: []Dialog{{Salt: "\xff"}}}, "/dialog/0/salt: invalid UTF-8"},
		{"bad UTF-8 in a body", VCon{Dialog: []Dialog{{Body: Body{BodyText, []byte("\xff")}}}}, "/dialog/0/body: invalid UTF-8"},
		{"bytes without encoding", VCon{Dialog: []Dialog{{Body: Body{BodyBytes, nil}}}}, "/dialog/0/body: a body of bytes needs the encoding base64url"},
		{"bytes without encoding, attachment", VCon{Attachments: []Attachment{{Body: Body{BodyBytes, nil}}}}, "/attachments/0/body: a body of bytes needs the encoding base64url"},
		{"bytes without encoding, part", VCon{Dialog: []Dialog{{MultiPart: &MultiPart{Parts: []Part{{Body: Body{BodyBytes, nil}}}}}}}, "/dialog/0/multi_part/parts/0/body: a body of bytes needs the encoding base64url"},
		{"empty name of an extension", VCon{Extensions: []string{"a", ""}}, "/extensions/1: empty text in a list"},
		{"bad UTF-8 in a list", VCon{Critical: []string{"\xff"}}, "/critical/0: invalid UTF-8"},
		{"twice", VCon{Subject: "a", Extra: Fields{"subject": text}}, "/subject: given twice: in its field and in Extra"},
		{"bad name", VCon{Extra: Fields{"a\xff": text}}, "/*: invalid UTF-8"},
		{"broken raw", VCon{Extra: Fields{"analysis": Raw{0x61}}}, "/analysis: byte 0: truncated CBOR: declared length exceeds the input"},
		{"two raws", VCon{Extra: Fields{"analysis": Raw{0x00, 0x00}}}, "/analysis: byte 1: trailing bytes"},
		{"no raw", VCon{Extra: Fields{"analysis": nil}}, "/analysis: byte 0: truncated CBOR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for what, f := range map[string]func([]byte) ([]byte, error){"cbor": tt.v.AppendCBOR, "json": tt.v.AppendJSON} {
				_, err := f(nil)
				if err == nil {
					t.Fatalf("%s: no error", what)
				}
				if got := strings.TrimPrefix(err.Error(), "vcon: "); got != tt.want {
					t.Errorf("%s: got  %s\nwant %s", what, got, tt.want)
				}
			}
		})
	}
}

// TestEmptyExtraYields: an empty value in Extra gives way to a field that was
// set since.
func TestEmptyExtraYields(t *testing.T) {
	v := must(DecodeJSON([]byte(`{"subject":"","parties":[],"dialog":null,"attachments":[],"room":{},"uuid":null,"x":null}`)))(t)
	v.Subject, v.Parties, v.Dialog, v.UUID = "s", []Party{{Name: "n"}}, []Dialog{{Type: "text"}}, "u"
	want := `{"subject":"s","parties":[{"name":"n"}],"dialog":[{"type":"text"}],"attachments":[],"room":{},"uuid":"u","x":null}`
	if err := sameJSON(t, []byte(want), must(v.AppendJSON(nil))(t)); err != nil {
		t.Error(err)
	}
	c := must(v.AppendCBOR(nil))(t)
	if err := sameJSON(t, []byte(want), must(must(DecodeCBOR(c))(t).AppendJSON(nil))(t)); err != nil || !IsCanonical(c) {
		t.Error(err)
	}
}

func TestAppendTo(t *testing.T) {
	prefix := []byte("prefix")
	v := sampleVCon(30)
	c := must(v.AppendCBOR(bytes.Clone(prefix)))(t)
	j := must(v.AppendJSON(bytes.Clone(prefix)))(t)
	if !bytes.HasPrefix(c, prefix) || !bytes.HasPrefix(j, prefix) {
		t.Fatal("prefix lost")
	}
	if w := must(DecodeCBOR(c[len(prefix):]))(t); len(w.Dialog) != 30 {
		t.Error(len(w.Dialog))
	}
	if w := must(DecodeJSON(j[len(prefix):]))(t); len(w.Dialog) != 30 {
		t.Error(len(w.Dialog))
	}
}

func TestElements(t *testing.T) {
	v := must(DecodeCBOR(readFile(t, "../testdata/vectors/codec/engineering-team.cbor")))(t)
	for i := range v.Dialog {
		b := must(AppendDialogCBOR(nil, &v.Dialog[i]))(t)
		if again := must(AppendDialogCBOR(nil, must(DecodeDialogCBOR(b))(t)))(t); !bytes.Equal(again, b) {
			t.Errorf("dialog %d", i)
		}
		if j := must(AppendDialogJSON(nil, &v.Dialog[i]))(t); !bytes.Equal(must(RawOfJSON(j))(t)[:1], b[:1]) {
			t.Errorf("dialog %d as JSON", i)
		}
	}
	for i := range v.Parties {
		b := must(AppendPartyCBOR(nil, &v.Parties[i]))(t)
		if again := must(AppendPartyCBOR(nil, must(DecodePartyCBOR(b))(t)))(t); !bytes.Equal(again, b) {
			t.Errorf("party %d", i)
		}
		parseJSON(t, must(AppendPartyJSON(nil, &v.Parties[i]))(t))
	}
	b := must(AppendRoomCBOR(nil, v.Room))(t)
	if again := must(AppendRoomCBOR(nil, must(DecodeRoomCBOR(b))(t)))(t); !bytes.Equal(again, b) {
		t.Error("room")
	}
	parseJSON(t, must(AppendRoomJSON(nil, v.Room))(t))
	a := Attachment{Filename: "f", Encoding: EncodingBase64URL, Body: Body{BodyBytes, []byte{1}}}
	b = must(AppendAttachmentCBOR(nil, &a))(t)
	if again := must(AppendAttachmentCBOR(nil, must(DecodeAttachmentCBOR(b))(t)))(t); !bytes.Equal(again, b) {
		t.Error("attachment")
	}
	parseJSON(t, must(AppendAttachmentJSON(nil, &a))(t))
}

func TestRaw(t *testing.T) {
	type inner struct {
		B int `cbor:"b"`
		A Raw `cbor:"a"`
	}
	raw := must(RawOf(map[string]any{"zz": 1.0, "b": []int{1}, "in": inner{2, Raw{0x80}}}))(t)
	if want := "\xa3\x61b\x81\x01\x62in\xa2\x61a\x80\x61b\x02\x62zz\xf9\x3c\x00"; string(raw) != want {
		t.Errorf("%x", []byte(raw))
	}
	var back struct {
		In inner `cbor:"in"`
		ZZ float64
		zz int
	}
	if err := raw.Decode(&back); err != nil || back.In.B != 2 || !bytes.Equal(back.In.A, []byte{0x80}) || back.ZZ != 0 || back.zz != 0 {
		t.Errorf("%+v %v", back, err)
	}
	if _, err := RawOf(make(chan int)); err == nil {
		t.Error("no error")
	}
	if _, err := RawOf([]Raw{{0x61}}); err == nil {
		t.Error("no error")
	}
	var n int
	for _, bad := range []Raw{nil, {0x61}, {0x60}, {0xa2, 0x01, 0x01, 0x01, 0x01}} {
		var m map[int]int
		if bad.Decode(&n) == nil || bad.Decode(&m) == nil {
			t.Errorf("%x: no error", []byte(bad))
		}
	}
	for in, ok := range map[string]bool{"\x18\x01": false, "\x01": true, "\xa2\x61b\x00\x61a\x00": false, "\x01\x01": false, "": false, "\xa2\x00\x00\x00\x00": false} {
		if IsCanonical([]byte(in)) != ok {
			t.Errorf("%x: canonical is %v", in, !ok)
		}
	}
	for _, bad := range []string{"", "{", "1 2", `"\ud800"`} {
		if _, err := RawOfJSON([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if _, err := IndentJSON([]byte("{")); err == nil {
		t.Error("no error")
	}
}
