package bobbin

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
)

// An Address is that of a listening socket: an IP address and a port, or the path of a
// Unix socket.
type Address struct {
	IP   netip.AddrPort // with port 0 the kernel chooses
	Path string         // not empty for a Unix socket
	FD   int            // not 0 for a socket that listens already: see adopt_unix.go

	// Mode has the permissions of the file of a Unix socket; 0 leaves them to the umask.
	// A client needs the right to write.
	Mode fs.FileMode

	file *socketFile // of the address that Listen returns for a Unix socket
}

// ErrPathTooLong means that a path is longer than the kernel permits for a Unix socket.
var ErrPathTooLong = errors.New("the path is too long for a Unix socket")

// A socketFile is the file of a Unix socket, which outlives the socket.
type socketFile struct {
	path string // absolute
	info fs.FileInfo
}

// String returns the address as a user would type it, without the mode.
func (a Address) String() string {
	switch {
	case a.FD != 0:
		return "fd:" + strconv.Itoa(a.FD)
	case a.Path != "":
		return "unix:" + a.Path
	}
	return a.IP.String()
}

// HasFile reports whether the address, which Kernel.Listen has returned, is that of a Unix
// socket whose file is still at its path. Any goroutine may call it.
func (a Address) HasFile() bool {
	if a.file == nil {
		return false
	}
	info, err := os.Lstat(a.file.path)
	return err == nil && sameFile(info, a.file.info)
}

// RemoveFile removes the file of a Unix socket for an address that Kernel.Listen has
// returned, unless it is another socket's by now. For other addresses it does nothing. Any
// goroutine may call it.
func (a Address) RemoveFile() error {
	if a.file == nil {
		return nil
	}
	info, err := os.Lstat(a.file.path)
	if err == nil && sameFile(info, a.file.info) {
		err = os.Remove(a.file.path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sameFile reports whether both are about one file. A new file may have the number of one
// that was removed.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime())
}
