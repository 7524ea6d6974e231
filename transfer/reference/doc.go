// Package reference is a second implementation of the wire format, in tests
// only: it decodes the vectors of testdata/vectors from what
// docs/wire-format.md, RFC 9180 and the X-Wing draft say, with the standard
// library and ChaCha20-Poly1305 and nothing else. It imports no package of this
// module and none imports it, so nothing of it is linked into a program.
//
// Where it and the product disagree, or where it could not be written from the
// text alone, the text or the product is wrong. It is never made to agree by
// sharing code.
package reference
