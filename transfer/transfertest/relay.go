package transfertest

import (
	"context"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Relay is a whole relay in memory.
type Relay struct {
	*Listener
	Server *server.Server
	stop   context.CancelFunc
	ended  chan error
}

// NewRelay starts a relay that ends with the test. Without a DrainTimeout it then cuts what is left.
func NewRelay(t testing.TB, o server.Options) *Relay {
	t.Helper()
	return NewRelaySize(t, o, PipeBuffer)
}

// NewRelaySize is NewRelay with connections that hold size bytes in each direction.
func NewRelaySize(t testing.TB, o server.Options, size int) *Relay {
	t.Helper()
	if o.DrainTimeout == 0 {
		o.DrainTimeout = -1
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Relay{Listener: NewListenerSize(size), Server: server.New(o), stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- r.Server.Serve(ctx, r.Listener) }()
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Errorf("relay ended with: %v", err)
		}
	})
	return r
}

// Stop asks the relay to stop and waits for that, drain included.
func (r *Relay) Stop() error {
	r.stop()
	err := <-r.ended
	r.ended <- err // for the next call
	return err
}

// Options are the client's, to reach this relay.
func (r *Relay) Options() relay.Options {
	return relay.Options{URL: "http://relay.test", DialContext: r.DialContext}
}

// Meet is relay.Dial to this relay.
func (r *Relay) Meet(ctx context.Context, v wire.Rendezvous) (wire.Conn, error) {
	return relay.Dial(ctx, r.Options(), v)
}
