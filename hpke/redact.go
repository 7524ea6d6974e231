package hpke

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// errMarshal keeps a secret out of JSON, where it would be an array of numbers.
var errMarshal = errors.New("hpke: a secret has no text form")

const redactedSecret = "hpke.Secret(redacted)"

// String does not show the secret.
func (s Secret) String() string { return redactedSecret }

// GoString does not show the secret.
func (s Secret) GoString() string { return redactedSecret }

// Format does not show the secret, under any verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redactedSecret) }

// LogValue does not show the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redactedSecret) }

// MarshalText refuses.
func (s Secret) MarshalText() ([]byte, error) { return nil, errMarshal }

// String names the suite only.
func (k PrivateKey) String() string { return "hpke.PrivateKey(" + k.suite.String() + ", redacted)" }

// GoString names the suite only.
func (k PrivateKey) GoString() string { return k.String() }

// Format names the suite only, under any verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue names the suite only.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText refuses.
func (k PrivateKey) MarshalText() ([]byte, error) { return nil, errMarshal }

// String names the suite only: a public key in a log links devices.
func (k PublicKey) String() string { return "hpke.PublicKey(" + k.suite.String() + ", redacted)" }

// GoString names the suite only.
func (k PublicKey) GoString() string { return k.String() }

// Format names the suite only, under any verb.
func (k PublicKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue names the suite only.
func (k PublicKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Format shows nothing of a context, under any verb.
func (c *context) Format(f fmt.State, _ rune) { io.WriteString(f, "hpke.Context(redacted)") }

// Format shows nothing of a stream, under any verb: the AEAD prints its key.
func (c *chunks) Format(f fmt.State, _ rune) { io.WriteString(f, "hpke.Stream(redacted)") }

// Format shows nothing of a stream, under any verb: its buffer is plaintext.
func (w *Writer) Format(f fmt.State, _ rune) { io.WriteString(f, "hpke.Writer(redacted)") }

// Format shows nothing of a stream, under any verb: its buffer is plaintext.
func (r *Reader) Format(f fmt.State, _ rune) { io.WriteString(f, "hpke.Reader(redacted)") }

// Format shows nothing of a sealed file, under any verb: its secret opens it.
func (f *FileSealer) Format(s fmt.State, _ rune) { io.WriteString(s, "hpke.FileSealer(redacted)") }

// Format shows nothing of a sealed file, under any verb: its head is plaintext.
func (o *FileOpener) Format(s fmt.State, _ rune) { io.WriteString(s, "hpke.FileOpener(redacted)") }
