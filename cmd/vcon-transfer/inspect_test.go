package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// inspected looks into one vCon in memory.
func inspected(t *testing.T, data string) *inspection {
	t.Helper()
	i := &inspection{}
	if err := i.readVCons(context.Background(), []vconFile{{r: strings.NewReader(data), size: int64(len(data))}}); err != nil {
		t.Fatal(err)
	}
	return i
}

func signedOf(payload []byte) string {
	return `{"payload":"` + base64.RawURLEncoding.EncodeToString(payload) + `","signatures":[{"protected":"e30","signature":"AA"}]}`
}

func compressed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestInspectSigned(t *testing.T) {
	vcon := func(size int) []byte {
		head := `{"vcon":"0.4.0","parties":[],"subject":"`
		return []byte(head + strings.Repeat("x", size-len(head)-2) + `"}`)
	}
	nested := func(n int) string {
		data := string(vcon(100))
		for range n {
			data = signedOf([]byte(data))
		}
		return data
	}
	for _, c := range []struct{ name, in, unread string }{
		{"plain", signedOf(vcon(100)), ""},
		{"compressed, as large as may be", signedOf(compressed(t, vcon(maxUnpacked))), "x"}, // its one parameter is too large
		{"compressed, too large", signedOf(compressed(t, vcon(maxUnpacked+1))), "larger than"},
		{"compressed and broken", signedOf([]byte{0x1f, 0x8b, 0}), "not readable"},
		{"no vCon", signedOf([]byte(`{"a":1}`)), "not a vCon"},
		{"no JSON", signedOf([]byte("hello")), "not a vCon"},
		{"no base64url", `{"payload":"!","signatures":[]}`, "not base64url"},
		{"too large", `{"payload":"` + strings.Repeat("QUJD", 3<<20) + `","signatures":[]}`, "too large"},
	} {
		i := inspected(t, c.in)
		if len(i.Sealed) != 1 || i.Opaque != "signed" || len(i.Problems) > 0 {
			t.Fatalf("%s: %+v", c.name, i)
		}
		x := i.Sealed[0]
		if c.unread == "x" {
			if x.Unverified == nil || len(x.Unverified.Problems) != 1 {
				t.Errorf("%s: %+v", c.name, x)
			}
			continue
		}
		if (x.Unverified == nil) != (c.unread != "") || !strings.Contains(x.Unread, c.unread) {
			t.Errorf("%s: %+v", c.name, x)
		}
	}
	// Signed again, as an archive does: so many times are looked into.
	for n, want := range map[int]bool{maxSealDeep: true, maxSealDeep + 1: false} {
		x := inspected(t, nested(n)).Sealed[0]
		for x.Unverified != nil && len(x.Unverified.Sealed) > 0 {
			x = x.Unverified.Sealed[0]
		}
		if (x.Unverified != nil) != want {
			t.Errorf("%d times signed: %+v", n, x)
		}
	}
}

func TestInspectKindsAreBounded(t *testing.T) {
	kinds := func(n int) *inspection {
		var b strings.Builder
		b.WriteString(`{"vcon":"0.4.0","dialog":[`)
		for i := range n {
			fmt.Fprintf(&b, `{"type":"t%d"},`, i)
		}
		return inspected(t, strings.TrimSuffix(b.String(), ",")+"]}")
	}
	if i := kinds(maxKinds); len(i.Records) != maxKinds || i.Records["record of another type"] != 0 {
		t.Errorf("%d kinds", len(i.Records))
	}
	if i := kinds(maxKinds + 2); len(i.Records) != maxKinds+1 || i.Records["record of another type"] != 2 {
		t.Errorf("%d kinds", len(i.Records))
	}
}

// Room and parties behind the dialogs are found all the same, and an id that comes
// twice has the place of the second.
func TestInspectInAnyOrder(t *testing.T) {
	const head, dialog = `"room":{"id":"mimi://a/r/b"},"parties":[{"im_uri":"mimi://a/r/b"},{"im_uri":"mimi://a/u/c"}]`,
		`"dialog":[{"type":"text","start":"2024-01-01T00:00:00Z","parties":[0],"originator":1,"message_id":"AA"},{"type":"text","start":"2024-01-02T00:00:00Z","parties":[9],"originator":1,"message_id":"AA"}]`
	for _, in := range []string{`{"vcon":"0.4.0",` + head + `,` + dialog + `}`, `{` + dialog + `,` + head + `,"vcon":"0.4.0"}`, `{"uuid":"u",` + dialog + `,"vcon":"0.4.0",` + head + `}`} {
		i := inspected(t, in)
		if len(i.Rooms) != 1 || i.Rooms[0].ID != "mimi://a/r/b" || i.Rooms[0].People != 1 || i.Rooms[0].Records != 2 || len(i.Version) != 1 || i.IDs["not derivable"] != 2 {
			t.Errorf("%s: %+v", in, i)
		}
		if len(i.Problems) != 2 || i.Problems[0].Pointer != "/dialog/1" || i.Problems[1].Pointer != "/dialog/1" {
			t.Errorf("%s: %+v", in, i.Problems)
		}
	}
}

// What is counted is the content that is there, not what the file says of it.
func TestInspectCountsContent(t *testing.T) {
	for _, c := range []struct {
		attachment    string
		content, size uint64
		problems      int
	}{
		{`{"body":"aGk","encoding":"base64url"}`, 1, 2, 0},
		{`{"body":"hi","encoding":"none"}`, 1, 2, 0},
		{`{"body":{"a":1}}`, 1, 7, 0},
		{`{"body":"aGk","encoding":"base64url","vcon_transfer":{"dialog":1}}`, 1, 2, 0},
		{`{"body":"aGk","encoding":"base64url","vcon_transfer":{"dialog":1,"size":9223372036854775808}}`, 1, 2, 0},
		{`{"body":"!","encoding":"base64url"}`, 0, 0, 1},
		{`{"vcon_transfer":{"size":9223372036854775808}}`, 0, 0, 0},
		{`{"url":"https://example.com/a","vcon_transfer":{"size":5}}`, 0, 0, 0},
	} {
		i := inspected(t, `{"vcon":"0.4.0","parties":[],"attachments":[`+c.attachment+`]}`)
		if got := *i.Attachments; got != (attachmentCounts{1, c.content, c.size}) || len(i.Problems) != c.problems {
			t.Errorf("%s: %+v, problems %v", c.attachment, got, i.Problems)
		}
	}
}
