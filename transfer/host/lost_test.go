package host

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// A connection that is lost while the host takes its time is replaced at once, and the
// host is not given twice what it has.
func TestSinkLostWhileWaiting(t *testing.T) {
	for _, event := range []string{"have", "messages", "attachment"} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(t)
			network := new(transfertest.Network)
			seen, cut := 0, false
			s.say = func(e map[string]any, answer string) string {
				if e["event"] == "warning" && event != "have" { // whose first answer comes too late
					t.Errorf("%s: %v", event, e)
				}
				if e["event"] != event && e["kind"] != event {
					return answer
				}
				if seen++; !cut {
					cut = true
					s.wait.Go(func() {
						time.Sleep(time.Second)
						network.Vanish()
						time.Sleep(4 * time.Minute)
						s.conn.Command([]byte(answer))
					})
					return ""
				}
				return answer
			}
			sink := s.sink(t.TempDir(), SinkOptions{})
			o := transfertest.Run(t.Context(), sending(sampleSource(t), network), receiving(sink, network))
			s.close(sink)
			if err := o.Err(); err != nil || network.Made() != 2 {
				t.Errorf("%s: %d connections, %v", event, network.Made(), err)
			}
			if want := map[string]int{"have": 2, "messages": 1, "attachment": 1}[event]; seen != want {
				t.Errorf("%s came %d times, want %d", event, seen, want)
			}
		})
	}
}

func sending(source transfer.Source, network *transfertest.Network) transfer.SendOptions {
	return transfer.SendOptions{Source: source, Dialer: network}
}

func receiving(sink transfer.Sink, network *transfertest.Network) transfer.ReceiveOptions {
	return transfer.ReceiveOptions{Sink: sink, Acceptors: []transfer.Acceptor{network}}
}
