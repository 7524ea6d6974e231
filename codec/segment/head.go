package segment

// A Head is what cutting needs to know of an item; a room's heads fit in memory
// where its items do not.
type Head struct {
	Key         Key
	Instant     int64  // milliseconds since 1970
	Size        uint32 // bytes of the record as encoded in a segment, within a few; what limits are compared with
	Roster      bool   // belongs to the room's roster segments
	Attachments uint32
	Ref         uint64 // the reader's own handle of the item
}
