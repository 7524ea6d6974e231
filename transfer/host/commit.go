package host

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Commit asks the host to make what it staged final, in one step.
type Commit struct {
	Want     bool    `json:"want"`
	Transfer string  `json:"transfer"`
	Root     string  `json:"root"`
	Ledger   *Ledger `json:"ledger"`
}

// Abort tells the host that what it staged stays incomplete, for another run.
type Abort struct {
	Transfer string `json:"transfer"`
	Code     string `json:"code"` // as in Done
	Message  string `json:"message"`
}

func (Commit) event() string { return "commit" }
func (Abort) event() string  { return "abort" }

// Commit asks the host to commit, and keeps the receipt once it has.
func (s *Sink) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	if !s.begun {
		return errNoTransfer
	}
	// The receipt is on the disk before the host commits, so that what can fail after
	// that is one rename.
	name := hex.EncodeToString(s.info.ID[:])
	if len(receipt) > maxReceipt {
		return stored("commit transfer", errors.New("receipt is too long"))
	}
	if err := errors.Join(s.reached("keep receipt"), s.write(receiptsDir+"/"+name+pending, receipt)); err != nil {
		return stored("commit transfer", err)
	}
	answers, over := s.conn.listen(1, "committed", "abort")
	defer over()
	if err := s.reached("emit commit"); err != nil {
		return err
	}
	err := s.conn.Emit(Commit{true, name, hex.EncodeToString(end.Root[:]), LedgerOf(end.Ledger)})
	if err != nil {
		return err
	}
	var cmd *Command
	for cmd == nil && err == nil {
		cmd, err = s.wait(ctx, answers)
	}
	if err != nil {
		return fmt.Errorf("commit transfer: %w", err)
	}
	if cmd.Cmd == "abort" {
		return Fail(CodeStorage, errors.New("the host did not commit"+why(cmd)))
	}
	if err := s.reached("mark receipt"); err != nil {
		return err
	}
	if err := s.root.Rename(receiptsDir+"/"+name+pending, receiptsDir+"/"+name); err != nil {
		return stored("commit transfer", err)
	}
	if err := s.sync(receiptsDir); err != nil {
		return stored("commit transfer", err)
	}
	if err := s.reached("drop journal"); err != nil {
		return err
	}
	return stored("commit transfer", errors.Join(s.leave(), s.root.Remove(journalsDir+"/"+name)))
}

// pending ends the name of a receipt that the host has not committed.
const pending = ".pending"

func why(cmd *Command) string {
	if cmd.Code == nil {
		return ""
	}
	return ": " + *cmd.Code
}

// Receipt gives the receipt of a transfer that the host committed, else nil.
func (s *Sink) Receipt(_ context.Context, id [32]byte) ([]byte, error) {
	if s.root == nil {
		return nil, stored("read receipt", fs.ErrClosed)
	}
	b, err := s.readAll(receiptsDir + "/" + hex.EncodeToString(id[:]))
	return b, stored("read receipt", err)
}

// Abort tells the host, and keeps what is in the folder for the next run.
func (s *Sink) Abort(_ context.Context, cause error) error {
	if !s.begun {
		return nil
	}
	e := Abort{hex.EncodeToString(s.info.ID[:]), CodeOf(cause), Printable(cause.Error(), maxMessage)}
	return errors.Join(stored("abort transfer", s.leave()), s.conn.Emit(e))
}

// write makes a file whole and durable.
func (s *Sink) write(name string, data []byte) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
