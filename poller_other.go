//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package bobbin

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// Open returns an error: bobbin has no poller for this system.
func Open() (Kernel, error) {
	return nil, fmt.Errorf("bobbin: no epoll and no kqueue on %s: bobbin runs on Linux, macOS and the BSDs", runtime.GOOS)
}

// Duplicate returns an error: there are no sockets here.
func Duplicate(int) (*os.File, error) { return nil, errors.ErrUnsupported }

// Descriptors returns a number that every system allows.
func Descriptors() int { return 256 }
