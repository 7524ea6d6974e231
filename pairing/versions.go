package pairing

import "github.com/vcon-transfer/vcon-transfer/internal/upgrade"

// versions are what one side speaks (docs/wire-format.md, "Versions"): S names its highest in M2, R chooses in
// M3 the highest that is not above both.
type versions struct {
	oldest, newest uint8
	field          []byte // of a later version, in tests
}

func versionsOf(p upgrade.Program) versions {
	v := versions{OldestVersion, Version, p.Field}
	if p.Oldest != 0 {
		v.oldest = p.Oldest
	}
	if p.Newest != 0 {
		v.newest = p.Newest
	}
	return v
}

// fields are what a later version has more in its maps.
func (v versions) fields() fields {
	if len(v.field) == 0 {
		return nil
	}
	return fields{upgrade.Key: v.field}
}
