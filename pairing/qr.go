package pairing

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"strings"

	"github.com/skip2/go-qrcode"
)

// quietZone is the margin that ISO/IEC 18004 asks for, in modules. Without it scanners on a dark terminal
// see nothing.
const quietZone = 4

// Code is the offer as a QR code with its full quiet zone, ready to be drawn. It is as secret as the offer
// and prints redacted.
type Code struct {
	dark [][]bool // rows of modules, the quiet zone included
}

// QR gives the offer's text as a QR code of error correction level L: the code is on a screen, whole and
// clean, and has to be small. The errors are those of MarshalBinary.
func (o *Offer) QR() (*Code, error) {
	b, err := o.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("draw offer: %w", err)
	}
	defer clear(b)
	return newCode(textOf(b))
}

func newCode(text string) (*Code, error) {
	q, err := qrcode.New(text, qrcode.Low)
	if err != nil {
		return nil, fmt.Errorf("draw QR code: %w", ErrLimit)
	}
	q.DisableBorder = true
	inner := q.Bitmap()
	size := len(inner) + 2*quietZone
	c := &Code{dark: make([][]bool, size)}
	for y := range c.dark {
		c.dark[y] = make([]bool, size)
		if y >= quietZone && y < size-quietZone {
			copy(c.dark[y][quietZone:], inner[y-quietZone])
		}
	}
	return c, nil
}

// Size gives the modules on a side, the quiet zone included.
func (c *Code) Size() int { return len(c.dark) }

// TerminalSize gives the columns and lines that Terminal takes.
func (c *Code) TerminalSize() (columns, rows int) { return c.Size(), (c.Size() + 1) / 2 }

// TerminalOptions say what the code is drawn on.
type TerminalOptions struct {
	// Columns and Rows are the size of the terminal; zero is unknown and draws.
	Columns, Rows int
	// NoColor draws without escape sequences, for a terminal that has none. Such a drawing can only be read
	// when LightBackground is right.
	NoColor bool
	// LightBackground says, with NoColor, that the terminal writes dark on light.
	LightBackground bool
}

// ErrTooSmall: the terminal has no room for the code. See TooSmallError.
var ErrTooSmall = errors.New("terminal is too small for the code")

// TooSmallError says how large a terminal the code needs, the line of the cursor included.
type TooSmallError struct{ Columns, Rows int }

func (e *TooSmallError) Error() string {
	return fmt.Sprintf("%v: it needs %d columns and %d lines", ErrTooSmall, e.Columns, e.Rows)
}

// Unwrap gives ErrTooSmall.
func (e *TooSmallError) Unwrap() error { return ErrTooSmall }

// Terminal draws the code in half-block characters, two modules a character, each line ended by a line feed.
// It is black on white whatever the theme: an inverted code is one that most scanners do not read. The
// errors are *TooSmallError, before anything is written, and those of w.
func (c *Code) Terminal(w io.Writer, o TerminalOptions) error {
	dark := c.dark
	columns, rows := c.TerminalSize()
	if o.tooSmall(columns, rows) {
		// Half the quiet zone is what an offer with an IPv6 route needs on 80x24.
		// Scanners read it, and the alternative is no code at all.
		if o.tooSmall(columns-2*narrower, rows-narrower) {
			return &TooSmallError{Columns: columns - 2*narrower, Rows: rows - narrower + 1}
		}
		dark = inner(dark, narrower)
	}
	var b strings.Builder
	for y := 0; y < len(dark); y += 2 {
		if !o.NoColor {
			b.WriteString(blackOnWhite)
		}
		for x := range dark[y] {
			top := dark[y][x]
			bottom := y+1 < len(dark) && dark[y+1][x]
			if o.NoColor && !o.LightBackground {
				// What is printed is light there.
				top, bottom = !top, !bottom
			}
			b.WriteString(halfBlock(top, bottom))
		}
		if !o.NoColor {
			b.WriteString(resetColours)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// narrower is how many modules of the quiet zone of four are left out on each side
// of a terminal that has no room for all of it.
const narrower = 2

// tooSmall tells whether a drawing and the line of the cursor do not fit.
func (o TerminalOptions) tooSmall(columns, rows int) bool {
	return o.Columns > 0 && o.Columns < columns || o.Rows > 0 && o.Rows < rows+1
}

// inner is what n modules of margin on each side surround.
func inner(dark [][]bool, n int) [][]bool {
	rows := make([][]bool, 0, len(dark)-2*n)
	for _, row := range dark[n : len(dark)-n] {
		rows = append(rows, row[n:len(row)-n])
	}
	return rows
}

const (
	// The fixed part of the 256-colour palette: themes change the first 16 colours, not these.
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	resetColours = "\x1b[0m"
)

func halfBlock(top, bottom bool) string {
	switch {
	case top && bottom:
		return "█"
	case top:
		return "▀"
	case bottom:
		return "▄"
	}
	return " "
}

// PNG writes the code as an image of two colours with scale pixels a module, 1 to MaxPNGScale. The errors
// are ErrLimit and those of w.
func (c *Code) PNG(w io.Writer, scale int) error {
	if scale < 1 || scale > MaxPNGScale {
		return fmt.Errorf("draw offer: scale of %d: %w", scale, ErrLimit)
	}
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, c.image(scale))
}

func (c *Code) image(scale int) *image.Paletted {
	side := c.Size() * scale
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if c.dark[y/scale][x/scale] {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	return img
}

// Format keeps the offer out of every verb.
func (c *Code) Format(f fmt.State, _ rune) { io.WriteString(f, "pairing.Code(redacted)") }

// LogValue keeps the offer out of structured logs.
func (c *Code) LogValue() slog.Value { return slog.StringValue("pairing.Code(redacted)") }
