// Package cddl checks CBOR against CDDL (RFC 8610), for tests: it reads a schema,
// and says of a data item whether it matches a rule, and if not, where and why. It
// has its own reader of CBOR and shares nothing with package codec, whose output it
// judges.
//
// Not supported, and always an error: .bits, .pcre, the controls of RFC 9165 and
// later ones, generic arguments that are groups, and of the regular expressions of
// .regexp what regexp.go does not list. Choices and occurrences are those of a
// parsing expression grammar (RFC 8610, appendix A): the first that matches is
// taken, as often as it matches, and not taken back.
package cddl

import (
	"fmt"
	"slices"
)

// A Schema is a set of rules, checked to be whole: every name has its rule, every
// control its argument. It is safe for use by several goroutines.
type Schema struct {
	rules   map[string]*rule
	first   string
	regexps regexps
}

// Parse reads a schema. The prelude of RFC 8610, appendix D, is a part of it.
// Errors: *SyntaxError.
func Parse(text string) (*Schema, error) {
	if len(text) > maxSchema {
		return nil, &SyntaxError{Line: 1, Reason: "schema too long"}
	}
	s := &Schema{rules: make(map[string]*rule), regexps: make(regexps)}
	if err := s.read(prelude); err != nil {
		return nil, fmt.Errorf("prelude: %w", err)
	}
	for _, r := range s.rules {
		r.prelude = true
	}
	s.first = ""
	if err := s.read(text); err != nil {
		return nil, err
	}
	if s.first == "" {
		return nil, &SyntaxError{Line: 1, Reason: "no rule"}
	}
	return s, s.link()
}

// Rules returns the names of the schema's own rules, sorted.
func (s *Schema) Rules() []string {
	var names []string
	for n, r := range s.rules {
		if !r.prelude {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// Validate checks that data is one CBOR data item that matches a rule; "" is the
// schema's first one. Errors: *Mismatch; *MalformedError when data is not one
// well-formed item; others when the rule is not there or not a type, when a limit is
// met, or when a control has no meaning for the value it met.
func (s *Schema) Validate(rule string, data []byte) error {
	v, err := decode(data)
	if err != nil {
		return err
	}
	if rule == "" {
		rule = s.first
	}
	r := s.rules[rule]
	if r == nil || len(r.params) > 0 {
		return fmt.Errorf("find rule %s: it is not there, or has parameters", rule)
	}
	if r.isGroup {
		return fmt.Errorf("match rule %s: it is a group", rule)
	}
	m := &matcher{schema: s, maxSteps: minSteps + stepsPerByte*len(data)}
	switch ok := m.typ(&typ{kind: ofName, name: rule, text: rule}, nil, v); {
	case m.fatal != nil:
		return fmt.Errorf("match rule %s: %w", rule, m.fatal)
	case !ok:
		return m.mismatch()
	}
	return nil
}
