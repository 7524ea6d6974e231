package sealedfile_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/policy"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/sealedfile"
)

// guide:seal
func shareRoom(ctx context.Context, w io.Writer, history transfer.Source, room string, me pairing.Signer, members []*hpke.PublicKey, rules *policy.History, role uint32) (*sealedfile.Result, error) {
	return sealedfile.Seal(ctx, w, sealedfile.SealOptions{
		Source: history, Recipients: members, Intent: pairing.CatchUp, Signer: me, Label: "Alice",
		Scope:  segment.Scope{Rooms: []string{room}, Since: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)},
		Policy: rules, Role: role, Lifetime: 24 * time.Hour,
	})
}

// guide:open
func openShared(ctx context.Context, file io.ReadSeeker, key *hpke.PrivateKey, friends []pairing.Identity, rules *policy.History, store transfer.Sink) (*sealedfile.Result, error) {
	return sealedfile.Open(ctx, file, sealedfile.OpenOptions{
		Keys: []*hpke.PrivateKey{key}, Trust: friends, Policy: rules, Sink: store,
		Consent: func(_ context.Context, c *sealedfile.Claim) error {
			fmt.Printf("%d messages of %q, shared by %q\n", c.Messages, c.Head.RoomName, c.Head.Label)
			return nil // the person said yes
		},
	})
}

// guide:end

func Example() {
	ctx := context.Background()
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		log.Fatal(err)
	}
	source := history.NewSource(history.FromVCons([]*codec.VCon{v}), history.SourceOptions{})
	defer source.Close()
	bob, err := hpke.GenerateKey(hpke.SuiteXWing, nil)
	if err != nil {
		log.Fatal(err)
	}
	alice, err := pairing.NewIdentityKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	rules := &policy.History{Roles: []uint32{2}, MaxPeriod: 20 * 365 * 24 * 3600}
	var file bytes.Buffer
	sealed, err := shareRoom(ctx, &file, source, v.Room.ID, alice, []*hpke.PublicKey{bob.Public()}, rules, 2)
	if err != nil {
		log.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	store, err := history.OpenDir(folder, history.DirOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	opened, err := openShared(ctx, bytes.NewReader(file.Bytes()), bob, []pairing.Identity{alice.Identity()}, rules, store)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(opened.Root == sealed.Root, opened.Ledger.Imported, opened.Ledger.Tombstones)
	// Output:
	// 12 messages of "Engineering Team", shared by "Alice"
	// true 11 2
}
