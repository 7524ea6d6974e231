package convert

import "time"

// An ircClock turns minutes of the day into instants that only increase. Logs
// before 2005 have a twelve-hour clock without saying so; some pass midnight.
type ircClock struct {
	day    time.Time // of the file's name, UTC
	base   int       // minutes added to the clock's reading since the day began
	minute int       // last reading, 0 to 1439
	late   bool      // an hour above 12 was seen: a clock of 24 hours
	nth    int       // lines so far in this minute
	begun  bool
}

const (
	halfDay = 12 * 60
	// jitter is how far, in minutes, a clock may go back without a new half-day.
	jitter = 60
	// quiet is the longest gap, in minutes, that is taken for a twelve-hour clock
	// passing twelve; with a longer one it is the next day.
	quiet = 6 * 60
	// perMinute is how many lines of one minute get a millisecond of their own.
	perMinute = 60_000
)

// next returns the instant, in milliseconds since 1970, of a line with a clock
// reading (-1: none, the line happened in the last line's minute), and its place
// among the lines of its minute.
func (c *ircClock) next(minute int, report *Report) (millis int64, nth int) {
	switch {
	case minute < 0:
	case !c.begun || minute > c.minute:
		c.set(minute)
	case minute < c.minute:
		c.back(minute, report)
	}
	c.late = c.late || c.minute > 12*60+59
	nth = c.nth
	c.nth++
	within := min(nth, perMinute-1)
	if within < nth {
		report.mend(MinuteOverflows)
	}
	return c.day.UnixMilli() + int64(c.base+c.minute)*perMinute + int64(within), nth
}

func (c *ircClock) set(minute int) {
	if c.begun || minute > 0 {
		c.nth = 0
	}
	c.minute, c.begun = minute, true
}

// back takes a reading that is less than the last one.
func (c *ircClock) back(minute int, report *Report) {
	gap := minute + halfDay - c.minute
	switch {
	case !c.late && gap >= 0 && gap <= quiet:
		c.base += halfDay
	case c.minute-minute <= jitter:
		report.mend(TimeWentBack)
		return // held: same minute as the last line
	default:
		c.base += 2 * halfDay
	}
	c.set(minute)
}
