//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package handover

import "golang.org/x/sys/unix"

// replace puts a descriptor in the place of another.
func replace(fd, of int) error { return unix.Dup2(fd, of) }
