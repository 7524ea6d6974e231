//go:build !race

package history

// slower divides the sizes of large tests under the race detector.
const slower = 1
