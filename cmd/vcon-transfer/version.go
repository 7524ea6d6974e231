package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

func newVersion(ui *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the versions of the program, the protocol and the format",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(ui.out, "vcon-transfer %s\nprotocol %d\nvcon %s\n%s %s/%s\n",
				moduleVersion(), pairing.Version, segment.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			if err != nil {
				return destinationError{fmt.Errorf("write standard output: %w", err)}
			}
			return nil
		},
	}
}

// moduleVersion is what the program was built from: a version, or the commit.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	version := "devel"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			version += " " + s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			version += " modified"
		}
	}
	return version
}
