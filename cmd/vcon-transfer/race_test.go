//go:build race

package main

// largeDays is smaller where each memory access is watched.
const largeDays = 5
