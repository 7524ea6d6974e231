// Package host is the contract between a transfer and the program that runs it: a
// stream of events for the host, one JSON object a line, and of commands from it.
// docs/subprocess.md specifies it, docs/subprocess.schema.json its events.
//
// A Conn carries both. It is the Prompter of either side, tells Progress, and, with
// a Sink, hands what arrives to the host in two phases: batches that the host stages
// and acknowledges, then one commit.
//
// It knows neither pipes nor flags: `vcon-transfer --json` puts it on standard
// output and input, package bind on a callback. No event holds a secret but those
// whose purpose it is: the offer, and the check code on the old device.
package host
