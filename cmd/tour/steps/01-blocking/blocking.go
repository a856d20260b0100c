// Package blocking is step 1 of the tour: the server of many a first article. It
// accepts a client, reads its request, answers, closes, and accepts the next one.
package blocking

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Serve answers clients one after the other, until the process ends.
func Serve(port int) error {
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
		handle(client)
	}
	// #endregion
}

// #region handle

// handle reads a request, answers it and closes the connection. Read does not
// return before the client has sent something. That is what blocking means.
func handle(client int) {
	defer unix.Close(client)
	request := make([]byte, 4096)
	n, err := unix.Read(client, request) // BREAKS: while this client is silent, no other one is served
	if err != nil || n == 0 {
		return // the client has gone
	}
	unix.Write(client, answer(string(request[:n]), "hello, world\n"))
}

// #endregion

// #region answer

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

// #endregion

// #region listen

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

// #endregion
