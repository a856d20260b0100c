package static

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// An entry is what the disk has said about a path, made into answers. Entries
// belong to the loop.
type entry struct {
	path     string // as it is asked for, clean
	checked  time.Time
	checking bool // a worker is asking the disk again

	fileID
	err              error
	redirect         string
	folder           string // is to be listed, or ""
	listed           fs.FileInfo
	contentType      string
	fields           [][2]string
	modified         time.Time // in whole seconds, and never in the future
	forms            [codings]*representation
	encoding         [codings]bool // a worker is making it
	injected         bool          // see Options.Inject
	recentlyModified bool          // changed so shortly ago that a further change might not show

	bytes   int64 // that it takes in memory
	uses    int   // by the cache, and by answers being made
	visited bool  // since the cache's hand came by
	newer   *entry
	older   *entry
}

// A representation is a file in one coding: what is sent, and how it is called.
type representation struct {
	tag    string // that the ETag is made of
	etag   string
	weak   bool // the etag is
	size   int64
	fields *http.Prepared // for every answer about it, also 304 and 412
	whole  *http.Prepared // all of it, if it is in memory
	body   []byte         // the same
	file   *openFile      // or where it is
}

// overhead is what an entry takes beside its answers and its names, and
// openFileCost what an open file counts, so that descriptors are bounded, too:
// there are 512 of them in the memory of the default size.
const (
	overhead     = 512
	openFileCost = 128 << 10
)

// mtimeGranularity is what two changes of a file must be apart for their times to differ,
// with room to spare: kernels write down the time of their last tick.
const mtimeGranularity = 50 * time.Millisecond

func newEntry(found *found, asked time.Time) *entry {
	e := &entry{
		path: found.path, checked: asked, fileID: found.fileID, uses: 1,
		err: found.err, redirect: found.redirect, folder: found.folder, listed: found.listed,
		contentType: found.contentType, fields: found.fields, injected: found.injected,
		bytes: overhead + int64(2*len(found.path)+len(found.name)),
	}
	if e.info != nil {
		e.modified = e.info.ModTime()
		if e.modified.After(asked) {
			e.modified = asked // RFC 9110 section 8.8.2.1
		}
		e.modified = e.modified.Truncate(time.Second)
		e.recentlyModified = asked.Sub(e.info.ModTime()).Abs() < mtimeGranularity
	}
	if e.listed != nil && e.folder == "" {
		e.recentlyModified = asked.Sub(e.listed.ModTime()).Abs() < mtimeGranularity
	}
	if e.err != nil {
		if body := found.contents[identity].body; body != nil {
			e.forms[identity] = &representation{body: body, size: int64(len(body))}
		}
		return e
	}
	for c := range codings {
		if v := &found.contents[c]; v.info != nil {
			e.add(c, v)
		}
	}
	return e
}

// add makes a form of a variant.
func (e *entry) add(c coding, v *content) {
	tag := v.tag
	if tag == "" {
		tag = stampOf(v.info, e.injected)
	}
	fm := &representation{tag: tag, etag: etag(tag, c), weak: e.recentlyModified, size: v.info.Size()}
	shown := fm.etag
	if fm.weak {
		shown = "W/" + shown
	}
	common := [][2]string{{"ETag", shown}}
	if !e.modified.IsZero() {
		common = append(common, [2]string{"Last-Modified", http.FormatDate(e.modified)})
	}
	if Compressible(e.contentType) {
		common = append(common, [2]string{"Vary", "Accept-Encoding"})
	}
	common = append(common, e.fields...)
	if c != identity {
		common = append(common, [2]string{"Content-Encoding", c.String()})
	}
	var err error
	if fm.fields, err = http.Prepare(nil, common...); err != nil {
		e.err = fmt.Errorf("static: %s: %w", e.path, err) // fields that somebody configured
		return
	}
	if v.file != nil {
		fm.file = newOpenFile(v, e.path)
		e.bytes += openFileCost
	} else {
		fm.size = int64(len(v.body))
		fm.whole, err = http.Prepare(v.body, append(common, [2]string{"Accept-Ranges", "bytes"}, [2]string{"Content-Type", e.contentType})...)
		if err != nil {
			e.err = fmt.Errorf("static: %s: %w", e.path, err)
			return
		}
		fm.body = fm.whole.Body()
		e.bytes += int64(fm.whole.Size())
	}
	e.forms[c] = fm
}

// etag is another for every content, as far as identity, size and time of a file
// tell, and for every coding (RFC 9110 section 8.8.3). It is shown as weak while
// the file is young.
func etag(tag string, c coding) string {
	if c != identity {
		tag += "-" + c.String()
	}
	return `"` + tag + `"`
}

// stampOf tells one version of a file from another.
func stampOf(info fs.FileInfo, injected bool) string {
	var b strings.Builder
	b.WriteString(strconv.FormatInt(info.ModTime().UnixNano(), 36))
	b.WriteByte('-')
	b.WriteString(strconv.FormatInt(info.Size(), 36))
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		b.WriteByte('-')
		b.WriteString(strconv.FormatUint(uint64(st.Ino), 36))
	}
	if injected {
		b.WriteString("-more")
	}
	return b.String()
}

// current reports whether what is sent from open files is still what was found.
// What is in memory needs no look.
func (e *entry) current() bool {
	for _, fm := range e.forms {
		if fm != nil && fm.file != nil && !fm.file.current() {
			return false
		}
	}
	return true
}

// retain and release count who uses an entry; its files are closed with the
// last.
func (e *entry) retain() *entry {
	e.uses++
	return e
}

func (e *entry) release() {
	if e.uses--; e.uses > 0 {
		return
	}
	for _, fm := range e.forms {
		if fm != nil && fm.file != nil {
			fm.file.Release()
		}
	}
}
