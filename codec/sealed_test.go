package codec

import (
	"reflect"
	"testing"
)

func TestSealOf(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     *Seal
	}{
		{"unsigned", `{"vcon":"0.4.0","parties":[]}`, nil},
		{"nothing", `{}`, nil},
		{"payload alone", `{"payload":"e30"}`, nil},
		{"recipients alone", `{"recipients":[]}`, nil},
		{"unsigned beside a payload", `{"payload":"e30","signatures":[],"analysis":[]}`, nil},
		{"general JWS", `{"payload":"e30","signatures":[{"protected":"eyJhbGciOiJFUzI1NiJ9","header":{"x5c":["a"],"uuid":"u","alg":"none"}},{"header":{"alg":"RS256","x5u":"https://x"}}]}`,
			&Seal{UUID: "u", Algorithms: []string{"ES256", "RS256"}, Chains: 1, ChainURLs: 1, Payload: Raw("\x63e30")}},
		{"flattened JWS", `{"payload":"e30","protected":"eyJhbGciOiJFUzI1NiJ9","signature":"AA"}`, &Seal{Algorithms: []string{"ES256"}, Payload: Raw("\x63e30")}},
		{"headers of another form", `{"payload":7,"signatures":[null,{"protected":"!","header":[]},{"protected":"AA"}]}`, &Seal{Algorithms: []string{"", "", ""}, Payload: Raw("\x07")}},
		{"signatures of another form", `{"payload":"e30","signatures":"x"}`, &Seal{Algorithms: []string{""}, Payload: Raw("\x63e30")}},
		{"general JWE", `{"ciphertext":"AA","unprotected":{"uuid":"u","enc":"A256CBC-HS512"},"recipients":[{"header":{"alg":"RSA-OAEP"}},{"header":{"alg":"ECDH-ES"}}]}`,
			&Seal{Encrypted: true, UUID: "u", Encryption: "A256CBC-HS512", Algorithms: []string{"RSA-OAEP", "ECDH-ES"}}},
		{"flattened JWE", `{"ciphertext":"AA","header":{"alg":"dir","enc":"A128GCM"}}`, &Seal{Encrypted: true, Encryption: "A128GCM", Algorithms: []string{"dir"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := must(DecodeJSON([]byte(tt.in)))(t)
			names := parseJSON(t, []byte(tt.in)).(map[string]any)
			got := SealOf(v, func(name string) bool { _, ok := names[name]; return ok })
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
	for in, want := range map[string]string{"e30": "{}", "e30=": "{}", " e3 0": "{}"} {
		if got, ok := (&Seal{Payload: AppendText(nil, in)}).Content(); !ok || string(got) != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	for _, bad := range []Raw{nil, {0x07}, AppendText(nil, "!")} {
		if _, ok := (&Seal{Payload: bad}).Content(); ok {
			t.Errorf("%x has content", []byte(bad))
		}
	}
}
