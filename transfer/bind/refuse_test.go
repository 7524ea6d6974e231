package bind

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

func TestUsage(t *testing.T) {
	l := newApp(t, "nobody")
	good := ReceiveConfig{Folder: "f", Label: "l"}
	for name, change := range map[string]func(*ReceiveConfig){
		"no folder":        func(c *ReceiveConfig) { c.Folder = "" },
		"format":           func(c *ReceiveConfig) { c.Format = "xml" },
		"listen":           func(c *ReceiveConfig) { c.Listen = "nowhere" },
		"no route":         func(c *ReceiveConfig) { c.NoLAN = true },
		"both":             func(c *ReceiveConfig) { c.NoLAN, c.Relay, c.Listen = true, "https://r.example", ":0" },
		"relay":            func(c *ReceiveConfig) { c.Relay = "ftp://r.example" },
		"token":            func(c *ReceiveConfig) { c.RelayToken = "t" },
		"room":             func(c *ReceiveConfig) { c.Room = "r" },
		"label":            func(c *ReceiveConfig) { c.Label = "a\x1bb" },
		"long label":       func(c *ReceiveConfig) { c.Label = strings.Repeat("x", 65) },
		"short key":        func(c *ReceiveConfig) { c.StateDir, c.StateKey = "s", make([]byte, 31) },
		"key alone":        func(c *ReceiveConfig) { c.StateKey = make([]byte, 32) },
		"long offer":       func(c *ReceiveConfig) { c.OfferSeconds = 86401 },
		"long timeout":     func(c *ReceiveConfig) { c.TimeoutSeconds = 601 },
		"negative person":  func(c *ReceiveConfig) { c.PersonSeconds = -1 },
		"negative timeout": func(c *ReceiveConfig) { c.TimeoutSeconds = -1 },
	} {
		c := good
		change(&c)
		if _, err := NewReceiver(&c, l); host.CodeOf(err) != host.CodeUsage || !strings.HasPrefix(err.Error(), "usage: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]SendConfig{
		"no sources": {Sources: " \n "}, "stdin": {Sources: "a\n-"}, "array": {Sources: `["a"`}, "objects": {Sources: `[{}]`},
		"rooms": {Sources: "a", Rooms: "[1]"}, "no room": {Sources: "a", Rooms: "[]"}, "since": {Sources: "a", Since: "yesterday"}, "newest": {Sources: "a", MaxMessages: -1},
		"order": {Sources: "a", Since: "2026-01-02T00:00:00Z", Until: "2026-01-01T00:00:00Z"}, "name": {Sources: "a", StateName: "x"},
	} {
		if _, err := NewSender(&c, l); host.CodeOf(err) != host.CodeUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, noConfig := NewSender(nil, l)
	_, noListener := NewReceiver(&good, nil)
	if host.CodeOf(noConfig) != host.CodeUsage || host.CodeOf(noListener) != host.CodeUsage {
		t.Error(noConfig, noListener)
	}
	if _, err := NewReceiver(&good, l); err != nil {
		t.Error(err)
	}
}

func TestFailures(t *testing.T) {
	transfertest.CheckLeaks(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, c := range []struct {
		name, code string
		exit       int
		change     func(*pair)
	}{
		{"offer", "offer", 4, func(p *pair) { p.send.Offer = "vcon transfer" }},
		{"no offer", "offer", 4, func(p *pair) {}},
		{"source", "source", 9, func(p *pair) { p.send.Sources += "/nothing" }},
		{"state", "storage", 10, func(p *pair) { p.send.StateDir = p.send.Sources + "/0.vcon" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, 5)
			if c.name == "source" {
				p.startReceiver()
				p.send.Offer = p.receiver.await("offer")["text"].(string)
			}
			c.change(p)
			p.startSender()
			p.sender.expect(p.sending, c.code, c.exit)
		})
	}
	for _, c := range []struct {
		name, code string
		exit       int
		change     func(*pair)
	}{
		{"folder", "storage", 10, func(p *pair) { p.receive.Folder = p.send.Sources + "/0.vcon" }},
		{"address", "listen", 1, func(p *pair) { p.receive.Listen = busy.Addr().String() }},
		{"in use", "storage", 10, func(p *pair) {
			s, err := history.OpenDir(p.receive.Folder, history.DirOptions{})
			if err != nil {
				p.t.Fatal(err)
			}
			p.t.Cleanup(func() { s.Close() })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, 5)
			c.change(p)
			p.startReceiver()
			p.receiver.expect(p.receiving, c.code, c.exit)
		})
	}
}

// What was kept and cannot be read is told, and does not keep a person from another try.
func TestForeignState(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 6000)
	p.keep()
	var cut sync.Once
	p.receiver.on["progress"] = func(map[string]any) { cut.Do(func() { p.receiving.Cancel() }) }
	p.start()
	p.receiver.expect(p.receiving, "interrupted", 130)
	p.sender.end(p.sending)
	kept, err := filepath.Glob(filepath.Join(p.receive.StateDir, "*.transfer"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	if err := os.WriteFile(kept[0], []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.receiver = newApp(t, "receiver again")
	p.receiver.on["offer"] = func(map[string]any) { p.receiving.Cancel() }
	p.startReceiver()
	p.receiver.expect(p.receiving, "interrupted", 130)
	if got := strings.Join(p.receiver.kinds(), " "); got != "warning offer done" || p.receiver.await("warning")["code"] != "state" {
		t.Error(p.receiver.lines)
	}
}
