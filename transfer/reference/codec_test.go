package reference

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// forms is section "CBOR-encoded vCon", "Parameters", as far as the form shows
// in the encoding: dates, binary values, bodies and objects. "*" is an array.
var forms = map[string]map[string]string{
	"vcon":        {"created_at": "date", "updated_at": "date", "room": "room", "parties": "*party", "dialog": "*dialog", "attachments": "*attachment"},
	"room":        {"description": "*description"},
	"description": {},
	"party":       {},
	"dialog": {"start": "date", "message_id": "binary", "salt": "binary", "replaces": "binary", "in_reply_to": "binary",
		"topic_id": "binary", "expires": "expires", "mimi_extensions": "binary", "franking_tag": "binary", "frank": "binary",
		"body": "body", "external_part": "external_part", "multi_part": "multi_part", "party_history": "*event"},
	"expires":       {"absolute_time": "date"},
	"external_part": {"expires": "date", "key": "binary", "nonce": "binary", "aad": "binary"},
	"multi_part":    {"parts": "*part"},
	"part":          {"body": "body", "external_part": "external_part", "multi_part": "multi_part"},
	"event":         {"time": "date", "room": "room"},
	"attachment":    {"start": "date", "body": "body"},
}

var errNumber = errors.New("reference: number that is no integer of 64 bits")

// fromJSON is the CBOR of a vCon in JSON.
func fromJSON(t testing.TB, data []byte) item {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	it, ok, err := convert(v, "vcon", "")
	if err != nil || !ok {
		t.Fatalf("no vCon: %v", err)
	}
	// Read again, so that each item has its bytes.
	if it, err = vcons.parse(it.encode()); err != nil {
		t.Fatal(err)
	}
	return it
}

// convert gives a value in a form; ok says whether it is of that form. The empty
// form is that of generic values.
func convert(v any, form, encoding string) (it item, ok bool, err error) {
	if element, array := strings.CutPrefix(form, "*"); array {
		list, _ := v.([]any)
		return convertArray(list, element, len(list) > 0)
	}
	switch v := v.(type) {
	case nil:
		return item{major: majorOther, arg: 22, raw: []byte{0xf6}}, form == "", nil
	case bool:
		raw := map[bool]byte{false: 0xf4, true: 0xf5}[v]
		return item{major: majorOther, arg: uint64(raw & 31), raw: []byte{raw}}, form == "", nil
	case json.Number:
		return convertNumber(string(v), form == "")
	case string:
		it, ok := convertText(v, form, encoding)
		return it, ok, nil
	case []any:
		return convertArray(v, "", form == "")
	case map[string]any:
		return convertObject(v, form)
	}
	return it, false, errNumber
}

func convertNumber(s string, ok bool) (item, bool, error) {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return item{major: majorUint, arg: n}, ok, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n == 0 {
		return item{}, false, errNumber
	}
	return item{major: majorNint, arg: uint64(-1 - n)}, ok, nil
}

func convertText(s, form, encoding string) (item, bool) {
	text := item{major: majorText, arg: uint64(len(s)), data: []byte(s)}
	if form == "body" {
		form = ""
		if encoding == "base64url" {
			form = "binary"
		}
	}
	switch form {
	case "":
		return text, true
	case "date":
		if at, ok := instantOf(s); ok && strict(s, at) { // an empty text is none
			return item{major: majorTag, list: []item{text}}, true
		}
		return text, true
	case "binary":
		b, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err == nil && base64.RawURLEncoding.EncodeToString(b) == s {
			bytes := item{major: majorBytes, arg: uint64(len(b)), data: b}
			return item{major: majorTag, arg: 21, list: []item{bytes}}, true
		}
		return text, true
	}
	return text, false
}

// strict says whether a date that has an instant may have tag 0.
func strict(s string, at int64) bool {
	return s[10] == 'T' && !strings.HasSuffix(s, "z") &&
		(s[17] != '6' || at-at%1000 == time.UnixMilli(at).Truncate(24*time.Hour).UnixMilli())
}

func convertArray(list []any, element string, ok bool) (item, bool, error) {
	it := item{major: majorArray, arg: uint64(len(list))}
	for _, v := range list {
		child, good, err := convert(v, element, "")
		if err != nil {
			return it, false, err
		}
		ok = ok && good
		it.list = append(it.list, child)
	}
	return it, ok, nil
}

func convertObject(v map[string]any, form string) (item, bool, error) {
	table, known := forms[form]
	if form == "expires" {
		relative, ok := v["relative"].(bool)
		_, timed := v["relative_time"]
		known = ok && relative == timed
	}
	encoding, _ := v["encoding"].(string)
	var pairs []item
	for name, value := range v {
		child, ok, err := convert(value, table[name], encoding)
		if err == nil && !ok {
			child, _, err = convert(value, "", "")
		}
		if err != nil {
			return item{}, false, err
		}
		pairs = append(pairs, textItem(name), child)
	}
	return mapOf(pairs...), known || form == "", nil
}

func textItem(s string) item {
	return item{major: majorText, arg: uint64(len(s)), data: []byte(s)}
}

func uintItem(n uint64) item { return item{major: majorUint, arg: n} }

func arrayOf(list ...item) item { return item{major: majorArray, arg: uint64(len(list)), list: list} }

// mapOf is a map of keys and values in turn, sorted.
func mapOf(pairs ...item) item {
	chunks := slices.Collect(slices.Chunk(pairs, 2))
	slices.SortFunc(chunks, func(a, b []item) int {
		return bytes.Compare(a[0].encode(), b[0].encode())
	})
	return item{major: majorMap, arg: uint64(len(chunks)), list: slices.Concat(chunks...)}
}

func TestCodecVectors(t *testing.T) {
	path := "../../testdata/vectors/codec/engineering-team"
	asJSON, err := os.ReadFile(path + ".json")
	if err != nil {
		t.Fatal(err)
	}
	asCBOR, err := os.ReadFile(path + ".cbor")
	if err != nil {
		t.Fatal(err)
	}
	if got := fromJSON(t, asJSON).raw; !bytes.Equal(got, asCBOR) {
		t.Errorf("CBOR differs:\n%x\n%x", got, asCBOR)
	}
}
