package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/policy"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Exit codes, as docs and scripts have them. A new one may come; an unknown one is
// a failure.
const (
	exitDone         = 0
	exitOther        = 1
	exitUsage        = 2
	exitOffer        = 4
	exitCheckCode    = 5
	exitDeclined     = 6
	exitPeer         = 7
	exitVerification = 8
	exitSource       = 9
	exitDestination  = 10
	exitPolicy       = 11
	exitVersion      = 12
	exitQuarantined  = 13
	exitInterrupted  = 130
	exitTerminated   = 143
)

// A usageError is a command line that makes no sense.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// A sourceError is a history that cannot be read.
type sourceError struct{ error }

func (s sourceError) Unwrap() error { return s.error }

// A destinationError is a place that cannot be written.
type destinationError struct{ error }

func (d destinationError) Unwrap() error { return d.error }

// An offerError is an offer that cannot be read.
type offerError struct{ error }

func (o offerError) Unwrap() error { return o.error }

// A quarantineError is a transfer that is done, with items in quarantine, where
// --strict was given.
type quarantineError uint64

func (q quarantineError) Error() string {
	return fmt.Sprintf("all is done, with %s in quarantine", plural(uint64(q), "item"))
}

// explain is the one place that turns an error of a command into an exit code, a
// message, and what the person can do.
func explain(ctx context.Context, command string, err error) (exit int, message, hint string) {
	message = err.Error()
	transfers := command == "send" || command == "receive"
	if s, ok := errors.AsType[signalError](context.Cause(ctx)); ok {
		hint = "Run the same command again: it begins from the start."
		if transfers {
			hint = hintAgain
		}
		if s.Signal == syscall.SIGTERM {
			return exitTerminated, "terminated", hint
		}
		return exitInterrupted, "interrupted", hint
	}
	if cause := context.Cause(ctx); errors.Is(cause, host.ErrCancelled) || errors.Is(cause, host.ErrGone) {
		return exitInterrupted, cause.Error(), hintAgain
	}
	if errors.Is(err, host.ErrClosed) || errors.Is(err, host.ErrGone) {
		return exitInterrupted, message, hintAgain
	}
	if errors.Is(err, host.ErrNoAnswer) {
		return exitPeer, message, hintAgain
	}
	if errors.Is(err, pairing.ErrSigner) {
		return exitUsage, message, "Is the key that signs that of --host-identity?"
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage, message, "See `vcon-transfer help`."
	}
	if errors.Is(err, policy.ErrForbidden) {
		if f, ok := errors.AsType[fileError](err); ok {
			return explainFile(f.error)
		}
		return exitPolicy, message, ""
	}
	if errors.Is(err, errUnsigned) {
		return exitVerification, message, ""
	}
	if _, ok := errors.AsType[quarantineError](err); ok {
		return exitQuarantined, message, ""
	}
	if _, ok := errors.AsType[offerError](err); ok {
		return explainOffer(err)
	}
	if f, ok := errors.AsType[fileError](err); ok {
		return explainFile(f.error)
	}
	if e, ok := errors.AsType[*transfer.Error](err); ok && e.Code != wire.CodeInternal {
		return explainTransfer(e)
	} else if ok {
		// What a prompt or a destination found is better known here.
		if e.Err != nil {
			err, message = e.Err, e.Err.Error()
		}
	}
	switch {
	case errors.Is(err, transfer.ErrDeclined):
		return exitDeclined, message, ""
	case isDestination(err):
		if transfers {
			hint = "Nothing that was imported before is harmed."
		}
		return exitDestination, message, hint
	case isSource(err):
		return exitSource, message, ""
	}
	return exitOther, message, ""
}

const hintAgain = "Run the same command again to go on with what is missing."

const hintAgainOrNew = "Run the same command again to go on with what is missing, or with --new to begin again with a new code."

func explainOffer(err error) (exit int, message, hint string) {
	message = err.Error()
	switch {
	case errors.Is(err, pairing.ErrVersion), errors.Is(err, pairing.ErrSuite):
		return exitVersion, message, "The new device runs another version; update the older one."
	case errors.Is(err, pairing.ErrMistyped):
		return exitOffer, message, "Copy the whole text once more, or scan the code."
	case errors.Is(err, pairing.ErrExpired):
		return exitOffer, message, "Run `vcon-transfer receive` again for a new code."
	}
	return exitOffer, message, "Show the code again with `vcon-transfer receive` on the new device."
}

// explainTransfer says what the code of a transfer's error means to a person.
func explainTransfer(e *transfer.Error) (exit int, message, hint string) {
	message = e.Error()
	switch e.Code {
	case wire.CodeExpired:
		return exitOffer, message, "Run `vcon-transfer receive` again for a new code."
	case wire.CodeTaken, wire.CodeIntent:
		return exitOffer, message, "Show a new code with `vcon-transfer receive` on the new device."
	case wire.CodeWrongCheckCode, wire.CodeTooManyTries:
		return exitCheckCode, message, "Start again on both devices, and compare the digits on the two screens."
	case wire.CodeDeclined:
		return exitDeclined, message, ""
	case wire.CodeTimeout, wire.CodeCancelled, wire.CodeShutdown, wire.CodeBusy:
		return exitPeer, message, peerHint(e)
	case wire.CodeVerification, wire.CodeProtocol, wire.CodeLimit:
		return exitVerification, message, "What came was not what the other device sent. It was refused; what came before is marked incomplete."
	case wire.CodeSource:
		return exitSource, message, ""
	case wire.CodeStorage:
		switch {
		case e.Peer:
			message = "the other device cannot keep what comes: full, or not writable"
			return exitDestination, message, "Make room there, then run the same command on both devices again: it goes on."
		case isFull(e):
			return exitDestination, message, "Make room, then run the same command on both devices again: it goes on."
		}
		return exitDestination, message, "Put that right, then run the same command on both devices again: it goes on."
	case wire.CodePolicy, wire.CodeUntrusted:
		if errors.Is(e, pairing.ErrAttestation) {
			return exitPolicy, message, "A code of somebody who wants your messages looks just like this. Nothing was told to that device, and nothing sent."
		}
		if e.Peer && e.Code == wire.CodeUntrusted {
			return exitPolicy, message, "That device takes only devices that it knows. Show it this one's identity with --identity, and what the account says of it with receive --attestation."
		}
		return exitPolicy, message, ""
	case wire.CodeVersion, wire.CodeSuite:
		return exitVersion, message, "The two devices run different versions; update the older one."
	}
	return exitOther, message, ""
}

// peerHint says what to look at when the peer cannot be reached.
func peerHint(e *transfer.Error) string {
	if e.Peer {
		return hintAgainOrNew
	}
	if errors.Is(e, relay.Unreachable) || errors.Is(e, relay.NotRelay) {
		return "Is the relay running, and its URL right? If so, run the same command again to go on."
	}
	if errors.Is(e, syscall.ECONNREFUSED) || errors.Is(e, syscall.EHOSTUNREACH) || errors.Is(e, syscall.ENETUNREACH) {
		return "Are both devices on one network, and is `vcon-transfer receive` still running? A firewall may be in the way; `--relay` goes around it."
	}
	return hintAgainOrNew
}

func isSource(err error) bool {
	_, own := errors.AsType[sourceError](err)
	_, format := errors.AsType[*codec.Error](err)
	_, file := errors.AsType[*history.FileError](err)
	return own || format || file || errors.Is(err, history.ErrChanged) || errors.Is(err, fs.ErrNotExist)
}

// isFull tells a destination without room from other trouble with it.
func isFull(err error) bool {
	_, space := errors.AsType[*history.SpaceError](err)
	store, ok := errors.AsType[*sqlite.DestinationError](err)
	return space || ok && store.Cause == sqlite.Full || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func isDestination(err error) bool {
	_, own := errors.AsType[destinationError](err)
	_, folder := errors.AsType[*history.DestinationError](err)
	_, state := errors.AsType[*statedir.Error](err)
	return own || folder || state || errors.Is(err, sqlite.ErrDestination) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EROFS)
}
