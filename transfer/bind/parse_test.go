package bind

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

func TestParse(t *testing.T) {
	r, err := ParseReceiveConfig(`{"folder":"f","no_lan":true,"relay_token":"t","state_key":"AAEC","qr_code":true,"offer_seconds":60}`)
	if want := (&ReceiveConfig{Folder: "f", NoLAN: true, RelayToken: "t", StateKey: []byte{0, 1, 2}, QRCode: true, OfferSeconds: 60}); err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, text := range []string{`{"sources":["a","b"],"max_messages":7}`, `{"sources":"[\"a\",\"b\"]","max_messages":7}`, `{"sources":"a\nb","rooms":null,"max_messages":7}`} {
		s, err := ParseSendConfig(text)
		if err != nil || s.MaxMessages != 7 {
			t.Errorf("%s: %+v, %v", text, s, err)
			continue
		}
		if all, err := list("Sources", s.Sources); err != nil || strings.Join(all, " ") != "a b" {
			t.Errorf("%s: %q, %v", text, all, err)
		}
	}
	for _, text := range []string{
		"", "{", "[]", "1", "{} {}", `{"Folders":""}`, `{"sources":1}`, `{"sources":{}}`, `{"offer":7}`, `{"state_key":"?"}`,
		`{"x":"` + strings.Repeat("x", maxList) + `"}`,
	} {
		if _, err := ParseSendConfig(text); host.CodeOf(err) != host.CodeUsage {
			t.Errorf("%.20s: %v", text, err)
		}
	}
	if _, err := ParseSendConfig(`{"offer":{"a":"SECRET"}}`); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

// Every field has its name in JSON, in small letters.
func TestFieldNames(t *testing.T) {
	for _, c := range []reflect.Type{reflect.TypeFor[ReceiveConfig](), reflect.TypeFor[SendConfig]()} {
		for i := range c.NumField() {
			f := c.Field(i)
			name := f.Tag.Get("json")
			if !strings.EqualFold(strings.ReplaceAll(name, "_", ""), f.Name) || name != strings.ToLower(name) {
				t.Errorf("%s is %q", f.Name, name)
			}
		}
	}
}
