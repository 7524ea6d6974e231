package main

/*
#include <stdlib.h>
#include "vcon_transfer.h"

// How deep in event functions this thread is: a call of the library from there comes in
// on the same thread.
static _Thread_local int depth;

static void give(vcon_transfer_event_fn event, uintptr_t context, vcon_transfer_text line) {
	depth++;
	event(context, line);
	depth--;
}

static int in_event(void) { return depth > 0; }
*/
import "C"

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/vcon-transfer/vcon-transfer/transfer/bind"
)

// inEvent tells whether an event function has called us.
func inEvent() bool { return C.in_event() != 0 }

// An opened is a transfer with a handle, and its Listener.
type opened struct {
	transfer *bind.Transfer
	event    C.vcon_transfer_event_fn
	context  C.uintptr_t // a number for us: what is no pointer must not look like one
	muted    atomic.Bool

	mu             sync.Mutex
	started, ended bool
}

// OnEvent is that of bind.Listener.
func (o *opened) OnEvent(line string) {
	if o.muted.Load() {
		return
	}
	text := C.CString(line)
	defer C.free(unsafe.Pointer(text))
	C.give(o.event, o.context, text)
}

// start begins, unless it has ended.
func (o *opened) start() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return false
	}
	o.started = true
	o.transfer.Start()
	return true
}

// end cancels, and waits for the last event; or sees to it that this one was the last.
func (o *opened) end(wait bool) {
	o.mu.Lock()
	o.ended = true
	started := o.started
	o.mu.Unlock()
	if !wait {
		o.muted.Store(true)
	}
	o.transfer.Cancel()
	if wait && started {
		o.transfer.Join(-1)
	}
}

// A table holds what the handles are of.
type table struct {
	mu  sync.RWMutex
	all map[uint64]*opened
	n   uint64
}

// handles is the one table of the library: C has nowhere else to keep it.
var handles table

func (t *table) add(o *opened) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = make(map[uint64]*opened)
	}
	t.n++
	t.all[t.n] = o
	return t.n
}

func (t *table) find(h uint64) *opened {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.all[h]
}

// remove tells whether h was there.
func (t *table) remove(h uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.all[h]
	delete(t.all, h)
	return ok
}
