package history

import "github.com/vcon-transfer/vcon-transfer/codec"

// A PartyState is a party of a room as the vCon's parties array has it.
type PartyState struct {
	Party codec.Party
}
