package main

/*
#include <stdlib.h>
#include "vcon_transfer.h"
*/
import "C"

import (
	"unsafe"

	"github.com/vcon-transfer/vcon-transfer/transfer/bind"
)

// The functions of vcon_transfer.h, which the compiler holds against it.

//export vcon_transfer_version
func vcon_transfer_version() *C.char { return C.CString(bind.Version()) }

//export vcon_transfer_receiver
func vcon_transfer_receiver(config C.vcon_transfer_text, event C.vcon_transfer_event_fn, context C.uintptr_t, problem **C.char) C.vcon_transfer_handle {
	return open(config, event, context, problem, func(text string, l bind.Listener) (*bind.Transfer, error) {
		c, err := bind.ParseReceiveConfig(text)
		if err != nil {
			return nil, err
		}
		defer clear(c.StateKey)
		return bind.NewReceiver(c, l)
	})
}

//export vcon_transfer_sender
func vcon_transfer_sender(config C.vcon_transfer_text, event C.vcon_transfer_event_fn, context C.uintptr_t, problem **C.char) C.vcon_transfer_handle {
	return open(config, event, context, problem, func(text string, l bind.Listener) (*bind.Transfer, error) {
		c, err := bind.ParseSendConfig(text)
		if err != nil {
			return nil, err
		}
		defer clear(c.StateKey)
		return bind.NewSender(c, l)
	})
}

// open makes a transfer and gives it a handle.
func open(config C.vcon_transfer_text, event C.vcon_transfer_event_fn, context C.uintptr_t, problem **C.char,
	make func(string, bind.Listener) (*bind.Transfer, error)) (h C.vcon_transfer_handle) {
	say := func(text string) {
		if problem != nil {
			*problem = C.CString(text)
		}
	}
	defer func() {
		if recover() != nil {
			h = 0
			say("bug of the library")
		}
	}()
	if problem != nil {
		*problem = nil
	}
	if config == nil || event == nil {
		say("usage: config or event is NULL")
		return 0
	}
	o := &opened{event: event, context: context}
	var err error
	if o.transfer, err = make(C.GoString(config), o); err != nil {
		say(err.Error())
		return 0
	}
	return C.vcon_transfer_handle(handles.add(o))
}

//export vcon_transfer_start
func vcon_transfer_start(h C.vcon_transfer_handle) C.int {
	return with(h, func(o *opened) C.int {
		if !o.start() {
			return C.VCON_TRANSFER_BAD_HANDLE
		}
		return C.VCON_TRANSFER_OK
	})
}

//export vcon_transfer_command
func vcon_transfer_command(h C.vcon_transfer_handle, line C.vcon_transfer_text) C.int {
	return with(h, func(o *opened) C.int {
		if line == nil {
			return C.VCON_TRANSFER_BAD_ARGUMENT
		}
		o.transfer.Command(C.GoString(line))
		return C.VCON_TRANSFER_OK
	})
}

//export vcon_transfer_wait
func vcon_transfer_wait(h C.vcon_transfer_handle, milliseconds C.int64_t) C.int {
	return with(h, func(o *opened) C.int {
		switch {
		case inEvent():
			return C.VCON_TRANSFER_IN_EVENT
		case o.transfer.Join(int64(milliseconds)):
			return 1
		}
		return 0
	})
}

//export vcon_transfer_free
func vcon_transfer_free(h C.vcon_transfer_handle) C.int {
	return with(h, func(o *opened) C.int {
		if !handles.remove(uint64(h)) {
			return C.VCON_TRANSFER_BAD_HANDLE // another thread was first
		}
		o.end(!inEvent())
		return C.VCON_TRANSFER_OK
	})
}

//export vcon_transfer_free_string
func vcon_transfer_free_string(text *C.char) { C.free(unsafe.Pointer(text)) }

// with calls f with what a handle is of. No panic leaves it.
func with(h C.vcon_transfer_handle, f func(*opened) C.int) (answer C.int) {
	defer func() {
		if recover() != nil {
			answer = C.VCON_TRANSFER_BUG
		}
	}()
	o := handles.find(uint64(h))
	if o == nil {
		return C.VCON_TRANSFER_BAD_HANDLE
	}
	return f(o)
}
