//go:build !race

package main

const (
	raceEnabled = false
	largeDays   = 100 // makes a hundred thousand messages
	growingDays = 50

	roundsAStore = 5 // of kills, before it is compared

	inspectedMessages   = 1_000_000
	inspectedAttachment = 2 << 30 // bytes

	// manyMessages and largeBody, in bytes, are what is converted.
	manyMessages = 1_000_000
	largeBody    = 2 << 30
)
