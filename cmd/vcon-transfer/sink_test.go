package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A destination of either kind that has too little space says how much of it, where,
// and ends with the exit code of a destination.
func TestTooLittleSpace(t *testing.T) {
	none := func(string) (uint64, bool) { return 300_000_000, true }
	path := filepath.Join(t.TempDir(), "s.db")
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{Free: none})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	folder, err := history.OpenDir(filepath.Join(t.TempDir(), "out"), history.DirOptions{Free: none})
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for i, s := range []sink{placed{store, "/x/s.db"}, placed{folder, "/x/s.db"}} {
		begin := s.Begin(t.Context(), segment.TransferInfo{Bytes: 1_200_000_000})
		refusals := map[string]error{"begin": begin}
		if i == 0 { // a store: it may be the same content again and again
			if begin != nil {
				t.Error(begin)
			}
			delete(refusals, "begin")
		}
		entry := segment.Entry{Type: segment.AttachmentType, Attachment: segment.AttachmentEntry{MessageID: "a", Size: 1_200_000_000}}
		if err := s.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
			t.Fatal(err)
		}
		_, have := s.Have(t.Context(), segment.RoomEntry{ID: "r"}, []segment.Entry{entry})
		refusals["have"] = have
		for step, err := range refusals {
			if _, ok := errors.AsType[destinationError](err); !ok {
				t.Errorf("%s: %v", step, err)
				continue
			}
			exit, said, hint := explain(context.Background(), "receive", &transfer.Error{Code: wire.CodeStorage, Err: err})
			const want = "storage: needs about 1.20 GB, 300.0 MB are free in /x/s.db"
			if exit != exitDestination || said != want || hint == "" {
				t.Errorf("%s: %d, %q, %q", step, exit, said, hint)
			}
		}
	}
}
