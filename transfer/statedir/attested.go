package statedir

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

const (
	// attestedName is the file, in the state directory, of the highest version that was
	// seen of each account: one a line, identity and number.
	attestedName = "attested"
	// maxAttested bounds that file, in bytes: some hundred accounts.
	maxAttested = 64 << 10
)

// HighestAttested keeps the version of an account's attestation in the directory dir, which it makes, if it is
// the highest so far, and gives the highest: for transfer.SendOptions. It is durable before anything goes to the
// device: an older list must not count once more. It is not sealed, as nothing in it is secret.
func HighestAttested(dir string, account pairing.Identity, version uint64) (uint64, error) {
	file := filepath.Join(dir, attestedName)
	text, err := os.ReadFile(file)
	if err == nil && len(text) > maxAttested {
		err = fmt.Errorf("%s has more than %d bytes", file, maxAttested)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read versions of attestations: %w", err)
	}
	seen := map[string]uint64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var id string
		var v uint64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &id, &v); err != nil {
			return 0, fmt.Errorf("read versions of attestations: %s: %w", file, err)
		}
		seen[id] = v
	}
	name := account.Text()
	if highest := seen[name]; highest >= version {
		return highest, nil
	}
	seen[name] = version
	var lines []string
	for id, v := range seen {
		lines = append(lines, fmt.Sprintf("%s %d\n", id, v))
	}
	slices.Sort(lines)
	if err := replaceFile(file, strings.Join(lines, "")); err != nil {
		return 0, fmt.Errorf("keep versions of attestations: %w", err)
	}
	return version, nil
}

// replaceFile writes a file so that after a crash it is the old or the new one.
func replaceFile(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), attestedName+"-*.new")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
