// Package sample is the conversation that `demo` moves: the messages of the MIMI
// content draft (room "Engineering Team") and a picture. It only embeds; the
// package build beside it makes the files.
package sample

import _ "embed"

// CBOR is the conversation as a CBOR-encoded vCon.
//
//go:embed sample.cbor
var CBOR []byte

// JSON is the same vCon as JSON.
//
//go:embed sample.json
var JSON []byte
