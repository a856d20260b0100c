package static

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// A folder that is listed may be downloaded as one file. A worker first collects what is in it
// (archivewalk.go), so that a folder that is too large is refused in words, and the length of
// the answer is known: a client sees how far it is, and notices an answer that was cut, over
// HTTP/1.0 too. Then it reads one file after the other and writes it to the client
// (archiveformat.go), and waits when the client does. Only names, sizes and times are in memory.

const (
	// archivesMax is how many archives are made at a time.
	archivesMax = 4

	// archiveEntries is the most files and folders in one.
	archiveEntries = 10_000

	// archiveBytes is the most bytes of one: the largest zip that needs no Zip64, which not
	// every program reads.
	archiveBytes = 1<<32 - 2

	// archiveNames is the most bytes of names in one, which bounds the memory of deep folders.
	archiveNames = 4 << 20
)

// Archives lets clients download a folder that is listed, with what is below it, as one
// file: a listing has links to its archives, such as /folder/?archive=zip. An archive has
// what the listings of its folders link, and by the same rules: no hidden or private names, and
// symbolic links as Options.Symlinks says. Of a folder below that has an index it has the
// index alone, because such a folder is not listed.
//
// At most 4 archives are made at a time, 3 of them for one client, each on a goroutine of its
// own; more are answered by 503. A folder with more than 10,000 files and folders, or of more than 4 GiB, is
// answered by 403. If a file shrinks, changes or goes while it is sent, the answer is cut and the
// log says why.
//
// One value is for the Files of all loops, which share its limits. They must not change it.
type Archives struct {
	// Skip, unless it is nil, reports whether a path is left out, with all that is below
	// it: one that a client gets through Files.Serve only after a check, or that has another
	// answer there. It gets the Host of the request for the archive, and the path of a file or
	// folder, with Options.Prefix. Middleware around a part of the folder is not asked, so
	// that without Skip its files are in the archives of the folders above. It is called
	// on several goroutines.
	Skip func(host, path string) bool

	formats []*archiveFormat
	handler http.Handler

	maxEntries, maxBytes, maxNames int64
}

// NewArchives returns archives in these formats, of zip and tar, in the order of their links;
// in both if there are none.
func NewArchives(formats ...string) (*Archives, error) {
	a := &Archives{maxEntries: archiveEntries, maxBytes: archiveBytes, maxNames: archiveNames}
	if len(formats) == 0 {
		formats = []string{"zip", "tar"}
	}
	for _, name := range formats {
		i := slices.IndexFunc(archiveFormats, func(f archiveFormat) bool { return f.name == name })
		switch {
		case i < 0:
			return nil, fmt.Errorf("static: unknown format %q of archives: choose zip or tar", name)
		case !slices.Contains(a.formats, &archiveFormats[i]):
			a.formats = append(a.formats, &archiveFormats[i])
		}
	}
	a.handler = http.Blocking(archivesMax, serveArchive)
	return a, nil
}

// asked returns the format that a query asks for, nil if it asks for none that is offered.
func (a *Archives) asked(query string) *archiveFormat {
	if a == nil {
		return nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		if name, ok := strings.CutPrefix(pair, "archive="); ok {
			for _, f := range a.formats {
				if f.name == name {
					return f
				}
			}
		}
	}
	return nil
}

// links returns the links of a listing to its archives.
func (a *Archives) links() string {
	var b strings.Builder
	if a != nil {
		for _, f := range a.formats {
			fmt.Fprintf(&b, " <a rel=\"nofollow\" href=\"?archive=%s\" title=\"Download this folder\">%[1]s</a>", f.name)
		}
	}
	return b.String()
}

// An archive is one folder as it is asked for. It is made on the loop, and used by the
// goroutine that answers.
type archive struct {
	search
	*Archives
	format *archiveFormat
	host   string

	private privates
	entries []archiveEntry
	count   int64 // of files and folders, also of those that are left out later
	length  int64 // bytes of files
	named   int64 // bytes of names
}

// requested is the archive that a request asks for.
var requested http.Key[*archive]

// archive answers with the folder of e as an archive.
func (f *Files) archive(w *http.Response, r *http.Request, e *entry, format *archiveFormat) error {
	a := &archive{Archives: f.options.Archive, format: format, host: r.Host()}
	a.search = *f.prepare(search{path: e.path, listed: e.folder}, r.Time())
	requested.Set(r, a)
	return a.handler(w, r)
}

// serveArchive answers off the loop.
func serveArchive(w *http.Response, r *http.Request) error {
	a, _ := requested.Get(r)
	root, err := a.root.again()
	if err != nil {
		return statusOf(err)
	}
	defer root.close()
	a.root = root
	if err := a.collect(); err != nil {
		return err
	}
	size, err := a.size()
	switch {
	case err != nil:
		return err
	case size > a.maxBytes:
		return a.tooLarge()
	}
	w.Add("Content-Type", a.format.mediaType).
		Add("Content-Disposition", attachment(a.name()+"."+a.format.name)).
		Add("Content-Length", strconv.FormatInt(size, 10)).
		Add("Cache-Control", "no-store") // it would take the place of much else, and cannot be validated
	if r.Method() == http.MethodHead {
		return nil
	}
	return a.write(w)
}

// name returns the name of the archive, and of the folder in it: the last one of the path. That
// of the root is "files", because clients do not know its name.
func (a *archive) name() string {
	name := strings.TrimRight(portable(path.Base(a.path)), ". ")
	if a.path == "/" || name == "" {
		return "files"
	}
	return name
}

// again returns the folder to which the path of a root leads now, with a descriptor of its own,
// which stays open when the Files are closed.
func (r *root) again() (*root, error) {
	if now := r.reopen(); now != r {
		return now, nil
	}
	other := *r
	if r.fsys == nil {
		dir, err := r.dir.OpenRoot(".")
		if err != nil {
			return nil, err
		}
		other.dir = dir
	}
	return &other, nil
}

// size returns how long the archive is. It is written without the content of files for
// that, which adds its length and nothing else.
func (a *archive) size() (int64, error) {
	var n counter
	to := a.format.open(&n)
	content := int64(0)
	for i := range a.entries {
		e := &a.entries[i]
		if _, err := to.next(a.name()+"/"+e.inArchive(), e, 0); err != nil {
			return 0, err
		}
		if !e.folder {
			content += to.padded(e.size)
		}
	}
	err := to.Close()
	return int64(n) + content, err
}

// A counter counts the bytes that are written to it.
type counter int64

func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}

// write sends the archive. It waits when the client does.
func (a *archive) write(w io.Writer) error {
	to := a.format.open(w)
	part := make([]byte, 64<<10)
	for i := range a.entries {
		e := &a.entries[i]
		content, err := to.next(a.name()+"/"+e.inArchive(), e, e.size)
		if err == nil && !e.folder {
			err = a.copy(content, e, part)
		}
		if err != nil {
			return fmt.Errorf("static: %s of %s: %w", a.format.name, a.path, err)
		}
	}
	return to.Close()
}

var (
	errShrunk  = errors.New("is shorter than when the archive was begun")
	errChanged = errors.New("has changed since the archive was begun")
)

// copy writes a file, as long as it was when it was counted: a log may grow. It is opened
// by the rules of files once more, because names may lead elsewhere by now.
func (a *archive) copy(to io.Writer, e *archiveEntry, part []byte) error {
	name := inFolder(a.listed, e.name)
	file, info, err := a.open(name)
	if err != nil {
		return fmt.Errorf("%s cannot be read any more: %w", name, plainError(err))
	}
	defer file.Close()
	switch {
	case !info.Mode().IsRegular(), info.Size() > e.size && !os.SameFile(info, e.info):
		return fmt.Errorf("%s %w", name, errChanged)
	case info.Size() < e.size:
		return fmt.Errorf("%s %w", name, errShrunk)
	}
	// Only Write is passed on, so that the part is used.
	n, err := io.CopyBuffer(struct{ io.Writer }{to}, io.LimitReader(file, e.size), part)
	if err == nil && n < e.size {
		err = errShrunk
	}
	if after, failed := file.Stat(); err == nil && (failed != nil || after.Size() == info.Size() && !after.ModTime().Equal(info.ModTime())) {
		err = errChanged // in place, so that parts of it may be of two versions
	}
	if err != nil {
		return fmt.Errorf("%s %w", name, err)
	}
	return nil
}

// plainError returns an error of open that is no answer: the head is out.
func plainError(err error) error {
	if status, ok := err.(http.Status); ok {
		return errors.New(status.Error())
	}
	return err
}

// tooMany and tooLarge refuse a folder.
func (a *archive) tooMany() error {
	return http.StatusForbidden.Because("this folder has more than " + grouped(int(a.maxEntries)) + " files and folders, or too long names, for an archive: download a folder in it, or its files")
}

func (a *archive) tooLarge() error {
	return http.StatusForbidden.Because("this folder has more than " + humanSize(a.maxBytes) + ", the most for an archive: download a folder in it, or its files")
}

// An archiveEntry is a file or folder in an archive.
type archiveEntry struct {
	listEntry
	info fs.FileInfo // of a file
}
