package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/compress"
	"github.com/bobbin-http/bobbin/http/middleware"
	"github.com/bobbin-http/bobbin/http/static"
	"github.com/bobbin-http/bobbin/http/upload"
)

// With --upload clients add files to the folders that are served: by PUT, by a form, or on the
// page of "?upload" (uploadpage.go). Nothing is replaced, nothing is removed, and no folder is
// made. What a client adds must not change what others get for a path that is there already.

const (
	// uploadsMax is how many requests are received at a time.
	uploadsMax = 8

	// uploadFiles is the most files of one form.
	uploadFiles = 1000

	// uploadLeast is what a file counts at least: about what the disk needs for an empty one.
	// It bounds their number.
	uploadLeast = 4 << 10
)

// uploads receive files into one folder and those below it, for all loops.
type uploads struct {
	path     string // of the folder
	prefix   string // of paths; see parts.go
	quota    int64  // bytes of all files in the folder
	site     *siteOptions
	rules    middleware.Redirects
	private  []string // of files and folders that are never served
	receives http.Handler

	mu   sync.Mutex
	used int64 // bytes of the files that are there, and on their way
}

// openUploads returns the uploads of --upload, nil without it.
func (s *siteOptions) openUploads(folder string, rules middleware.Redirects) (*uploads, error) {
	if s.upload == "" {
		return nil, nil
	}
	if s.fallback != "" {
		return nil, errors.New("--upload and --spa contradict each other: a file of a client would take the place of a page of the application; serve uploads below a path of their own, by a [[site]]")
	}
	u := &uploads{path: folder, prefix: s.prefix, site: s, rules: rules}
	if err := setLimit(reflect.ValueOf(&u.quota).Elem(), s.upload); err != nil {
		return nil, fmt.Errorf("--upload: %w, the most bytes that the folder may hold", err)
	}
	u.receives = http.Blocking(uploadsMax, u.receive)
	if folder == "" {
		return u, nil
	}
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("--upload needs a folder, and %s is a file: serve its folder", folder)
	}
	if err := u.measure(); err != nil {
		return nil, fmt.Errorf("--upload: %w", err)
	}
	return u, nil
}

// warnings are for the operator. All are the settings of everything that is served.
func (u *uploads) warnings(o *options, all []*options) (list []string) {
	if u.used > u.quota-uploadLeast {
		list = append(list, fmt.Sprintf("nothing can be uploaded to %s: it holds %d bytes, small files counted as 4 KiB, and --upload allows %d", u.path, u.used, u.quota))
	}
	for _, other := range all {
		if other != o && other.site.upload != "" && other.path != "" && (o.isIn(other.path) || other.isIn(o.path)) {
			list = append(list, fmt.Sprintf("%s and %s both take uploads, and one is in the other: each counts its own only, beyond what was there at the start", o.path, other.path))
		}
	}
	return list
}

// keepOff has files that are never served not be added. It is called before the site serves.
func (u *uploads) keepOff(private []string) {
	u.private = nil
	for _, name := range private {
		if at, err := filepath.Abs(name); err == nil {
			u.private = append(u.private, at)
		}
	}
}

// measure counts what is in the folder.
func (u *uploads) measure() error {
	root, err := os.OpenRoot(u.path)
	if err != nil {
		return nil // what serves the folder says so
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // not readable, or gone
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			u.used += max(info.Size(), uploadLeast)
		}
		return nil
	})
}

// wrap answers what is about uploads, and has next answer everything else.
func (u *uploads) wrap(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		switch r.Method() {
		case http.MethodPut, http.MethodPost:
			return u.receives(w, r)
		case http.MethodGet, http.MethodHead:
			if r.RawQuery() == "upload" {
				if clean, err := r.CleanPathBytes(nil); err == nil && clean[len(clean)-1] == '/' {
					return showForm(w, string(clean))
				}
			}
		case http.MethodOptions:
			return http.MethodNotAllowed(w, r, "GET, HEAD, PUT, POST")
		}
		return next(w, r)
	}
}

// The errors of uploads, in the words for a client.
var (
	errOtherSite = http.StatusForbidden.Because("pages of other sites may not upload")
	errNoFolder  = http.StatusNotFound.Because("there is no such folder here, or it is a link")
	errForm      = http.StatusConflict.Because("a form is sent to a folder, whose path ends with a slash")
	errNoName    = http.StatusConflict.Because("this is the path of a folder: write the name of the file behind it")
	errNoFile    = http.StatusBadRequest.Because("the form has no file")
	errQuota     = http.StatusInsufficientStorage.Because("the folder has no room for this")
	errRange     = http.StatusBadRequest.Because("a part of a file cannot be uploaded")
	errEncoding  = http.StatusUnsupportedMediaType.Because("a file is stored as it is sent: leave Content-Encoding out")
)

// receive answers PUT and POST, off the loop.
func (u *uploads) receive(w *http.Response, r *http.Request) error {
	if !sameOrigin(r) {
		return errOtherSite
	}
	clean, err := r.CleanPathBytes(nil)
	if err != nil {
		return err
	}
	below := strings.TrimPrefix(string(clean), u.prefix)
	folder, name := path.Split(below)
	put := r.Method() == http.MethodPut
	switch {
	case !put && name != "":
		return errForm
	case put && name == "":
		return errNoName
	case put && r.HasHeader("Content-Range"):
		return errRange
	case put && r.HasHeader("Content-Encoding"):
		return errEncoding
	}
	in, err := u.open(folder)
	if err != nil {
		return err
	}
	defer in.Close()
	if put {
		if err := u.mayAdd(in, r.Host(), folder, name); err != nil {
			return err // before the body is asked for
		}
	}
	s := &uploading{uploads: u}
	defer s.end()
	if err := s.expect(r.Length()); err != nil {
		return err
	}
	o := upload.Options{Root: in, Reserve: s.reserve, Files: uploadFiles, File: u.quota, Total: u.quota}
	receive := upload.Receive
	if put {
		receive = upload.ReceiveBody
	}
	form, err := receive(r, o)
	if err != nil {
		return explainUpload(err, name)
	}
	defer form.Remove()
	if put {
		form.Files[0].Name = name
	}
	if err := s.keep(in, r.Host(), folder, form); err != nil {
		return err
	}
	switch {
	case put:
		w.SetStatus(http.StatusCreated).Add("Location", string(http.EscapePath(nil, string(clean))))
	case len(form.Files) == 0:
		return errNoFile
	case strings.Contains(r.Header("Accept"), "text/html"): // a browser, without the script of the page
		return w.Redirect(http.StatusSeeOther, string(http.EscapePath(nil, string(clean))))
	}
	// The names are the client's: no browser may take them for HTML.
	w.Set("Content-Type", "text/plain; charset=utf-8").Set("X-Content-Type-Options", "nosniff")
	for _, f := range form.Files {
		fmt.Fprintf(w, "%s: %d bytes\n", f.Name, f.Size)
	}
	return nil
}

// keep gives the files of a form their names, or none of them.
func (s *uploading) keep(in *os.Root, host, folder string, form *upload.Form) error {
	// A form in which no file was chosen has one without a name.
	form.Files = slices.DeleteFunc(form.Files, func(f *upload.File) bool {
		if f.Name != "" {
			return false
		}
		_ = in.Remove(f.Path)
		return true
	})
	kept := int64(0)
	for i, f := range form.Files {
		err := s.mayAdd(in, host, folder, f.Name)
		if err == nil && f.Size < uploadLeast {
			err = s.reserve(uploadLeast - int(f.Size))
		}
		if err == nil {
			err = explainUpload(f.Keep(f.Name), f.Name)
		}
		if err != nil {
			for _, before := range form.Files[:i] {
				_ = in.Remove(before.Name)
			}
			return err
		}
		kept += max(f.Size, uploadLeast)
	}
	s.kept = kept
	return nil
}

// An uploading is one request, and what is counted for it.
type uploading struct {
	*uploads
	taken int64 // bytes
	kept  int64
}

// expect refuses a body that has no room, before it is asked for.
func (s *uploading) expect(length int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used >= s.quota || length > s.quota-s.used {
		return errQuota
	}
	return nil
}

// reserve counts bytes before they are written.
func (s *uploading) reserve(bytes int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int64(bytes) > s.quota-s.used {
		return errQuota
	}
	s.used += int64(bytes)
	s.taken += int64(bytes)
	return nil
}

// end counts no more what was not kept.
func (s *uploading) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= s.taken - s.kept
}

// open opens a folder below that of the site, given by its path from there. Uploads go through
// no symbolic link.
func (u *uploads) open(folder string) (*os.Root, error) {
	root, err := os.OpenRoot(u.path)
	if err != nil {
		return nil, err
	}
	at := "."
	for segment := range strings.SplitSeq(strings.Trim(folder, "/"), "/") {
		if segment == "" {
			continue // the folder itself
		}
		at = path.Join(at, segment)
		info, err := root.Lstat(at)
		if err != nil || !info.IsDir() || isHidden(segment) || u.isPrivate(at) {
			root.Close()
			return nil, errNoFolder
		}
	}
	defer root.Close()
	return root.OpenRoot(at)
}

func isHidden(name string) bool { return strings.HasPrefix(name, ".") }

// isPrivate reports whether a name below the folder is that of a file that is never served, or
// in such a folder.
func (u *uploads) isPrivate(name string) bool {
	at, err := filepath.Abs(filepath.Join(u.path, filepath.FromSlash(name)))
	return err != nil || slices.ContainsFunc(u.private, func(own string) bool {
		// A disk may be blind to case.
		return strings.EqualFold(at, own) || len(at) > len(own) && at[len(own)] == filepath.Separator && strings.EqualFold(at[:len(own)], own)
	})
}

// ownPages are names of pages that the server sends of itself (docs/files.md).
var ownPages = []string{"404.html", "503.html", "50x.html"}

// mayAdd refuses a name that clients cannot ask for, and one that would change what they
// get for another.
func (u *uploads) mayAdd(in *os.Root, host, folder, name string) error {
	strange := func(r rune) bool { return unicode.IsControl(r) || r == '/' || r == '\\' }
	switch {
	case isHidden(name):
		return http.StatusConflict.Because(fmt.Sprintf("%q begins with a dot, so it would not be served", name))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, strange):
		return http.StatusConflict.Because(fmt.Sprintf("%q has bytes that a name cannot have", name))
	case slices.ContainsFunc(slices.Concat(u.site.index, ownPages), func(own string) bool { return strings.EqualFold(own, name) }):
		return http.StatusConflict.Because(fmt.Sprintf("%q is a page that the server sends of itself, so it cannot be uploaded", name))
	case u.isPrivate(path.Join(folder, name)[1:]):
		return http.StatusConflict.Because(fmt.Sprintf("%q configures the server, so it cannot be uploaded", name))
	}
	there := func(name string) bool { _, err := in.Lstat(name); return err == nil } // in letters of either case, where the disk is blind to it
	switch clean := u.prefix + folder + name; {
	case there(name):
		return exists(name)
	case u.rules.For(host, clean, true) != nil || u.rules.For(host, clean, false) != nil:
		return http.StatusConflict.Because(fmt.Sprintf("%q would be sent in place of a redirect", name))
	case u.site.readme && static.IsReadme(name):
		return http.StatusConflict.Because(fmt.Sprintf("%q would be shown with the folder, so it cannot be uploaded", name))
	case u.site.cleanURLs && there(name+".html"):
		return http.StatusConflict.Because(fmt.Sprintf("%q would be sent in place of %q", name, name+".html"))
	}
	if at := len(name) - len(".html"); u.site.cleanURLs && at > 0 && strings.EqualFold(name[at:], ".html") && there(name[:at]) {
		return http.StatusConflict.Because(fmt.Sprintf("%q would be sent in place of %q", name, name[:at]))
	}
	for _, c := range compress.Codings { // copies are sent in place of their files
		suffix := c.Suffix
		if at := len(name) - len(suffix); at > 0 && strings.EqualFold(name[at:], suffix) && there(name[:at]) {
			return http.StatusConflict.Because(fmt.Sprintf("%q would be sent in place of %q", name, name[:at]))
		}
		if there(name + suffix) {
			return http.StatusConflict.Because(fmt.Sprintf("%q would be sent in place of %q", name+suffix, name))
		}
	}
	return nil
}

func exists(name string) error {
	return http.StatusConflict.Because(fmt.Sprintf("there is a file %q, and uploads replace none", name))
}

// explainUpload returns the answer to an error of the disk about a file.
func explainUpload(err error, name string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return exists(name)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return http.StatusInsufficientStorage.Because("the disk is full", err)
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EILSEQ):
		return http.StatusConflict.Because(fmt.Sprintf("%q is too long for the disk, or has bytes that it does not take", name))
	}
	return err
}

// sameOrigin reports whether no other site's page has sent a request: browsers say whose it is.
// Programs say nothing.
func sameOrigin(r *http.Request) bool {
	switch r.Header("Sec-Fetch-Site") {
	case "same-origin":
		return true // also behind a proxy that sends another Host
	case "cross-site", "same-site":
		return false
	}
	origins := r.HeaderValues("Origin")
	if len(origins) == 0 {
		return true
	}
	_, from, ok := strings.Cut(origins[0], "://")
	return ok && len(origins) == 1 && strings.EqualFold(from, r.Host())
}
