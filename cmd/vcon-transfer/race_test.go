//go:build race

package main

// Everything is smaller where each memory access is watched.
const (
	raceEnabled = true
	largeDays   = 5
	growingDays = 3

	roundsAStore = 2

	inspectedMessages   = 20_000
	inspectedAttachment = 64 << 20 // bytes

	manyMessages = 20_000
	largeBody    = 64 << 20
)
