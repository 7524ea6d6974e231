package cddl_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/internal/cddl"
)

func TestX(t *testing.T) {
	core, err := os.ReadFile("../../../testdata/vcon/core-draft/vcon.cddl")
	if err != nil {
		t.Fatal(err)
	}
	s, err := cddl.Parse(string(core))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := filepath.Glob("../../../testdata/vcon/core-draft/*.vcon")
	for _, n := range m {
		b, _ := os.ReadFile(n)
		v, err := codec.DecodeJSON(b)
		if v.Version == "" {
			v.Version = "0.4.0"
		}
		if err != nil {
			t.Error(n, err)
			continue
		}
		c, err := v.AppendCBOR(nil)
		if err != nil {
			t.Error(n, err)
			continue
		}
		t.Log(filepath.Base(n), s.Validate("vcon", c))
	}
	mm, _ := os.ReadFile("../../../testdata/mimi/content-draft-08/mimi-content.cddl")
	s, err = cddl.Parse(string(mm))
	if err != nil {
		t.Fatal(err)
	}
	m, _ = filepath.Glob("../../../testdata/mimi/content-draft-0?/*.cbor")
	for _, n := range m {
		b, _ := os.ReadFile(n)
		t.Log(n[20:], s.Validate("mimiContent", b))
	}
	mm, _ = os.ReadFile("../../../testdata/mimi/content-draft-08/implied.cddl")
	s, err = cddl.Parse(string(mm))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range m {
		b, _ := os.ReadFile(n)
		t.Log(n[20:], s.Validate("", b))
	}
}
