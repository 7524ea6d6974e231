package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

func newKey(ui *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "make and show a recipient key, which sealed files are sealed to",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var classic bool
	var qr string
	fresh := &cobra.Command{
		Use:   "new FILE",
		Short: "make a key, which is written into FILE (0600), and print its public key",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return keyNew(ui, args[0], classic, qr) },
	}
	fresh.Flags().BoolVar(&classic, "classic", false, "an X25519 key, which a quantum computer opens, where nothing else is understood")
	public := &cobra.Command{
		Use:   "public FILE",
		Short: "print the public key of the key in FILE: what others put into a file of share --to",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := readRecipientKey(args[0])
			if err != nil {
				return err
			}
			defer key.Erase()
			return printRecipient(ui, key.Public(), qr)
		},
	}
	for _, sub := range []*cobra.Command{fresh, public} {
		sub.Flags().StringVar(&qr, "qr", "", "also draw the public key as a QR code into this file (FILE.png)")
	}
	c.AddCommand(fresh, public)
	return c
}

func keyNew(ui *terminal, file string, classic bool, qr string) error {
	if err := free(file); err != nil {
		return err
	}
	suite := hpke.SuiteXWing
	if classic {
		suite = hpke.SuiteX25519
	}
	key, err := hpke.GenerateKey(suite, nil)
	if err != nil {
		return err
	}
	defer key.Erase()
	text, err := pairing.RecipientKeyText(key)
	if err != nil {
		return err
	}
	if err := writePrivate(file, []byte(text+"\n")); err != nil {
		return destinationError{fmt.Errorf("write recipient key: %w", err)}
	}
	return printRecipient(ui, key.Public(), qr)
}

func printRecipient(ui *terminal, key *hpke.PublicKey, qr string) error {
	if qr != "" {
		if err := writeRecipientQR(key, qr); err != nil {
			return err
		}
		ui.remark("The QR code is in %s.", qr)
	}
	if _, err := fmt.Fprintln(ui.out, pairing.RecipientText(key)); err != nil {
		return destinationError{fmt.Errorf("write standard output: %w", err)}
	}
	return nil
}

func writeRecipientQR(key *hpke.PublicKey, file string) error {
	if filepath.Ext(file) != ".png" {
		return usageError{fmt.Errorf("--qr %q is not a file that ends in .png", file)}
	}
	if err := free(file); err != nil {
		return err
	}
	code, err := pairing.RecipientQR(key)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		err = errors.Join(code.PNG(f, 4), f.Close())
	}
	if err != nil {
		return destinationError{fmt.Errorf("write QR code: %w", err)}
	}
	return nil
}

func readRecipientKey(file string) (*hpke.PrivateKey, error) {
	text, err := readShort(file, pairing.MaxRecipientText)
	if err != nil {
		return nil, usageError{fmt.Errorf("read recipient key: %w", err)}
	}
	key, err := pairing.ParseRecipientKey(text)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return key, nil
}

// maxRecipients bounds a file of --to, in bytes: as many X-Wing keys as a sealed file
// has stanzas.
const maxRecipients = 32 << 20

// readRecipients reads the files of --to: public keys and requests, one a line, what
// follows a # is a remark; the QR code of a key as a picture; or the bytes of one key
// from elsewhere.
func readRecipients(files []string) (all []*hpke.PublicKey, err error) {
	for _, file := range files {
		text, err := readShort(file, maxRecipients)
		if err != nil {
			return nil, usageError{fmt.Errorf("read recipient keys: %w", err)}
		}
		if strings.HasPrefix(text, "\x89PNG") {
			if text, err = pairing.ReadQR(bytes.NewReader([]byte(text))); err != nil {
				return nil, usageError{fmt.Errorf("read QR code in %s: %w", file, err)}
			}
		} else if key, err := pairing.RawRecipient([]byte(text)); err == nil {
			all = append(all, key)
			continue
		}
		before := len(all)
		for n, line := range strings.Split(text, "\n") {
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			key, err := pairing.ParseRecipient(line)
			if err != nil {
				return nil, usageError{fmt.Errorf("%s: line %d: %w", file, n+1, err)}
			}
			all = append(all, key)
		}
		if len(all) == before {
			return nil, usageError{fmt.Errorf("%s has no recipient key", file)}
		}
	}
	return all, nil
}
