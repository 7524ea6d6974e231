package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

// versions is what `version --json` prints: which formats the program speaks, reads and
// writes. Of each but protocol it writes one version, and reads those before it as the
// documents say.
type versions struct {
	Program  string          `json:"program"`
	Protocol protocolVersion `json:"protocol"`
	Format   formatVersion   `json:"format"`
	Schema   int             `json:"schema"` // of the store
	State    stateVersion    `json:"state"`  // unfinished transfers
	Events   int             `json:"events"` // of --json
	Suites   []string        `json:"suites"` // the default first
	Go       string          `json:"go"`
	OS       string          `json:"os"`
	Arch     string          `json:"arch"`
}

type protocolVersion struct {
	Newest int   `json:"newest"`
	Speaks []int `json:"speaks"` // newest first
	Offer  int   `json:"offer"`
}

type formatVersion struct {
	VCon    string `json:"vcon"`
	Segment int    `json:"segment"`
	CBOR    int    `json:"cbor"` // the mapping of vCons
}

type stateVersion struct {
	File       int `json:"file"`
	Checkpoint int `json:"checkpoint"`
}

func versionsOfThis() versions {
	v := versions{
		Program:  moduleVersion(),
		Protocol: protocolVersion{Newest: pairing.Version, Offer: pairing.OfferVersion},
		// These two are those of docs/wire-format.md: a segment, or a mapping, of another
		// version needs another version of the protocol.
		Format: formatVersion{VCon: segment.Version, Segment: 1, CBOR: 1},
		Schema: sqlite.SchemaVersion,
		State:  stateVersion{File: statedir.Version, Checkpoint: transfer.CheckpointVersion},
		Events: host.Version,
		Suites: []string{hpke.SuiteXWing.String(), hpke.SuiteX25519.String()},
		Go:     runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
	for n := pairing.Version; n >= pairing.OldestVersion; n-- {
		v.Protocol.Speaks = append(v.Protocol.Speaks, n)
	}
	return v
}

func newVersion(ui *terminal) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "print the versions of the program, the protocol and the format",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versionsOfThis()
			text := fmt.Appendf(nil, "vcon-transfer %s\nprotocol %d\nvcon %s\n%s %s/%s\n",
				v.Program, v.Protocol.Newest, v.Format.VCon, v.Go, v.OS, v.Arch)
			if asJSON {
				var err error
				if text, err = json.Marshal(v); err != nil {
					return err
				}
				text = append(text, '\n')
			}
			if _, err := ui.out.Write(text); err != nil {
				return destinationError{fmt.Errorf("write standard output: %w", err)}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
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
