package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
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
