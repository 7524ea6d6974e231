package pairing

// A Program is what one side speaks, where a test plays a program of another version than this one. The zero
// Program is this one, as it is. Outside of tests it breaks transfers: it only claims.
type Program struct {
	Oldest uint8  // lowest protocol version; 0 is OldestVersion
	Newest uint8  // highest protocol version; 0 is Version
	Field  []byte // one CBOR item that the bundle, the summary and the accept carry under ProgramKey; none if empty
}

// ProgramKey is the key of Program.Field, which no version gives a meaning.
const ProgramKey = 0xf0

// versions are what one side speaks (docs/wire-format.md, "Versions"): S names its highest in M2, R chooses in
// M3 the highest that is not above both.
type versions struct {
	oldest, newest uint8
	field          []byte // of a later version, in tests
}

func versionsOf(p Program) versions {
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
	return fields{ProgramKey: v.field}
}
