package transfer_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// An attestation is not a secret: the phisher shows the one of the device that he poses
// as, and has everything but its key.
func TestAttestationOfAnotherDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account, phone, thief := identity(t), identity(t), identity(t)
		now := time.Now()
		attestation := func(a pairing.Attestation) []byte {
			t.Helper()
			b, err := pairing.Attest(account, a)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		list := pairing.Attestation{
			URI: "mimi://example.com/u/alice", Version: 4, Issued: now, NotAfter: now.Add(time.Hour),
			Devices: []pairing.Identity{phone.Identity()},
		}
		genuine := attestation(list)
		late := list
		late.Issued, late.NotAfter = now.Add(-2*time.Hour), now.Add(-time.Hour)
		broken := append([]byte(nil), genuine...)
		broken[len(broken)-1] ^= 1
		for _, c := range []struct {
			name        string
			signer      pairing.Signer
			attestation []byte
			highest     uint64
			ok          bool
		}{
			{"the device", phone, genuine, 4, true},
			{"another device", thief, genuine, 4, false},
			{"no identity", nil, genuine, 4, false},
			{"ended", phone, attestation(late), 4, false},
			{"signature changed", phone, broken, 4, false},
			{"a newer one was seen", phone, genuine, 5, false},
			{"no attestation", phone, nil, 4, false},
		} {
			sink := newSink(t)
			o := transfertest.Run(t.Context(),
				transfer.SendOptions{
					Source: newSource(1, 1, 1, 100, 0), Accounts: []pairing.Identity{account.Identity()},
					Attested: func(pairing.Identity, uint64) (uint64, error) { return c.highest, nil },
				},
				transfer.ReceiveOptions{Sink: sink, Offer: pairing.ReceiverOptions{Signer: c.signer, Attestation: c.attestation}})
			if c.ok {
				if err := o.Err(); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				continue
			}
			if !errors.Is(o.SendErr, pairing.ErrAttestation) || transfer.CodeOf(o.SendErr) != wire.CodeUntrusted || sink.commits > 0 {
				t.Errorf("%s: %v", c.name, o.SendErr)
			}
			if transfer.CodeOf(o.ReceiveErr) != wire.CodeUntrusted {
				t.Errorf("%s: the new device has %v", c.name, o.ReceiveErr)
			}
		}
	})
}

func identity(t *testing.T) *pairing.IdentityKey {
	t.Helper()
	k, err := pairing.NewIdentityKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
