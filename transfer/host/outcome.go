package host

import (
	"encoding/hex"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Codes of Done beside those of docs/wire-format.md, "Error codes". What is not one of
// either is CodeInternal; a host takes a code that it does not know for that.
const (
	CodeOK          = "ok"          // done, with the receipt in hand
	CodeUsage       = "usage"       // what the host asked for makes no sense
	CodeOffer       = "offer"       // the offer cannot be read
	CodeInterrupted = "interrupted" // this side was stopped: cancelled, or its host is gone
	CodeInternal    = "internal"
	CodeQuarantined = "quarantined" // all is done, with items in quarantine, which the host did not want
	CodeListen      = "listen"      // the new device cannot wait for the old one where it has to
	CodeSource      = "source"      // that of the wire format: a history that cannot be read
	CodeStorage     = "storage"     // that of the wire format: a place that cannot be written
)

// A Failure is an error whose code is known where it is found, before a transfer begins
// or below one: in a Source, a Sink, a State.
type Failure struct {
	Code string
	Err  error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Fail is err with a code; nil stays nil.
func Fail(code string, err error) error {
	if err == nil {
		return nil
	}
	return &Failure{code, err}
}

// DoneOf is the last event of a run that came to r, or to err. What only its caller
// knows is missing: Hint, Resume and Rooms.
func DoneOf(r *transfer.Result, err error) Done {
	code := CodeOf(err)
	d := Done{OK: err == nil, Exit: ExitOf(code), Code: code}
	if err != nil {
		d.Message = Printable(err.Error(), maxMessage)
	}
	if r == nil {
		return d
	}
	d.Transfer, d.Root = hex.EncodeToString(r.TransferID[:]), hex.EncodeToString(r.Root[:])
	d.Peer, d.Ledger = Printable(r.Peer, pairing.MaxLabel), LedgerOf(r.Ledger)
	d.Sent, d.Received, d.Duration = r.Sent, r.Received, r.Duration.Milliseconds()
	if r.Route.Kind != 0 {
		d.Route = r.Route.String()
	}
	return d
}

// maxMessage bounds Done.Message, in runes.
const maxMessage = 1000

// CodeOf is the one place that turns an error of a run into its code. That this side
// was stopped is known best; then what was found here; then what the session made of it.
func CodeOf(err error) string {
	if err == nil {
		return CodeOK
	}
	if errors.Is(err, ErrCancelled) || errors.Is(err, ErrClosed) || errors.Is(err, ErrGone) {
		return CodeInterrupted
	}
	if errors.Is(err, ErrNoAnswer) {
		return wire.CodeTimeout.String()
	}
	if errors.Is(err, pairing.ErrSigner) {
		return CodeUsage
	}
	if f, ok := errors.AsType[*Failure](err); ok && f.Code != CodeOffer {
		return f.Code
	} else if ok {
		return codeOfOffer(f.Err)
	}
	e, ok := errors.AsType[*transfer.Error](err)
	switch {
	case ok && e.Code == wire.CodeCancelled && !e.Peer:
		return CodeInterrupted
	case ok && e.Code.Known() && e.Code != wire.CodeInternal:
		return e.Code.String()
	case errors.Is(err, transfer.ErrDeclined):
		return wire.CodeDeclined.String()
	}
	return CodeInternal
}

// codeOfOffer says why an offer cannot be read, if another version could.
func codeOfOffer(err error) string {
	switch {
	case errors.Is(err, pairing.ErrVersion):
		return wire.CodeVersion.String()
	case errors.Is(err, pairing.ErrSuite):
		return wire.CodeSuite.String()
	case errors.Is(err, pairing.ErrIntent):
		return wire.CodeIntent.String()
	}
	return CodeOffer
}

// ExitOf is the exit code of docs/command-line.md for a code.
func ExitOf(code string) int {
	for exit, codes := range exits {
		for _, c := range codes {
			if c == code {
				return exit
			}
		}
	}
	return 1
}

// exits are the codes by their exit code. Those that are in none are exit code 1.
var exits = map[int][]string{
	0:   {CodeOK},
	2:   {CodeUsage},
	4:   {CodeOffer, wire.CodeExpired.String(), wire.CodeTaken.String(), wire.CodeIntent.String()},
	5:   {wire.CodeWrongCheckCode.String(), wire.CodeTooManyTries.String()},
	6:   {wire.CodeDeclined.String()},
	7:   {wire.CodeTimeout.String(), wire.CodeCancelled.String(), wire.CodeShutdown.String(), wire.CodeBusy.String()},
	8:   {wire.CodeVerification.String(), wire.CodeProtocol.String(), wire.CodeLimit.String()},
	9:   {CodeSource},
	10:  {CodeStorage},
	11:  {wire.CodePolicy.String(), wire.CodeUntrusted.String()},
	12:  {wire.CodeVersion.String(), wire.CodeSuite.String()},
	13:  {CodeQuarantined},
	130: {CodeInterrupted},
}
