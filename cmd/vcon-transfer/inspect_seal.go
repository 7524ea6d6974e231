package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// A sealedFileInspection is what a sealed file shows to everybody. Anybody can have
// written it.
type sealedFileInspection struct {
	Suite   string `json:"suite"`
	Stanzas int    `json:"stanzas"` // the recipients, rounded up
}

// A requestInspection is a request for a sealed file, or a recipient key, which says
// less.
type requestInspection struct {
	Suite    string `json:"suite"`
	Intent   string `json:"intent,omitempty"`
	Label    string `json:"label,omitempty"`
	Room     string `json:"room,omitempty"`
	Identity string `json:"identity,omitempty"` // that signed it
	Attested bool   `json:"attested,omitempty"` // an attestation comes with it, of whatever account
	Mark     string `json:"mark,omitempty"`     // that both screens show
}

const sealedFileMagic = "VCTB"

// keyLike tells the text of a request or a public recipient key.
func keyLike(data []byte) bool {
	text := strings.ToUpper(strings.TrimLeft(string(data[:min(len(data), 64)]), " \r\n\t"))
	return strings.HasPrefix(text, "VCT-REQUEST-") || strings.HasPrefix(text, "VCT-KEY-")
}

// readSealedFile looks at the outside of a sealed file.
func (i *inspection) readSealedFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer f.Close()
	p, err := hpke.ReadFilePrefix(f)
	if err != nil {
		return unreadable(path, err)
	}
	i.Kind, i.SealedFile = "sealed file", &sealedFileInspection{p.Suite.String(), p.Stanzas}
	if info, err := f.Stat(); err == nil {
		i.Bytes = info.Size()
	}
	return nil
}

// readKeyText reads a request or a public recipient key.
func (i *inspection) readKeyText(path string, data []byte) error {
	text := string(bytes.TrimSpace(data))
	if strings.HasPrefix(strings.ToUpper(text), "VCT-REQUEST-") {
		b, err := pairing.ParseRequest(text)
		if err != nil {
			return unreadable(path, err)
		}
		i.Kind, i.Request = "request", &requestInspection{
			Suite: b.Suite.String(), Intent: b.Intent.String(), Label: b.Label, Room: b.Room, Attested: len(b.Attestation) > 0, Mark: requestMark(b.PublicKey),
		}
		if b.Signer != (pairing.Identity{}) {
			i.Request.Identity = b.Signer.Text()
		}
		return nil
	}
	k, err := pairing.ParseRecipient(text)
	if err != nil {
		return unreadable(path, err)
	}
	i.Kind, i.Request = "recipient key", &requestInspection{Suite: k.Suite().String()}
	return nil
}

func (s *sealedFileInspection) print(v *view) {
	v.line(fmt.Sprintf("  %-12s", "suite"), s.Suite)
	v.line(fmt.Sprintf("  %-12s", "for"), "at most ", plural(uint64(s.Stanzas), "recipient"))
	v.line("  What is in it, and who shared it, is for its recipients: vcon-transfer open.")
}

func (r *requestInspection) print(v *view) {
	for _, l := range [][2]string{
		{"suite", r.Suite}, {"for", r.Intent}, {"calls itself", shown(r.Label, pairing.MaxLabel)}, {"room", shown(r.Room, 300)},
		{"signed as", r.Identity}, {"mark", r.Mark},
	} {
		if l[1] != "" {
			v.line(fmt.Sprintf("  %-13s", l[0]), l[1])
		}
	}
	if r.Attested {
		v.line("  An account attests it: send --attest says whether it is one of yours.")
	}
}
