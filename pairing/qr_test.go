package pairing

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

// theme is how a terminal looks.
type theme struct {
	name       string
	fore, back color.Gray
}

func themes() []theme {
	return []theme{
		{"dark", color.Gray{0xd0}, color.Gray{0x1e}},
		{"light", color.Gray{0x20}, color.Gray{0xfa}},
		{"solarized", color.Gray{0x83}, color.Gray{0x2b}},
	}
}

// screenshot draws what a terminal of 80 by 24 cells shows, each of w by h pixels.
func screenshot(t testing.TB, out string, th theme, w, h int) *image.Gray {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 80*w, 24*h))
	fill := func(x0, y0, x1, y1 int, c color.Gray) {
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				img.SetGray(x, y, c)
			}
		}
	}
	fill(0, 0, 80*w, 24*h, th.back)
	lines := strings.Split(out, "\n")
	if len(lines) > 24 {
		t.Fatalf("%d lines", len(lines))
	}
	for row, line := range lines {
		fore, back, col := th.fore, th.back, 0
		for line != "" {
			if rest, ok := strings.CutPrefix(line, blackOnWhite); ok {
				fore, back, line = color.Gray{0}, color.Gray{0xff}, rest
				continue
			}
			if rest, ok := strings.CutPrefix(line, resetColours); ok {
				fore, back, line = th.fore, th.back, rest
				continue
			}
			r := []rune(line)[0]
			line = line[len(string(r)):]
			top, bottom := back, back
			switch r {
			case '█':
				top, bottom = fore, fore
			case '▀':
				top = fore
			case '▄':
				bottom = fore
			case ' ':
			default:
				t.Fatalf("character %q", r)
			}
			fill(col*w, row*h, (col+1)*w, row*h+h/2, top)
			fill(col*w, row*h+h/2, (col+1)*w, (row+1)*h, bottom)
			if col++; col > 80 {
				t.Fatalf("line %d is longer than 80", row)
			}
		}
		if back != th.back {
			t.Fatalf("line %d ends without a reset", row)
		}
	}
	return img
}

func drawn(t testing.TB, c *Code, o TerminalOptions) string {
	t.Helper()
	var b strings.Builder
	if err := c.Terminal(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sampleCode(t testing.TB) *Code {
	t.Helper()
	c, err := sampleOffer().QR()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantRead(t *testing.T, what string, img image.Image) {
	t.Helper()
	text, err := ReadQRImage(img)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if o, err := ParseOffer(text); err != nil || *o != *sampleOffer() {
		t.Errorf("%s: read another text: %v", what, err)
	}
}

// An offer with an IPv6 route has a larger code, which fits 80x24 as well.
func TestTerminalIPv6(t *testing.T) {
	o := sampleOffer()
	o.Route = Route{Kind: RouteTCP, Addr: netip.MustParseAddrPort("[fd12:3456:789a:1:aaaa:bbbb:cccc:dddd]:65535")}
	c, err := o.QR()
	if err != nil {
		t.Fatal(err)
	}
	out := drawn(t, c, TerminalOptions{Columns: 80, Rows: 24})
	for _, th := range themes() {
		if text, err := ReadQRImage(screenshot(t, out, th, 8, 16)); err != nil || text != o.Text() {
			t.Errorf("%s terminal: %v", th.name, err)
		}
	}
}

func TestTerminal(t *testing.T) {
	c := sampleCode(t)
	columns, rows := c.TerminalSize()
	t.Logf("offer of %d characters: %d modules, %d columns, %d rows", len(sampleOffer().Text()), c.Size(), columns, rows)
	if c.Size() != 45 || columns != 45 || rows != 23 {
		t.Errorf("%d modules, %d columns, %d rows", c.Size(), columns, rows)
	}
	for _, th := range themes() {
		for _, cell := range [][2]int{{4, 8}, {7, 15}, {10, 22}} {
			out := drawn(t, c, TerminalOptions{Columns: 80, Rows: 24})
			wantRead(t, "screenshot of a "+th.name+" terminal", screenshot(t, out, th, cell[0], cell[1]))
		}
		plain := drawn(t, c, TerminalOptions{NoColor: true, LightBackground: th.name == "light"})
		if strings.Contains(plain, "\x1b") {
			t.Error("escape sequence without colour")
		}
		// Light modules have the lighter of the two colours.
		shot := screenshot(t, plain, th, 8, 16)
		if quiet, finder := shot.GrayAt(0, 0).Y, shot.GrayAt(4*8, 4*8).Y; quiet <= finder {
			t.Errorf("no colour on a %s terminal: light is %d, dark is %d", th.name, quiet, finder)
		}
		wantRead(t, "no colour on a "+th.name+" terminal", shot)
		// The wrong guess gives an inverted code, which our own reader takes.
		plain = drawn(t, c, TerminalOptions{NoColor: true, LightBackground: th.name != "light"})
		wantRead(t, "no colour, inverted, on a "+th.name+" terminal", screenshot(t, plain, th, 8, 16))
	}
	for _, o := range []TerminalOptions{{}, {Columns: 45, Rows: 24}, {Columns: 45}, {Rows: 24}} {
		if out := drawn(t, c, o); strings.Count(out, "\n") != rows {
			t.Errorf("%+v: %d lines", o, strings.Count(out, "\n"))
		}
	}
	// With less room half of the quiet zone goes, and not more.
	for _, o := range []TerminalOptions{{Columns: 44, Rows: 24}, {Columns: 41, Rows: 24}, {Columns: 80, Rows: 23}, {Columns: 80, Rows: 22}} {
		out := drawn(t, c, o)
		if strings.Count(out, "\n") != rows-narrower {
			t.Errorf("%+v: %d lines", o, strings.Count(out, "\n"))
		}
		for _, th := range themes() {
			wantRead(t, "narrow code on a "+th.name+" terminal", screenshot(t, out, th, 8, 16))
		}
	}
	for _, o := range []TerminalOptions{{Columns: 40, Rows: 24}, {Columns: 80, Rows: 21}} {
		var b strings.Builder
		err := c.Terminal(&b, o)
		if e, ok := errors.AsType[*TooSmallError](err); !ok || !errors.Is(err, ErrTooSmall) || e.Columns != 41 || e.Rows != 22 || b.Len() > 0 {
			t.Errorf("%+v: %v, %d bytes drawn", o, err, b.Len())
		}
		if err != nil && !strings.Contains(err.Error(), "41 columns and 22 lines") {
			t.Errorf("%v does not say how large", err)
		}
	}
	if err := c.Terminal(failing{}, TerminalOptions{}); !errors.Is(err, errNoRandom) {
		t.Errorf("broken terminal: %v", err)
	}
}

func TestQuietZone(t *testing.T) {
	c := sampleCode(t)
	n := c.Size()
	for y := range n {
		for x := range n {
			inside := min(x, y, n-1-x, n-1-y) >= quietZone
			if !inside && c.dark[y][x] {
				t.Fatalf("dark module at %d, %d", x, y)
			}
		}
	}
	for _, corner := range [][2]int{{4, 4}, {n - 5, 4}, {4, n - 5}} {
		if !c.dark[corner[1]][corner[0]] {
			t.Errorf("no finder pattern at %v: the quiet zone is too wide", corner)
		}
	}
}

func TestPNG(t *testing.T) {
	c := sampleCode(t)
	for _, scale := range []int{1, 2, 8, MaxPNGScale} {
		var b bytes.Buffer
		if err := c.PNG(&b, scale); err != nil {
			t.Fatal(err)
		}
		cfg, err := png.DecodeConfig(bytes.NewReader(b.Bytes()))
		if err != nil || cfg.Width != 45*scale || cfg.Height != 45*scale {
			t.Errorf("scale %d: %dx%d, %v", scale, cfg.Width, cfg.Height, err)
		}
		if text, err := ReadQR(&b); err != nil || text != sampleOffer().Text() {
			t.Errorf("scale %d: %v", scale, err)
		}
	}
	for _, scale := range []int{-1, 0, MaxPNGScale + 1} {
		if err := c.PNG(io.Discard, scale); !errors.Is(err, ErrLimit) {
			t.Errorf("scale %d: %v", scale, err)
		}
	}
}

// larger is the image turned by quarters, inverted or not, somewhere on a larger picture.
func larger(img image.Image, quarters int, inverted bool) *image.Gray {
	n := img.Bounds().Dx()
	out := image.NewGray(image.Rect(0, 0, 3*n, 2*n))
	for y := range 2 * n {
		for x := range 3 * n {
			v := uint8(200)
			if ix, iy := x-n, y-n/2; ix >= 0 && iy >= 0 && ix < n && iy < n {
				for range quarters {
					ix, iy = iy, n-1-ix
				}
				v = color.GrayModel.Convert(img.At(ix, iy)).(color.Gray).Y
				v = v/2 + 40 // low contrast
			}
			if inverted {
				v = ^v
			}
			out.SetGray(x, y, color.Gray{v})
		}
	}
	return out
}

func TestReadQR(t *testing.T) {
	c := sampleCode(t)
	img := c.image(4)
	for quarters := range 4 {
		wantRead(t, "turned", larger(img, quarters, false))
		wantRead(t, "turned and inverted", larger(img, quarters, true))
	}
	// Cut at the edge of the code, without any margin.
	edge := 4 * quietZone
	wantRead(t, "no margin", img.SubImage(image.Rect(edge, edge, 180-edge, 180-edge)))
	wantRead(t, "one pixel a module", c.image(1))
	// Transparent where it is light.
	clear := image.NewNRGBA(img.Rect)
	for i, v := range img.Pix {
		if v == 1 {
			clear.Pix[4*i+3] = 0xff
		}
	}
	wantRead(t, "transparent", clear)
	wantRead(t, "an image of 2880 pixels", c.image(MaxPNGScale))

	for _, noise := range []int{100, 240} {
		shot := grey(c.image(8), maxScanSide)
		r := rand.New(rand.NewPCG(1, 2))
		for i, v := range shot.Pix {
			shot.Pix[i] = uint8(max(0, min(255, int(v)+r.IntN(2*noise+1)-noise)))
		}
		wantRead(t, "noise", shot)
	}

	var j, g bytes.Buffer
	if err := jpeg.Encode(&j, larger(img, 1, false), &jpeg.Options{Quality: 30}); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&g, larger(img, 2, true), nil); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*bytes.Buffer{&j, &g} {
		if text, err := ReadQR(b); err != nil || text != sampleOffer().Text() {
			t.Errorf("jpeg or gif: %v", err)
		}
	}
}

func TestReadQRBadInput(t *testing.T) {
	var b bytes.Buffer
	if err := sampleCode(t).PNG(&b, 2); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	huge := bytes.Clone(good)
	copy(huge[16:24], []byte{0, 0, 0x40, 1, 0, 0, 0, 1}) // width 16385
	many := bytes.Clone(good)
	copy(many[16:24], []byte{0, 0, 0x20, 0, 0, 0, 0x20, 0}) // 8192 x 8192
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "cut": good[:len(good)-30], "head only": good[:33],
		"too wide": fixCRC(huge), "too many pixels": fixCRC(many), "too long": append(bytes.Clone(good), make([]byte, MaxImageBytes)...),
	} {
		if _, err := ReadQR(bytes.NewReader(data)); !errors.Is(err, ErrImage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadQR(iotest.ErrReader(errNoRandom)); !errors.Is(err, errNoRandom) {
		t.Errorf("broken reader: %v", err)
	}
	for _, r := range []image.Rectangle{{}, image.Rect(0, 0, 1, MaxImageSide+1), image.Rect(0, 0, 8000, 8000)} {
		if _, err := ReadQRImage(blank{r}); !errors.Is(err, ErrImage) {
			t.Errorf("%v: %v", r, err)
		}
	}
	for _, r := range []image.Rectangle{image.Rect(0, 0, 1, 1), image.Rect(-5, -5, 40, 60), image.Rect(0, 0, 5000, 2)} {
		if _, err := ReadQRImage(blank{r}); !errors.Is(err, ErrNoCode) {
			t.Errorf("%v: %v", r, err)
		}
	}
	for size, ok := range map[[2]int]bool{
		{MaxImageSide, 1}: true, {MaxImageSide + 1, 1}: false, {1, MaxImageSide}: true, {1, MaxImageSide + 1}: false,
		{10000, MaxImagePixels / 10000}: true, {10000, MaxImagePixels/10000 + 1}: false, {0, 1}: false, {1, 0}: false,
	} {
		if err := checkSize2D(size[0], size[1]); (err == nil) != ok {
			t.Errorf("%v pixels: %v", size, err)
		}
	}
	if _, err := ReadQR(bytes.NewReader(append(bytes.Clone(good), make([]byte, MaxImageBytes-len(good))...))); err != nil {
		t.Errorf("a file of the longest length: %v", err)
	}
	// Dark lines only: something to search in, nothing to find.
	stripes := image.NewGray(image.Rect(0, 0, 300, 300))
	for i := range stripes.Pix {
		stripes.Pix[i] = uint8(i * 37)
	}
	if _, err := ReadQRImage(stripes); !errors.Is(err, ErrNoCode) {
		t.Errorf("stripes: %v", err)
	}
}

// blank is a white image of any size that takes no memory.
type blank struct{ r image.Rectangle }

func (b blank) ColorModel() color.Model { return color.GrayModel }
func (b blank) Bounds() image.Rectangle { return b.r }
func (b blank) At(int, int) color.Color { return color.White }

// fixCRC makes the header of a changed PNG valid again.
func fixCRC(b []byte) []byte {
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errNoRandom }
