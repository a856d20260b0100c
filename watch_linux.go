package bobbin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// inotify implements FolderWatch.
type inotify struct {
	fd     int
	root   int32
	paths  map[int32]string // of watched folders, by the number that inotify gave them
	most   int              // watches
	missed error            // why folders are not watched, until Missed
	buffer [16 << 10]byte

	watch func(fd int, path string, mask uint32) (int, error) // a system call; tests replace it
}

// maxWatches is how many folders one inotify watches. The system has a limit, too.
const maxWatches = 1 << 16

// watchFor has IN_MODIFY, because a file that is written all the time may never be closed.
const watchFor = unix.IN_CLOSE_WRITE | unix.IN_MODIFY | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK

// WatchFolder implements Kernel.
func (k *epoll) WatchFolder(path string) (FolderWatch, error) {
	w, err := newInotify()
	if err != nil {
		return nil, err
	}
	if err := w.open(path); err != nil {
		return nil, err
	}
	return w, nil
}

func newInotify() (*inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err == unix.EMFILE {
		return nil, fmt.Errorf("bobbin: the system allows no more watches, see fs.inotify.max_user_instances: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("bobbin: inotify_init1: %w", err)
	}
	return &inotify{fd: fd, paths: make(map[int32]string), most: maxWatches, watch: unix.InotifyAddWatch}, nil
}

// open begins to watch a folder and those below it that are not hidden.
func (w *inotify) open(path string) error {
	id, err := w.watch(w.fd, path, watchFor)
	if err == unix.ENOSPC {
		err = errTooManyWatches
	}
	if err != nil {
		unix.Close(w.fd)
		return &fs.PathError{Op: "watch", Path: path, Err: err}
	}
	w.root = int32(id)
	w.add(path)
	return nil
}

var errTooManyWatches = errors.New("the system allows no more folders to be watched, see fs.inotify.max_user_watches")

// add watches a folder and those below it. A folder that has gone meanwhile is no error,
// and one that cannot be watched keeps none from being watched.
func (w *inotify) add(path string) {
	_ = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			w.miss(err) // it is watched, but what is below it is not known
			return nil
		case !d.IsDir():
			return nil
		case name != path && d.Name()[0] == '.':
			return fs.SkipDir
		case len(w.paths) >= w.most:
			w.miss(fmt.Errorf("there are more than %d folders", w.most))
			return fs.SkipAll
		}
		id, err := w.watch(w.fd, name, watchFor)
		switch {
		case err == nil:
			w.paths[int32(id)] = name
		case err == unix.ENOENT:
			return fs.SkipDir
		case err == unix.ENOSPC:
			w.miss(errTooManyWatches)
			return fs.SkipAll
		default:
			w.miss(&fs.PathError{Op: "watch", Path: name, Err: err})
		}
		return nil
	})
}

// miss notes the first reason why a folder is not watched.
func (w *inotify) miss(err error) {
	if w.missed == nil {
		w.missed = err
	}
}

// Missed implements FolderWatch.
func (w *inotify) Missed() error {
	err := w.missed
	w.missed = nil
	return err
}

// FD implements FolderWatch.
func (w *inotify) FD() int { return w.fd }

// Changes implements FolderWatch.
func (w *inotify) Changes(f func(path string)) error {
	for {
		n, err := unix.Read(w.fd, w.buffer[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return nil
		case err != nil:
			return fmt.Errorf("bobbin: read from inotify: %w", err)
		}
		for p := w.buffer[:n]; len(p) >= unix.SizeofInotifyEvent; {
			id, mask := int32(binary.NativeEndian.Uint32(p)), binary.NativeEndian.Uint32(p[4:])
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(p[12:]))
			w.change(id, mask, string(bytes.TrimRight(p[unix.SizeofInotifyEvent:end], "\x00")), f)
			p = p[end:]
		}
	}
}

// change handles one event. A new folder is watched from then on.
func (w *inotify) change(id int32, mask uint32, name string, f func(string)) {
	folder, ok := w.paths[id]
	switch {
	case mask&unix.IN_Q_OVERFLOW != 0:
		f("")
		return
	case mask&unix.IN_IGNORED != 0:
		delete(w.paths, id)
		if id == w.root {
			f("") // the folder itself was removed, and nothing more will be reported
		}
		return
	case !ok || name == "" || name[0] == '.':
		return
	}
	path := filepath.Join(folder, name)
	if mask&unix.IN_ISDIR == 0 {
		if mask&unix.IN_CREATE == 0 { // its writing is reported
			f(path)
		}
		return
	}
	f(path)
	if mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0 {
		w.add(path)
	}
}

// Close implements FolderWatch.
func (w *inotify) Close() error { return os.NewSyscallError("close", unix.Close(w.fd)) }
