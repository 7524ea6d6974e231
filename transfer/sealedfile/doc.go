// Package sealedfile moves a history without a connection: as one file that is
// sealed to one or many recipient keys and signed by who shares it, for new members
// of a room, or for one's own new device (docs/wire-format.md, "Share").
//
// Seal writes what a transfer.Source holds; Open verifies all of it, and only then
// imports it into a transfer.Sink, which is told what a transfer would tell it: a
// segment that is there is not staged again.
package sealedfile

import (
	"errors"
	"fmt"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

const (
	// DefaultLifetime is how long a sealed file may be opened when nothing else is
	// asked for.
	DefaultLifetime = 7 * 24 * time.Hour

	// maxPages bounds the manifest, as that of a session.
	maxPages = 1 << 16

	// progressEvery is the least time between two calls of Progress.
	progressEvery = 100 * time.Millisecond
)

// ErrExpected: the file is another one than the caller expects.
var ErrExpected = errors.New("another file than the one that is expected")

// ErrNothing: the source does not have the room of a catch-up, or nothing of it is in
// the scope: a file would tell the recipients that there is no history.
var ErrNothing = errors.New("there is nothing of this room to share")

// ErrClassic: the file, or a recipient's key, is of a suite that a quantum computer
// opens, and the caller did not allow that.
var ErrClassic = errors.New("the suite is not safe from quantum computers")

// A Result is what sealing or opening came to. Sealer and openers have the same ID
// and Root; Source, Excluded and what is quarantined by the sealer are the same in
// the Ledger of both.
type Result struct {
	ID     [32]byte // names the file: its recipients and its head
	Root   [32]byte // of its content: segments and attachments in the manifest's order
	Head   *pairing.ShareHead
	Ledger segment.Ledger
	Key    *hpke.PublicKey // that the file was opened with; nil for who sealed it
}

func fail(code wire.Code, err error) error {
	if _, ok := errors.AsType[*transfer.Error](err); ok || err == nil {
		return err
	}
	return &transfer.Error{Code: code, Err: err}
}

func failf(code wire.Code, format string, args ...any) error {
	return fail(code, fmt.Errorf(format, args...))
}

// A meter reports progress, at most one report every progressEvery.
type meter struct {
	report      func(transfer.Progress)
	start, last time.Time
	p           transfer.Progress
}

func newMeter(report func(transfer.Progress), messages, bytes uint64) *meter {
	m := &meter{report: report, start: time.Now()}
	m.p.TotalMessages, m.p.TotalBytes = messages, bytes
	return m
}

// add says what is done. Totals are announced, and may be estimated: they follow.
func (m *meter) add(messages, bytes uint64) {
	m.p.Messages += messages
	m.p.Bytes += bytes
	m.p.TotalMessages, m.p.TotalBytes = max(m.p.TotalMessages, m.p.Messages), max(m.p.TotalBytes, m.p.Bytes+1)
	if now := time.Now(); m.report != nil && now.Sub(m.last) >= progressEvery {
		m.last, m.p.Elapsed = now, now.Sub(m.start)
		m.report(m.p)
	}
}

// storing says that all of it is taken.
func (m *meter) storing() {
	m.p.Storing, m.p.TotalMessages, m.p.TotalBytes = true, m.p.Messages, m.p.Bytes
	if m.report != nil {
		m.report(m.p)
	}
}
