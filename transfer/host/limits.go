package host

import "time"

const (
	// MaxCommand bounds a line of commands, in bytes: an answer that rejects every item of
	// a batch, or a part of the segments that a host has, fits many times over.
	MaxCommand = 1 << 20

	// progressInterval keeps the events of progress to ten a second.
	progressInterval = 100 * time.Millisecond

	// pauseTime bounds how long the command pause waits for the other device to be told:
	// less than the systems of phones leave an app that goes into the background.
	pauseTime = 4 * time.Second

	// DefaultWindow is how many batches a host has to acknowledge at once at most, until
	// it says otherwise; MaxWindow is the largest that it can ask for, since what is in
	// flight is held here too.
	DefaultWindow = 4
	MaxWindow     = 64

	// MaxMarks bounds the rooms of Marks: more than anybody is in.
	MaxMarks = 1 << 16
)
