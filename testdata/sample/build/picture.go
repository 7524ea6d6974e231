package build

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
)

// Size of the picture in pixels.
const (
	width  = 320
	height = 208
)

// samples is how many points each way one pixel is averaged over.
const samples = 3

// Picture draws a sailing boat before the evening sun, the same each time.
func Picture() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			var sum vec
			for i := range samples * samples {
				px := float64(x) + (float64(i%samples)+0.5)/samples
				py := float64(y) + (float64(i/samples)+0.5)/samples
				sum = sum.add(scene(px, py))
			}
			img.SetRGBA(x, y, sum.scale(1.0/(samples*samples)).color())
		}
	}
	return img
}

// EncodePicture is the picture as a PNG. Its bytes may differ between versions
// of the compressor; the pixels do not.
func EncodePicture() ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, Picture()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// A vec is a colour; its parts go from 0 to 1.
type vec struct{ r, g, b float64 }

func (a vec) add(b vec) vec       { return vec{a.r + b.r, a.g + b.g, a.b + b.b} }
func (a vec) scale(f float64) vec { return vec{a.r * f, a.g * f, a.b * f} }
func mix(a, b vec, f float64) vec { return a.scale(1 - clamp(f)).add(b.scale(clamp(f))) }
func clamp(f float64) float64     { return math.Max(0, math.Min(1, f)) }
func hex(c uint32) vec {
	return vec{float64(c >> 16 & 255), float64(c >> 8 & 255), float64(c & 255)}.scale(1.0 / 255)
}
func step(lo, hi, f float64) float64 { return clamp((f - lo) / (hi - lo)) }

func (a vec) color() color.RGBA {
	to := func(f float64) uint8 { return uint8(math.Round(clamp(f) * 255)) }
	return color.RGBA{to(a.r), to(a.g), to(a.b), 255}
}

// Places in the scene, in pixels.
const (
	horizon = 132.0
	sunX    = 212.0
	sunY    = 112.0
	boatX   = 118.0
	boatY   = 150.0
)

// scene is the colour at a point.
func scene(x, y float64) vec {
	if c, ok := boat(x, y); ok {
		return c
	}
	if y < horizon {
		return sky(x, y)
	}
	return sea(x, y)
}

func sky(x, y float64) vec {
	f := y / horizon
	c := mix(hex(0x23395d), hex(0x8d5a86), step(0, 0.55, f))
	c = mix(c, hex(0xf08a5d), step(0.45, 0.85, f))
	c = mix(c, hex(0xffd58a), step(0.8, 1, f))
	d := math.Hypot(x-sunX, y-sunY)
	c = mix(c, hex(0xffe9b8), 0.75*math.Exp(-d/34))
	if d < 19 {
		return hex(0xfff6d6)
	}
	// Two ranges of hills, and gulls.
	far := horizon - (17+9*math.Sin(x/41+0.6)+3*math.Sin(x/17+2))*step(200, 60, x)
	near := horizon - (11+5*math.Sin(x/37+3.9)+2*math.Sin(x/13))*step(150, 0, x)
	switch {
	case y > near:
		return mix(hex(0x4b3a5e), hex(0x6b4a6b), step(near, horizon, y))
	case y > far:
		return mix(hex(0x8a5f7d), hex(0xb9777d), step(far, horizon, y))
	}
	for _, g := range [][3]float64{{250, 46, 8}, {274, 58, 6}, {236, 64, 5}} {
		dx := math.Abs(x - g[0])
		if wing := g[1] - g[2]*0.55*math.Sin(math.Pi*dx/g[2]); dx < g[2] && math.Abs(y-wing) < 0.9 {
			return hex(0x2b2f45)
		}
	}
	return c
}

func sea(x, y float64) vec {
	f := (y - horizon) / (height - horizon)
	c := mix(hex(0xe59a72), hex(0x35507a), step(0, 0.45, f))
	c = mix(c, hex(0x1b2a4a), step(0.4, 1, f))
	wave := math.Sin(x/(5+22*f)+7*math.Sin(y/(2+5*f))) * math.Sin(y/(0.9+3.2*f)+x/61)
	c = mix(c, hex(0xffd9a0), 0.16*clamp(wave))
	c = mix(c, hex(0x131d36), 0.22*clamp(-wave))
	// The path of the sun on the water.
	path := math.Exp(-math.Abs(x-sunX) / (9 + 34*f))
	c = mix(c, hex(0xfff0c4), path*clamp(0.35+0.6*wave)*(1-0.45*f))
	// The boat's shadow on the water.
	if dx := math.Abs(x - boatX + 4*math.Sin(y/2.3)); y > boatY && y < boatY+40 && dx < 22*(1-(y-boatY)/44) {
		c = mix(c, hex(0x10182c), 0.45*(1-(y-boatY)/42))
	}
	return c
}

// boat is the colour of the boat at a point, if it is there.
func boat(x, y float64) (vec, bool) {
	dx, dy := x-boatX, y-boatY
	switch {
	case dy > -9 && dy < 3 && dx > -34+(dy+9)*1.1 && dx < 37-(dy+9)*2.1:
		if dy < -6.5 {
			return hex(0xf5e6cf), true
		}
		return mix(hex(0x9c2f3a), hex(0x5d1b2b), (dy+6)/9), true
	case math.Abs(dx) < 1.1 && dy > -104 && dy <= -9:
		return hex(0x3a2a2a), true
	case dx > 2 && dy > -98 && dy < -14 && dx < 2+38*(dy+98)/84*(1-0.12*math.Sin(math.Pi*(dy+98)/84)):
		return mix(hex(0xfff7ea), hex(0xf0b58c), dx/44), true
	case dx < -2 && dy > -88 && dy < -16 && dx > -2-29*(dy+88)/72:
		return mix(hex(0xf7d9bd), hex(0xd98b73), -dx/32), true
	case dx > 0 && dx < 13 && dy > -104 && math.Abs(dy+101) < 3-dx*0.2:
		return hex(0xe8505b), true
	}
	return vec{}, false
}
