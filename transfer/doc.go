// Package transfer moves a history from an old device (the sender) to a new one
// (the receiver), end to end encrypted, as content-addressed segments.
//
// The flow is that of docs/wire-format.md, "Session":
//
//  1. Receive shows an offer; Send was given it.
//  2. Handshake: hello, bundle, request, accept (package pairing).
//  3. The sender shows the check code, the receiver asks for it. Nothing of the
//     history has moved yet.
//  4. The sender lists segments and attachments in pages of a manifest, newest
//     first; the receiver answers each page with what it lacks; the sender sends
//     that, and nothing else.
//  5. The sender ends with its ledger and root; the receiver compares, commits
//     and gives the receipt. Only then does Send return without an error.
//
// A connection that is lost is replaced by a new one with fresh keys, and what
// was staged is not sent again. Package transfer opens no connection and no file
// by itself: histories come as a Source, go to a Sink, and connections come from
// a Dialer or an Acceptor.
package transfer
