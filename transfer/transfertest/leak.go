package transfertest

import (
	"testing"

	"go.uber.org/goleak"
)

// CheckLeaks fails the test if goroutines that it started are still there when it and its other cleanups
// are done. Call it first. Inside testing/synctest it is not needed: the bubble checks that itself.
func CheckLeaks(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if !t.Failed() {
			goleak.VerifyNone(t, before)
		}
	})
}
