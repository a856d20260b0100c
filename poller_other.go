//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package bobbin

import (
	"fmt"
	"runtime"
)

// Open says that there is no kernel here that bobbin speaks to.
func Open() (Kernel, error) {
	return nil, fmt.Errorf("bobbin: no epoll and no kqueue on %s: bobbin runs on Linux, macOS and the BSDs", runtime.GOOS)
}

// Descriptors returns a number that no system falls short of.
func Descriptors() int { return 256 }
