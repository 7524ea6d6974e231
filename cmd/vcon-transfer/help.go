package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// strict makes every mistake on the command line a usageError: wrong arguments,
// flags that exclude each other, and commands that do not exist, which cobra
// reports in its own ways.
func strict(root *cobra.Command) {
	root.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Errorf("unknown command %q", args[0])
		if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
			err = fmt.Errorf("%w: did you mean %q?", err, similar[0])
		}
		return usageError{err}
	}
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	root.SuggestionsMinimumDistance = 2
	for _, c := range root.Commands() {
		strictFlags(c)
	}
}

func strictFlags(c *cobra.Command) {
	args := c.Args
	c.Args = func(c *cobra.Command, given []string) error {
		if args != nil {
			if err := args(c, given); err != nil {
				return usageError{err}
			}
		}
		if err := c.ValidateFlagGroups(); err != nil {
			return usageError{err}
		}
		return nil
	}
	for _, sub := range c.Commands() {
		strictFlags(sub)
	}
}
