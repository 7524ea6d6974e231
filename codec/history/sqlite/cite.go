package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// cite replaces the rows of parties in items by indexes of a list that the items
// share. Party 0 is the room when the room has metadata.
func (s *Store) cite(ctx context.Context, db *sql.DB, room string, items []segment.Item) error {
	var parties []codec.Party
	index := map[uint32]uint32{}
	var rows []int64
	first, isParty, err := roomParty(ctx, db, room)
	if err != nil {
		return err
	}
	if isParty {
		parties = append(parties, codec.Party{IMURI: room})
		if first != 0 {
			index[first] = 0
		}
	}
	base := uint32(len(parties))
	see := func(row uint32) {
		if _, ok := index[row]; !ok {
			index[row] = base + uint32(len(rows))
			rows = append(rows, int64(row))
		}
	}
	for i := range items {
		items[i].Dialog.EachParty(see)
		for j := range items[i].Attachments {
			items[i].Attachments[j].EachParty(see)
		}
	}
	parties = append(parties, make([]codec.Party, len(rows))...)
	found := 0
	err = inChunks(rows, func(ids []any) error {
		return eachRow(ctx, db, "SELECT id, record FROM parties WHERE id IN ("+marks(len(ids))+")", ids, func(rows *sql.Rows) error {
			var id uint32
			var record []byte
			if err := rows.Scan(&id, &record); err != nil {
				return err
			}
			p, err := codec.DecodePartyCBOR(record)
			if err != nil {
				return err
			}
			parties[index[id]] = *p
			found++
			return nil
		})
	})
	if err != nil {
		return err
	}
	if found != len(rows) {
		return &DestinationError{Op: "read parties", Cause: Damaged, Err: errors.New("parties are missing")}
	}
	local := func(row uint32) (uint32, error) { return index[row], nil }
	for i := range items {
		items[i].Parties = parties
		if err := items[i].Dialog.MapParties(local); err != nil {
			return err
		}
		for j := range items[i].Attachments {
			if err := items[i].Attachments[j].MapParties(local); err != nil {
				return err
			}
		}
	}
	return nil
}

// roomParty returns the row of the party that stands for the room, 0 when nobody
// cites it, and whether party 0 is the room.
func roomParty(ctx context.Context, db *sql.DB, room string) (row uint32, is bool, err error) {
	var id int64
	if err := db.QueryRowContext(ctx, "SELECT id FROM rooms WHERE uri = ?", room).Scan(&id); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrUnknownRoom
		}
		return 0, false, err
	}
	var of segment.Room
	if err := roomMeta(ctx, db, id, &of); err != nil {
		return 0, false, err
	}
	if of.Meta == nil || of.Meta.ID != room {
		return 0, false, nil
	}
	record, err := codec.AppendPartyCBOR(nil, &codec.Party{IMURI: room})
	if err != nil {
		return 0, false, err
	}
	err = db.QueryRowContext(ctx, "SELECT id FROM parties WHERE record = ?", record).Scan(&row)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return row, true, err
}
