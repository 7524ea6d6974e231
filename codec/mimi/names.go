package mimi

import (
	"strconv"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// String returns the name of the disposition in the registry (section 8.2.2), or
// its number in decimal, which is what the vCon carries (vcon-mimi-messages has
// no form for numbers without a name).
func (d Disposition) String() string {
	switch d {
	case Unspecified:
		return "unspecified"
	case Render:
		return "render"
	case Reaction:
		return "reaction"
	case Profile:
		return "profile"
	case Inline:
		return "inline"
	case Icon:
		return "icon"
	case Attachment:
		return "attachment"
	case Session:
		return "session"
	case Preview:
		return "preview"
	}
	return strconv.Itoa(int(d))
}

// dispositionOf is the way back; "" is the default, render.
func dispositionOf(s string) (Disposition, bool) {
	if s == "" {
		return Render, true
	}
	for d := Unspecified; d <= Preview; d++ {
		if d.String() == s {
			return d, true
		}
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil || strconv.FormatUint(n, 10) != s || n <= uint64(Preview) {
		return 0, false
	}
	return Disposition(n), true
}

// String returns the name that a vCon carries as part_semantics.
func (s PartSemantics) String() string {
	switch s {
	case ChooseOne:
		return "chooseOne"
	case SingleUnit:
		return "singleUnit"
	case ProcessAll:
		return "processAll"
	}
	return strconv.Itoa(int(s))
}

func semanticsOf(s string) (PartSemantics, bool) {
	for k := ChooseOne; k <= ProcessAll; k++ {
		if k.String() == s {
			return k, true
		}
	}
	return 0, false
}

// String returns the name that a vCon carries as cardinality.
func (k Cardinality) String() string {
	switch k {
	case Null:
		return "nullpart"
	case Single:
		return "single"
	case External:
		return "external"
	case Multi:
		return "multi"
	}
	return strconv.Itoa(int(k))
}

// Names of hash algorithms: of the three that have a name without a hyphen in
// vCon's content hashes, that one; the draft gives "sha256:" as its example.
// Others go by their number in the Named Information registry.
func hashName(alg uint8) string {
	switch alg {
	case hashSHA256:
		return "sha256"
	case hashSHA384:
		return "sha384"
	case hashSHA512:
		return "sha512"
	}
	return strconv.Itoa(int(alg))
}

const (
	hashSHA384 = 0x07
	hashSHA512 = 0x08
)

// hashText is the content_hash of a hash: name, colon, base64url.
func hashText(alg uint8, sum []byte) string {
	return hashName(alg) + ":" + string(codec.BinaryOf(sum))
}

// hashOf is the way back. It also takes "sha-256" and, as vcon-core writes it,
// "sha512-" with a hyphen for the colon.
func hashOf(s string) (alg uint8, sum []byte, ok bool) {
	name, text, ok := strings.Cut(s, ":")
	if !ok {
		if name, text, ok = strings.Cut(s, "-"); !ok {
			return 0, nil, false
		}
	}
	switch name {
	case "sha256", "sha-256":
		alg = hashSHA256
	case "sha384", "sha-384":
		alg = hashSHA384
	case "sha512", "sha-512":
		alg = hashSHA512
	default:
		n, err := strconv.ParseUint(name, 10, 8)
		if err != nil || hashName(uint8(n)) != name {
			return 0, nil, false
		}
		alg = uint8(n)
	}
	sum, ok = codec.Binary(text).Bytes()
	return alg, sum, ok
}
