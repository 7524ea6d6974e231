//go:build !unix

package main

import "github.com/vcon-transfer/vcon-transfer/transfer"

// suspendable does nothing: this system has no Ctrl-Z.
func suspendable(*terminal, *transfer.Pauser) (over func()) { return func() {} }
