package server_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

func TestMeet(t *testing.T) {
	for _, order := range [][2]wire.Role{{wire.Receiver, wire.Sender}, {wire.Sender, wire.Receiver}} {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			a, b := meetAs(t, r, place(1, order[0]), place(1, order[1]))
			alive(t, a, b)
			if got := r.Server.Stats(); got.Pipes != 1 || got.Channels != 1 || got.Waiting != 0 || got.Bytes != 13 {
				t.Errorf("stats are %+v", got)
			}
			// A half-close goes through, and the other way stays open.
			a.(wire.CloseWriter).CloseWrite()
			closedAfter(t, b)
			send(t, b, a, "last words")
			b.Close()
			closedAfter(t, a)
			a.Close()
			synctest.Wait()
			if got := r.Server.Stats(); got.Pipes != 0 || got.Waiting != 0 || got.Joined != 1 {
				t.Errorf("stats are %+v", got)
			}
		})
	}
}

func TestChannelsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{})
		a1, b1 := pairUp(t, r, 1)
		a2, b2 := pairUp(t, r, 2)
		send(t, a1, b1, "one")
		send(t, a2, b2, "two")
		a1.Close()
		b1.Close()
		alive(t, a2, b2)
		a2.Close()
		b2.Close()
	})
}

func TestStrangerCanNeitherTakeNorDisturb(t *testing.T) {
	for _, role := range []wire.Role{wire.Receiver, wire.Sender} {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			stranger := place(1, role)
			stranger.Token[15] ^= 1
			mine, peer := place(1, role), place(1, wire.Receiver+wire.Sender-role)

			waiting := come(t, r, mine)
			synctest.Wait()
			refused(t, r, stranger, relay.Taken) // while its owner waits
			peers := come(t, r, peer)
			a, b := <-waiting, <-peers
			if a.err != nil || b.err != nil {
				t.Fatal(a.err, b.err)
			}
			refused(t, r, stranger, relay.Taken) // while the pipe is open
			alive(t, a.conn, b.conn)
			a.conn.Close()
			b.conn.Close()
			synctest.Wait()
			refused(t, r, stranger, relay.Taken) // while nobody is there

			// The rightful ones come again.
			c, d := meetAs(t, r, mine, peer)
			alive(t, c, d)
			c.Close()
			d.Close()
			synctest.Wait()

			// When the channel has been forgotten, its name belongs to whoever comes first.
			time.Sleep(server.DefaultKeepTimeout)
			gone := come(t, r, stranger)
			synctest.Wait()
			refused(t, r, mine, relay.Taken)
			r.Stop()
			if g := <-gone; !errors.Is(g.err, relay.Closing) {
				t.Errorf("Dial = %v", g.err)
			}
		})
	}
}

func TestReconnect(t *testing.T) {
	t.Run("while waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			old := come(t, r, place(1, wire.Receiver))
			synctest.Wait()
			a, b := pairUp(t, r, 1)
			if o := <-old; !errors.Is(o.err, relay.Replaced) {
				t.Errorf("the predecessor's Dial = %v", o.err)
			}
			alive(t, a, b)
			a.Close()
			b.Close()
		})
	})
	t.Run("of one side", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			a, b := pairUp(t, r, 1)
			alive(t, a, b)
			// The sender's network went away without a word; it comes again. Its peer is told by the end of
			// its old connection.
			next := come(t, r, place(1, wire.Sender))
			if waited := closedAfter(t, a); waited != 0 {
				t.Errorf("the peer learns of it after %v", waited)
			}
			closedAfter(t, b)
			c, err := r.Meet(t.Context(), place(1, wire.Receiver))
			if err != nil {
				t.Fatal(err)
			}
			d := <-next
			if d.err != nil {
				t.Fatal(d.err)
			}
			alive(t, c, d.conn)
			for _, x := range []wire.Conn{a, b, c, d.conn} {
				x.Close()
			}
		})
	})
	t.Run("of both sides at a time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			for range 20 {
				first, second := come(t, r, place(1, wire.Receiver)), come(t, r, place(1, wire.Sender))
				a, b := <-first, <-second
				if a.err != nil || b.err != nil {
					t.Fatal(a.err, b.err)
				}
				alive(t, a.conn, b.conn)
				// Left open: their successors, in whichever order they come, must not meet them.
			}
		})
	})
}

// A party that waited and went away is not met by anybody.
func TestVanishedPartyIsNotMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{})
		dialed, err := r.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(dialed, request(place(1, wire.Receiver)))
		synctest.Wait()
		if r.Server.Stats().Waiting != 1 {
			t.Fatal("nobody waits")
		}
		dialed.Close()
		synctest.Wait()
		if r.Server.Stats().Waiting != 0 {
			t.Error("a party that is gone still waits")
		}
		a, b := pairUp(t, r, 1)
		alive(t, a, b)
		a.Close()
		b.Close()
	})
}

func TestSpeakingTooEarlyEndsIt(t *testing.T) {
	for _, where := range []string{"with the request", "while waiting"} {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelay(t, server.Options{})
			c, err := r.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if where == "with the request" {
				io.WriteString(c, request(place(1, wire.Receiver))+"x")
			} else {
				io.WriteString(c, request(place(1, wire.Receiver)))
				synctest.Wait()
				io.WriteString(c, "x")
			}
			got, err := io.ReadAll(c)
			if err != nil || strings.ContainsAny(string(got), "\x00\x01") {
				t.Errorf("%s: read %q, %v", where, got, err)
			}
			if r.Server.Stats().Waiting != 0 {
				t.Errorf("%s: the party still waits", where)
			}
		})
	}
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{WaitTimeout: 2 * time.Minute})
		start := time.Now()
		refused(t, r, place(1, wire.Receiver), relay.NoPeer)
		if waited := time.Since(start); waited != 2*time.Minute {
			t.Errorf("waited %v", waited)
		}
		// What the relay said meanwhile.
		c, err := r.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, request(place(1, wire.Receiver)))
		got, err := io.ReadAll(c)
		if want := "\r\n\r\n\x00\x00\x00\x00\x02"; err != nil || !strings.HasSuffix(string(got), want) {
			t.Errorf("read %q, %v", got, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		// Longer than a client would wait for a relay that says nothing.
		r := transfertest.NewRelay(t, server.Options{WaitTimeout: -1})
		waiting := come(t, r, place(1, wire.Receiver))
		time.Sleep(24 * time.Hour)
		b := <-come(t, r, place(1, wire.Sender))
		a := <-waiting
		if a.err != nil || b.err != nil {
			t.Fatal(a.err, b.err)
		}
		alive(t, a.conn, b.conn)
		a.conn.Close()
		b.conn.Close()
	})
}

// The signal comes before the peer's first byte, also to a party whose buffer is full at that moment.
func TestSignalComesFirst(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			r := transfertest.NewRelaySize(t, server.Options{}, 1)
			c, err := r.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go io.WriteString(c, request(place(1, wire.Receiver)))
			for head := ""; !strings.HasSuffix(head, "\r\n\r\n"); {
				var b [1]byte
				if _, err := io.ReadFull(c, b[:]); err != nil {
					t.Fatal(err)
				}
				head += string(b[:])
			}
			time.Sleep(wire.RelayWaitInterval + time.Second) // one signal fills the buffer
			peer := <-come(t, r, place(1, wire.Sender))
			if peer.err != nil {
				t.Fatal(peer.err)
			}
			go io.WriteString(peer.conn, "first words")
			synctest.Wait()
			got := make([]byte, len("\x00\x01first words"))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != "\x00\x01first words" {
				t.Errorf("read %q, %v", got, err)
			}
			c.Close()
			peer.conn.Close()
		})
	}
}

// A party that closes although its peer is still sending: the peer still reads its last words.
func TestLastWordsArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{})
		a, b := pairUp(t, r, 1)
		io.WriteString(a, "disk is full")
		a.Close()
		sent := make(chan int)
		go func() {
			n := 0
			for range 1000 {
				m, err := b.Write(make([]byte, 10_000))
				if n += m; err != nil {
					break
				}
			}
			sent <- n
		}()
		if n := <-sent; n != 10_000_000 {
			t.Errorf("the peer was cut after %d bytes", n)
		}
		if got, err := io.ReadAll(b); string(got) != "disk is full" || err != nil {
			t.Errorf("the peer reads %q, %v", got, err)
		}
		b.Close()
		synctest.Wait()
		if r.Server.Stats().Pipes != 0 {
			t.Error("the pipe is still there")
		}
	})
}

// request is what a client sends.
func request(v wire.Rendezvous) string { return string(requestWith(v, nil)) }
