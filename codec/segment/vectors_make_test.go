package segment

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// The conversations of the vectors.
const (
	vectorRoom = `{"vcon":"0.4.0","uuid":"0195544a-b9b1-8ee4-b9a2-279e0d16bc46","created_at":"2024-02-09T00:00:00Z",
"room":{"id":"mimi://example.com/r/engineering","name":"Engineering Team","subject":"what we build"},
"parties":[{"im_uri":"mimi://example.com/r/engineering","name":"Engineering Team"},
{"im_uri":"mimi://example.com/u/alice-smith","name":"Alice Smith","role":"admin"},
{"im_uri":"mimi://example.com/u/unused"},
{"im_uri":"mimi://example.com/u/bob-jones","name":"Bob Jones","level":3}],
"dialog":[
{"type":"text","start":"2024-02-08T22:13:45-00:00","duration":0,"parties":[0],"originator":1,"message_id":"AQIDBA","salt":"BAUG","mediatype":"text/markdown;charset=utf-8","encoding":"none","body":"We shipped release 2.0. __Good work__!"},
{"party_history":[{"party":3,"originator":1,"time":"2024-02-08T22:13:50Z","event":"add"}]},
{"type":"text","start":"2024-02-08T22:13:57Z","duration":0,"parties":[0],"originator":3,"message_id":"AQIDBQ","in_reply_to":"AQIDBA","disposition":"reaction","mediatype":"text/plain;charset=utf-8","encoding":"none","body":"\u2665"},
{"type":"text","parties":[0,3],"originator":1,"encoding":"none","body":"undated, without an id"},
{"type":"text","start":"2024-02-08T22:14:08Z","parties":[0],"originator":1,"message_id":"AQIDBg","replaces":"AQIDBA","encoding":"none","body":"We shipped!"},
{"type":"text","start":"2024-02-08T22:14:08Z","parties":[0],"originator":1,"message_id":"AQIDBg","replaces":"AQIDBA"},
{"type":"tombstone","start":"2024-02-08T22:15:00Z","message_id":"AQIDBw","status":"retracted"}],
"attachments":[{"start":"2024-02-08T22:16:00Z","party":3,"content_hash":"sha256:n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg","dialog_object_ref":"mid:AQIDBA:1@anon.invalid","mediatype":"image/png","filename":"picture.png","encoding":"base64url","body":"dGVzdA"},
{"start":"2024-02-08T22:16:01Z","party":1,"dialog_object_ref":"mid:AQIDBA:0@anon.invalid","mediatype":"text/plain","url":"https://example.com/notes.txt"}]}`

	vectorNoRoom = `{"vcon":"0.0.1","uuid":"0195544A-b9b1-8ee4-b9a2-279e0d16bc46","created_at":"2022-02-09T00:00:00Z",
"parties":[{"name":"Alice","imUri":"im:@alice@example.com"},{"name":"Bob","imUri":"im:@bob@example.com"}],
"dialog":[{},{"type":"text","start":"2022-02-08T22:13:45.000Z","parties":[0,1],"originator":1,"body":"hello"}]}`
)

// makeVectors makes every vector, without what fill computes.
func makeVectors(t *testing.T) map[string]*vector {
	t.Helper()
	m := map[string]*vector{
		"segments-room.json":    {Comment: "a room: messages, then roster", Source: json.RawMessage(vectorRoom)},
		"segments-no-room.json": {Comment: "a conversation without a room object; an empty dialog object", Source: json.RawMessage(vectorNoRoom)},
		"cut.json":              {Comment: "head i: key SHA-256(u64 i); size 200 + (first two bytes of the key mod 1000), or 100000 * (1 + i/500 mod 7) when i mod 500 is 499; instant i/3", Heads: 20_000},
	}
	page, err := AppendPage(nil, samplePage())
	if err != nil {
		t.Fatal(err)
	}
	m["page.json"] = &vector{Comment: "a room, two segments, two attachments, and a ledger", Parser: "page", Hex: hex.EncodeToString(page)}
	m["root.json"] = &vector{Comment: "the page of page.json", Root: &rootVector{
		Transfer: strings.Repeat("07", 32), Page: hex.EncodeToString(page), Hashes: strings.Repeat("aa", 32) + strings.Repeat("bb", 32)}}
	answer, err := AppendAnswer(nil, &Answer{Wants: []Want{{Need: true}, {Need: true, Offset: 1 << 20}, {Have: [32]byte{1}}, {}}})
	if err != nil {
		t.Fatal(err)
	}
	m["answer.json"] = &vector{Comment: "the segment, the attachment from 1 MiB on, the other is held, the roster is held", Parser: "answer", Hex: hex.EncodeToString(answer)}
	end, err := AppendEnd(nil, &End{Root: [32]byte{1}, Ledger: samplePage().Left})
	if err != nil {
		t.Fatal(err)
	}
	m["end.json"] = &vector{Comment: "root and ledger", Parser: "end", Hex: hex.EncodeToString(end)}

	for name, set := range map[string]func(*Page){
		"page-segment-twice":         func(p *Page) { p.Entries[4].Segment.ID = ID{1} },
		"page-attachment-first":      func(p *Page) { p.Entries = append(p.Entries[:1], p.Entries[2:]...) },
		"page-room-without-id":       func(p *Page) { p.Entries[0].Room.ID = "" },
		"page-span-backwards":        func(p *Page) { p.Entries[1].Segment.Last = -6 },
		"page-segment-too-long":      func(p *Page) { p.Entries[1].Segment.Bytes = MaxSegmentBytes + 1 },
		"page-ledger-does-not-count": func(p *Page) { p.Left.Source++ },
		"page-name-not-utf8":         func(p *Page) { p.Entries[0].Room.Name = "\xc3" },
	} {
		p := samplePage()
		set(p)
		b := codec.AppendArray(codec.AppendArray(nil, 2), len(p.Entries))
		for i := range p.Entries {
			b = p.Entries[i].append(b)
		}
		if b, err = appendLedger(b, &p.Left); err != nil {
			t.Fatal(err)
		}
		m["invalid-"+name+".json"] = &vector{Comment: "page.json with one thing wrong", Parser: "page", Hex: hex.EncodeToString(b)}
	}
	m["invalid-page-truncated.json"] = &vector{Comment: "page.json without its last byte", Parser: "page", Hex: hex.EncodeToString(page[:len(page)-1])}
	m["invalid-page-trailing.json"] = &vector{Comment: "page.json and one byte", Parser: "page", Hex: hex.EncodeToString(page) + "00"}
	m["invalid-page-long-head.json"] = &vector{Comment: "page.json, the first head in a longer form", Parser: "page", Hex: "9802" + hex.EncodeToString(page[1:])}
	m["invalid-answer-hash.json"] = &vector{Comment: "a hash of 31 bytes", Parser: "answer", Hex: "81581f" + strings.Repeat("01", 31)}
	m["invalid-end-root.json"] = &vector{Comment: "end.json with a root of no bytes", Parser: "end", Hex: "8240" + hex.EncodeToString(end[35:])}

	for name, set := range map[string]func(*codec.VCon){
		"party-index": func(v *codec.VCon) { v.Dialog[2].Parties = []uint32{99} },
		"order":       func(v *codec.VCon) { v.Dialog[3].Start = "2001-01-01T00:00:00Z" },
		"party-0":     func(v *codec.VCon) { v.Parties[0].IMURI = "mimi://example.com/r/other" },
		"event": func(v *codec.VCon) {
			v.Dialog[1].Type, v.Dialog[1].PartyHistory = "", []codec.PartyEvent{{Event: "add"}}
		},
		"attachment-content": func(v *codec.VCon) { v.Attachments[0].Body = codec.Body{Kind: codec.BodyText, Data: []byte("x")} },
		"critical":           func(v *codec.VCon) { v.Critical = []string{"x"} },
		"version":            func(v *codec.VCon) { v.Version = "0.5.0" },
		"no-kind":            func(v *codec.VCon) { v.Extra[Parameter] = codec.Raw{0xa0} },
	} {
		v := rawSegment(t)
		set(v)
		b, err := v.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		m["invalid-segment-"+name+".json"] = &vector{Comment: "a segment with one thing wrong", Parser: "segment", Hex: hex.EncodeToString(b)}
	}
	return m
}
