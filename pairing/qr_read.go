package pairing

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // ReadQR promises the formats
	_ "image/jpeg" // that screenshots and
	_ "image/png"  // photos come in
	"io"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

var (
	// ErrNoCode: there is no QR code in the image that could be read.
	ErrNoCode = errors.New("no QR code found in the image")
	// ErrImage: not a PNG, JPEG or GIF image, or one over the limits.
	ErrImage = errors.New("image is not readable")
)

// ReadQR finds a QR code in a PNG, JPEG or GIF image (of an animation: the first picture) and gives its text
// as it is; ParseOffer says whether it is an offer. The image may be a screenshot or a photo of a terminal,
// turned, or light on dark. It reads at most MaxImageBytes and decodes at most MaxImagePixels. The errors
// are ErrImage, ErrNoCode and those of r.
func ReadQR(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxImageBytes+1))
	if err != nil {
		return "", fmt.Errorf("read image: %w", err)
	}
	if len(data) > MaxImageBytes {
		return "", fmt.Errorf("read image: more than %d bytes: %w", MaxImageBytes, ErrImage)
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return "", fmt.Errorf("read image: not PNG, JPEG or GIF: %w", ErrImage)
	}
	if err := checkSize2D(c.Width, c.Height); err != nil {
		return "", fmt.Errorf("read image: %w", err)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return "", fmt.Errorf("read image: damaged: %w", ErrImage)
	}
	return ReadQRImage(img)
}

// ReadQRImage is ReadQR for an image that was decoded. The errors are ErrImage, for one over the limits, and
// ErrNoCode.
func ReadQRImage(img image.Image) (string, error) {
	size := img.Bounds().Size()
	if err := checkSize2D(size.X, size.Y); err != nil {
		return "", fmt.Errorf("read image: %w", err)
	}
	dark := grey(img, maxScanSide)
	light := invert(dark)
	for _, variant := range []func(*image.Gray) *image.Gray{same, half, quarter} {
		for _, g := range []*image.Gray{dark, light} {
			if text, ok := scan(variant(g)); ok {
				return text, nil
			}
		}
	}
	return "", ErrNoCode
}

func checkSize2D(w, h int) error {
	if w < 1 || h < 1 || w > MaxImageSide || h > MaxImageSide || w*h > MaxImagePixels {
		return fmt.Errorf("%d x %d pixels: %w", w, h, ErrImage)
	}
	return nil
}

// scan tries the two ways to tell dark from light: by the neighbourhood, which takes photos, and by the
// whole picture, which takes clean drawings.
func scan(g *image.Gray) (text string, ok bool) {
	defer func() {
		// The library indexes by what it finds in a stranger's picture; its failure is "no code", not ours.
		if recover() != nil {
			text, ok = "", false
		}
	}()
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	for _, binarizer := range []func(gozxing.LuminanceSource) gozxing.Binarizer{gozxing.NewHybridBinarizer, gozxing.NewGlobalHistgramBinarizer} {
		bitmap, err := gozxing.NewBinaryBitmap(binarizer(gozxing.NewLuminanceSourceFromImage(g)))
		if err != nil {
			continue
		}
		if r, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
			return r.GetText(), true
		}
	}
	return "", false
}

// grey gives the image in grey on white, reduced so that its longer side is at most side pixels: a code fills
// a good part of any picture that is meant to be read, and the search costs time for each pixel.
func grey(img image.Image, side int) *image.Gray {
	b := img.Bounds()
	step := (max(b.Dx(), b.Dy()) + side - 1) / side
	out := image.NewGray(image.Rect(0, 0, max(1, b.Dx()/step), max(1, b.Dy()/step)))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			var sum, n uint32
			for dy := range min(step, b.Dy()) {
				for dx := range min(step, b.Dx()) {
					r, g, bl, a := img.At(b.Min.X+x*step+dx, b.Min.Y+y*step+dy).RGBA()
					// Colours are multiplied by alpha already: what is transparent shows white.
					sum += (299*r+587*g+114*bl)/1000>>8 + (0xffff-a)>>8
					n++
				}
			}
			out.Pix[y*out.Stride+x] = uint8(min(sum/n, 255))
		}
	}
	return out
}

// invert turns light on dark into dark on light.
func invert(g *image.Gray) *image.Gray {
	out := image.NewGray(g.Rect)
	for i, v := range g.Pix {
		out.Pix[i] = ^v
	}
	return out
}

func same(g *image.Gray) *image.Gray { return g }

// half and quarter average squares of pixels, which takes the noise out of a photo.
func half(g *image.Gray) *image.Gray    { return grey(g, max(max(g.Rect.Dx(), g.Rect.Dy())/2, 1)) }
func quarter(g *image.Gray) *image.Gray { return grey(g, max(max(g.Rect.Dx(), g.Rect.Dy())/4, 1)) }
