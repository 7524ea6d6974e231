// Package jws verifies the signatures of signed vCons (vcon-core, "Signed Form of
// vCon Object"; RFC 7515, JSON serializations) against keys or certificates that the
// caller trusts. A signed vCon is carried as it is, whether it verifies or not.
package jws

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxBytes bounds a signed vCon that is verified, in bytes: it is held whole.
	MaxBytes = 64 << 20
	// MaxSignatures bounds its signatures: each costs a verification a key.
	MaxSignatures = 16
	// MaxSigners bounds the keys and certificates of Signers.
	MaxSigners = 64
)

var (
	// ErrForm: the bytes are no signed vCon.
	ErrForm = errors.New("not a signed vCon")
	// ErrSigners: no public key and no certificate in the PEM, or too many.
	ErrSigners = errors.New("no public keys or certificates")
	// ErrSignature: no signer that is trusted made the signature.
	ErrSignature = errors.New("the signature is of none of the given signers")
)

// algorithms are those of public keys: an HMAC would make everybody who can verify
// able to sign, and "none" is no signature.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

// Signers are whose signatures count: public keys; certificates, each as the key that
// it has and as one that a chain (x5c) may end in.
type Signers struct {
	keys  []signer
	roots *x509.CertPool
}

type signer struct {
	name string
	key  any
}

// ParseSigners reads the PEM blocks PUBLIC KEY and CERTIFICATE; name says where they
// come from. The error is ErrSigners.
func ParseSigners(name string, data []byte) (*Signers, error) {
	s := &Signers{roots: x509.NewCertPool()}
	for n := 1; ; n++ {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if n > MaxSigners {
			return nil, fmt.Errorf("%s: more than %d: %w", name, MaxSigners, ErrSigners)
		}
		switch block.Type {
		case "PUBLIC KEY":
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, errors.Join(ErrSigners, err))
			}
			s.keys = append(s.keys, signer{fmt.Sprintf("key %d of %s", n, name), key})
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, errors.Join(ErrSigners, err))
			}
			s.roots.AddCert(c)
			s.keys = append(s.keys, signer{c.Subject.String(), c.PublicKey})
		default:
			return nil, fmt.Errorf("%s: %s: %w", name, block.Type, ErrSigners)
		}
	}
	if len(s.keys) == 0 {
		return nil, fmt.Errorf("%s: %w", name, ErrSigners)
	}
	return s, nil
}

// A Verdict is what became of one signature.
type Verdict struct {
	Algorithm string
	Signer    string // whose it is; "" when Err is set
	Err       error  // ErrSignature, with the reason
}

// object is a JWS in the general or the flattened JSON serialization. What else is
// beside is not signed, and of no meaning.
type object struct {
	Payload    jsontext.Value   `json:"payload"`
	Signatures []jsontext.Value `json:"signatures"`
	Signature  jsontext.Value   `json:"signature"`
	Protected  jsontext.Value   `json:"protected"`
	Header     jsontext.Value   `json:"header"`
}

// Verify verifies each signature of a signed vCon in JSON, at this time: certificates
// end. The verdicts are in the order of the signatures. The error is ErrForm.
func Verify(data []byte, s *Signers, now time.Time) ([]Verdict, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%d bytes: %w", len(data), ErrForm)
	}
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("read signed vCon: %w", errors.Join(ErrForm, err))
	}
	signatures := o.Signatures
	if o.Signature != nil {
		parts := map[string]jsontext.Value{"signature": o.Signature}
		for name, v := range map[string]jsontext.Value{"protected": o.Protected, "header": o.Header} {
			if v != nil {
				parts[name] = v
			}
		}
		one, err := json.Marshal(parts)
		if err != nil || len(signatures) > 0 {
			return nil, fmt.Errorf("read signed vCon: both serializations: %w", ErrForm)
		}
		signatures = []jsontext.Value{one}
	}
	if o.Payload == nil || len(signatures) == 0 || len(signatures) > MaxSignatures {
		return nil, fmt.Errorf("read signed vCon: no payload, or %d signatures: %w", len(signatures), ErrForm)
	}
	var all []Verdict
	for _, one := range signatures {
		all = append(all, s.verdict(o.Payload, one, now))
	}
	return all, nil
}

// verdict verifies one signature by itself: the library stops at the first that fits.
func (s *Signers) verdict(payload, one jsontext.Value, now time.Time) Verdict {
	alone := slices.Concat([]byte(`{"payload":`), payload, []byte(`,"signatures":[`), one, []byte(`]}`))
	parsed, err := jose.ParseSignedJSON(string(bytes.TrimSpace(alone)), algorithms())
	if err != nil || len(parsed.Signatures) != 1 {
		return Verdict{Err: errors.Join(ErrSignature, err)}
	}
	signature := parsed.Signatures[0]
	v := Verdict{Algorithm: signature.Header.Algorithm}
	for _, k := range s.keys {
		if _, err := parsed.Verify(k.key); err == nil {
			v.Signer = k.name
			return v
		}
	}
	why := errors.New("no certificates come with it")
	options := x509.VerifyOptions{Roots: s.roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, h := range []jose.Header{signature.Protected, signature.Unprotected} {
		chains, err := h.Certificates(options)
		if err != nil {
			if !errors.Is(err, jose.ErrMissingX5cHeader) {
				why = err
			}
			continue
		}
		leaf := chains[0][0]
		if _, err := parsed.Verify(leaf.PublicKey); err != nil {
			why = errors.New("the certificate that comes with it is of another key")
			continue
		}
		v.Signer = leaf.Subject.String()
		return v
	}
	v.Err = fmt.Errorf("%w: %w", ErrSignature, why)
	return v
}
