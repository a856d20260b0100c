//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package bobbin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Listening at a path. The file of a Unix socket stays when its process is killed, and
// its permissions decide which users may connect.

// pathMax is the longest path of a Unix socket in bytes: the kernel ends it with a zero.
const pathMax = len(unix.RawSockaddrUnix{}.Path) - 1

// listenUnix listens at a path. It replaces a socket file without a listener, as a
// killed process leaves it, and keeps any other file.
func listenUnix(at Address, how ListenOptions) (fd int, bound Address, err error) {
	if len(at.Path) > pathMax {
		return -1, at, fmt.Errorf("%w: it has %d bytes, and may have %d", ErrPathTooLong, len(at.Path), pathMax)
	}
	fd, err = socket(unix.AF_UNIX)
	if err != nil {
		return -1, at, err
	}
	if bound, err = bindPath(fd, at); err == nil {
		if err = begin(fd, how); err != nil {
			err = errors.Join(err, bound.RemoveFile())
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, at, err
	}
	return fd, bound, nil
}

// bindPath binds a socket to its path, and sets the permissions before a client can
// connect, which is refused until the socket listens.
func bindPath(fd int, at Address) (bound Address, err error) {
	sa := &unix.SockaddrUnix{Name: at.Path}
	err = bind(fd, sa)
	if errors.Is(err, ErrInUse) {
		if old := abandoned(at.Path); old != nil {
			if err = removeSame(at.Path, old); err == nil {
				err = bind(fd, sa)
			}
		}
	}
	if err != nil {
		return at, err
	}
	path, err := filepath.Abs(at.Path)
	if err != nil {
		return at, err
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return at, nil // an abstract socket of Linux, which has no file
	}
	if err != nil {
		return at, err
	}
	at.file = &socketFile{path, info}
	if at.Mode != 0 {
		if err := os.Chmod(path, at.Mode.Perm()); err != nil {
			return at, errors.Join(err, at.RemoveFile())
		}
	}
	return at, nil
}

// removeSame removes a file unless another has taken its place.
func removeSame(path string, old fs.FileInfo) error {
	if now, err := os.Lstat(path); err == nil && !sameFile(now, old) {
		return ErrInUse // another process was faster
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// abandoned returns what is known of a socket file without a listener, or nil if a path
// is none.
func abandoned(path string) fs.FileInfo {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return nil
	}
	probe, err := socket(unix.AF_UNIX)
	if err != nil {
		return nil
	}
	defer unix.Close(probe)
	if unix.Connect(probe, &unix.SockaddrUnix{Name: path}) != unix.ECONNREFUSED {
		return nil
	}
	return info
}
