package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
)

// Errors about an address, with the remedy.

// explainListen turns an error about an address into one that says what to do. Flag is
// the one that the address is from.
func explainListen(flag, address string, err error) error {
	list, parseErr := eventloop.ParseAddress(address)
	if parseErr != nil || len(list) == 0 {
		return err
	}
	if path := list[0].Path; path != "" {
		return explainPathOf(path, err)
	}
	port := list[0].IP.Port()
	switch {
	case errors.Is(err, bobbin.ErrInUse):
		return fmt.Errorf("%w; another program listens there; choose another port with %s", err, flag)
	case errors.Is(err, fs.ErrPermission) && port > 0 && port < 1024:
		return fmt.Errorf("%w: ports below 1024 are privileged; choose another with %s", err, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: this machine does not have that address; choose another with %s", err, flag)
	}
	return err
}

// explainPathOf does the same for the path of a Unix socket.
func explainPathOf(path string, err error) error {
	folder := filepath.Dir(path)
	switch {
	case errors.Is(err, bobbin.ErrPathTooLong):
		return fmt.Errorf("%w; choose a shorter one", err)
	case errors.Is(err, bobbin.ErrInUse):
		if info, statErr := os.Lstat(path); statErr == nil && info.Mode()&fs.ModeSocket == 0 {
			return fmt.Errorf("%w: there is a file that is no socket; remove it, or choose another path", err)
		}
		return fmt.Errorf("%w: another program listens there; end it, or choose another path", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no folder %s; make it, or choose another path", err, folder)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: this user may make no file in %s; allow it, or choose another folder", err, folder)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %s is no folder; choose another path", err, folder)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: choose a folder that can be written to", err)
	}
	return err
}
