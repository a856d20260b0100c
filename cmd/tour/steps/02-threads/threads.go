// Package threads is step 2 of the tour: the server of step 1, with a thread for each
// client. A silent client keeps its own thread waiting, and no other.
package threads

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// #region limit

// The system has a limit on threads, and each one takes memory for a stack. Go ends
// the whole program at 10,000. Here it does so at 256, so that you need not wait.
const mostThreads = 256

// #endregion

var threads atomic.Int64 // that serve a client now

// Serve answers clients at the same time, until the process ends.
func Serve(port int) error {
	debug.SetMaxThreads(mostThreads)
	listener, err := listen(port)
	if err != nil {
		return err
	}
	// #region loop
	for {
		client, _, err := unix.Accept(listener)
		if err != nil {
			continue // this client has gone again, or a signal came: there will be others
		}
		go handle(client) // BREAKS: a thread for each client, for as long as the client likes
	}
	// #endregion
}

// #region handle

// handle reads a request, answers it and closes the connection. It has a thread of
// its own: LockOSThread sees to that, and the thread ends with handle.
//
// A goroutine that reads through Go's package net would need none: net reads without
// blocking and has an event loop below it, as step 6 is one. Here Read is the system
// call itself, and it blocks the thread.
func handle(client int) {
	runtime.LockOSThread()
	threads.Add(1)
	defer threads.Add(-1)
	defer unix.Close(client)
	request := make([]byte, 4096)
	n, err := unix.Read(client, request) // waits, and the thread with it
	if err != nil || n == 0 {
		return // the client has gone
	}
	unix.Write(client, answer(string(request[:n]), fmt.Sprintf("hello, world: %d threads\n", threads.Load())))
}

// #endregion

// answer makes the response to a request. It knows one kind of request: the one that
// a browser sends to look at a page. An empty line ends it.
func answer(request, body string) []byte {
	status := "200 OK"
	if !strings.HasPrefix(request, "GET /") || !strings.HasSuffix(request, "\r\n\r\n") {
		status, body = "400 Bad Request", "this is not a whole request\n"
	}
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(body), body)
}

// listen makes the socket at which new clients arrive. Port 0 is any free port.
func listen(port int) (int, error) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	// Without this, the port stays taken for a minute after the server has ended.
	unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	err = unix.Bind(listener, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	if err == nil {
		err = unix.Listen(listener, 1024)
	}
	if err != nil {
		return 0, fmt.Errorf("port %d: %w", port, err)
	}
	address, err := unix.Getsockname(listener)
	if err != nil {
		return 0, err
	}
	fmt.Printf("listening on http://127.0.0.1:%d/\n", address.(*unix.SockaddrInet4).Port)
	return listener, nil
}
