package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/transfer/local"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
)

// defaultRelayAddr is on every address: a relay is there to be reached.
const defaultRelayAddr = ":7373"

type relayFlags struct {
	listen, tlsCert, tlsKey, tokenFile string
	maxChannels, maxPerAddress         int
	maxBytes, maxRate                  int64
	wait, idle, drain                  time.Duration
}

func newRelay(ui *terminal) *cobra.Command {
	var f relayFlags
	c := &cobra.Command{
		Use:   "relay",
		Short: "run a relay, where two devices meet that cannot reach each other",
		Long: "Run a relay. It is blind: it sees sizes, times and random-looking bytes, and keeps nothing.\n" +
			"The first line of standard output says where it listens. SIGTERM lets transfers end, for --drain at most.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runRelay(c.Context(), ui, &f)
		},
	}
	p := c.Flags()
	p.StringVar(&f.listen, "listen", defaultRelayAddr, "listen on `ADDR`, host:port or :port; port 0 is a free one")
	p.StringVar(&f.tlsCert, "tls-cert", "", "certificate chain, a PEM `FILE`; without it the relay speaks plain HTTP")
	p.StringVar(&f.tlsKey, "tls-key", "", "key of the certificate, a PEM `FILE`")
	p.StringVar(&f.tokenFile, "token-file", "", "`FILE` with the tokens that may create channels, one a line (default: everybody may)")
	p.IntVar(&f.maxChannels, "max-channels", server.DefaultMaxChannels, "at most `N` channels, in use or remembered")
	p.IntVar(&f.maxPerAddress, "max-per-address", server.DefaultMaxPerAddress, "at most `N` parties from one IPv4 address or IPv6 /64")
	p.Int64Var(&f.maxBytes, "max-bytes", 0, "at most so many `BYTES` in one channel (default: no limit)")
	p.Int64Var(&f.maxRate, "max-rate", 0, "at most so many `BYTES` a second in one channel (default: no limit)")
	p.DurationVar(&f.wait, "wait-timeout", server.DefaultWaitTimeout, "how long a party waits for its peer")
	p.DurationVar(&f.idle, "idle-timeout", server.DefaultIdleTimeout, "how long a channel may carry nothing")
	p.DurationVar(&f.drain, "drain", server.DefaultDrainTimeout, "how long transfers go on when the relay is stopped")
	return c
}

// runRelay serves until it is asked to stop. To be stopped is how a relay ends, so
// that is no failure.
func runRelay(ctx context.Context, ui *terminal, f *relayFlags) error {
	options, err := f.options()
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", f.listen)
	if err != nil {
		if _, ok := errors.AsType[*net.AddrError](err); ok {
			return usageError{fmt.Errorf("--listen: %w", err)}
		}
		return destinationError{fmt.Errorf("listen: %w", err)}
	}
	scheme := "http"
	if options.TLS != nil {
		scheme = "https"
	}
	if _, err := fmt.Fprintf(ui.out, "listening on %s://%s\n", scheme, ln.Addr()); err != nil {
		ln.Close()
		return destinationError{fmt.Errorf("write standard output: %w", err)}
	}
	ui.remark("On both devices: --relay %s://%s on the new one; the old one learns it from the offer.", scheme, reachable(ln.Addr()))
	if options.TLS == nil {
		ui.remark("Plain HTTP: what is transferred is encrypted all the same, but the network sees who meets whom.")
	}
	relay := server.New(options)
	err = relay.Serve(ctx, ln)
	st := relay.Stats()
	ui.remark("Stopped: %s, %s carried, %s refused.", plural(uint64(st.Joined), "pair"), size(uint64(st.Bytes)), plural(uint64(st.Refused), "request"))
	return err
}

// options are the server's for these flags.
func (f *relayFlags) options() (server.Options, error) {
	o := server.Options{
		MaxChannels: f.maxChannels, MaxPerAddress: f.maxPerAddress, MaxBytes: f.maxBytes, MaxRate: f.maxRate,
		WaitTimeout: f.wait, IdleTimeout: f.idle, DrainTimeout: f.drain,
	}
	for name, n := range map[string]int64{
		"max-channels": int64(f.maxChannels), "max-per-address": int64(f.maxPerAddress),
		"wait-timeout": int64(f.wait), "idle-timeout": int64(f.idle),
	} {
		if n <= 0 {
			return o, usageError{fmt.Errorf("--%s has to be more than 0", name)}
		}
	}
	if f.maxBytes < 0 || f.maxRate < 0 || f.drain < 0 {
		return o, usageError{errors.New("--max-bytes, --max-rate and --drain cannot be negative")}
	}
	if f.drain == 0 {
		o.DrainTimeout = -1 // zero is the default there
	}
	if (f.tlsCert == "") != (f.tlsKey == "") {
		return o, usageError{errors.New("--tls-cert and --tls-key go together")}
	}
	if f.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return o, usageError{fmt.Errorf("read certificate: %w", err)}
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if f.tokenFile != "" {
		file, err := os.Open(f.tokenFile)
		if err != nil {
			return o, usageError{fmt.Errorf("read tokens: %w", err)}
		}
		defer file.Close()
		if o.Tokens, err = server.ReadTokens(file); err != nil {
			return o, usageError{fmt.Errorf("read tokens: %w", err)}
		}
	}
	return o, nil
}

// reachable is the address that another device of the network would use.
func reachable(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil || !at.Addr().IsUnspecified() {
		return a.String()
	}
	return netip.AddrPortFrom(local.DefaultAddr(), at.Port()).String()
}
