package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

func newIdentity(ui *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "identity",
		Short: "make and show the key by which other devices know this one",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "new FILE",
		Short: "make a key, which is written into FILE (0600), and print its public identity",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return identityNew(ui, args[0]) },
	}, &cobra.Command{
		Use:   "public FILE",
		Short: "print the public identity of the key in FILE: what others put into the file of --trust",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := readIdentityKey(args[0])
			if err != nil {
				return err
			}
			return printIdentity(ui, key.Identity())
		},
	}, newIdentityAttest())
	return c
}

func identityNew(ui *terminal, file string) error {
	if err := free(file); err != nil {
		return err
	}
	key, err := pairing.NewIdentityKey(nil)
	if err != nil {
		return err
	}
	if err := writePrivate(file, []byte(key.Text()+"\n")); err != nil {
		return destinationError{fmt.Errorf("write identity key: %w", err)}
	}
	return printIdentity(ui, key.Identity())
}

func printIdentity(ui *terminal, id pairing.Identity) error {
	if _, err := fmt.Fprintln(ui.out, id.Text()); err != nil {
		return destinationError{fmt.Errorf("write standard output: %w", err)}
	}
	return nil
}

// identityFlags say as whom a device signs.
type identityFlags struct {
	file string
	host string
}

func (f *identityFlags) bind(c *cobra.Command) {
	c.Flags().StringVar(&f.file, "identity", "", "file with the key that this device signs with (vcon-transfer identity new)")
	c.Flags().StringVar(&f.host, "host-identity", "", "with --json: file with a public identity, whose key the program that runs this one has: it is asked to sign")
	c.MarkFlagsMutuallyExclusive("identity", "host-identity")
}

// signer is nil for a device without identity.
func (f *identityFlags) signer(ctx context.Context, ui *terminal) (pairing.Signer, error) {
	switch {
	case f.file != "":
		return readIdentityKey(f.file)
	case f.host == "":
		return nil, nil
	case ui.host == nil:
		return nil, usageError{errors.New("--host-identity needs --json")}
	}
	ids, err := readIdentities(f.host)
	if err != nil {
		return nil, err
	}
	if len(ids) != 1 {
		return nil, usageError{fmt.Errorf("--host-identity: %s has %d identities, not one", f.host, len(ids))}
	}
	return ui.host.Signer(ctx, ids[0], ui.host.answer), nil
}

func readIdentityKey(file string) (*pairing.IdentityKey, error) {
	text, err := readShort(file, pairing.MaxIdentityText)
	if err != nil {
		return nil, usageError{fmt.Errorf("read identity key: %w", err)}
	}
	key, err := pairing.ParseIdentityKey(text)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return key, nil
}

// maxTrusted bounds the file of --trust, in bytes: more devices than anybody has.
const maxTrusted = 64 << 10

// readIdentities reads a file of public identities, one a line; what follows a # is a remark.
func readIdentities(file string) ([]pairing.Identity, error) {
	text, err := readShort(file, maxTrusted)
	if err != nil {
		return nil, usageError{fmt.Errorf("read identities: %w", err)}
	}
	var ids []pairing.Identity
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		id, err := pairing.ParseIdentity(line)
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: line %d: %w", file, n+1, err)}
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, usageError{fmt.Errorf("%s has no identity", file)}
	}
	return ids, nil
}

func readShort(file string, most int64) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %d bytes", file, most)
	}
	return string(b), err
}
