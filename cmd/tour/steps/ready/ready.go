// Package ready is what the steps of the tour share: from the third on the listening
// socket, and from the fifth on the question which sockets are ready. Linux answers
// that with epoll, macOS and the BSDs with kqueue, and the steps see no difference.
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
