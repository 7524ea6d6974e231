package transfertest_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// What the living end of a connection sees when the other one's machine is gone.
func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transfertest.HalfOpenPipe()
		a.Write([]byte("heard"))
		p := make([]byte, 5)
		if n, err := b.Read(p); n != 5 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		b.SetReadDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		go func() {
			synctest.Wait() // b reads by then
			a.Write([]byte("lost"))
			b.Vanish()
			a.Close()
		}()
		got, err := io.ReadAll(io.LimitReader(b, 5))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("read %q, %v after %v", got, err, time.Since(start))
		}
		if n, err := b.Write(make([]byte, 2*transfertest.PipeBuffer)); n != 2*transfertest.PipeBuffer || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
		if err := b.CloseWrite(); err != nil {
			t.Error(err)
		}
		b.Close()
		if _, err := b.Read(p); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close = %v", err)
		}
	})
}

// Who writes when the other end vanishes does not hear of it either.
func TestHalfOpenWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transfertest.HalfOpenPipe()
		go func() {
			synctest.Wait() // the buffer is full
			b.Vanish()
			a.Close()
		}()
		if n, err := b.Write(make([]byte, 2*transfertest.PipeBuffer)); n != 2*transfertest.PipeBuffer || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
		b.Close()
	})
}
