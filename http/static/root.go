package static

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A root is the open folder that is served. Its methods may be called from any
// goroutine.
type root struct {
	path  string
	links Symlinks
	info  fs.FileInfo
	dir   *os.Root
	fsys  fs.FS             // in place of dir and path, or nil
	hook  func(name string) // before a file is opened; for tests
}

func openRoot(path string, links Symlinks) (*root, error) {
	dir, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	info, err := dir.Stat(".")
	if err != nil {
		dir.Close()
		return nil, err
	}
	return &root{path: path, links: links, info: info, dir: dir}, nil
}

func (r *root) close() error {
	if r.fsys != nil {
		return nil // it is the caller's
	}
	return r.dir.Close()
}

// reopen returns r, or the folder to which its path leads now: a deployment may
// point a symbolic link to another folder.
func (r *root) reopen() *root {
	if r.fsys != nil {
		return r
	}
	info, err := os.Stat(r.path)
	if err != nil || os.SameFile(info, r.info) {
		return r // while the path leads nowhere, the open folder is served
	}
	if other, err := openRoot(r.path, r.links); err == nil {
		other.hook = r.hook
		return other
	}
	return r
}

// flags open a file for reading, without waiting if it is a pipe or a device.
const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY

// open opens a file below the root, by a name with slashes. The checks hold for the
// file that is opened, even if links change meanwhile.
func (r *root) open(name string) (fs.File, error) {
	if r.hook != nil {
		r.hook(name)
	}
	if r.fsys != nil {
		return openIn(r.fsys, name)
	}
	f, err := r.openFile(name)
	if err != nil {
		return nil, err // and no file, which would not be nil
	}
	return f, nil
}

func (r *root) openFile(name string) (*os.File, error) {
	switch r.links {
	case AllLinks:
		return os.OpenFile(filepath.Join(r.path, filepath.FromSlash(name)), flags, 0)
	case NoLinks:
		return r.openPlain(name)
	}
	return r.dir.OpenFile(name, flags, 0)
}

// openPlain opens a file whose name has no symbolic link in it. Each segment is
// looked at without following links, and must be the one that is then opened.
func (r *root) openPlain(name string) (*os.File, error) {
	at, own := r.dir, false
	defer func() {
		if own {
			at.Close()
		}
	}()
	for {
		part, rest, more := strings.Cut(name, "/")
		seen, err := at.Lstat(part)
		if err != nil {
			return nil, err
		}
		if seen.Mode()&fs.ModeSymlink != 0 {
			return nil, errLink
		}
		if !more {
			return openSeen(at, part, seen)
		}
		next, err := at.OpenRoot(part)
		if err != nil {
			return nil, err
		}
		if own {
			at.Close()
		}
		at, own, name = next, true, rest
		if info, err := at.Stat("."); err != nil || !os.SameFile(info, seen) {
			return nil, errLink
		}
	}
}

// openSeen opens the file that was seen. It fails if another has replaced it.
func openSeen(at *os.Root, name string, seen fs.FileInfo) (*os.File, error) {
	f, err := at.OpenFile(name, flags, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !os.SameFile(info, seen) {
		f.Close()
		return nil, errLink
	}
	return f, nil
}

var errLink = errors.New("static: a symbolic link")
