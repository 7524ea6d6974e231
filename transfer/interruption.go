package transfer

import (
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// An Interruption is a transfer whose connection was lost and that looks for
// another one. It goes on by itself if there is one in time.
type Interruption struct {
	Cause error         // why the connection was lost
	Route pairing.Route // where the old device had it; zero on the new one
	Until time.Time     // so long another one is tried, or waited for
}

// tellLate calls tell after noticeTime, unless what it returns was called before,
// which waits for it.
func tellLate(tell func(Interruption), what Interruption) (over func()) {
	if tell == nil {
		return func() {}
	}
	told := make(chan struct{})
	late := time.AfterFunc(noticeTime, func() {
		defer close(told)
		tell(what)
	})
	return func() {
		if !late.Stop() {
			<-told
		}
	}
}
