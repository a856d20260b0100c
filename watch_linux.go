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
	paths  map[int32]string // of watched folders, by the number that inotify gave them
	buffer [16 << 10]byte
}

// maxWatches is how many folders one inotify watches. The system has a limit, too.
const maxWatches = 8192

const watchFor = unix.IN_CLOSE_WRITE | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK

// WatchFolder implements Kernel.
func (k *epoll) WatchFolder(path string) (FolderWatch, error) {
	w, err := openInotify(path)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// openInotify begins to watch a folder and those below it that are not hidden.
func openInotify(path string) (*inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("bobbin: inotify_init1: %w", err)
	}
	w := &inotify{fd: fd, paths: make(map[int32]string)}
	err = w.add(path)
	if err == nil && len(w.paths) == 0 {
		err = &fs.PathError{Op: "watch", Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return w, nil
}

// add watches a folder and those below it. A folder that has gone meanwhile is no error.
func (w *inotify) add(path string) error {
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil || !d.IsDir():
			return err
		case name != path && d.Name()[0] == '.':
			return fs.SkipDir
		case len(w.paths) >= maxWatches:
			return fmt.Errorf("bobbin: more than %d folders to watch", maxWatches)
		}
		id, err := unix.InotifyAddWatch(w.fd, name, watchFor)
		switch {
		case err == unix.ENOENT:
			return fs.SkipDir
		case err == unix.ENOSPC:
			return errors.New("bobbin: the system allows no more folders to be watched, see fs.inotify.max_user_watches")
		case err != nil:
			return fmt.Errorf("bobbin: inotify_add_watch %s: %w", name, err)
		}
		w.paths[int32(id)] = name
		return nil
	})
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
			if err := w.change(id, mask, string(bytes.TrimRight(p[unix.SizeofInotifyEvent:end], "\x00")), f); err != nil {
				return err
			}
			p = p[end:]
		}
	}
}

// change handles one event. A new folder is watched from then on.
func (w *inotify) change(id int32, mask uint32, name string, f func(string)) error {
	folder, ok := w.paths[id]
	switch {
	case mask&unix.IN_Q_OVERFLOW != 0:
		f("")
		return nil
	case mask&unix.IN_IGNORED != 0:
		delete(w.paths, id)
		return nil
	case !ok || name == "" || name[0] == '.':
		return nil
	}
	path := filepath.Join(folder, name)
	if mask&unix.IN_ISDIR == 0 {
		if mask&unix.IN_CREATE == 0 { // its writing is reported when it is closed
			f(path)
		}
		return nil
	}
	f(path)
	if mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0 {
		return w.add(path)
	}
	return nil
}

// Close implements FolderWatch.
func (w *inotify) Close() error { return os.NewSyscallError("close", unix.Close(w.fd)) }
