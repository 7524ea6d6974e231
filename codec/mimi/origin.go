package mimi

import "github.com/vcon-transfer/vcon-transfer/codec"

// OriginExtension is the name of our extension of MIMI messages (section 4.3): a
// map of texts, with what other messengers say of a message and MIMI has no
// field for. The names are those of Origin's fields.
const OriginExtension = "vcon_transfer"

// An Origin is what a converted message says besides its content. The zero value
// has no extension.
type Origin struct {
	EditedAt      string // edited_at: when the last version was written, RFC 3339
	ForwardedFrom string // forwarded_from: whose message it is, a name
	Kind          string // kind: what it was, for instance "poll", when MIMI knows only text
}

// Extensions is the extensions map that holds o, nil for the zero value.
func (o Origin) Extensions() RawMap {
	// In the order of deterministic encoding: shorter names first.
	fields := []struct{ name, value string }{
		{"kind", o.Kind}, {"edited_at", o.EditedAt}, {"forwarded_from", o.ForwardedFrom},
	}
	n := 0
	for _, f := range fields {
		if f.value != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	b := codec.AppendText(codec.AppendHead(nil, majorMap, 1), OriginExtension)
	b = codec.AppendHead(b, majorMap, uint64(n))
	for _, f := range fields {
		if f.value != "" {
			b = codec.AppendText(codec.AppendText(b, f.name), f.value)
		}
	}
	return b
}

// OriginOf reads our extension of a dialog; the zero value when there is none.
func OriginOf(d *codec.Dialog) (o Origin) {
	raw, ok := d.Extensions.Bytes()
	if !ok || len(raw) == 0 {
		return o
	}
	var all map[any]codec.Raw
	if codec.Raw(raw).Decode(&all) != nil {
		return o
	}
	var own map[string]string
	if item, ok := all[OriginExtension]; !ok || item.Decode(&own) != nil {
		return o
	}
	return Origin{EditedAt: own["edited_at"], ForwardedFrom: own["forwarded_from"], Kind: own["kind"]}
}
