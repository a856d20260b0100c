package sim

import (
	"errors"
	"strings"

	"github.com/bobbin-http/bobbin"
)

// A folderWatch is a descriptor that becomes readable when Change is called for a path
// below its folder. There are no files: the test names the changes.
type folderWatch struct {
	kernel  *Kernel
	object  *object
	folder  string
	changed []string
}

// WatchFolder implements bobbin.Kernel.
func (k *Kernel) WatchFolder(folder string) (bobbin.FolderWatch, error) {
	if k.NoFolders {
		return nil, errors.ErrUnsupported
	}
	w := &folderWatch{kernel: k, object: &object{}, folder: folder}
	w.object.folder = w
	if !k.give(w.object) {
		return nil, bobbin.ErrExhausted
	}
	k.note("folder", w.object.fd, 0)
	return w, nil
}

// Change reports a changed path to each watch of a folder above it. The empty path is
// for all: more has changed than the kernel could note.
func (k *Kernel) Change(path string) {
	for _, o := range k.table {
		if o == nil || o.folder == nil {
			continue
		}
		if below := strings.TrimSuffix(o.folder.folder, "/") + "/"; path == "" || strings.HasPrefix(path, below) {
			o.folder.changed = append(o.folder.changed, path)
			o.pending |= bobbin.Readable
			k.note("change", o.fd, len(path))
		}
	}
}

// FD implements bobbin.FolderWatch.
func (w *folderWatch) FD() int { return w.object.fd }

// Changes implements bobbin.FolderWatch.
func (w *folderWatch) Changes(f func(path string)) error {
	if _, err := w.kernel.get("changes", w.object.fd); err != nil {
		return err
	}
	changed := w.changed
	w.changed = nil
	for _, path := range changed {
		f(path)
	}
	return nil
}

// Missed implements bobbin.FolderWatch.
func (w *folderWatch) Missed() error { return nil }

// Close implements bobbin.FolderWatch.
func (w *folderWatch) Close() error { return w.kernel.Close(w.object.fd) }
