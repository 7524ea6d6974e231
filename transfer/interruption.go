package transfer

import (
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// An Interruption is a transfer whose connection was lost and that looks for
// another one; or whose other device said that it is paused (see Pauser), whether its
// connection lasts or not. It goes on by itself if all is well in time.
type Interruption struct {
	Cause  error         // why the connection was lost; nil when it is there
	Route  pairing.Route // where the old device had it; zero on the new one
	Until  time.Time     // so long another one is tried, or the other device is waited for
	Paused bool          // the other device is paused; Until is the end of the lifetime
}

// tellPaused is tellLate of a peer that is paused. There is no progress until over.
func tellPaused(m *meter, tell func(Interruption), what Interruption) (over func()) {
	m.silence(true)
	told := tellLate(tell, what)
	return func() {
		told()
		m.silence(false)
	}
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
