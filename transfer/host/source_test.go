package host

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// manySource is a room with so many messages, in several segments, and three pictures.
func manySource(t *testing.T, messages int) transfer.Source {
	t.Helper()
	return history.NewSource(history.FromVCons([]*codec.VCon{manyVCon(messages)}), history.SourceOptions{})
}

// manyVCon is that room.
func manyVCon(messages int) *codec.VCon {
	const room = "mimi://example.com/r/many"
	v := &codec.VCon{Version: codec.Version, Room: &codec.Room{ID: room, Name: "Many"}, Parties: []codec.Party{
		{IMURI: room}, {IMURI: "mimi://example.com/u/alice", Name: "Alice"}, {IMURI: "mimi://example.com/u/bob", Name: "Bob"},
	}}
	begin := time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	for i := range messages {
		sum := sha256.Sum256(fmt.Append(nil, room, i))
		sum[0] = 1
		d := codec.Dialog{
			Type: "text", Start: codec.Date(begin.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)),
			Duration: new(uint64), Parties: []uint32{0}, Originator: new(uint32(1 + i%2)), MessageID: codec.BinaryOf(sum[:]),
			MediaType: "text/plain", Encoding: codec.EncodingNone, Body: codec.Body{Kind: codec.BodyText, Data: fmt.Appendf(nil, "message %d", i)},
		}
		v.Dialog = append(v.Dialog, d)
		if i%700 == 0 {
			v.Attachments = append(v.Attachments, codec.Attachment{
				Party: new(uint32(1)), MediaType: "image/png", Filename: "../../picture.png", Start: d.Start,
				DialogObjectRef: "mid:" + string(d.MessageID) + ":0@anon.invalid", Encoding: codec.EncodingBase64URL,
				Body: codec.Body{Kind: codec.BodyBytes, Data: []byte(strings.Repeat(fmt.Sprint("picture ", i), 5000))},
			})
		}
	}
	return v
}
