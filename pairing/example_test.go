package pairing_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// An offer goes from screen to camera, or is typed.
func ExampleOffer() {
	r, err := pairing.NewReceiver(pairing.ReceiverOptions{
		Routes: []pairing.Route{{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort("192.168.1.23:7373")}},
	})
	if err != nil {
		panic(err)
	}
	offer := r.Offer()
	var picture bytes.Buffer
	// guide:qr
	code, err := offer.QR()
	if err != nil {
		return
	}
	err = code.PNG(&picture, 8) // pixels a module; Terminal draws it with characters
	// guide:end
	if err != nil {
		panic(err)
	}
	text, err := pairing.ReadQR(&picture)
	if err != nil {
		panic(err)
	}
	scanned, err := pairing.ParseOffer(text)
	fmt.Println(err, scanned.Route)

	typed, err := pairing.ParseOffer(strings.ToLower(offer.Text()))
	fmt.Println(err, typed.Commitment == offer.Commitment)

	_, err = pairing.ParseOffer(text[1:])
	fmt.Println(errors.Is(err, pairing.ErrMistyped))
	fmt.Printf("%v is redacted: %t\n", "an offer", !strings.Contains(fmt.Sprint(offer), text))

	// Output:
	// <nil> tcp 192.168.1.23:7373
	// <nil> true
	// true
	// an offer is redacted: true
}
