package main

import (
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// kindOf names what a dialog object is.
func kindOf(d *codec.Dialog) string {
	switch {
	case segment.IsRoster(d):
		return "roster event"
	case d.Type == "text":
		return kindOfText(d)
	case d.Type == "tombstone":
		return "tombstone"
	case d.Type == "recording", d.Type == "transfer":
		return d.Type
	case d.Type == "recording-set":
		return "set of recordings"
	case d.Type == "incomplete" && d.Disposition != "":
		return "call not completed, " + strings.ReplaceAll(d.Disposition, "-", " ")
	case d.Type == "incomplete":
		return "call not completed"
	case d.Type == history.TypeVCon:
		return "signed or encrypted vCon"
	case d.Type != "":
		return "record of the type " + d.Type
	}
	if b, err := codec.AppendDialogCBOR(nil, d); err == nil && len(b) == 1 {
		return "empty record"
	}
	return "record without a type"
}

func kindOfText(d *codec.Dialog) string {
	switch {
	case mimi.IsDelete(d):
		return "delete"
	case mimi.IsEdit(d):
		return "edit"
	case mimi.IsReaction(d):
		return "reaction"
	case d.InReplyTo != "":
		return "reply"
	case strings.HasPrefix(string(d.MessageID), "<") && strings.HasSuffix(string(d.MessageID), ">"):
		return "email" // RFC 5322, section 3.6.4
	}
	return "message"
}

// tally counts a kind, of which there are at most maxKinds.
func tally(of map[string]uint64, kind, rest string) {
	if _, ok := of[kind]; !ok && len(of) >= maxKinds {
		kind = rest
	}
	of[kind]++
}

// maxKinds bounds the kinds that are told apart: a file can invent any number.
const maxKinds = 100

// analyses counts the elements of analysis by type.
func (s *survey) analyses(raw codec.Raw) {
	var list []codec.Raw
	if raw.Decode(&list) != nil {
		return
	}
	for _, e := range list {
		e = s.now.upgrade.Analysis(e)
		var a struct {
			Type string `cbor:"type"`
		}
		if e.Decode(&a) != nil || a.Type == "" {
			a.Type = "without a type"
		}
		tally(s.i.Analyses, a.Type, "of another type")
	}
}
