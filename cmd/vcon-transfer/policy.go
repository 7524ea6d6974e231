package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/policy"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// policyFlags are a room's policy on sharing its history, for who shares.
type policyFlags struct {
	file string
	role uint32
}

func (f *policyFlags) bind(c *cobra.Command) {
	c.Flags().StringVar(&f.file, "policy", "", "file with the room's policy on sharing its history (MIMI HistoryPolicy, in JSON or as TLS structure)")
	c.Flags().Uint32Var(&f.role, "role", 0, "with --policy: the index of your role in the room")
}

// read gives the policy; nil without one.
func (f *policyFlags) read() (*policy.History, error) {
	if f.file == "" && f.role > 0 {
		return nil, usageError{errors.New("--role goes with --policy")}
	}
	return readPolicy(f.file)
}

// cap holds a scope against the policy, which caps one without beginning.
func (f *policyFlags) cap(s *segment.Scope) error {
	p, err := f.read()
	if err != nil || p == nil {
		return err
	}
	now := time.Now()
	if s.Since.IsZero() {
		s.Since = p.Since(now).Truncate(time.Second)
		if s.Since.Before(p.Since(now)) {
			s.Since = s.Since.Add(time.Second)
		}
	}
	return p.Check(f.role, s.Since, now)
}

// readPolicy reads a file with a policy; nil for no file.
func readPolicy(file string) (*policy.History, error) {
	if file == "" {
		return nil, nil
	}
	text, err := readShort(file, policy.MaxJSON)
	if err != nil {
		return nil, usageError{fmt.Errorf("read policy: %w", err)}
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return p, nil
}
