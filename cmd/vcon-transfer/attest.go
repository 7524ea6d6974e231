package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

type attestFlags struct {
	uri, out string
	version  uint64
	lifetime time.Duration
}

func newIdentityAttest() *cobra.Command {
	var f attestFlags
	c := &cobra.Command{
		Use:   "attest KEY DEVICES",
		Short: "sign, with an account's key in the file KEY, the list of its devices in the file DEVICES",
		Long: "Sign, with an account's key in the file KEY, the list of its devices: DEVICES has their public identities,\n" +
			"one a line. The new device takes the result with receive --attestation, the old one has the account's public\n" +
			"identity in the file of send --attest and refuses every other device.",
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return f.attest(args[0], args[1]) },
	}
	p := c.Flags()
	p.StringVar(&f.uri, "uri", "", "what the account is called, a URI")
	p.StringVar(&f.out, "out", "", "write the attestation into this file")
	p.Uint64Var(&f.version, "version", 0, "version of the list; older ones are refused by a device that has seen this one (default: the seconds since 1970)")
	p.DurationVar(&f.lifetime, "lifetime", pairing.MaxAttestationLife, "how long the attestation counts, at most a week")
	return c
}

func (f *attestFlags) attest(keyFile, devicesFile string) error {
	if f.uri == "" || f.out == "" {
		return usageError{errors.New("say what the account is called with --uri, and where to write with --out")}
	}
	key, err := readIdentityKey(keyFile)
	if err != nil {
		return err
	}
	devices, err := readIdentities(devicesFile)
	if err != nil {
		return err
	}
	now := time.Now()
	if f.version == 0 {
		f.version = uint64(now.Unix())
	}
	data, err := pairing.Attest(key, pairing.Attestation{
		URI: f.uri, Version: f.version, Issued: now, NotAfter: now.Add(f.lifetime), Devices: devices,
	})
	if err != nil {
		return usageError{err}
	}
	if err := free(f.out); err != nil {
		return err
	}
	if err := os.WriteFile(f.out, data, 0o644); err != nil {
		return destinationError{fmt.Errorf("write attestation: %w", err)}
	}
	return nil
}

// readAttestation reads the file of --attestation, and refuses here what the other
// device would refuse.
func readAttestation(file string, device pairing.Signer) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	if device == nil {
		return nil, usageError{errors.New("--attestation is of a device with an identity: --identity, or --host-identity")}
	}
	text, err := readShort(file, pairing.MaxAttestation)
	if err != nil {
		return nil, usageError{fmt.Errorf("read attestation: %w", err)}
	}
	a, err := pairing.ParseAttestation([]byte(text))
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", file, err)}
	}
	if err := a.Vouches(device.Identity(), []pairing.Identity{a.Account}, 0, time.Now()); err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return []byte(text), nil
}
