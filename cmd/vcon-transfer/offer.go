package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// showQR draws the offer where it was asked for, and says how to go on when that
// is not possible.
func showQR(ui *terminal, offer *pairing.Offer, where string) error {
	if where == "none" || where == "event" {
		return nil
	}
	code, err := offer.QR()
	if err != nil {
		return err
	}
	if where != "terminal" {
		f, err := os.OpenFile(where, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return destinationError{fmt.Errorf("write QR code: %w", err)}
		}
		if err := errors.Join(code.PNG(f, 8), f.Close()); err != nil {
			return destinationError{fmt.Errorf("write QR code: %w", err)}
		}
		ui.remark("The QR code is in %s.", where)
		return nil
	}
	if !ui.screen {
		return nil
	}
	ui.mu.Lock()
	err = code.Terminal(ui.err, pairing.TerminalOptions{Columns: ui.columns, Rows: ui.rows})
	ui.mu.Unlock()
	if small, ok := errors.AsType[*pairing.TooSmallError](err); ok {
		ui.say("This terminal has %d columns and %d lines; the QR code needs %d and %d.\n"+
			"Make it larger, or use --qr FILE.png. As text, for `vcon-transfer send` on the old device:\n\n%s\n",
			ui.columns, ui.rows, small.Columns, small.Rows, offer.Text())
		return nil
	}
	return err
}

// readOffer gets the offer from a file, from a picture, or from the person.
func (f *sendFlags) readOffer(ctx context.Context, ui *terminal) (*pairing.Offer, error) {
	var text string
	switch file, image := f.offerFile, f.scan; {
	case f.offerFD != 0:
		b, err := f.offerFD.read("offer", pairing.MaxOfferText)
		if err != nil {
			return nil, err
		}
		text = string(b)
	case image != "":
		f, err := os.Open(image)
		if err != nil {
			return nil, offerError{fmt.Errorf("read QR code: %w", err)}
		}
		defer f.Close()
		if text, err = pairing.ReadQR(f); err != nil {
			return nil, offerError{fmt.Errorf("read QR code in %s: %w", filepath.Base(image), err)}
		}
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return nil, offerError{fmt.Errorf("read offer: %w", err)}
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, pairing.MaxOfferText+1))
		if err != nil {
			return nil, offerError{fmt.Errorf("read offer: %w", err)}
		}
		text = string(b)
	default:
		var err error
		text, err = ui.ask(ctx, "Paste the offer that the new device shows (or run with --scan IMAGE): ")
		if err != nil {
			return nil, offerError{fmt.Errorf("read offer: %w", err)}
		}
	}
	offer, err := pairing.ParseOffer(text)
	if err != nil {
		return nil, offerError{err}
	}
	return offer, nil
}

// writePrivate writes a secret into a new file that nobody else can read.
func writePrivate(path string, data []byte) (err error) {
	os.Remove(path) // an old file may have another mode, or be a link
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// hostname is the default label.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "a device"
	}
	return name[:min(len(name), pairing.MaxLabel)]
}
