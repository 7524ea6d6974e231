// Package transfertest has the fakes that tests of a transfer are made of: those of this module, and those of
// an app around it. What a host's own test can do with it:
//
//   - run a whole transfer with its own Source and Sink, and nothing else: Run. The network is then a Network,
//     and the persons, who scan, consent and copy six digits, are People;
//   - hold its Source and its Sink against their contracts: CheckSource, CheckSink;
//   - break the network in a chosen place. Faults cut a connection after so many bytes, stall it, flip a bit,
//     and drop, repeat, swap or insert frames, the n-th connection otherwise than the first. Network.Down
//     refuses to connect, Cut and Vanish end what is connected, with a word and without one;
//   - let persons mistype, decline or narrow the scope: People.Typos, People.Decide;
//   - end one process and go on in another, by a State, or by a Disk that is killed or loses power
//     (statedir.OpenOn takes a Disk.Process);
//   - go through a whole relay in memory: NewRelay;
//   - use single connections: Pipe, HalfOpenPipe, Listener;
//   - look for goroutines that were left behind: CheckLeaks.
//
// Nothing here opens a socket or sleeps, so all of it works inside testing/synctest, where two minutes
// without a network take no time and a test does not depend on how fast the machine is. It is for tests
// only: no package of the product imports it.
package transfertest
