// Package hpke seals bytes to the holder of a key: HPKE (RFC 9180) in base and
// PSK mode, the key schedule helpers that every other package derives its keys
// with, the sealed chunk stream, and the sealed file for many recipients.
//
// It offers two fixed suites instead of RFC 9180's three identifiers, because a
// peer that can choose among combinations can choose the weakest one. It never
// offers the auth modes, KEM 0x30 (an obsolete Kyber draft), or export-only
// contexts; it never returns plaintext whose tag it has not checked; and its
// key types never print what they hold.
//
// It implements the sections "HPKE", "Key schedule helpers", "Sealed
// stream" and "Sealed file" of docs/wire-format.md.
//
// # What cannot be erased
//
// Erase overwrites the bytes that this package holds for as long as a value
// lives. It cannot reach the copies that circl and the standard library make
// while they work: the expanded X-Wing key during one setup, the secrets inside
// an HPKE context, the key inside a cipher.AEAD, and whatever the garbage
// collector has moved or not yet collected. Erase drops every reference to
// those, so that they do not outlive the next collections by our doing.
package hpke
