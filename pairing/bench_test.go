package pairing

import (
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func BenchmarkHandshake(b *testing.B) {
	for _, suite := range suites() {
		b.Run(suite.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := NewReceiver(ReceiverOptions{Suite: suite, Routes: []Route{lan()}})
				if err != nil {
					b.Fatal(err)
				}
				s, err := NewSender(r.Offer(), SenderOptions{})
				if err != nil {
					b.Fatal(err)
				}
				shake(b, r, s)
			}
		})
	}
}

// A stranger's hello has to cost little: it is all that a flood makes R do.
func BenchmarkStranger(b *testing.B) {
	r := newReceiver(b, ReceiverOptions{Suite: hpke.SuiteX25519})
	other := newReceiver(b, ReceiverOptions{Suite: hpke.SuiteX25519})
	m0 := newSender(b, other.Offer(), SenderOptions{}).Hello()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Hello(m0); err == nil {
			b.Fatal("a stranger was answered")
		}
	}
}
