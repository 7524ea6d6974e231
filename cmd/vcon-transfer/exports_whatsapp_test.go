package main

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// TestNameOfArchive converts a chat whose name only its archive has.
func TestNameOfArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "WhatsApp Chat - Readers.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("_chat.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(testdata.Read("exports/whatsapp/ios-book/_chat.txt")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := detectSource(path)
	if err != nil || a.layout != convert.WhatsApp {
		t.Fatalf("%+v, %v", a, err)
	}
	reader, err := openSource(t.Context(), newTerminal(strings.NewReader(""), io.Discard, io.Discard), []string{path}, convert.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	rooms, err := reader.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(rooms) != 1 || rooms[0].Room.Meta == nil || rooms[0].Room.Meta.Name != "Readers" {
		t.Errorf("rooms %+v", rooms)
	}
}
