//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// farewellTime bounds how long a stop is put off so that the other device hears of it.
const farewellTime = time.Second

// suspendable lets Ctrl-Z tell the other device before it stops this process, and
// `fg` after it. The other way round, a SIGSTOP, cannot be noticed.
func suspendable(ui *terminal, p *transfer.Pauser) (over func()) {
	if signal.Ignored(syscall.SIGTSTP) {
		return func() {}
	}
	stops, done, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(stops, syscall.SIGTSTP)
	go func() {
		defer close(ended)
		for {
			select {
			case <-stops:
				suspend(ui, p)
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(stops)
		close(done)
		<-ended
	}
}

// suspend stops this process, as the shell expects, and returns when it goes on.
func suspend(ui *terminal, p *transfer.Pauser) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGCONT)
	defer signal.Stop(again)
	ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
	_ = p.Pause(ctx) // the person wants to stop whether or not it was heard
	cancel()
	ui.endProgress()
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
	<-again
	p.Resume()
}
