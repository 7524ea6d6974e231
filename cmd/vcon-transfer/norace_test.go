//go:build !race

package main

// largeDays makes a hundred thousand messages.
const largeDays = 100
