package transfertest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

func TestPipeCarriesBytesInOrder(t *testing.T) {
	for _, size := range []int{1, 2, 7, 4096} {
		synctest.Test(t, func(t *testing.T) {
			a, b := transfertest.PipeSize(size)
			rnd := rand.New(rand.NewPCG(1, uint64(size)))
			want := make([]byte, 20_000)
			for i := range want {
				want[i] = byte(rnd.Uint32())
			}
			go func() {
				for rest := want; len(rest) > 0; {
					n := min(len(rest), 1+rnd.IntN(3*size))
					if _, err := a.Write(rest[:n]); err != nil {
						t.Error(err)
					}
					rest = rest[n:]
				}
				a.Close()
			}()
			var got []byte
			p := make([]byte, size+3)
			for {
				n, err := b.Read(p[:1+len(got)%len(p)])
				got = append(got, p[:n]...)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("size %d: %d bytes came out differently", size, len(got))
			}
		})
	}
}

func TestPipeHoldsItsSizeAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transfertest.PipeSize(10)
		a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := a.Write(make([]byte, 11))
		if n != 10 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write of 11 into 10 = %d, %v", n, err)
		}
		a.SetWriteDeadline(time.Time{})
		if n, err := b.Read(make([]byte, 20)); n != 10 || err != nil {
			t.Errorf("Read = %d, %v", n, err)
		}
		if n, err := a.Write(make([]byte, 10)); n != 10 || err != nil {
			t.Errorf("Write after the deadline was lifted = %d, %v", n, err)
		}
	})
}

func TestPipeDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transfertest.Pipe()
		start := time.Now()
		a.SetDeadline(start.Add(3 * time.Second))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %v", err)
		}
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("waited %v", waited)
		}
		// A deadline in the past wakes a reader that is already waiting.
		a.SetDeadline(time.Time{})
		go func() {
			synctest.Wait()
			a.SetReadDeadline(time.Unix(1, 0))
		}()
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %v", err)
		}
		if _, err := b.Write([]byte("x")); err != nil {
			t.Errorf("the other end has a deadline, too: %v", err)
		}
	})
}

func TestPipeCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transfertest.Pipe()
		a.Write([]byte("last words"))
		a.(interface{ CloseWrite() error }).CloseWrite()
		if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after CloseWrite = %v", err)
		}
		if got, err := io.ReadAll(b); string(got) != "last words" || err != nil {
			t.Errorf("ReadAll = %q, %v", got, err)
		}
		b.Write([]byte("answer"))
		b.Close()
		if got, err := io.ReadAll(a); string(got) != "answer" || err != nil {
			t.Errorf("ReadAll = %q, %v", got, err)
		}
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close = %v", err)
		}

		a, b = transfertest.PipeSize(1)
		go func() { synctest.Wait(); b.Close() }()
		if _, err := a.Write([]byte("xy")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write to a closed peer = %v", err)
		}
	})
}

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := transfertest.NewListener()
		go func() {
			c, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(c, c)
			c.Close()
		}()
		c, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c.RemoteAddr().String() != l.Addr().String() {
			t.Errorf("RemoteAddr = %v", c.RemoteAddr())
		}
		c.Write([]byte("echo"))
		c.(interface{ CloseWrite() error }).CloseWrite()
		if got, err := io.ReadAll(c); string(got) != "echo" || err != nil {
			t.Errorf("ReadAll = %q, %v", got, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial that nobody accepts = %v", err)
		}
		l.Close()
		l.Close()
		if _, err := l.Dial(t.Context()); err == nil {
			t.Error("Dial after Close works")
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close = %v", err)
		}
	})
}

func TestFaulty(t *testing.T) {
	writes := []string{"abc", "def", "ghi"}
	for _, c := range []struct {
		name   string
		faults transfertest.Faults
		want   string
		cutAt  int // the number of the write that fails; 0 for none
	}{
		{name: "sound", want: "abcdefghi"},
		{name: "cut before anything", faults: transfertest.Faults{CutAfter: -1}, want: "", cutAt: 1},
		{name: "cut inside", faults: transfertest.Faults{CutAfter: 4}, want: "abcd", cutAt: 2},
		{name: "cut between", faults: transfertest.Faults{CutAfter: 6}, want: "abcdef", cutAt: 3},
		{name: "cut after everything", faults: transfertest.Faults{CutAfter: 9}, want: "abcdefghi"},
		{name: "stall at once", faults: transfertest.Faults{StallAfter: -1}, want: ""},
		{name: "stall inside", faults: transfertest.Faults{StallAfter: 5}, want: "abcde"},
		{name: "flip first", faults: transfertest.Faults{FlipAt: 1}, want: "qbcdefghi"},
		{name: "flip last", faults: transfertest.Faults{FlipAt: 9}, want: "abcdefghy"},
		{name: "drop", faults: transfertest.Faults{DropWrite: 2}, want: "abcghi"},
		{name: "duplicate", faults: transfertest.Faults{DuplicateWrite: 2}, want: "abcdefdefghi"},
		{name: "swap", faults: transfertest.Faults{SwapWrite: 1}, want: "defabcghi"},
		{name: "insert first", faults: transfertest.Faults{InsertAt: -1, Insert: []byte("--")}, want: "--abcdefghi"},
		{name: "insert inside", faults: transfertest.Faults{InsertAt: 4, Insert: []byte("--")}, want: "abcd--efghi"},
		{name: "insert between", faults: transfertest.Faults{InsertAt: 3, Insert: []byte("--")}, want: "abc--defghi"},
		{name: "dribble", faults: transfertest.Faults{MaxRead: 1}, want: "abcdefghi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := transfertest.Pipe()
				faulty := transfertest.Faulty(a, c.faults)
				for i, w := range writes {
					_, err := faulty.Write([]byte(w))
					if cut := i+1 == c.cutAt; cut != errors.Is(err, transfertest.ErrCut) {
						t.Errorf("write %d: %v", i+1, err)
					}
					if err != nil {
						break
					}
				}
				faulty.Close()
				got, err := io.ReadAll(transfertest.Faulty(b, c.faults))
				if string(got) != c.want || err != nil {
					t.Errorf("arrived: %q, %v; want %q", got, err, c.want)
				}
			})
		})
	}
}
