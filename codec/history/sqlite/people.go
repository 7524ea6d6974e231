package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// persons reads the parties that the messages name.
func (v *viewer) persons(ctx context.Context, _ []int64, entries map[int64]*entry) error {
	want := map[uint32]bool{}
	see := func(row uint32) {
		if _, ok := v.people[row]; !ok && row != 0 {
			want[row] = true
		}
	}
	for _, e := range entries {
		see(e.sender)
		for _, r := range e.reactions {
			see(r.sender)
		}
		if e.m.Kind == Other || e.m.Kind == Event {
			e.first.EachParty(see)
		}
	}
	return v.meet(ctx, want)
}

// meet reads rows of parties.
func (v *viewer) meet(ctx context.Context, want map[uint32]bool) error {
	ids := make([]int64, 0, len(want))
	for row := range want {
		ids = append(ids, int64(row))
	}
	err := inChunks(ids, func(ids []any) error {
		return eachRow(ctx, v.db, "SELECT id, name, uri, identity FROM parties WHERE id IN ("+marks(len(ids))+")", ids, func(rows *sql.Rows) error {
			var row uint32
			var p Person
			var identity string
			if err := rows.Scan(&row, &p.Name, &p.URI, &identity); err != nil {
				return err
			}
			v.people[row] = p.reached(identity)
			return nil
		})
	})
	if err != nil {
		return err
	}
	for row := range want {
		if p := v.people[row]; p.Name == "" && p.URI != "" {
			p.Name = v.name(ctx, p.URI)
			v.people[row] = p
		}
	}
	return nil
}

// reached is p with the address of his identity, where he has no URI.
func (p Person) reached(identity string) Person {
	if kind, rest, _ := strings.Cut(identity, " "); p.URI == "" && (kind == "tel" || kind == "mailto") {
		p.URI = kind + ":" + rest
	}
	return p
}

// name finds the name of a party by URI, "" when there is none. Of several the
// same is chosen always.
func (v *viewer) name(ctx context.Context, uri string) string {
	if n, ok := v.names[uri]; ok {
		return n
	}
	var n string
	err := v.db.QueryRowContext(ctx, "SELECT name FROM parties WHERE uri = ? AND uri <> '' AND name <> '' ORDER BY name LIMIT 1", uri).Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "" // a name is an ornament; the next query reports what is wrong
	}
	if len(v.names) >= maxParties {
		clear(v.names)
	}
	v.names[uri] = n
	return n
}

// called is what a roster event calls a party.
func (v *viewer) called(row *uint32) string {
	if row == nil {
		return "somebody"
	}
	p := v.people[*row]
	switch {
	case p.Name != "":
		return p.Name
	case p.URI != "":
		return p.URI
	}
	return "somebody"
}
