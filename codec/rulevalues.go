package codec

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// What the rules make of a value: the new one, or false where they do not apply.

func messageIDOf(raw Raw, onlyObject bool) (Raw, bool) {
	switch raw[0] >> 5 {
	case majorMap:
		var old map[string]Raw
		if raw.Decode(&old) != nil || len(old) != 1 || old["messageId"] == nil {
			return nil, false
		}
		return old["messageId"], true
	case majorArray:
		return nil, false // see ruleFirst
	}
	return raw, !onlyObject
}

func firstOf(raw Raw) (Raw, bool) {
	var list []Raw
	if raw[0]>>5 != majorArray || raw.Decode(&list) != nil || len(list) == 0 || len(list[0]) == 0 || list[0][0]>>5 != majorText {
		return nil, false
	}
	return list[0], true
}

func expiresAt(raw Raw) (Raw, bool) {
	var date string
	if raw[0]>>5 != majorText || raw.Decode(&date) != nil {
		return nil, false
	}
	if _, ok := Date(date).Instant(); !ok {
		return nil, false
	}
	b := append(AppendText(AppendMap(nil, 2), "relative"), simpleFalse)
	return append(AppendText(b, "absolute_time"), raw...), true
}

func expiresOf(raw Raw) (Raw, bool) {
	var old map[string]Raw
	if raw.Decode(&old) != nil || len(old) != 2 || old["relative"] == nil || old["expires"] == nil {
		return raw, raw[0]>>5 == majorMap
	}
	name := "absolute_time"
	if old["relative"][0] == simpleTrue {
		name = "relative_time"
	}
	b := append(AppendText(AppendMap(nil, 2), "relative"), old["relative"]...)
	return append(AppendText(b, name), old["expires"]...), true
}

func hashOfSignature(raw, algorithm Raw) (Raw, bool) {
	var alg, signature string
	if algorithm.Decode(&alg) != nil || raw.Decode(&signature) != nil ||
		alg != "SHA-512" && alg != "sha512" && alg != "SHA512" {
		return nil, false
	}
	return AppendText(nil, "sha512-"+signature), true
}

func hashOfNumber(raw, algorithm Raw) (Raw, bool) {
	var n uint64
	var hash string
	if algorithm.Decode(&n) != nil || raw.Decode(&hash) != nil || strings.Contains(hash, ":") {
		return nil, false
	}
	name := strconv.FormatUint(n, 10)
	switch n { // Named Information Hash Algorithm Registry
	case 1:
		name = "sha256"
	case 7:
		name = "sha384"
	case 8:
		name = "sha512"
	}
	return AppendText(nil, name+":"+hash), true
}

// sessionID takes a session identifier of RFC 7989 apart; one with its local half
// alone stays.
func sessionID(raw Raw) (Raw, bool) {
	var text string
	if raw[0]>>5 != majorText || raw.Decode(&text) != nil {
		return nil, false
	}
	local, remote, ok := strings.Cut(text, ";remote=")
	for _, half := range []string{local, remote} {
		id, err := hex.DecodeString(half)
		ok = ok && err == nil && len(id) == 16
	}
	if !ok {
		return nil, false
	}
	b := AppendText(AppendText(AppendMap(nil, 2), "local"), local)
	return AppendText(AppendText(b, "remote"), remote), true
}

func anonInvalid(raw Raw) (Raw, bool) {
	var ref string
	if raw[0]>>5 != majorText || raw.Decode(&ref) != nil {
		return raw, true
	}
	if id, ok := strings.CutSuffix(ref, "@anonymous.invalid"); ok {
		ref = id + "@anon.invalid"
	}
	return AppendText(nil, ref), true
}
