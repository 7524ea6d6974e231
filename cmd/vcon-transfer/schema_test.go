package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// eventSchema is docs/subprocess.schema.json as a test holds events against it: strict,
// so that no event has a field that the document does not know.
var eventSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return compile("", true) })

// commandSchema is that of commands.
var commandSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return compile("#/$defs/command", false) })

func compile(fragment string, closed bool) (*jsonschema.Schema, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "subprocess.schema.json"))
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if closed {
		for _, def := range doc.(map[string]any)["$defs"].(map[string]any) {
			closeObjects(def)
		}
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("schema.json" + fragment)
}

// closeObjects forbids what a schema does not list, where it lists something.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, sub := range v {
			if name != "if" && name != "then" && name != "else" {
				closeObjects(sub)
			}
		}
		_, lists := v["properties"].(map[string]any)
		_, opens := v["additionalProperties"]
		if lists && !opens {
			v["additionalProperties"] = false
		}
	case []any:
		for _, sub := range v {
			closeObjects(sub)
		}
	}
}

// conforms holds one line against a schema.
func conforms(line []byte, schema func() (*jsonschema.Schema, error)) error {
	s, err := schema()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// The schema refuses what the contract does not allow: it is no formality.
func TestSchemaRefuses(t *testing.T) {
	good := `{"v":1,"event":"done","ok":false,"exit":7,"code":"timeout","message":"m","resume":true,"sent":0,"received":0,"duration_ms":0}`
	if err := conforms([]byte(good), eventSchema); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string][2]string{
		"another version":   {`"v":1`, `"v":2`},
		"unknown event":     {`"done"`, `"end"`},
		"unknown field":     {`"ok":false`, `"ok":false,"more":1`},
		"no exit":           {`"exit":7,`, ``},
		"failure with 0":    {`"exit":7`, `"exit":0`},
		"success without":   {`"ok":false,"exit":7,"code":"timeout"`, `"ok":true,"exit":0,"code":"ok"`},
		"code with blanks":  {`"timeout"`, `"time out"`},
		"negative count":    {`"sent":0`, `"sent":-1`},
		"failure, no words": {`"message":"m",`, ``},
	} {
		bad := strings.Replace(good, edit[0], edit[1], 1)
		if bad == good || !json.Valid([]byte(bad)) {
			t.Fatalf("%s: the test is wrong", name)
		}
		if conforms([]byte(bad), eventSchema) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The page has every event, command and warning, and the schema those of the page.
func TestSubprocessPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "subprocess.md"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := os.ReadFile(filepath.Join("..", "..", "docs", "subprocess.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	names := func(pattern string, in []byte) map[string]bool {
		found := make(map[string]bool)
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(in, -1) {
			found[string(m[1])] = true
		}
		if len(found) == 0 {
			t.Errorf("%s finds nothing", pattern)
		}
		return found
	}
	same := func(what string, a, b map[string]bool) {
		t.Helper()
		for name := range a {
			if !b[name] {
				t.Errorf("%s %s: not in the other", what, name)
			}
		}
		for name := range b {
			if !a[name] {
				t.Errorf("%s %s: not in the one", what, name)
			}
		}
	}
	same("event", names("(?m)^\\| `([a-z_]+)` \\|", page), names(`"event": \{"const": "([a-z_]+)"`, schema))
	same("command", names(`\{"cmd":"([a-z_]+)"`, page), names(`"cmd": \{"const": "([a-z_]+)"`, schema))
	var code []byte
	for _, pattern := range []string{"*.go", filepath.Join("..", "..", "transfer", "host", "*.go")} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(f, "_test.go") {
				code = append(code, text...)
			}
		}
	}
	for name := range names(`(?:\.warn\(|\.Tell\(|Warn[A-Z]\w+ += )"([a-z-]+)"`, code) {
		if !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("warning %s is not on the page", name)
		}
	}
}

// The page has the exit code of every code that there is, as the program has it.
func TestSubprocessCodes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "subprocess.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]int)
	for _, row := range regexp.MustCompile("(?m)^\\| (\\d+) \\| (`[^|]+`) \\|").FindAllSubmatch(page, -1) {
		exit, err := strconv.Atoi(string(row[1]))
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range regexp.MustCompile("`([a-z-]+)`").FindAllSubmatch(row[2], -1) {
			listed[string(code[1])] = exit
		}
	}
	for code := wire.CodeInternal; code.Known(); code++ {
		if _, ok := listed[code.String()]; !ok && code != wire.CodeWrongCheckCode { // which is no end
			t.Errorf("code %s is not on the page", code)
		}
		err := &transfer.Error{Code: code, Peer: true}
		exit, _, _ := explain(t.Context(), "receive", err)
		if got := codeOf(err, exit); code != wire.CodeWrongCheckCode && (got != code.String() || listed[got] != exit) {
			t.Errorf("%v of the other device is %s with %d, on the page %d", code, got, exit, listed[got])
		}
	}
	for code, exit := range listed {
		if code != "terminated" && host.ExitOf(code) != exit {
			t.Errorf("code %s has exit code %d, on the page %d", code, host.ExitOf(code), exit)
		}
	}
	if len(listed) < 20 {
		t.Errorf("%d codes", len(listed))
	}
}
