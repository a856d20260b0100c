package bobbin

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// A Detacher is the part of a [Kernel] that gives a connection to another owner, which
// waits for it in the way of package net.
type Detacher interface {
	// Detach returns a connection of package net for the socket of a descriptor, a
	// *net.TCPConn or a *net.UnixConn, and gives the descriptor back. No event for it
	// comes from then on. After an error, such as too many descriptors, the
	// connection is closed.
	Detach(fd int) (net.Conn, error)
}

// netConn makes a connection of package net, which has a descriptor of its own, and gives
// the given one back.
func netConn(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close()
	c, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("bobbin: detach on %d: %w", fd, err)
	}
	return c, nil
}

// Closed reports whether a connection that Detach has returned was closed by its owner.
// It changes nothing about the connection. Any goroutine may call it.
func Closed(c net.Conn) bool {
	if c, ok := c.(interface{ Closed() bool }); ok { // of a simulated kernel
		return c.Closed()
	}
	of, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := of.SyscallConn()
	return err != nil || raw.Control(func(uintptr) {}) != nil
}
