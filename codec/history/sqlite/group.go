package sqlite

// grouped parts a chain into messages by rules 1 and 2.
func grouped(chain []*version) []*group {
	byName := make(map[int64]*version, len(chain))
	for _, v := range chain {
		if w, ok := byName[v.name.Int64]; v.name.Valid && (!ok || v.before(w) < 0) {
			byName[v.name.Int64] = v
		}
	}
	target := func(v *version) *version {
		if !v.replaces.Valid {
			return nil
		}
		return byName[v.replaces.Int64]
	}
	var groups []*group
	type absent struct {
		name   int64
		sender string
	}
	lost := map[absent]*group{}
	var place func(v *version) *group
	place = func(v *version) *group {
		if v.group != nil {
			return v.group
		}
		v.group = new(group) // also stops at a ring
		parent := target(v)
		switch {
		case !v.replaces.Valid:
		case parent == nil && v.sender != "":
			at := absent{v.replaces.Int64, v.sender}
			if lost[at] == nil {
				lost[at] = v.group
				groups = append(groups, v.group)
			}
			v.group = lost[at]
			v.group.members = append(v.group.members, v)
			return v.group
		case parent == nil:
		case parent != v && mayReplace(v, parent) && !above(v, parent, target):
			v.group = place(parent)
			v.group.members = append(v.group.members, v)
			return v.group
		default:
			v.fault = true
		}
		v.group.members = append(v.group.members, v)
		groups = append(groups, v.group)
		return v.group
	}
	for _, v := range chain {
		place(v)
	}
	return groups
}

// mayReplace reports whether v comes from the sender of what it replaces.
// Tombstones need not name a sender: what replaces one is hidden with it, and one
// that shares the message's id counts unless it is only somebody else's word
// against what the person's own devices hold.
func mayReplace(v, first *version) bool {
	switch {
	case v.room != first.room:
		return false
	case first.kind == kindTombstone && first.sender == "":
		return true
	case v.kind == kindTombstone:
		return v.own || !first.own
	}
	return v.sender != "" && v.sender == first.sender
}

// above reports whether v is among what its own parent replaces: a ring, in which
// nothing is a first version.
func above(v, parent *version, target func(*version) *version) bool {
	seen := map[*version]bool{}
	for w := parent; w != nil && !seen[w]; w = target(w) {
		if w == v {
			return true
		}
		seen[w] = true
	}
	return false
}
