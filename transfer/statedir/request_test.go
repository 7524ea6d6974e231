package statedir

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func TestRequests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	open := func(key []byte) *Dir {
		t.Helper()
		d, err := Open(path, Options{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	mine, other := bytes.Repeat([]byte{1}, KeySize), bytes.Repeat([]byte{2}, KeySize)
	d := open(mine)
	var keys []*hpke.PrivateKey
	for _, suite := range []hpke.Suite{hpke.SuiteXWing, hpke.SuiteX25519} {
		k, err := hpke.GenerateKey(suite, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.KeepRequest(k); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	got, err := open(mine).Requests()
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for _, k := range keys {
		found := false
		for _, r := range got {
			found = found || r.Key.Public().Equal(k.Public()) && time.Since(r.Made) < time.Minute
		}
		if !found {
			t.Errorf("%v is not there", k.Suite())
		}
		secret, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(path, "*"))
		if err != nil || len(files) != 2 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil || bytes.Contains(data, secret) {
				t.Errorf("%s: in clear, or %v", name, err)
			}
			if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
			}
		}
	}
	if list, err := open(other).Requests(); len(list) > 0 || err != nil {
		t.Errorf("under another key: %v, %v", list, err)
	}
	if err := d.Clean(); err != nil {
		t.Fatal(err)
	}
	if list, err := d.List(); err != nil || len(list) > 0 {
		t.Errorf("requests among transfers: %v, %v", list, err)
	}
	if err := d.ForgetRequest(keys[0].Public()); err != nil {
		t.Fatal(err)
	}
	if err := d.ForgetRequest(keys[0].Public()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("again: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(path, "*"+requestSuffix))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Requests(); !errors.Is(err, ErrDamaged) {
		t.Errorf("changed: %v", err)
	}
}
