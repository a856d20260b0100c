package ready

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// #region listen

// Listen makes the socket at which new clients arrive, as step 1 does, and has Accept
// say "not now" in place of waiting for one. Port 0 is any free port.
func Listen(port int) (int, error) {
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
	unix.SetNonblock(listener, true)
	address, err := unix.Getsockname(listener)
	if err != nil {
		return 0, err
	}
	fmt.Printf("listening on http://127.0.0.1:%d/\n", address.(*unix.SockaddrInet4).Port)
	return listener, nil
}

// #endregion
