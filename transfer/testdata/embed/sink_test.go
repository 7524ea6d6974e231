package main

import (
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// guide:check

func TestStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transfertest.CheckSink(t, func() transfer.Sink { return newStore() })
	})
}
