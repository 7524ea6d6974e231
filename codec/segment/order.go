package segment

import "github.com/vcon-transfer/vcon-transfer/codec"

// IsRoster tells whether d is an event of the roster or of the room's metadata
// (party_history without a type): it belongs to a room's roster segments.
func IsRoster(d *codec.Dialog) bool { return d.Type == "" && len(d.PartyHistory) > 0 }

// Instant is the moment that d is ordered by, in milliseconds since 1970: its
// start, or the time of its first event when it is a roster event. It reports
// false when d is undated; see FillInstants.
func Instant(d *codec.Dialog) (ms int64, ok bool) {
	if IsRoster(d) {
		if ms, ok := d.PartyHistory[0].Time.UnixMilli(); ok {
			return ms, true
		}
	}
	return d.Start.UnixMilli()
}

// FillInstants gives the undated records among instants, which are in the order
// of one vCon, the instant of the record before them; those before the first
// dated one get that one's, and if none is dated all get 0. A room's items are
// then in canonical order when they are sorted stably by instant.
func FillInstants(instants []int64, dated []bool) {
	last, found := int64(0), false
	for i, ok := range dated {
		if ok {
			last, found = instants[i], true
			break
		}
	}
	for i := range instants {
		if !found || !dated[i] {
			instants[i] = last
		}
		last = instants[i]
	}
}
