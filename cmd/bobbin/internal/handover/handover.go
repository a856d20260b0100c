// Package handover starts the next process of a program in an upgrade, gives it the
// listening sockets, and waits until it is ready. The two speak over a pair of sockets, in
// JSON:
//
//	this process → the next   hello: the sockets and their descriptors, and what is kept secret
//	the next → this process   ready: which of them it has taken; it serves none yet
//	this process → the next   yours: it accepts from then on, and this process stops
//
// Until it is ready, the next process writes its standard error into a pipe of this one,
// which passes it on and keeps the last words.
package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// Variable is the environment variable that tells the next process of the hand-over. Its
// value is the number of this process, and that of a descriptor.
const Variable = "BOBBIN_UPGRADE"

// A Socket is a listening socket, as the two processes speak of it.
type Socket struct {
	FD    int    `json:"fd"`    // in the next process
	Asked string `json:"asked"` // the address for which it was opened
	Bound string `json:"bound"` // the address that it has
	File  bool   `json:"file"`  // it is a Unix socket whose file is at its path
}

// A hello is the first message.
type hello struct {
	Sockets []Socket `json:"sockets"`
	Stderr  int      `json:"stderr"` // the descriptor of this process's standard error
	Secret  []byte   `json:"secret"`
}

// A ready is the answer: the indices of the sockets that were taken.
type ready struct {
	Taken []int `json:"taken"`
}

// A yours is the last message.
type yours struct {
	Yours bool `json:"yours"`
}

// messageMax is the most bytes of one side's messages: some thousand sockets.
const messageMax = 1 << 20

// closed is a descriptor that the next process does not have.
const closed = ^uintptr(0)

// layout puts descriptors in their places for the next process.
type layout struct{ files []uintptr }

// put puts a descriptor in a place of its own, and returns that.
func (l *layout) put(fd uintptr) int {
	l.files = append(l.files, fd)
	return len(l.files) - 1
}

// keep has the next process have a descriptor by the same number.
func (l *layout) keep(fd int) {
	for len(l.files) <= fd {
		l.files = append(l.files, closed)
	}
	l.files[fd] = uintptr(fd)
}

// pair makes two sockets that are connected to each other.
func pair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "this process"), os.NewFile(uintptr(fds[1]), "the next process"), nil
}

// connection makes a connection of package net, which can have deadlines, of a file, and
// closes that.
func connection(file *os.File) (net.Conn, error) {
	defer file.Close()
	return net.FileConn(file)
}

// limited reads up to messageMax bytes.
type limited struct {
	from net.Conn
	left int
}

var errTooLong = errors.New("the message is too long")

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.from.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// A talk is one side of the conversation.
type talk struct {
	conn net.Conn
	in   *json.Decoder
	out  *json.Encoder
}

func newTalk(file *os.File) (*talk, error) {
	conn, err := connection(file)
	if err != nil {
		return nil, err
	}
	return &talk{conn, json.NewDecoder(&limited{conn, messageMax}), json.NewEncoder(conn)}, nil
}

// until sets the deadline of all that follows.
func (t *talk) until(at time.Time) error { return t.conn.SetDeadline(at) }
