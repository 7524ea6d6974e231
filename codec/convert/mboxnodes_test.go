package convert

import "testing"

// TestCitedMails: what mails name is kept up to a limit, what is known is found.
func TestCitedMails(t *testing.T) {
	b := &mailbox{nodes: map[[16]byte]int32{}, limit: 2}
	var got []int32
	for _, id := range []string{"a", "b", "c", "a", "d", "b"} {
		got = append(got, b.cited(sum16("id", id)))
	}
	for i, want := range []int32{0, 1, -1, 0, -1, 1} {
		if got[i] != want {
			t.Errorf("%d: node %d, want %d", i, got[i], want)
		}
	}
	if len(b.hashes) != 2 {
		t.Errorf("%d nodes are kept", len(b.hashes))
	}
}
