package static

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// An entry holds the answers for one path, made from one look at the disk. Entries
// belong to the loop.
type entry struct {
	path     string    // clean; the key in the cache
	checked  time.Time // when the disk was asked last
	checking bool      // a worker is asking it again

	fileID
	err              error       // the answer is this error, unless it is nil
	redirect         string      // or a redirect to this path, unless it is ""
	folder           string      // or a listing of this folder, unless it is ""
	listed           fs.FileInfo // see found
	contentType      string
	stored           coding                   // in which the file is stored
	kindTag          string                   // see kindTag
	special          bool                     // the answer is an error, a redirect, a listing or a compressed file
	decodable        bool                     // the file is compressed, and can be sent decompressed
	fields           [][2]string              // from Options.Fields
	modified         time.Time                // in whole seconds, and never in the future; zero for none
	representations  [codings]*representation // or one of these
	offers           offers                   // see Files.offered
	encoding         [codings]bool            // a worker is making that representation
	open             bool                     // one of them is an open file
	injected         bool                     // Options.Inject was appended
	recentlyModified bool                     // a further change might leave the modification time as it is

	bytes  int64  // of memory
	uses   int    // by the cache, and by answers that are being made
	visits uint64 // that found it in the cache
	passed uint64 // those of them until the cache's hand passed
	newer  *entry
	older  *entry
}

// A representation is a file in one coding (RFC 9110 section 3.2), with the header
// fields for it.
type representation struct {
	tag    string // the ETag is made of it and of the coding
	etag   string // without W/
	weak   bool   // the ETag is weak
	size   int64
	fields *http.Prepared // for every answer about it, 304 and 412 too
	whole  *http.Prepared // fields and body, if the file is in memory
	body   []byte         // the body in whole
	file   *openFile      // the file, if it is not in memory
}

// overhead is the memory of an entry without its answers and names. openFileCost
// is what an open file counts in the cache, so that descriptors are bounded, too:
// the default size allows 512 of them.
const (
	overhead     = 512
	openFileCost = 128 << 10
)

func newEntry(found *found, asked time.Time) *entry {
	e := &entry{
		path: found.path, checked: asked, fileID: found.fileID, uses: 1,
		err: found.err, redirect: found.redirect, folder: found.folder, listed: found.listed,
		contentType: found.contentType, stored: found.stored, fields: found.fields, injected: found.injected,
		bytes: overhead + int64(2*len(found.path)+len(found.name)),
	}
	e.special = e.err != nil || e.redirect != "" || e.folder != "" || e.stored != identity
	e.decodable = e.stored == gzip
	e.kindTag = kindTag(e.name, e.contentType)
	if e.info != nil {
		e.modified = lastModified(e.info, asked)
		e.recentlyModified = recentlyModified(e.info, asked)
	}
	if e.listed != nil && e.folder == "" {
		e.recentlyModified = recentlyModified(e.listed, asked)
	}
	if e.err != nil {
		if body := found.contents[identity].body; body != nil {
			e.representations[identity] = &representation{body: body, size: int64(len(body))}
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

// add adds the representation of a content.
func (e *entry) add(c coding, v *content) {
	rep := &representation{tag: v.tag, etag: etag(v.tag+e.kindTag, c), weak: v.weak, size: v.info.Size()}
	shown := rep.etag
	if rep.weak {
		shown = "W/" + shown
	}
	common := [][2]string{{"ETag", shown}}
	if !e.modified.IsZero() {
		common = append(common, [2]string{"Last-Modified", http.FormatDate(e.modified)})
	}
	if Compressible(e.contentType) || e.stored == gzip {
		common = append(common, [2]string{"Vary", "Accept-Encoding"})
	}
	common = append(common, e.fields...)
	if c != identity {
		common = append(common, [2]string{"Content-Encoding", c.String()})
	}
	var err error
	if rep.fields, err = http.Prepare(nil, common...); err != nil {
		e.fail(err) // by Options.Fields
		return
	}
	if v.file != nil {
		rep.file = newOpenFile(v, e.path)
		e.open = true
		e.bytes += openFileCost
	} else {
		rep.size = int64(len(v.body))
		rep.whole, err = http.Prepare(v.body, append(common, [2]string{"Accept-Ranges", "bytes"}, [2]string{"Content-Type", e.contentType})...)
		if err != nil {
			e.fail(err)
			return
		}
		rep.body = rep.whole.Body()
		e.bytes += int64(rep.whole.Size())
	}
	e.representations[c] = rep
	e.offers = 0
}

// fail makes an error the answer.
func (e *entry) fail(err error) {
	e.err, e.special = fmt.Errorf("static: %s: %w", e.path, err), true
}

// etag returns the entity tag of a coding (RFC 9110 section 8.8.3).
func etag(tag string, c coding) string {
	if c != identity {
		tag += "-" + c.String()
	}
	return `"` + tag + `"`
}

// current reports whether the open files of an entry are still the versions that
// were found. Nothing is asked about files in memory.
func (e *entry) current() bool {
	if !e.open {
		return true
	}
	for _, rep := range e.representations {
		if rep != nil && rep.file != nil && !rep.file.current() {
			return false
		}
	}
	return true
}

// retain and release count the uses of an entry. Its files are closed after the
// last.
func (e *entry) retain() *entry {
	e.uses++
	return e
}

func (e *entry) release() {
	if e.uses--; e.uses > 0 {
		return
	}
	for _, rep := range e.representations {
		if rep != nil && rep.file != nil {
			rep.file.Release()
		}
	}
}
