package static

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// A folder is listed as a page for people and as JSON for programs. The page works
// without its script, which adds a filter and keys.
//
// A folder may hold any number of names. A page shows listPage of them, and is
// asked for by the name before its first or after its last, so that a worker can
// choose the names without keeping the others in memory. Pages are cached like
// files, and requests for the same page share one reading of the folder.

const (
	// listPage is how many names are on one page.
	listPage = 1000

	// listMemory is reserved while a page is made: about 300 bytes for each name on
	// it, and the names that were read and not chosen.
	listMemory = 1 << 20

	// listFor is how long a page is answered while its folder's modification time
	// stays the same: the size of a file in it may have changed.
	listFor = 2 * time.Second
)

// A list is a page of a folder's names.
type list struct {
	path     string
	prefix   string // of the path
	query    *listQuery
	entries  []listEntry
	folders  int // in all
	files    int
	skipped  int // that stand before the page
	private  privates
	archives *Archives // that are linked, or nil
	uploads  bool      // are linked
	readme   string    // the name of what is shown below, or ""
	below    []byte    // what is shown

	first, last listEntry // of the page, served or not; other pages are linked by them
}

type listEntry struct {
	name     string
	folder   bool
	mode     fs.FileMode
	size     int64
	modified time.Time
	lazy     fs.DirEntry // the source of size and time, until they are known
}

// list answers with a page of the folder of e, or with an archive of it.
func (f *Files) list(w *http.Response, r *http.Request, e *entry) error {
	if format := f.options.Archive.asked(r.RawQuery()); format != nil && w.Status() == http.StatusOK {
		return f.archive(w, r, e, format)
	}
	q := &question{search: search{path: e.path, list: listQueryOf(r), listed: e.folder}, lane: eventloop.LaneLarge}
	q.key = e.path + q.list.key()
	if page := f.cache.get([]byte(q.key)); page != nil && same(page.listed, e.listed) && r.Loop().WallTime().Sub(page.checked) < listFor {
		return f.answer(w, r, page)
	}
	return f.await(w, r, q, nil)
}

// listPage makes a page of a folder, on a worker.
func (s *search) listPage(f *found) error {
	folder, info, err := s.open(s.listed)
	if err != nil {
		return err
	}
	defer folder.Close()
	if !info.IsDir() {
		return http.StatusNotFound
	}
	l, err := s.readList(folder)
	if err != nil {
		return err
	}
	f.listed, f.stable = info, true
	f.fields = [][2]string{{"Cache-Control", "no-cache"}, {"Vary", "Accept"}}
	if links := l.links(); links != "" {
		f.fields = append(f.fields, [2]string{"Link", links})
	}
	v := &f.contents[identity]
	v.info = info
	if s.list.json {
		f.contentType, v.body = "application/json", l.json()
	} else {
		f.contentType, v.body = "text/html; charset=utf-8", l.page()
		f.fields = append(f.fields, [2]string{"Content-Security-Policy", l.policy()})
	}
	sum := sha256.Sum256(v.body)
	v.tag = base64.RawURLEncoding.EncodeToString(sum[:12])
	return nil
}

// readList reads an open folder and returns a page of it. Names that are not served
// are not shown.
func (s *search) readList(folder fs.File) (*list, error) {
	l := &list{path: s.path, prefix: s.options.Prefix, query: s.list, private: s.options.private.now(s.asked), archives: s.options.Archive, uploads: s.options.Uploads}
	readDir := s.readDir(folder)
	for {
		batch, err := readDir(256)
		for _, d := range batch {
			if e, ok := s.listEntry(d, l.private); ok {
				l.add(e)
				if s.options.Readme != nil && !e.folder && readmeRank(e.name) > readmeRank(l.readme) {
					l.readme = e.name
				}
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, statusOf(err)
		}
	}
	l.finish(s)
	l.readReadme(s)
	return l, nil
}

// listEntry looks at one name, as far as the order of the list requires.
func (s *search) listEntry(d fs.DirEntry, private privates) (e listEntry, ok bool) {
	if hidden(d.Name(), s.options) || s.options.private.named(inFolder(s.listed, d.Name())) {
		return e, false
	}
	e = listEntry{name: d.Name(), folder: d.IsDir(), lazy: d}
	switch {
	case d.Type()&fs.ModeSymlink != 0:
		info, err := s.follow(s.listed, d.Name())
		if err != nil {
			return e, false
		}
		return e, e.look(info)
	case !d.IsDir() && !d.Type().IsRegular():
		return e, false
	case s.list.order != "name":
		return e, e.lookAgain(private)
	}
	return e, true
}

// look stores the size and time of the file or folder that a name leads to, and
// reports whether it is shown.
func (e *listEntry) look(info fs.FileInfo) bool {
	e.folder, e.mode, e.size, e.modified, e.lazy = info.IsDir(), info.Mode(), info.Size(), info.ModTime(), nil
	return e.folder || info.Mode().IsRegular()
}

// lookAgain does the same for a name that was not looked at yet.
func (e *listEntry) lookAgain(private privates) bool {
	if e.lazy == nil {
		return true
	}
	info, err := e.lazy.Info()
	return err == nil && !private.have(info) && e.look(info)
}

// add counts a name and keeps it if it may be on the page. Up to four pages of names
// are kept before the list chooses, so that each name is compared a few times only.
func (l *list) add(e listEntry) {
	if e.folder {
		l.folders++
	} else {
		l.files++
	}
	q := l.query
	if q.after || q.before {
		n := q.compare(&e, &q.mark)
		if n < 0 || n == 0 && q.after {
			l.skipped++
		}
		if q.after && n <= 0 || q.before && n >= 0 {
			return
		}
	}
	if l.entries = append(l.entries, e); len(l.entries) >= 4*listPage {
		l.choose()
	}
}

// choose sorts the names and keeps those of the page.
func (l *list) choose() {
	q := l.query
	slices.SortFunc(l.entries, func(a, b listEntry) int { return q.compare(&a, &b) })
	more := len(l.entries) - listPage
	switch {
	case more <= 0:
	case q.before:
		l.entries = append(l.entries[:0], l.entries[more:]...)
	default:
		l.entries = l.entries[:listPage]
	}
}

// finish completes the page by the sizes and times of its names, and leaves out those
// whose link would not be served.
func (l *list) finish(s *search) {
	l.choose()
	if l.query.before {
		l.skipped -= len(l.entries)
	}
	if n := len(l.entries); n > 0 {
		l.first, l.last = l.entries[0], l.entries[n-1]
	}
	shown := l.entries[:0]
	for _, e := range l.entries {
		if e.lookAgain(l.private) && e.served(l.path) && s.canRead(&e) {
			shown = append(shown, e)
		} else if e.folder {
			l.folders--
		} else {
			l.files--
		}
	}
	l.entries = shown
}

// canRead reports whether the server may read a file or folder. Most may be read by all,
// and are not opened to know.
func (s *search) canRead(e *listEntry) bool {
	if e.mode&0o444 == 0o444 {
		return true
	}
	file, _, err := s.open(inFolder(s.listed, e.name))
	if err != nil {
		return false
	}
	file.Close()
	return true
}

// neighbours returns the query strings of the previous and the next page, "" if there
// is none.
func (l *list) neighbours() (before, behind string) {
	switch marked := l.query.after || l.query.before; {
	case l.first.name == "" && marked:
		return l.query.link("", nil), "" // the names there have gone
	case l.first.name == "":
		return "", ""
	}
	if l.skipped > 0 {
		before = l.query.link("before", &l.first)
	}
	if l.skipped+len(l.entries) < l.folders+l.files {
		behind = l.query.link("after", &l.last)
	}
	return before, behind
}

// links returns them as the value of a Link field (RFC 8288).
func (l *list) links() string {
	before, behind := l.neighbours()
	var links []string
	if before != "" {
		links = append(links, fmt.Sprintf("<%s>; rel=\"prev\"", before), fmt.Sprintf("<%s>; rel=\"first\"", l.query.link("", nil)))
	}
	if behind != "" {
		links = append(links, fmt.Sprintf("<%s>; rel=\"next\"", behind))
	}
	return strings.Join(links, ", ")
}

// follow returns the information of a symbolic link's target, if that is served.
func (s *search) follow(folder, name string) (fs.FileInfo, error) {
	file, info, err := s.open(inFolder(folder, name))
	if err != nil {
		return nil, err
	}
	file.Close()
	return info, nil
}
