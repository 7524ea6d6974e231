package bind

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

// A ReceiveConfig says what a new device does. A zero field is the default; Folder or ToHost
// has to be set. NewReceiver copies it.
type ReceiveConfig struct {
	Folder string `json:"folder"`  // where the vCon files and the attachments go
	ToHost string `json:"to_host"` // in its place: the app imports, by the events batch and commit; what is in flight is in this folder
	Format string `json:"format"`  // of the vCon files: cbor, the default, or json

	Label   string `json:"label"`    // what this device is called on the other one's screen
	Listen  string `json:"listen"`   // TCP address; the default is the private addresses and a free port
	NoLAN   bool   `json:"no_lan"`   // no TCP
	Socket  string `json:"socket"`   // listen on this unix socket, too
	CatchUp bool   `json:"catch_up"` // ask a member of a room that this account has joined
	Room    string `json:"room"`     // that a catch-up asks for

	Relay      string `json:"relay"`       // URL of the relay that is used, too
	RelayToken string `json:"relay_token"` // what that relay wants for new channels

	Identity string `json:"identity"` // public, in its text form; the app has the key and answers the event sign
	Trust    string `json:"trust"`    // only senders with these identities: a JSON array, or one a line
	NoCode   bool   `json:"no_code"`  // with Trust: the sender's signature takes the place of the check code

	Attestation []byte `json:"attestation"` // with Identity: by which the account attests this device

	StateDir  string `json:"state_dir"`  // where an unfinished transfer is kept; without it none can be gone on with
	StateKey  []byte `json:"state_key"`  // 32 bytes from the keychain, which seal what is in StateDir
	StateName string `json:"state_name"` // which transfer this is; the default is made of Folder, which must not move then
	Fresh     bool   `json:"fresh"`      // begin a new transfer, also when there is an unfinished one

	OfferSeconds   int64 `json:"offer_seconds"`   // lifetime of the offer; 300
	TimeoutSeconds int64 `json:"timeout_seconds"` // a silent device is lost after it, and looked for 8 times as long; 15
	PersonSeconds  int64 `json:"person_seconds"`  // a person has so long for an answer; 300

	QRCode bool `json:"qr_code"` // the event offer has the QR code as a PNG, too
}

// A SendConfig says what an old device does. A zero field is the default; Sources has
// to be set. NewSender copies it.
type SendConfig struct {
	Sources string `json:"sources"` // vCon files and folders of them: a JSON array, or one a line
	Offer   string `json:"offer"`   // the text in the QR code; without it an unfinished transfer is gone on with

	Rooms       string `json:"rooms"`        // only these, by their URIs: a JSON array, or one a line
	Since       string `json:"since"`        // only messages from then on, RFC 3339
	Until       string `json:"until"`        // only messages before, RFC 3339
	MaxMessages int64  `json:"max_messages"` // only the newest of each room; 0 is all
	NoMedia     bool   `json:"no_media"`     // no attachments
	Consented   bool   `json:"consented"`    // the app has asked the person: the event consent only tells

	Identity          string `json:"identity"`            // public, in its text form; the app has the key and answers the event sign
	Accounts          string `json:"accounts"`            // only a new device that one of these identities of accounts attests: a JSON array, or one a line; StateDir keeps the highest version seen
	Label             string `json:"label"`               // what this device is called on the other one's screen
	AllowPublicRoutes bool   `json:"allow_public_routes"` // take an offer that leads to a public address

	Relay      string `json:"relay"`       // URL of the relay that this app uses; for others the event route asks
	RelayToken string `json:"relay_token"` // what that relay wants for new channels; no other relay sees it

	StateDir  string `json:"state_dir"`  // as in ReceiveConfig
	StateKey  []byte `json:"state_key"`  // as in ReceiveConfig
	StateName string `json:"state_name"` // as in ReceiveConfig; the default is made of Sources and of what is chosen

	TimeoutSeconds int64 `json:"timeout_seconds"` // as in ReceiveConfig
	PersonSeconds  int64 `json:"person_seconds"`  // as in ReceiveConfig
}

const (
	// maxTimeout is longer than a person waits for a network.
	maxTimeout = 600
	// maxPerson is longer than a person looks at a question.
	maxPerson = 24 * 3600
	// maxList bounds the text of Sources and Rooms, in bytes.
	maxList = 4 << 20
)

// usage refuses a configuration.
func usage(format string, args ...any) error {
	return host.Fail(host.CodeUsage, fmt.Errorf("usage: "+format, args...))
}

// NewReceiver makes the side of the new device. Its error says what of config can never
// be; all else is told by events after Start.
func NewReceiver(config *ReceiveConfig, l Listener) (*Transfer, error) {
	if config == nil || l == nil {
		return nil, usage("no config or no listener")
	}
	r := &receiving{ReceiveConfig: *config}
	if err := r.check(); err != nil {
		return nil, err
	}
	return newTransfer(r.run, l, host.Options{PNG: config.QRCode}), nil
}

// NewSender makes the side of the old device, as NewReceiver does that of the new one.
func NewSender(config *SendConfig, l Listener) (*Transfer, error) {
	if config == nil || l == nil {
		return nil, usage("no config or no listener")
	}
	s := &sending{SendConfig: *config}
	if err := s.check(); err != nil {
		return nil, err
	}
	return newTransfer(s.run, l, host.Options{Consented: config.Consented}), nil
}

func (r *receiving) check() (err error) {
	switch {
	case (r.Folder == "") == (r.ToHost == ""):
		return usage("one of Folder and ToHost has to be set")
	case r.Format != "" && r.Format != "cbor" && r.Format != "json":
		return usage("Format is neither cbor nor json")
	case r.NoLAN && r.Relay == "" && r.Socket == "":
		return usage("NoLAN leaves no route: Relay or Socket has to be set")
	case r.NoLAN && r.Listen != "":
		return usage("NoLAN excludes Listen")
	case r.Room != "" && !r.CatchUp:
		return usage("Room goes with CatchUp")
	case r.OfferSeconds < 0 || r.OfferSeconds > int64(pairing.MaxLifetime/time.Second):
		return usage("OfferSeconds is at most %d", int64(pairing.MaxLifetime/time.Second))
	}
	if r.Listen != "" {
		if _, _, err := net.SplitHostPort(r.Listen); err != nil {
			return usage("Listen is no address like 192.168.1.2:0")
		}
	}
	if r.identity, err = identity(r.Identity); err != nil {
		return err
	}
	if r.trust, err = identities("Trust", r.Trust); err != nil {
		return err
	}
	switch {
	case r.NoCode && len(r.trust) == 0:
		return usage("NoCode goes with Trust")
	case len(r.Attestation) > 0 && r.Identity == "":
		return usage("Attestation goes with Identity")
	}
	if len(r.Attestation) > 0 {
		if _, err := pairing.ParseAttestation(r.Attestation); err != nil {
			return usage("Attestation: %v", err)
		}
	}
	r.patience = patience{r.TimeoutSeconds, r.PersonSeconds}
	place := absolute(r.Folder + r.ToHost)
	if r.CatchUp {
		place += " catch-up " + r.Room
	}
	if r.keep, err = keepIn(r.StateDir, r.StateKey, r.StateName, place); err != nil {
		return err
	}
	r.StateKey = nil
	return errors.Join(r.patience.check(), checkLabel(&r.Label), checkRelay(r.Relay, r.RelayToken))
}

func (s *sending) check() (err error) {
	if s.sources, err = list("Sources", s.Sources); err != nil {
		return err
	}
	if len(s.sources) == 0 {
		return usage("Sources is not set")
	}
	for i, path := range s.sources {
		if path == "-" {
			return usage("an app has no standard input")
		}
		s.sources[i] = absolute(path)
	}
	if s.scope.Rooms, err = list("Rooms", s.Rooms); err != nil {
		return err
	}
	if s.MaxMessages < 0 {
		return usage("MaxMessages is negative")
	}
	s.scope.MaxMessages, s.scope.NoMedia = uint64(s.MaxMessages), s.NoMedia
	if s.scope.Since, err = instant("Since", s.Since); err != nil {
		return err
	}
	if s.scope.Until, err = instant("Until", s.Until); err != nil {
		return err
	}
	if !s.scope.Until.IsZero() && !s.scope.Since.Before(s.scope.Until) {
		return usage("Since is not before Until")
	}
	if s.identity, err = identity(s.Identity); err != nil {
		return err
	}
	if s.accounts, err = identities("Accounts", s.Accounts); err != nil {
		return err
	}
	s.patience = patience{s.TimeoutSeconds, s.PersonSeconds}
	if s.keep, err = keepIn(s.StateDir, s.StateKey, s.StateName, placeOf(s.sources, s.scope)); err != nil {
		return err
	}
	s.StateKey = nil
	return errors.Join(s.patience.check(), checkLabel(&s.Label), checkRelay(s.Relay, s.RelayToken))
}

// identity reads a public identity; none is zero.
func identity(text string) (id pairing.Identity, err error) {
	if text == "" {
		return id, nil
	}
	if id, err = pairing.ParseIdentity(text); err != nil {
		return id, usage("Identity: %v", err)
	}
	return id, nil
}

// identities reads a list of public identities; none is nil.
func identities(name, text string) (all []pairing.Identity, err error) {
	texts, err := list(name, text)
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		id, err := pairing.ParseIdentity(text)
		if err != nil {
			return nil, usage("%s: %v", name, err)
		}
		all = append(all, id)
	}
	return all, nil
}

// signer asks the app, which has the key of id.
func (p patience) signer(ctx context.Context, t *Transfer, id pairing.Identity) pairing.Signer {
	if id == (pairing.Identity{}) {
		return nil
	}
	answer := time.Duration(p.person) * time.Second
	if answer == 0 {
		answer = host.DefaultAnswer
	}
	return t.conn.Signer(ctx, id, answer)
}

// placeOf names what is sent.
func placeOf(sources []string, scope segment.Scope) string {
	words := append([]string(nil), sources...)
	for _, room := range scope.Rooms {
		words = append(words, "room "+room)
	}
	if !scope.Since.IsZero() || !scope.Until.IsZero() || scope.MaxMessages > 0 || scope.NoMedia {
		words = append(words, fmt.Sprintf("since %d until %d newest %d no media %t",
			scope.Since.Unix(), scope.Until.Unix(), scope.MaxMessages, scope.NoMedia))
	}
	return strings.Join(words, "\n")
}

// list reads a JSON array of strings, or lines. No text is no list; a text that names
// nothing is refused: an empty choice of rooms would mean all of them.
func list(field, text string) (all []string, err error) {
	if len(text) > maxList {
		return nil, usage("%s has more than %d bytes", field, maxList)
	}
	if text == "" {
		return nil, nil
	}
	if text = strings.TrimSpace(text); strings.HasPrefix(text, "[") {
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			return nil, usage("%s is no JSON array of strings", field)
		}
	} else {
		all = strings.Split(text, "\n")
	}
	kept := all[:0]
	for _, s := range all {
		if s = strings.TrimSuffix(s, "\r"); s != "" {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return nil, usage("%s names nothing", field)
	}
	return kept, nil
}

func instant(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usage("%s is no time as in RFC 3339", field)
	}
	return t, nil
}

func checkLabel(label *string) error {
	if *label == "" {
		*label = "a device"
	}
	if len(*label) > pairing.MaxLabel || host.Printable(*label, pairing.MaxLabel) != *label {
		return usage("Label has at most %d bytes and no control characters", pairing.MaxLabel)
	}
	return nil
}

func checkRelay(url, token string) error {
	if url == "" && token != "" {
		return usage("RelayToken goes with Relay")
	}
	if url != "" && relay.CheckURL(url) != nil {
		return usage("Relay is no URL of a relay")
	}
	return nil
}

// keepIn is where a transfer is kept; a zero one keeps nothing.
func keepIn(dir string, key []byte, name, place string) (keeping, error) {
	switch {
	case dir == "" && (len(key) > 0 || name != ""):
		return keeping{}, usage("StateKey and StateName go with StateDir")
	case len(key) > 0 && len(key) != statedir.KeySize:
		return keeping{}, usage("StateKey has %d bytes", statedir.KeySize)
	case name != "":
		place = name
	}
	return keeping{dir: dir, key: bytes.Clone(key), place: bounded(place)}, nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
