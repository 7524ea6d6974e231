package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// beside tells what a conversation's vCon has besides its messages.
func (v *view) beside(x codec.Fields) {
	if kinds, n := analyses(x["analysis"]); n > 0 {
		v.body("", 0, "  ", "Kept beside it: "+strings.Join(kinds, ", ")+fmt.Sprintf(" (%s of analysis)", plural(uint64(n), "record")), nil)
	}
	var others []string
	for _, name := range slices.Sorted(maps.Keys(x)) {
		if name != "analysis" && name != "subject" && name != "extensions" && !saysNothing(x[name]) {
			others = append(others, shown(name, maxShownName))
		}
	}
	if len(others) > 0 {
		v.body("", 0, "  ", "Also kept: "+strings.Join(others, ", "), nil)
	}
}

// analyses names the elements of analysis (vcon-core, "Analysis Object"), equal
// ones once with their number.
func analyses(raw codec.Raw) (kinds []string, n int) {
	var list []codec.Raw
	if len(raw) == 0 || raw.Decode(&list) != nil {
		return nil, 0
	}
	times := map[string]int{}
	for _, e := range list {
		var a struct {
			Type   string `cbor:"type"`
			Vendor string `cbor:"vendor"`
		}
		_ = e.Decode(&a) // what is of another form has no name
		kind := cmp.Or(shown(a.Type, maxShownName), "of no type")
		if a.Vendor != "" {
			kind += " (" + shown(a.Vendor, maxShownName) + ")"
		}
		if times[kind]++; times[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	for i, k := range kinds {
		if times[k] > 1 {
			kinds[i] = fmt.Sprintf("%d × %s", times[k], k)
		}
	}
	return kinds[:min(len(kinds), maxAnalyses)], len(list)
}

// maxAnalyses bounds the kinds of analysis that are named.
const maxAnalyses = 20

// saysNothing tells of a value that is null, false or empty.
func saysNothing(raw codec.Raw) bool {
	return len(raw) == 0 || len(raw) == 1 && slices.Contains([]byte{0xf4, 0xf6, 0x60, 0x80, 0xa0}, raw[0])
}
