// Package ready asks the kernel which sockets are ready, for the steps of the tour
// from the fifth on. Linux answers with epoll, macOS and the BSDs with kqueue; this
// is all that differs between them in a step.
package ready

// A Trigger says when the kernel reports a socket.
type Trigger int

const (
	// Level reports a socket in every Wait, as long as there is something to read.
	Level Trigger = iota

	// Edge reports a socket once when something to read has come, and once when
	// there is room to write again. What the program leaves in the socket is not
	// reported again.
	Edge
)

// An Event is the report about one socket. An error, or the end of the
// connection, is reported as both: the next read or write tells which.
type Event struct {
	FD                 int
	Readable, Writable bool
}
