//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package bobbin

import (
	"fmt"
	"runtime"
)

// Open returns an error: bobbin has no poller for this system.
func Open() (Kernel, error) {
	return nil, fmt.Errorf("bobbin: no epoll and no kqueue on %s: bobbin runs on Linux, macOS and the BSDs", runtime.GOOS)
}

// Descriptors returns a number that every system allows.
func Descriptors() int { return 256 }
