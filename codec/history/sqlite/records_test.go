package sqlite

import (
	"fmt"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

func TestRecordWords(t *testing.T) {
	name := func(row *uint32) string {
		if row == nil {
			return "somebody"
		}
		return fmt.Sprintf("P%d", *row)
	}
	for in, want := range map[string]string{
		`{"type":"recording"}`:                                                      "recording, no content",
		`{"type":"recording","duration":59.96,"parties":[3]}`:                       "recording, 1 min 0 s, from P3, no content",
		`{"type":"recording","duration":60}`:                                        "recording, 1 min 0 s, no content",
		`{"type":"recording","duration":3599.4}`:                                    "recording, 59 min 59 s, no content",
		`{"type":"recording","duration":3600}`:                                      "recording, 1 h 0 min, no content",
		`{"type":"recording","duration":-1}`:                                        "recording, no content",
		`{"type":"recording","duration":1e300}`:                                     "recording, no content",
		`{"type":"recording","duration":"long"}`:                                    "recording, no content",
		`{"type":"recording","parties":[[1,2],null,3],"url":"https://x/y"}`:         "recording, from P1 to P2, P3, content at https://x/y",
		`{"type":"recording","parties":[1,2],"originator":2}`:                       "recording, from P2 to P1, no content",
		`{"type":"recording","parties":[1,2,3,4,5,6,7,8,9]}`:                        "recording, from P1 to P2, P3, P4, P5, P6, P7, P8, P9, no content",
		`{"type":"recording","parties":[1,2,3,4,5,6,7,8,9,10]}`:                     "recording, from P1 to P2, P3, P4, P5, P6, P7, P8, P9, P10, no content",
		`{"type":"recording","parties":[1,2,3,4,5,6,7,8,9,10,11]}`:                  "recording, from P1 to P2, P3, P4, P5, P6, P7, P8, P9, 2 more, no content",
		`{"type":"recording","encoding":"base64url","body":"!"}`:                    "recording, content inside is not readable",
		`{"type":"transfer","transferee":1,"transferor":2,"transfer_target":[3,4]}`: "transfer of P1 to P3, P4 by P2",
		`{"type":"transfer","transfer-target":3}`:                                   "transfer of somebody to P3 by somebody",
		`{"type":"incomplete","disposition":"voicemail-no-message","parties":1}`:    "call not completed: voicemail no message, from P1",
		`{"type":"incomplete"}`:                                                     "call not completed: nobody says why",
		`{"type":"recording-set","parties":[1,2]}`:                                  "set of recordings, from P1 to P2",
		`{"type":"vcon","form":"encrypted","mediatype":"application/vcon"}`:         "an encrypted vCon, kept whole, application/vcon",
		`{"type":"vcon","form":7}`:                                                  "a signed vCon, kept whole, its signature not checked",
		`{"type":"x"}`:                                                              "record of the type x",
		`{"body":"a"}`:                                                              "record without a type, 1 bytes inside",
		`{"type":"x","party_history":[{"event":"mute","party":1},{"event":"keyup","party":1},{"event":"y"}]}`: "record of the type x\nP1 was muted\nP1 released a key\nsomebody: unknown event y",
	} {
		v, err := codec.DecodeJSON([]byte(`{"dialog":[` + in + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := recordWords(&v.Dialog[0], name); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
