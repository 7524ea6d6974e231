package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// contents lists the attachments of what is shown.
func (v *viewer) contents(ctx context.Context, ids []int64, entries map[int64]*entry) error {
	for _, id := range ids {
		e := entries[id]
		if e == nil || e.shown == nil || e.m.Deleted || e.m.Expired {
			continue
		}
		list := attachmentsOf(e.shown, e.attached)
		if len(list) == 0 {
			continue
		}
		if err := eachRow(ctx, v.db, "SELECT part, size, filename, declared, sha256, sha512 FROM attachments WHERE room = ? AND message_id = ?",
			[]any{e.room, e.shownID}, func(rows *sql.Rows) error {
				var c content
				if err := rows.Scan(&c.part, &c.size, &c.filename, &c.declared, &c.sha256, &c.sha512); err != nil {
					return err
				}
				for i := range list {
					list[i].found(c)
				}
				return nil
			}); err != nil {
			return err
		}
		for i := range list {
			a := &list[i]
			if a.Have {
				if ok, err := v.s.files.holds(a.SHA256[:], a.Size); err != nil {
					return err
				} else if !ok {
					a.Have, a.Hash = false, HashUnchecked
				} else {
					a.Path = v.s.files.path(hex.EncodeToString(a.SHA256[:]))
				}
			}
			e.m.Attachments = append(e.m.Attachments, a.Attachment)
		}
	}
	return nil
}

// An attached is an attachment of a message, with what its hash can be compared
// with.
type attached struct {
	Attachment
	declared  []string // hashes of the content, or of what is at its URL
	encrypted bool     // what is at its URL is ciphertext
	filename  string   // of the vCon's attachment, as in a manifest
	hash      string   // likewise
	sized     bool
}

// A content is one that the store holds, as its row says.
type content struct {
	part, size         uint64
	filename, declared string
	sha256, sha512     []byte
}

// attachmentsOf lists what a message refers to: the attachments that the vCon
// has, and the external parts of which it has none.
func attachmentsOf(d *codec.Dialog, as []codec.Attachment) []attached {
	var out []attached
	external := map[uint64]*codec.ExternalPart{}
	var order []uint64
	eachExternal(d, func(part uint64, x *codec.ExternalPart) {
		if external[part] == nil {
			external[part] = x
			order = append(order, part)
		}
	})
	seen := map[uint64]bool{}
	for i := range as {
		a := &as[i]
		_, part, _ := segment.ParseRef(a.DialogObjectRef)
		size, sized := segment.SizeOf(a)
		c := attached{
			Attachment: Attachment{Name: a.Filename, MediaType: a.MediaType, Part: part, Size: size},
			declared:   hashesOf(a.ContentHash, a.Extra), filename: a.Filename, hash: a.ContentHash, sized: sized,
		}
		if x := external[part]; x != nil {
			seen[part] = true
			c.from(x)
		}
		out = append(out, c)
	}
	for _, part := range order {
		if !seen[part] {
			c := attached{Attachment: Attachment{Part: part}}
			c.from(external[part])
			out = append(out, c)
		}
	}
	return out
}

// from takes over what an external part says.
func (a *attached) from(x *codec.ExternalPart) {
	if a.Name == "" {
		a.Name = x.Filename
	}
	if a.MediaType == "" {
		a.MediaType = x.MediaType
	}
	if a.Size == 0 && x.Size != nil {
		a.Size = *x.Size
	}
	a.encrypted = x.EncAlg != nil && *x.EncAlg != 0 || x.Key != ""
	a.declared = append(a.declared, hashesOf(x.ContentHash, x.Extra)...)
	if x.CacheRef != "" {
		a.declared = append(a.declared, x.CacheRef)
	}
}

// eachExternal calls f with every external part and its part index.
func eachExternal(d *codec.Dialog, f func(part uint64, x *codec.ExternalPart)) {
	if d.ExternalPart != nil {
		f(0, d.ExternalPart)
	}
	var walk func(m *codec.MultiPart)
	walk = func(m *codec.MultiPart) {
		for i := range m.Parts {
			p := &m.Parts[i]
			if p.ExternalPart != nil && p.PartIndex != nil {
				f(*p.PartIndex, p.ExternalPart)
			}
			if p.MultiPart != nil {
				walk(p.MultiPart)
			}
		}
	}
	if d.MultiPart != nil {
		walk(d.MultiPart)
	}
}

// hashesOf lists declared hashes: one, or an array of them (vcon-core).
func hashesOf(one string, extra codec.Fields) []string {
	var out []string
	if one != "" {
		out = append(out, one)
	}
	if raw, ok := extra["content_hash"]; ok {
		var many []string
		if raw.Decode(&many) == nil {
			out = append(out, many...)
		}
	}
	return out
}

// found takes a content over if it is this attachment's.
func (a *attached) found(c content) {
	if a.Have || c.part != a.Part || a.sized && (c.size != a.Size || c.filename != a.filename || c.declared != a.hash) {
		return
	}
	a.Have, a.Size = true, c.size
	copy(a.SHA256[:], c.sha256)
	a.Hash = a.check(c)
}

// check compares the declared hashes with those of the content. Any that matches
// is enough: the others may be of the ciphertext, which is not kept.
func (a *attached) check(c content) HashCheck {
	differs := false
	for _, h := range a.declared {
		var sum []byte
		switch name, text := splitHash(h); name {
		case "sha256", "sha-256":
			sum, h = c.sha256, text
		case "sha512", "sha-512":
			sum, h = c.sha512, text
		}
		if sum == nil {
			continue
		}
		if h == base64.RawURLEncoding.EncodeToString(sum) {
			return HashMatches
		}
		differs = true
	}
	if differs && !a.encrypted {
		return HashMismatch
	}
	return HashUnchecked
}

// splitHash parts the name of a hash from its value: MIMI writes "sha256:" and
// vCon "sha512-".
func splitHash(h string) (name, text string) {
	if name, text, ok := strings.Cut(h, ":"); ok {
		return name, text
	}
	for _, name := range []string{"sha512", "sha256", "sha-512", "sha-256"} {
		if text, ok := strings.CutPrefix(h, name+"-"); ok {
			return name, strings.TrimRight(text, "=")
		}
	}
	return "", h
}
