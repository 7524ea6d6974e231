package pairing

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func sampleBundle(t testing.TB) *Bundle {
	key, err := hpke.GenerateKey(hpke.SuiteX25519, &stream{seed: "bundle"})
	if err != nil {
		t.Fatal(err)
	}
	return &Bundle{
		Suite: hpke.SuiteX25519, PublicKey: key.Public().Bytes(), Random: [32]byte{1}, Intent: CatchUp, Room: "mimi://x/r",
		Routes: sampleRoutes()[1:], Label: "täst", Identity: []byte{1}, Attestation: []byte{2},
	}
}

// change encodes m with one field replaced, or removed for nil.
func change(t testing.TB, b []byte, key uint64, v any) []byte {
	t.Helper()
	f, err := parseFields(b)
	if err != nil {
		t.Fatal(err)
	}
	if v == nil {
		delete(f, key)
	} else if raw, ok := v.(cbor.RawMessage); ok {
		f[key] = raw
	} else {
		f[key] = encode(v)
	}
	return encode(f)
}

func many(n int) []any {
	rs := make([]any, n)
	for i := range rs {
		rs[i] = lan().encoded()
	}
	return rs
}

func TestBundleRoundTrip(t *testing.T) {
	for _, b := range []*Bundle{
		sampleBundle(t),
		{Suite: hpke.SuiteX25519, PublicKey: sampleBundle(t).PublicKey, Intent: SameAccount},
	} {
		raw, err := b.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseBundle(raw)
		if err != nil {
			t.Fatal(err)
		}
		again := got.clone()
		got.unknown = nil
		if !reflect.DeepEqual(got, b) {
			t.Errorf("came back as %+v", got)
		}
		// A field of a later version stays in what is hashed.
		later := change(t, raw, 42, []any{"later", map[int]int{1: 2}})
		more, err := ParseBundle(later)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := more.MarshalBinary(); err != nil || !bytes.Equal(out, later) {
			t.Errorf("unknown field is lost: %v", err)
		}
		if commitment(later) == commitment(raw) {
			t.Error("the commitment does not cover unknown fields")
		}
		if out, _ := again.MarshalBinary(); !bytes.Equal(out, raw) {
			t.Error("encoding changed")
		}
	}
}

func TestBundleMalformed(t *testing.T) {
	raw, err := sampleBundle(t).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":                  {nil, ErrMalformed},
		"empty map":              {[]byte{0xa0}, ErrMalformed},
		"array":                  {[]byte{0x80}, ErrMalformed},
		"null":                   {[]byte{0xf6}, ErrMalformed},
		"cut":                    {raw[:len(raw)-1], ErrMalformed},
		"byte more":              {append(bytes.Clone(raw), 0), ErrMalformed},
		"duplicate key":          {[]byte{0xa2, 1, 1, 1, 1}, ErrMalformed},
		"unsorted keys":          {[]byte{0xa2, 2, 1, 1, 1}, ErrMalformed},
		"text key":               {[]byte{0xa1, 0x61, 'a', 1}, ErrMalformed},
		"negative key":           {[]byte{0xa1, 0x20, 1}, ErrMalformed},
		"long integer":           {[]byte{0xa1, 0x18, 1, 1}, ErrMalformed},
		"long integer value":     {change(t, raw, bundleSuite, cbor.RawMessage{0x18, 2}), ErrMalformed},
		"indefinite":             {[]byte{0xbf, 1, 1, 0xff}, ErrMalformed},
		"suite 9":                {change(t, raw, bundleSuite, 9), ErrSuite},
		"no suite":               {change(t, raw, bundleSuite, nil), ErrSuite},
		"suite of another key":   {change(t, raw, bundleSuite, 1), ErrMalformed},
		"no key":                 {change(t, raw, bundlePublicKey, nil), ErrMalformed},
		"key of zeros":           {change(t, raw, bundlePublicKey, make([]byte, 32)), ErrMalformed},
		"key is an array":        {change(t, raw, bundlePublicKey, []int{1, 2}), ErrMalformed},
		"no random":              {change(t, raw, bundleRandom, nil), ErrMalformed},
		"random of 31 bytes":     {change(t, raw, bundleRandom, make([]byte, 31)), ErrMalformed},
		"intent 3":               {change(t, raw, bundleIntent, 3), ErrIntent},
		"intent 0":               {change(t, raw, bundleIntent, 0), ErrIntent},
		"empty room":             {change(t, raw, bundleRoom, ""), ErrMalformed},
		"room too long":          {change(t, raw, bundleRoom, strings.Repeat("r", MaxRoomID+1)), ErrMalformed},
		"label too long":         {change(t, raw, bundleLabel, strings.Repeat("l", MaxLabel+1)), ErrMalformed},
		"label with escape":      {change(t, raw, bundleLabel, "a\x1b[2J"), ErrMalformed},
		"label with C1":          {change(t, raw, bundleLabel, "a\u009b2J"), ErrMalformed},
		"label turned":           {change(t, raw, bundleLabel, "a\u202eb"), ErrMalformed},
		"label not UTF-8":        {bytes.Replace(raw, []byte("t\u00e4st"), []byte("t\xff\xa4st"), 1), ErrMalformed},
		"label is bytes":         {change(t, raw, bundleLabel, []byte("a")), ErrMalformed},
		"routes empty":           {change(t, raw, bundleRoutes, []any{}), ErrMalformed},
		"routes null":            {change(t, raw, bundleRoutes, cbor.RawMessage{0xf6}), ErrMalformed},
		"route empty":            {change(t, raw, bundleRoutes, []any{[]any{}}), ErrMalformed},
		"route of kind 9":        {change(t, raw, bundleRoutes, []any{[]any{9, "x"}}), ErrMalformed},
		"too many routes":        {change(t, raw, bundleRoutes, many(MaxRoutes+1)), ErrMalformed},
		"identity too long":      {change(t, raw, bundleIdentity, make([]byte, MaxIdentity+1)), ErrMalformed},
		"attestation too long":   {change(t, raw, bundleAttestation, make([]byte, MaxAttestation+1)), ErrMalformed},
		"too deep":               {change(t, raw, 99, cbor.RawMessage{0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0}), ErrMalformed},
		"tag in unknown":         {append(append([]byte{raw[0] + 1}, raw[1:]...), 0x18, 99, 0xc1, 0), ErrMalformed},
		"too many unknown":       {manyUnknown(t, raw, MaxUnknownFields+1), ErrMalformed},
		"too long":               {make([]byte, MaxBundleMessage+1), ErrMalformed},
		"more elements than any": {change(t, raw, 99, make([]int, maxDecodedItems+1)), ErrMalformed},
	} {
		if _, err := ParseBundle(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for name, ok := range map[string][]byte{
		"routes":      change(t, raw, bundleRoutes, many(MaxRoutes)),
		"room":        change(t, raw, bundleRoom, strings.Repeat("r", MaxRoomID)),
		"label":       change(t, raw, bundleLabel, strings.Repeat("l", MaxLabel)),
		"identity":    change(t, raw, bundleIdentity, make([]byte, MaxIdentity)),
		"attestation": change(t, raw, bundleAttestation, make([]byte, MaxAttestation)),
		"unknown":     manyUnknown(t, raw, MaxUnknownFields),
		"elements":    change(t, raw, 99, make([]int, maxDecodedItems)),
		"depth":       change(t, raw, 99, cbor.RawMessage{0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0}),
	} {
		if _, err := ParseBundle(ok); err != nil {
			t.Errorf("%s at the limit: %v", name, err)
		}
	}
}

func manyUnknown(t testing.TB, raw []byte, n int) []byte {
	for i := range n {
		raw = change(t, raw, uint64(100+i), i)
	}
	return raw
}

func TestReceiverOptionLimits(t *testing.T) {
	for name, c := range map[string]struct {
		o    ReceiverOptions
		want error
	}{
		"suite":          {ReceiverOptions{Suite: 9}, ErrSuite},
		"intent":         {ReceiverOptions{Intent: 9}, ErrIntent},
		"short lifetime": {ReceiverOptions{Lifetime: MinLifetime - 1}, ErrLimit},
		"long lifetime":  {ReceiverOptions{Lifetime: MaxLifetime + 1}, ErrLimit},
		"label":          {ReceiverOptions{Label: strings.Repeat("l", MaxLabel+1)}, ErrLimit},
		"label control":  {ReceiverOptions{Label: "a\nb"}, ErrMalformed},
		"room":           {ReceiverOptions{Room: strings.Repeat("l", MaxRoomID+1)}, ErrLimit},
		"identity":       {ReceiverOptions{Identity: make([]byte, MaxIdentity+1)}, ErrLimit},
		"attestation":    {ReceiverOptions{Attestation: make([]byte, MaxAttestation+1)}, ErrLimit},
		"routes":         {ReceiverOptions{Routes: make([]Route, MaxRoutes+1)}, ErrLimit},
		"empty route":    {ReceiverOptions{Routes: make([]Route, 1)}, ErrMalformed},
		"bad route":      {ReceiverOptions{Routes: []Route{lan(), {Kind: RouteUnix}}}, ErrMalformed},
	} {
		if _, err := NewReceiver(c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	long := Route{Kind: RouteRelay, Path: "https://h/" + strings.Repeat("u", MaxURL-len("https://h/"))}
	all := ReceiverOptions{
		Room: strings.Repeat("r", MaxRoomID), Label: strings.Repeat("l", MaxLabel), Lifetime: MaxLifetime,
		Identity: make([]byte, 2048), Attestation: make([]byte, 4096),
	}
	for range MaxRoutes {
		all.Routes = append(all.Routes, long)
	}
	r := newReceiver(t, all)
	shake(t, r, newSender(t, r.Offer(), SenderOptions{}))
	all.Identity, all.Attestation = make([]byte, MaxIdentity), make([]byte, MaxAttestation)
	if _, err := NewReceiver(all); !errors.Is(err, ErrLimit) {
		t.Errorf("everything at its limit: %v", err)
	}
	if r := newReceiver(t, ReceiverOptions{Lifetime: MinLifetime, Routes: []Route{}}); r.Offer().Route != (Route{}) {
		t.Error("an offer without a route has one")
	}
}

func FuzzBundle(f *testing.F) {
	raw, err := sampleBundle(f).MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(change(f, raw, 42, []any{1, "x", []byte{}, map[string]any{"a": nil}}))
	f.Add(change(f, raw, bundleRoutes, many(3)))
	s := summary()
	s.Intent, s.MaxVersion = SameAccount, 1
	sum, err := s.marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sum)
	f.Add(encode(fields{1: encode(1), 2: encode(true), 3: encode([]byte{1})}))
	f.Fuzz(func(t *testing.T, data []byte) {
		again := func(out []byte, err error) {
			if err != nil || !bytes.Equal(out, data) {
				t.Fatalf("a second encoding: %v", err)
			}
		}
		b, err := ParseBundle(data)
		if err == nil {
			again(b.MarshalBinary())
		} else if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSuite) && !errors.Is(err, ErrIntent) {
			t.Fatalf("foreign error: %v", err)
		}
		if s, err := parseSummary(data); err == nil {
			again(s.marshal())
		}
		if a, err := parseAccept(data); err == nil {
			again(a.marshal())
		}
	})
}
