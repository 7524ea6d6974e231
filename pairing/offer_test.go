package pairing

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func sampleOffer() *Offer {
	o := &Offer{Version: Version, Suite: hpke.SuiteXWing, Intent: SameAccount, Expiry: time.Unix(1_800_000_000, 0), Route: lan()}
	for i := range o.Secret {
		o.Secret[i] = byte(i + 1)
		o.Commitment[i] = byte(0xf0 - i)
	}
	return o
}

func sampleRoutes() []Route {
	return []Route{
		{},
		lan(),
		{Kind: RouteTCP, Addr: netip.MustParseAddrPort("[fe80::1]:1")},
		{Kind: RouteUnix, Path: "/run/user/1000/vcon.sock"},
		{Kind: RouteUnix, Path: strings.Repeat("p", MaxPath)},
		{Kind: RouteRelay, Path: "https://relay.example.com:8443/path?x=y"},
		{Kind: RouteRelay, Path: "http://[::1]:80"},
		{Kind: RouteRelay, Path: "https://h/" + strings.Repeat("u", MaxURL-len("https://h/"))},
	}
}

func TestOfferRoundTrip(t *testing.T) {
	for _, route := range sampleRoutes() {
		for _, intent := range []Intent{SameAccount, CatchUp} {
			for _, suite := range suites() {
				o := sampleOffer()
				o.Route, o.Intent, o.Suite = route, intent, suite
				got, err := ParseOffer(o.Text())
				if err != nil {
					t.Fatalf("%v: %v", route, err)
				}
				if *got != *o {
					t.Errorf("%v: came back as another offer", route)
				}
				b, _ := o.MarshalBinary()
				var back Offer
				if err := back.UnmarshalBinary(b); err != nil || back != *o {
					t.Errorf("%v: binary form: %v", route, err)
				}
			}
		}
	}
}

// The offer with an IPv4 route fits the QR version 5-L, which fits a terminal of 80x24.
func TestOfferFitsTerminal(t *testing.T) {
	o := sampleOffer()
	o.Expiry = time.Unix(math.MaxUint32, 0)
	o.Route.Addr = netip.MustParseAddrPort("255.255.255.254:65535")
	if n := len(o.Text()); n > 154 {
		t.Errorf("%d characters", n)
	}
	if strings.Trim(o.Text(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Error("characters that are not alphanumeric in a QR code")
	}
}

func TestOfferTextTolerance(t *testing.T) {
	o := sampleOffer()
	text := o.Text()
	var grouped strings.Builder
	for i, c := range text {
		if i > 0 && i%4 == 0 {
			grouped.WriteString([]string{"-", " ", "\n", "\r\n\t", "\u2011", "\u00a0", "\u200b", "\ufeff", "\u00ad"}[i/4%9])
		}
		grouped.WriteRune(c)
	}
	for _, typed := range []string{
		text, "\n  " + text + "\n", strings.ToLower(text), grouped.String(),
		strings.NewReplacer("O", "0", "I", "1", "B", "8").Replace(text), "\ufeff" + text,
	} {
		if got, err := ParseOffer(typed); err != nil || *got != *o {
			t.Errorf("%q...: %v", typed[:12], err)
		}
	}
}

func TestOfferMistyped(t *testing.T) {
	text := sampleOffer().Text()
	for i := range text {
		other := byte('A')
		if text[i] == 'A' {
			other = 'C'
		}
		for _, typed := range []string{
			text[:i] + string(other) + text[i+1:], // changed
			text[:i] + text[i+1:],                 // left out
			text[:i] + "E" + text[i:],             // added
			text[:i],                              // cut
		} {
			if typed == text {
				continue
			}
			if _, err := ParseOffer(typed); !errors.Is(err, ErrMistyped) {
				t.Fatalf("character %d: %v", i, err)
			}
		}
		if i > 0 && text[i] != text[i-1] {
			if _, err := ParseOffer(text[:i-1] + text[i:i+1] + text[i-1:i] + text[i+1:]); !errors.Is(err, ErrMistyped) {
				t.Fatalf("characters %d and %d swapped: %v", i-1, i, err)
			}
		}
	}
	for _, typed := range []string{
		"", " \n", "https://example.com/offer", text + text, text + "!", "9" + text[1:], "é",
		strings.Repeat(" ", MaxOfferText) + text, "AAAAA",
	} {
		if _, err := ParseOffer(typed); !errors.Is(err, ErrMistyped) {
			t.Errorf("%.20q: %v", typed, err)
		}
	}
	if _, err := ParseOffer(text + strings.Repeat(" ", MaxOfferText-len(text))); err != nil {
		t.Errorf("blanks up to the limit: %v", err)
	}
}

// rawOffer encodes any elements.
func rawOffer(change func(e []any) []any) []byte {
	o := sampleOffer()
	return encode(change([]any{o.Version, uint8(o.Suite), uint8(o.Intent), o.Secret[:], o.Commitment[:], uint32(o.Expiry.Unix()), o.Route.encoded()}))
}

func set(i int, v any) func([]any) []any {
	return func(e []any) []any { e[i] = v; return e }
}

// badOffers are texts whose check matches.
func badOffers() []struct {
	name string
	body []byte
	want error
} {
	good := rawOffer(func(e []any) []any { return e })
	return []struct {
		name string
		body []byte
		want error
	}{
		{"version 0", rawOffer(set(0, 0)), ErrVersion},
		{"version 2", rawOffer(set(0, 2)), ErrVersion},
		{"version 2 of another shape", encode([]any{2, "anything"}), ErrVersion},
		{"suite 0", rawOffer(set(1, 0)), ErrSuite},
		{"suite 99", rawOffer(set(1, 99)), ErrSuite},
		{"intent 0", rawOffer(set(2, 0)), ErrIntent},
		{"intent 3", rawOffer(set(2, 3)), ErrIntent},
		{"version is text", rawOffer(set(0, "1")), ErrMalformed},
		{"version is 257", rawOffer(set(0, 257)), ErrMalformed},
		{"suite is negative", rawOffer(set(1, -1)), ErrMalformed},
		{"secret of 31 bytes", rawOffer(set(3, make([]byte, 31))), ErrMalformed},
		{"secret of zeros", rawOffer(set(3, make([]byte, 32))), ErrMalformed},
		{"commitment of 33 bytes", rawOffer(set(4, make([]byte, 33))), ErrMalformed},
		{"expiry is negative", rawOffer(set(5, -1)), ErrMalformed},
		{"expiry over 32 bits", rawOffer(set(5, uint64(1)<<32)), ErrMalformed},
		{"expiry is a float", rawOffer(set(5, 1.5)), ErrMalformed},
		{"route is null", rawOffer(set(6, nil)), ErrMalformed},
		{"route is text", rawOffer(set(6, "192.168.0.1")), ErrMalformed},
		{"route of one element", rawOffer(set(6, []any{1})), ErrMalformed},
		{"route of three elements", rawOffer(set(6, []any{2, "/x", 1})), ErrMalformed},
		{"route of kind 0", rawOffer(set(6, []any{0, "/x"})), ErrMalformed},
		{"route of kind 4", rawOffer(set(6, []any{4, "/x"})), ErrMalformed},
		{"address of 5 bytes", rawOffer(set(6, []any{1, make([]byte, 5)})), ErrMalformed},
		{"address 0.0.0.0", rawOffer(set(6, []any{1, []byte{0, 0, 0, 0, 1, 1}})), ErrMalformed},
		{"address multicast", rawOffer(set(6, []any{1, []byte{224, 0, 0, 1, 1, 1}})), ErrMalformed},
		{"port 0", rawOffer(set(6, []any{1, []byte{10, 0, 0, 1, 0, 0}})), ErrMalformed},
		{"address 4-in-6", rawOffer(set(6, []any{1, append(netip.MustParseAddr("::ffff:10.0.0.1").AsSlice(), 1, 1)})), ErrMalformed},
		{"path is bytes", rawOffer(set(6, []any{2, []byte("/x")})), ErrMalformed},
		{"path is empty", rawOffer(set(6, []any{2, ""})), ErrMalformed},
		{"path with a control character", rawOffer(set(6, []any{2, "/x\n"})), ErrMalformed},
		{"path too long", rawOffer(set(6, []any{2, strings.Repeat("p", MaxPath+1)})), ErrMalformed},
		{"url with a password", rawOffer(set(6, []any{3, "https://a:b@example.com"})), ErrMalformed},
		{"url of another scheme", rawOffer(set(6, []any{3, "file:///etc/passwd"})), ErrMalformed},
		{"url without a host", rawOffer(set(6, []any{3, "https:///x"})), ErrMalformed},
		{"url too long", rawOffer(set(6, []any{3, "https://h/" + strings.Repeat("u", MaxURL)})), ErrMalformed},
		{"six elements", rawOffer(func(e []any) []any { return e[:6] }), ErrMalformed},
		{"eight elements", rawOffer(func(e []any) []any { return append(e, 0) }), ErrMalformed},
		{"no elements", []byte{0x80}, ErrMalformed},
		{"a map", []byte{0xa0}, ErrMalformed},
		{"a byte after it", append(bytes.Clone(good), 0), ErrMalformed},
		{"cut", good[:len(good)-1], ErrMalformed},
		{"indefinite array", append(append([]byte{0x9f}, good[1:]...), 0xff), ErrMalformed},
		{"longer integer", append([]byte{good[0], 0x18, 0x01}, good[2:]...), ErrMalformed},
		{"tagged", append([]byte{0xc1}, good...), ErrMalformed},
		{"too long", append(bytes.Clone(good), make([]byte, MaxOffer)...), ErrMalformed},
	}
}

func TestOfferMalformed(t *testing.T) {
	for _, c := range badOffers() {
		_, err := ParseOffer(textOf(c.body))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		var o Offer
		if err := o.UnmarshalBinary(c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: binary form: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestOfferRefusesToEncode(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Offer)
		want   error
	}{
		"version": {func(o *Offer) { o.Version = 0 }, ErrVersion},
		"suite":   {func(o *Offer) { o.Suite = 0 }, ErrSuite},
		"intent":  {func(o *Offer) { o.Intent = 9 }, ErrIntent},
		"secret":  {func(o *Offer) { o.Erase() }, ErrMalformed},
		"early":   {func(o *Offer) { o.Expiry = time.Unix(-1, 0) }, ErrMalformed},
		"late":    {func(o *Offer) { o.Expiry = time.Unix(1<<32, 0) }, ErrMalformed},
		"zone":    {func(o *Offer) { o.Route.Addr = netip.MustParseAddrPort("[fe80::1%eth0]:1") }, ErrMalformed},
		"kind":    {func(o *Offer) { o.Route.Kind = 0 }, ErrMalformed},
		"both":    {func(o *Offer) { o.Route.Path = "/x" }, ErrMalformed},
		"addr":    {func(o *Offer) { o.Route.Kind = RouteUnix; o.Route.Path = "/x" }, ErrMalformed},
		"relay":   {func(o *Offer) { o.Route.Kind = RouteRelay; o.Route.Path = "https://x" }, ErrMalformed},
		"url":     {func(o *Offer) { o.Route = Route{Kind: RouteRelay, Path: "https://exämple.com"} }, ErrMalformed},
		"path":    {func(o *Offer) { o.Route = Route{Kind: RouteUnix, Path: strings.Repeat("x", MaxPath+1)} }, ErrLimit},
	} {
		o := sampleOffer()
		c.change(o)
		if _, err := o.MarshalBinary(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, err := o.QR(); !errors.Is(err, c.want) {
			t.Errorf("%s: qr: %v, want %v", name, err, c.want)
		}
		if _, err := NewSender(o, SenderOptions{}); !errors.Is(err, c.want) {
			t.Errorf("%s: sender: %v, want %v", name, err, c.want)
		}
	}
	if b, err := json.Marshal(sampleOffer()); err != nil || !bytes.Contains(b, []byte("redacted")) {
		t.Errorf("json: %s, %v", b, err)
	}
}

func TestPublicRoutes(t *testing.T) {
	for addr, public := range map[string]bool{
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.1.1": false,
		"::1": false, "fe80::1": false, "fd00::1": false,
		"8.8.8.8": true, "172.32.0.1": true, "100.64.0.1": true, "2001:db8::1": true, "1.1.1.1": true,
	} {
		o := sampleOffer()
		o.Route = Route{Kind: RouteTCP, Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 1)}
		if o.Route.Public() != public {
			t.Errorf("%s: public is %v", addr, !public)
		}
		_, err := NewSender(o, SenderOptions{})
		if public != errors.Is(err, ErrPublicRoute) || !public && err != nil {
			t.Errorf("%s: %v", addr, err)
		}
		if _, err := NewSender(o, SenderOptions{AllowPublicRoutes: true}); err != nil {
			t.Errorf("%s, allowed: %v", addr, err)
		}
	}
	routes := []Route{lan(), {Kind: RouteTCP, Addr: netip.MustParseAddrPort("8.8.8.8:1")}, {Kind: RouteRelay, Path: "https://8.8.8.8"}}
	for _, allow := range []bool{false, true} {
		r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519, Routes: routes})
		h := shake(t, r, newSender(t, r.Offer(), SenderOptions{AllowPublicRoutes: allow}))
		if want := map[bool]int{false: 2, true: 3}[allow]; len(h.bundle.Routes) != want {
			t.Errorf("allowed %v: %d routes of the bundle", allow, len(h.bundle.Routes))
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{lan().String(), "tcp 192.168.178.231:65432"},
		{Route{}.String(), "no route"},
		{Route{Kind: 9}.String(), "route of kind 9"},
		{Route{Kind: RouteUnix, Path: "/a\x1b[2J\u202e"}.String(), `unix socket "/a\x1b[2J\u202e"`},
		{Route{Kind: RouteRelay, Path: "https://x"}.String(), `relay "https://x"`},
		{SameAccount.String(), "same account"}, {CatchUp.String(), "catch-up"}, {Intent(7).String(), "intent 7"},
		{RoleReceiver.String(), "R"}, {RoleSender.String(), "S"}, {Role(7).String(), "role 7"},
		{(&PeerError{Code: 7, Text: "x"}).Error(), "peer refused with code 7"},
		{(&RefusedError{Reason: ErrTaken}).Error(), "refuse peer: offer was taken by another sender"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func FuzzParseOffer(f *testing.F) {
	for _, r := range sampleRoutes() {
		o := sampleOffer()
		o.Route = r
		f.Add(o.Text(), true)
		b, _ := o.MarshalBinary()
		f.Add(string(b), false)
	}
	for _, c := range badOffers() {
		f.Add(string(c.body), false)
	}
	f.Fuzz(func(t *testing.T, s string, text bool) {
		if !text {
			// Past the check, which a fuzzer does not guess.
			s = textOf([]byte(s))
		}
		o, err := ParseOffer(s)
		if err != nil {
			for _, known := range []error{ErrMistyped, ErrMalformed, ErrVersion, ErrSuite, ErrIntent} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatalf("foreign error: %v", err)
		}
		clean, err := normalize(s)
		if err != nil || o.Text() != clean {
			t.Fatal("offer has a second text form")
		}
	})
}
