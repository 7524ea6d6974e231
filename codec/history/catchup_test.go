package history

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// An oracle filters a vCon by the content rules in the plainest way: slices, no
// heads, one rule after the other until nothing changes.
type oracle struct {
	v     *codec.VCon
	scope segment.Scope
}

type fate struct {
	why  segment.Reason
	tomb bool
}

func (o oracle) at(d *codec.Dialog) time.Time {
	date := d.Start
	if len(d.PartyHistory) > 0 {
		date = d.PartyHistory[0].Time
	}
	t, ok := date.Instant()
	if !ok {
		panic("undated")
	}
	return t
}

func (o oracle) fates() []fate {
	dialogs := o.v.Dialog
	out := make([]fate, len(dialogs))
	isEvent := func(i int) bool { return len(dialogs[i].PartyHistory) > 0 }
	inTime := func(i int) bool {
		t := o.at(&dialogs[i])
		return (o.scope.Since.IsZero() || !t.Before(o.scope.Since)) && (o.scope.Until.IsZero() || t.Before(o.scope.Until))
	}
	in := make([]bool, len(dialogs))
	var start time.Time
	count := uint64(0)
	for i := len(dialogs) - 1; i >= 0; i-- {
		if isEvent(i) || !inTime(i) {
			continue
		}
		if o.scope.MaxMessages > 0 && count == o.scope.MaxMessages {
			break
		}
		in[i] = true
		start = o.at(&dialogs[i])
		count++
	}
	cut := o.scope.MaxMessages > 0 && count == o.scope.MaxMessages
	if cut { // only when there were more
		more := false
		n := uint64(0)
		for i := range dialogs {
			if !isEvent(i) && inTime(i) {
				n++
			}
		}
		more = n > count
		cut = more
	}
	for i := range dialogs {
		if isEvent(i) {
			in[i] = inTime(i) && (!cut || !o.at(&dialogs[i]).Before(start))
		}
		if !in[i] {
			out[i].why = segment.OutsideScope
		}
	}
	if !o.scope.CatchUp {
		return out
	}
	byID := map[codec.Binary]int{}
	for i := range dialogs {
		if dialogs[i].MessageID != "" {
			byID[dialogs[i].MessageID] = i
		}
	}
	sender := func(i int) string {
		if dialogs[i].Originator == nil {
			return ""
		}
		return o.v.Parties[*dialogs[i].Originator].IMURI
	}
	// The first version of each, by name: "lost:<id>:<sender>" when it is not here.
	var root func(i int) string
	edits := func(i int) bool {
		r := dialogs[i].Replaces
		if r == "" {
			return false
		}
		t, ok := byID[r]
		return !ok || sender(t) != "" && sender(t) == sender(i)
	}
	root = func(i int) string {
		if !edits(i) {
			return fmt.Sprint(i)
		}
		if t, ok := byID[dialogs[i].Replaces]; ok {
			return root(t)
		}
		return "lost:" + string(dialogs[i].Replaces) + ":" + sender(i)
	}
	empty := func(i int) bool {
		d := &dialogs[i]
		return d.Replaces != "" && d.Body.Kind == codec.BodyAbsent && d.ExternalPart == nil && d.MultiPart == nil
	}
	retracted, last := map[string]bool{}, map[string]int{}
	for i := range dialogs {
		if isEvent(i) {
			continue
		}
		switch {
		case dialogs[i].Type == "tombstone":
			retracted[root(i)] = true
		case empty(i) && edits(i):
			retracted[root(i)] = true
		case in[i]:
			last[root(i)] = i
		}
	}
	for i := range dialogs {
		if isEvent(i) || !in[i] {
			continue
		}
		r := root(i)
		switch {
		case dialogs[i].Type == "tombstone":
		case dialogs[i].Expires != nil:
			out[i].why = segment.Expired
		case empty(i) && edits(i):
		case retracted[r] && r == fmt.Sprint(i):
			out[i].tomb = true
		case retracted[r] || last[r] != i:
			out[i].why = segment.Superseded
		}
	}
	// What stands for a message, or -1.
	stands := func(r string) int {
		i := -1
		if retracted[r] {
			if n, err := fmt.Sscanf(r, "%d", &i); n != 1 || err != nil {
				return -1
			}
		} else if l, ok := last[r]; ok {
			i = l
		}
		if i < 0 || out[i].why != "" {
			return -1
		}
		return i
	}
	for changed := true; changed; {
		changed = false
		for i := range dialogs {
			if isEvent(i) || out[i].why != "" {
				continue
			}
			dead := false
			if t, ok := byID[dialogs[i].InReplyTo]; ok && dialogs[i].InReplyTo != "" && t != i {
				dead = stands(root(t)) < 0
			}
			if t, ok := byID[dialogs[i].Replaces]; ok && dialogs[i].Replaces != "" && (empty(i) || !edits(i)) {
				if r := root(t); r[0] != 'l' && stands(r) < 0 {
					dead = true
				}
			}
			if dead {
				out[i] = fate{why: segment.Dangling}
				changed = true
			}
		}
	}
	return out
}

func TestScopesAgreeWithAnIndependentFilter(t *testing.T) {
	for seed := range uint64(6/slower + 1) {
		m := newMaker(seed, room, 6)
		v := m.history(400)
		first, _ := v.Dialog[0].Start.Instant()
		if len(v.Dialog[0].PartyHistory) > 0 {
			first, _ = v.Dialog[0].PartyHistory[0].Time.Instant()
		}
		at := func(part float64) time.Time { return first.Add(time.Duration(float64(m.now.Sub(first)) * part)) }
		for name, scope := range map[string]segment.Scope{
			"all":      {},
			"since":    {Since: at(0.4)},
			"window":   {Since: at(0.3), Until: at(0.8)},
			"until":    {Until: at(0.7)},
			"newest":   {MaxMessages: 100},
			"more":     {MaxMessages: 1000},
			"one":      {MaxMessages: 1},
			"none":     {Since: at(2)},
			"room":     {Rooms: []string{room}},
			"not it":   {Rooms: []string{"mimi://example.com/r/other"}},
			"no media": {NoMedia: true},
		} {
			for _, catchUp := range []bool{false, true} {
				scope.CatchUp = catchUp
				t.Run(fmt.Sprintf("%d/%s/%v", seed, name, catchUp), func(t *testing.T) { checkScope(t, v, scope) })
			}
		}
	}
}

func checkScope(t *testing.T, v *codec.VCon, scope segment.Scope) {
	src := NewSource(FromVCons([]*codec.VCon{v}), SourceOptions{Now: func() time.Time { return time.Unix(0, 0) }})
	l := list(t, src, scope)
	o, err := src.Overview(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	if scope.CatchUp && scope.Rooms != nil && scope.Rooms[0] != room {
		// The source of a catch-up is its room: of another one nothing is counted.
		if len(l.items()) > 0 || l.left.Source > 0 || len(l.atts) > 0 || !o.Left.Equal(l.left) {
			t.Errorf("a room that was not chosen shows: %d items, left %v", len(l.items()), l.left)
		}
		return
	}
	want := oracle{v, scope}.fates()
	if scope.Rooms != nil && scope.Rooms[0] != room {
		for i := range want {
			want[i] = fate{why: segment.OutsideScope}
		}
	}
	travels := map[string]int{} // by id, or event date
	tombs := map[string]bool{}
	name := func(d *codec.Dialog) string {
		if len(d.PartyHistory) > 0 {
			return string(d.PartyHistory[0].Time) + d.PartyHistory[0].Event
		}
		return string(d.MessageID)
	}
	excluded := map[segment.Reason]uint64{}
	messages := uint64(0)
	for i, f := range want {
		if f.why != "" {
			excluded[f.why]++
			continue
		}
		if len(v.Dialog[i].PartyHistory) == 0 {
			messages++
		}
		travels[name(&v.Dialog[i])]++
		if f.tomb {
			tombs[name(&v.Dialog[i])] = true
		}
	}
	got := map[string]int{}
	held := uint64(0)
	for _, it := range l.items() {
		held++
		got[name(it.Dialog)]++
		if tombs[name(it.Dialog)] && (it.Dialog.Type != "tombstone" || it.Dialog.Status != "retracted" || it.Dialog.Body.Kind != codec.BodyAbsent) {
			t.Errorf("a retracted message travels as %q", it.Dialog.Type)
		}
	}
	if !maps.Equal(got, travels) {
		t.Errorf("%d items travel, want %d", len(got), len(travels))
	}
	if held+l.left.Source != uint64(len(v.Dialog)) {
		t.Errorf("%d held and %d left of %d", held, l.left.Source, len(v.Dialog))
	}
	if !maps.Equal(l.left.Excluded, excluded) && len(l.left.Excluded)+len(excluded) > 0 {
		t.Errorf("left %v, want %v", l.left.Excluded, excluded)
	}
	if n := uint64(len(l.atts)) + l.left.Attachments; n != uint64(len(v.Attachments)) {
		t.Errorf("%d attachments and %d left of %d", len(l.atts), l.left.Attachments, len(v.Attachments))
	}
	if o.Messages != messages || o.Attachments != uint64(len(l.atts)) {
		t.Errorf("overview %d messages, %d attachments; manifest %d, %d", o.Messages, o.Attachments, messages, len(l.atts))
	}
	if !o.Left.Equal(l.left) {
		t.Errorf("overview leaves %v, manifest %v", o.Left, l.left)
	}
}
