// Resume takes uploads that go on where they broke off, and shows their progress.
//
//	go run ./cmd/resume FOLDER
//
// A file is sent in one or several requests, in the way of the IETF's resumable
// uploads (draft-ietf-httpbis-resumable-upload):
//
//	HEAD  /files/NAME   the answer's Upload-Offset says how many bytes have arrived
//	PATCH /files/NAME   appends the body at the Upload-Offset of the request, and
//	                    completes the file if that has Upload-Complete: ?1
//
// Bytes that arrived before a connection broke are kept, in NAME.part until the file
// is complete.
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/bobbin-http/bobbin/http"
)

//go:embed page.html
var page string

// fileMax is the length of a file at most, in bytes.
const fileMax = 4 << 30

// A store keeps the files of a folder. Its methods may be called from any goroutine.
type store struct {
	folder *os.Root
	mu     sync.Mutex
	open   map[string]bool // the names that a request writes to
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: resume FOLDER")
	}
	folder, err := os.OpenRoot(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", site(folder).Serve))
}

func site(folder *os.Root) *http.Router {
	s := &store{folder: folder, open: make(map[string]bool)}
	pages := new(http.Router)
	pages.Handle("GET /{$}", func(w *http.Response, _ *http.Request) error { return w.HTML(page) })
	pages.Handle("HEAD /files/{name}", http.Blocking(8, s.offset)) // Blocking, because a disk is waited for
	pages.Handle("PATCH /files/{name}", http.Blocking(8, s.patch))
	return pages
}

// offset says how much of a file has arrived.
func (s *store) offset(w *http.Response, r *http.Request) error {
	name, err := nameOf(r)
	if err != nil {
		return err
	}
	info, err := s.folder.Stat(name)
	complete := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		info, err = s.folder.Stat(name + ".part")
	}
	if err != nil {
		return notFound(err)
	}
	say(w, info.Size(), complete)
	return http.StatusNoContent
}

// patch appends the body to a file.
func (s *store) patch(w *http.Response, r *http.Request) error {
	name, err := nameOf(r)
	if err != nil {
		return err
	}
	at, err := strconv.ParseInt(r.Header("Upload-Offset"), 10, 64)
	if err != nil || at < 0 {
		return http.StatusBadRequest.Because("Upload-Offset is not a number of bytes")
	}
	if !s.begin(name) { // the connection before may not have noticed its end yet
		w.Add("Retry-After", "1")
		return http.StatusLocked.Because("another request writes to this file")
	}
	defer s.end(name)
	if _, err := s.folder.Stat(name); err == nil {
		return exists(name)
	}
	f, err := s.folder.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if at != size {
		say(w, size, false)
		return http.StatusConflict.Because(fmt.Sprintf("%d bytes have arrived, so the next one is not number %d", size, at))
	}
	n, err := io.Copy(f, io.LimitReader(r, fileMax+1-size))
	size += n
	if err != nil {
		return err // what has arrived remains
	}
	if size > fileMax {
		s.folder.Remove(name + ".part")
		return http.StatusContentTooLarge
	}
	if err := f.Close(); err != nil {
		return err
	}
	complete := r.Header("Upload-Complete") == "?1"
	if complete {
		// Another program may have made a file of that name meanwhile: a link never
		// replaces it, where a rename would.
		err := s.folder.Link(name+".part", name)
		if errors.Is(err, fs.ErrExist) {
			return exists(name)
		}
		if err := errors.Join(err, s.folder.Remove(name+".part")); err != nil {
			return err
		}
	}
	say(w, size, complete)
	return http.StatusNoContent
}

// nameOf is the name of the file that a request is for.
func nameOf(r *http.Request) (string, error) {
	name := r.PathValue("name")
	if name == "" || name[0] == '.' || len(name) > 200 || strings.ContainsAny(name, "/\\\x00") || strings.HasSuffix(name, ".part") {
		return "", http.StatusBadRequest.Because(fmt.Sprintf("%q cannot be the name of a file here", name))
	}
	return name, nil
}

func say(w *http.Response, size int64, complete bool) {
	w.Add("Upload-Offset", strconv.FormatInt(size, 10))
	w.Add("Upload-Complete", map[bool]string{true: "?1", false: "?0"}[complete])
}

func exists(name string) error {
	return http.StatusConflict.Because(fmt.Sprintf("a file %q exists already", name))
}

// notFound is 404 for a file that is not there, and an error as it is otherwise.
func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return http.StatusNotFound
	}
	return err
}

func (s *store) begin(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[name] {
		return false
	}
	s.open[name] = true
	return true
}

func (s *store) end(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, name)
}
