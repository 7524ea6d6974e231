package main

import (
	"os"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// guide:check

func TestArchive(t *testing.T) {
	transfertest.CheckSource(t, history.NewSource(sampleArchive(t), history.SourceOptions{}))
}

func TestStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transfertest.CheckSink(t, func() transfer.Sink { return newStore() })
	})
}

// guide:end

// sampleArchive is the conversation that the program is run on.
func sampleArchive(t *testing.T) *archive {
	t.Helper()
	data, err := os.ReadFile("../../../testdata/sample/sample.cbor")
	if err != nil {
		t.Fatal(err)
	}
	v, err := codec.DecodeCBOR(data)
	if err != nil {
		t.Fatal(err)
	}
	a, err := open(v)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
