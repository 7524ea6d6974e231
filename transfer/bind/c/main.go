// Command c is package bind as a C library, for whatever calls C: see vcon_transfer.h,
// which is its contract, and docs/binding.md.
//
//	go build -buildmode=c-shared -o libvcon_transfer.so ./transfer/bind/c
//
// It does nothing but carry strings over the border. A handle is a number that is never
// used twice, so that a wrong one, or one that is gone, is an answer and no crash; no
// panic crosses the border. Where there is no C compiler it is an empty program.
package main

func main() {}
