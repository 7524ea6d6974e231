package cddl

// A rule is a name with what stands for it: choices of entries, of which `/=` and
// `//=` add more.
type rule struct {
	name    string
	params  []string
	defined bool // with "=", once
	prelude bool
	choices []*ent // as they were read
	line    int
	whole   *ent   // made of choices by link
	alone   *group // whole, as a group

	isGroup bool // set by link: stands for entries, not for one type
	state   byte // of link's search for isGroup
}

// An ent is an entry of a group: a group in parentheses, or a type, with or without
// a key. A type that is a lone name may turn out to name a group.
type ent struct {
	min, max uint64 // occurrence; 1, 1 when none is written
	occurs   bool   // one is written
	key      *typ
	cut      bool
	typ      *typ   // or
	group    *group // in parentheses
	line     int
}

// A group is choices, each a sequence of entries.
type group struct{ choices [][]*ent }

// A typ is a type of the schema.
type typ struct {
	kind kind
	text string // as written, blanks made one
	line int

	choices []*typ // ofChoice
	name    string // ofName, ofUnwrap, ofEnum of a name
	args    []*typ // of these
	group   *group // ofMap, ofArray, ofEnum
	lit     *value // ofLiteral; floats have width 27
	lo, hi  *typ   // ofRange
	open    bool   // ofRange: hi does not belong to it
	major   byte   // ofMajor
	info    uint64 // ofMajor
	hasInfo bool   // ofMajor
	op      string // ofControl
	target  *typ   // ofControl; ofTag: what is tagged
	arg     *typ   // ofControl
	tag     *typ   // ofTag: nil is any
}

type kind byte

const (
	ofChoice kind = iota
	ofName
	ofLiteral
	ofRange
	ofControl
	ofMap
	ofArray
	ofUnwrap
	ofEnum
	ofTag
	ofMajor
	ofAny
	ofParens // target, in parentheses
)

// lone is the name of an entry that is nothing but a name, which may be a group's.
func (e *ent) lone() (*typ, bool) {
	if e.key == nil && e.typ != nil && e.typ.kind == ofName {
		return e.typ, true
	}
	return nil, false
}

// asType is an entry as the type that it is, when it is one: nothing but a type, or
// such a one in parentheses.
func (e *ent) asType() *typ {
	switch {
	case e.occurs || e.key != nil:
		return nil
	case e.typ != nil:
		return e.typ
	case len(e.group.choices) == 1 && len(e.group.choices[0]) == 1:
		return e.group.choices[0][0].asType()
	}
	return nil
}
