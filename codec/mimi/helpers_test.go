package mimi_test

import (
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// through writes a dialog into a vCon and reads it back, once for each encoding
// that form names.
func through(t testing.TB, form string, d *codec.Dialog) *codec.Dialog {
	t.Helper()
	v := &codec.VCon{Version: "0.4.0", Dialog: []codec.Dialog{*d}}
	for _, name := range strings.Split(form, ", ") {
		var b []byte
		var err error
		switch name {
		case "CBOR":
			if b, err = v.AppendCBOR(nil); err == nil {
				v, err = codec.DecodeCBOR(b)
			}
		case "JSON":
			if b, err = v.AppendJSON(nil); err == nil {
				v, err = codec.DecodeJSON(b)
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return &v.Dialog[0]
}
