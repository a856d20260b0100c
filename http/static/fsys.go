package static

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Files may be those of an fs.FS: in the program (embed), in a zip, or anywhere else. They
// are found, cached and answered like those of a folder. Reading one may wait, and may be
// possible from its beginning only, so workers do it.

// FS returns a server of the files of fsys, with the same options as for a folder.
// Options.Private has names in fsys. Symlinks does not apply, because an FS decides about
// links itself.
//
// The ETag of a file is made of its time and size if it has a time, as in a zip, and of
// its content otherwise, as in an embed.FS. Files are compared with fsys every second, by
// their fs.FileInfo: one that is equal to the last, such as an embed.FS returns, or has
// the same time and size, is that of the same version. A file without a time and with
// another FileInfo each time is read each second.
//
// A file above Options.Small is read in place if it is in the program. Any other is
// copied into a temporary file (os.CreateTemp) that has no name any more. It is deleted
// when the file has not been asked for in a while; all of them are as large as the
// copied files of fsys at most. A request waits for that as for a slow disk:
// eventloop.Limits has the time.
//
// The caller closes fsys, if it is to be closed, after Close.
func FS(fsys fs.FS, o Options) (*Files, error) {
	info, err := fs.Stat(fsys, ".")
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, &fs.PathError{Op: "serve", Path: ".", Err: errors.New("not a folder")}
	}
	f := &Files{options: o, root: &root{fsys: fsys}, lane: eventloop.LaneLarge}
	if isEmbedded(info) {
		f.lane = eventloop.LaneLookups
	}
	f.options.private.names = withCopies(o.Private)
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// isEmbedded reports whether a file is in the program: it is of an embed.FS, or of a part
// of one (fs.Sub).
func isEmbedded(info fs.FileInfo) bool {
	t := reflect.TypeOf(info)
	return t.Kind() == reflect.Pointer && t.Elem().PkgPath() == "embed"
}

// openIn opens a file of an FS.
func openIn(fsys fs.FS, name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	return fsys.Open(name)
}

// statusIn returns the status for an error of an FS. One that it does not explain is the
// operator's to see, for example that a zip is damaged.
func statusIn(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return http.StatusNotFound
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	}
	return fmt.Errorf("static: %s: %w", name, err)
}

// identical reports whether two values are the same, so that an FS has noticed no change.
func identical(a, b fs.FileInfo) bool { return reflect.TypeOf(a).Comparable() && a == b }

// loadForeign loads a file of an FS. It was opened and not read yet.
func (s *search) loadForeign(v *content, file fs.File, info fs.FileInfo) error {
	if large, ok := file.(readerAt); ok && isEmbedded(info) && info.Size() > s.options.Small {
		*v = content{info: info, stat: info, file: large, copy: true, digest: digestAll(io.NewSectionReader(large, 0, info.Size()))}
		v.setTag(s.asked)
		return nil
	}
	defer file.Close()
	if info.Size() > s.options.Small {
		return s.copyForeign(v, file, info)
	}
	body, err := io.ReadAll(io.LimitReader(file, info.Size()+1)) // to the end, where a zip is verified
	switch {
	case err != nil:
		return fmt.Errorf("static: %s: %w", info.Name(), err)
	case int64(len(body)) != info.Size():
		return http.StatusServiceUnavailable // it is being written
	}
	*v = content{info: info, body: body}
	v.setTag(s.asked)
	return nil
}

// copyForeign copies a file into one that has no name.
func (s *search) copyForeign(v *content, file fs.File, info fs.FileInfo) error {
	temp, err := os.CreateTemp("", "bobbin-*")
	if err != nil {
		return fmt.Errorf("static: a place to copy %s to: %w", info.Name(), err)
	}
	if err := os.Remove(temp.Name()); err != nil {
		temp.Close()
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(temp, h), io.LimitReader(file, info.Size()+1))
	var stat fs.FileInfo
	if err == nil {
		stat, err = temp.Stat()
	}
	switch {
	case err != nil:
		err = fmt.Errorf("static: %s: %w", info.Name(), err)
	case n != info.Size():
		err = http.StatusServiceUnavailable // it is being written
	}
	if err != nil {
		temp.Close()
		return err
	}
	*v = content{info: info, stat: stat, file: temp, digest: digestText(h)}
	v.first, v.tail = sampleOf(temp, info.Size())
	v.setTag(s.asked)
	return nil
}

// digestAll returns a digest of all that can be read, for a tag.
func digestAll(r io.Reader) string {
	h := sha256.New()
	_, _ = io.Copy(h, r) // of memory
	return digestText(h)
}

// readDir returns a function that reads the next n names of a folder.
func (s *search) readDir(folder fs.File) func(n int) ([]fs.DirEntry, error) {
	if folder, ok := folder.(fs.ReadDirFile); ok {
		return folder.ReadDir
	}
	done := false
	return func(int) ([]fs.DirEntry, error) {
		if done {
			return nil, io.EOF
		}
		done = true
		return fs.ReadDir(s.root.fsys, s.listed)
	}
}
