package convert_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata/gen"
)

// The generator's tests are here: go test ./... passes over testdata.

func TestGeneratorMakesEveryKind(t *testing.T) {
	var texts, reactions, edits, deletes, replies, expires, externals, multis, mentions, events, cached uint64
	for _, v := range gen.New(1).Messages(5000) {
		m, c, _ := checkVCon(t, v)
		texts += m
		events += c
		at := make(map[codec.Binary]*codec.Dialog)
		gone := make(map[codec.Binary]bool)
		for i := range v.Dialog {
			d := &v.Dialog[i]
			if len(d.PartyHistory) > 0 {
				continue
			}
			add := func(n *uint64, is bool) {
				if is {
					*n++
				}
			}
			add(&reactions, mimi.IsReaction(d))
			add(&edits, mimi.IsEdit(d))
			add(&deletes, mimi.IsDelete(d))
			add(&replies, d.InReplyTo != "" && d.Replaces == "" && d.Disposition == "")
			add(&expires, d.Expires != nil)
			add(&externals, d.ExternalPart != nil)
			add(&multis, d.MultiPart != nil)
			add(&mentions, len(mimi.Mentions(d)) > 0)
			for _, ref := range []codec.Binary{d.InReplyTo, d.Replaces} {
				if ref != "" && at[ref] == nil {
					t.Errorf("%s: dialog %d refers to nothing before it", v.Room.ID, i)
				}
			}
			if gone[d.Replaces] || d.Replaces == "" && gone[d.InReplyTo] {
				t.Errorf("%s: dialog %d refers to what was deleted", v.Room.ID, i)
			}
			if d.Replaces != "" && d.InReplyTo != at[d.Replaces].InReplyTo {
				t.Errorf("%s: dialog %d answers another message than what it replaces", v.Room.ID, i)
			}
			gone[d.Replaces] = mimi.IsDelete(d)
			if d.Replaces != "" && *at[d.Replaces].Originator != *d.Originator {
				t.Errorf("%s: dialog %d changes another's message", v.Room.ID, i)
			}
			at[d.MessageID] = d
		}
		for i := range v.Attachments {
			a := &v.Attachments[i]
			cached++
			sum := sha256.Sum256(a.Body.Data)
			if a.ContentHash != "sha256:"+string(codec.BinaryOf(sum[:])) {
				t.Errorf("attachment %d has another hash", i)
			}
		}
	}
	if texts != 5000 {
		t.Errorf("%d messages", texts)
	}
	for name, n := range map[string]uint64{
		"reactions": reactions, "edits": edits, "deletes": deletes, "replies": replies, "expiring": expires, "external parts": externals,
		"multi-parts": multis, "mentions": mentions, "roster events": events, "cached attachments": cached,
	} {
		if n < 5 {
			t.Errorf("%d %s", n, name)
		}
	}
}

func TestGeneratorIsTheSameEachTime(t *testing.T) {
	bytesOf := func(all []*codec.VCon) (out [][]byte) {
		for _, v := range all {
			b, err := v.AppendCBOR(nil)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
		}
		return out
	}
	one, two := gen.New(7), gen.New(7)
	first := one.Messages(300)
	held := bytesOf(first)
	all := bytesOf(one.Messages(500))
	for i, b := range bytesOf(two.Messages(800)) {
		if !bytes.Equal(b, all[i]) {
			t.Errorf("room %d differs", i)
		}
	}
	for i, b := range bytesOf(first) {
		if !bytes.Equal(b, held[i]) {
			t.Errorf("room %d was changed afterwards", i)
		}
	}
	if bytes.Equal(bytesOf(gen.New(8).Messages(10))[0], bytesOf(gen.New(9).Messages(10))[0]) {
		t.Error("seeds do not matter")
	}
	g := gen.New(3)
	g.Rooms, g.People, g.NoInline, g.NoRoster, g.NoSameTimes = 1, 2, true, true, true
	vcons := g.Messages(2000)
	if len(vcons) != 1 || len(vcons[0].Parties) != 3 || len(vcons[0].Attachments) != 0 || len(vcons[0].Dialog) != 2000 {
		t.Errorf("options: %d vCons, %d parties, %d dialogs", len(vcons), len(vcons[0].Parties), len(vcons[0].Dialog))
	}
	for i := range vcons[0].Dialog[1:] {
		if vcons[0].Dialog[i].Start == vcons[0].Dialog[i+1].Start {
			t.Error("same times")
		}
	}
}

func TestGeneratedAttachment(t *testing.T) {
	whole, err := io.ReadAll(gen.Attachment(10_007))
	if err != nil || len(whole) != 10_007 {
		t.Fatal(len(whole), err)
	}
	for _, step := range []int{1, 7, 8, 9, 4096} {
		r := gen.Attachment(10_007)
		var got []byte
		buf := make([]byte, step)
		for {
			n, err := r.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
		}
		if !bytes.Equal(got, whole) {
			t.Errorf("in steps of %d: other bytes", step)
		}
	}
	short, _ := io.ReadAll(gen.Attachment(100))
	if !bytes.HasPrefix(whole, short) {
		t.Error("the shorter is no prefix")
	}
}

func BenchmarkGenerator(b *testing.B) {
	for b.Loop() {
		gen.New(1).Messages(100_000)
	}
	b.ReportMetric(float64(100_000*b.N)/b.Elapsed().Seconds(), "msg/s")
}

func BenchmarkAttachment(b *testing.B) {
	b.SetBytes(64 << 20)
	for b.Loop() {
		if _, err := io.Copy(io.Discard, gen.Attachment(64<<20)); err != nil {
			b.Fatal(err)
		}
	}
}
