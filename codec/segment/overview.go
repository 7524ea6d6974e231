package segment

// An Overview is what a person is asked to consent to before anything is sent:
// the rooms that a scope selects, with their counts. Counts are exact; Bytes is
// an estimate of the encoded size, within a few percent.
type Overview struct {
	Rooms       []OverviewRoom // newest first, as the manifest will list them
	Messages    uint64         // items of the rooms' messages segments
	Attachments uint64
	Bytes       uint64
	Left        Ledger // what the source holds and the scope or the content rules leave out
}

// An OverviewRoom is one room of an Overview. ID and Name come from the history:
// escape them before they are shown.
type OverviewRoom struct {
	ID          string
	Name        string
	Messages    uint64
	Attachments uint64
	Bytes       uint64
	First, Last int64 // instants of the first and last message, milliseconds since 1970
}
