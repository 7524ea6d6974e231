package main

import (
	"errors"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/sealedfile"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A fileError is of sealing or opening a sealed file.
type fileError struct{ error }

func (f fileError) Unwrap() error { return f.error }

// explainFile is explain for a sealed file: there is no other device that goes on.
func explainFile(err error) (exit int, message, hint string) {
	message = err.Error()
	e, ok := errors.AsType[*transfer.Error](err)
	if ok && e.Err != nil {
		message = e.Err.Error()
	}
	if errors.Is(err, pairing.ErrAttestation) {
		return exitPolicy, message, "A request of somebody who wants your messages looks just like this. Nothing was sealed."
	}
	switch {
	case errors.Is(err, sealedfile.ErrExpected):
		return exitVerification, message, "Nothing of it was imported. Ask who shared it for the file id and the root."
	case errors.Is(err, sealedfile.ErrClassic):
		return exitVersion, message, "--classic allows it."
	case errors.Is(err, pairing.ErrUntrusted):
		return exitPolicy, message, "Nothing of it was imported."
	case isDestination(err):
		return exitDestination, message, "Nothing that was imported before is harmed."
	case isSource(err):
		return exitSource, message, ""
	}
	if !ok {
		return exitOther, message, ""
	}
	switch e.Code {
	case wire.CodeDeclined:
		return exitDeclined, transfer.ErrDeclined.Error(), ""
	case wire.CodeExpired:
		return exitOffer, message, "Ask for a new one."
	case wire.CodeIntent:
		if errors.Is(err, hpke.ErrRecipient) {
			return exitOffer, message, "It is for other keys, or it was changed on its way."
		}
		return exitOffer, message, ""
	case wire.CodeVerification, wire.CodeProtocol:
		return exitVerification, message, "It is not as it was sealed: changed or cut on its way, or forged. Nothing of it was imported."
	case wire.CodeLimit:
		if errors.Is(err, hpke.ErrRecipients) {
			return exitUsage, message, ""
		}
		return exitVerification, message, ""
	case wire.CodeSource:
		return exitSource, message, ""
	case wire.CodeStorage:
		return exitDestination, message, "Put that right, then run the same command again."
	case wire.CodePolicy, wire.CodeUntrusted:
		return exitPolicy, message, ""
	case wire.CodeVersion, wire.CodeSuite:
		return exitVersion, message, ""
	}
	return exitOther, message, ""
}
