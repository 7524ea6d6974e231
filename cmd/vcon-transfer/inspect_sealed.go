package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A sealInspection is what the outside of a signed or encrypted vCon says, and, of
// a signed one, what its payload holds. Nothing of it is verified.
type sealInspection struct {
	File       string      `json:"file,omitempty"`
	Form       string      `json:"form"` // signed or encrypted
	UUID       string      `json:"uuid,omitempty"`
	Signatures int         `json:"signatures,omitempty"`
	Recipients int         `json:"recipients,omitempty"`
	Algorithms []string    `json:"algorithms,omitempty"` // of each signature, or of each recipient's key
	Encryption string      `json:"encryption,omitempty"` // of the content
	Chains     int         `json:"x5c,omitempty"`        // signatures that bring their certificates
	ChainURLs  int         `json:"x5u,omitempty"`        // signatures that say where they are
	Unverified *inspection `json:"unverified_content,omitempty"`
	Unread     string      `json:"unread,omitempty"` // why there is no content
}

const (
	maxSeals      = 100      // that are described; the others are counted
	maxUnpacked   = 16 << 20 // bytes of a payload that was compressed
	maxAlgs       = 16       // algorithms that are named
	maxBriefRooms = 4
	maxSealDeep   = 3 // times signed that are looked into (vcon-core, "Long Term Archiving")
)

// seal describes a signed or encrypted vCon.
func (s *survey) seal(ctx context.Context, seal *codec.Seal) {
	x := sealInspection{File: s.now.file, Form: "signed", UUID: seal.UUID, Chains: seal.Chains, ChainURLs: seal.ChainURLs, Encryption: seal.Encryption,
		Algorithms: seal.Algorithms[:min(len(seal.Algorithms), maxAlgs)], Signatures: len(seal.Algorithms)}
	if seal.Encrypted {
		x.Form, x.Signatures, x.Recipients = "encrypted", 0, len(seal.Algorithms)
	} else {
		x.Unverified, x.Unread = s.unverified(ctx, seal)
	}
	s.i.Opaque = x.Form
	if len(s.i.Sealed) < maxSeals {
		s.i.Sealed = append(s.i.Sealed, x)
	} else {
		s.i.MoreSealed++
	}
}

// unverified looks into the payload of a signed vCon.
func (s *survey) unverified(ctx context.Context, seal *codec.Seal) (*inspection, string) {
	if seal.Payload == nil {
		return nil, "its payload is too large to look into"
	}
	content, ok := seal.Content()
	if !ok {
		return nil, "its payload is not base64url"
	}
	if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		var err error
		if content, err = unpack(content); err != nil {
			return nil, "its payload is compressed, and " + err.Error()
		}
	}
	if s.depth == maxSealDeep {
		return nil, "signed inside of signed, too often to look into"
	}
	i := &inspection{Kind: "vcon", Files: 1, Bytes: int64(len(content))}
	inner := newSurvey(i)
	inner.depth = s.depth + 1
	if err := inner.file(ctx, vconFile{r: bytes.NewReader(content), size: i.Bytes}, false); err != nil {
		return nil, "its payload is not a vCon"
	}
	inner.finish()
	return i, ""
}

func unpack(content []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, errors.New("not readable")
	}
	out, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	switch {
	case err != nil:
		return nil, errors.New("not readable")
	case len(out) > maxUnpacked:
		return nil, fmt.Errorf("larger than %s", size(maxUnpacked))
	}
	return out, nil
}

// print writes what a seal says.
func (x *sealInspection) print(v *view) {
	title := "Signed vCon"
	if x.Form == "encrypted" {
		title = "Encrypted vCon"
	}
	v.line()
	v.line(v.bold(title), ", carried as it is, byte for byte")
	if x.File != "" {
		v.body("  ", 2, "    ", shown(x.File, 400), nil)
	}
	if x.UUID != "" {
		v.body("  ", 2, "    ", "uuid "+shown(x.UUID, 80), nil)
	}
	algs := shown(strings.Join(x.Algorithms, ", "), 200)
	if x.Form == "encrypted" {
		v.body("  ", 2, "    ", fmt.Sprintf("%s (key: %s), content: %s", plural(uint64(x.Recipients), "recipient"), orNone(algs), orNone(shown(x.Encryption, 80))), nil)
		v.body("  ", 2, "    ", "Nobody without the key can look into it.", nil)
		return
	}
	facts := fmt.Sprintf("%s (%s)", plural(uint64(x.Signatures), "signature"), orNone(algs))
	switch {
	case x.Chains > 0:
		facts += ", with certificates (x5c)"
	case x.ChainURLs > 0:
		facts += ", with the address of certificates (x5u)"
	default:
		facts += ", without certificates"
	}
	v.body("  ", 2, "    ", facts, nil)
	if x.Unverified == nil {
		v.body("  ", 2, "    ", "What is inside cannot be shown: "+x.Unread+".", nil)
		return
	}
	v.body("  ", 2, "    ", "unverified content: "+x.Unverified.brief(), nil)
}

// brief is an inspection in one line.
func (i *inspection) brief() string {
	parts := []string{i.what()}
	for n, r := range i.Rooms {
		if n == maxBriefRooms {
			parts = append(parts, fmt.Sprintf("and %d more", len(i.Rooms)-n))
			break
		}
		room := shown(cmp.Or(r.Name, strings.Join(r.Who, ", "), r.ID, "nobody named"), maxShownName)
		if dates := span(r.First, r.Last); dates != "" {
			room += " (" + dates + ")"
		}
		parts = append(parts, room)
	}
	for _, of := range []map[string]uint64{i.Records, i.Analyses} {
		for _, kind := range slices.Sorted(maps.Keys(of)) {
			parts = append(parts, fmt.Sprintf("%s %s", count(of[kind]), shown(kind, 60)))
		}
	}
	for _, inner := range i.Sealed {
		part := inner.Form + " again"
		if inner.Unverified != nil {
			part += ": " + inner.Unverified.brief()
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func orNone(s string) string {
	if strings.Trim(s, " ,") == "" {
		return "not named"
	}
	return s
}
