//go:build race

package main

// Everything is smaller where each memory access is watched.
const (
	raceEnabled = true
	largeDays   = 5
	growingDays = 3

	roundsAStore = 2

	inspectedMessages   = 5_000
	inspectedAttachment = 16 << 20 // bytes

	manyMessages = 5_000
	largeBody    = 16 << 20
)
