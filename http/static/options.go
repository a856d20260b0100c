package static

import (
	"log/slog"

	"github.com/bobbin-http/bobbin/http"
)

// Options are the choices in serving files. The zero value serves.
type Options struct {
	Index    []string // names of a folder's index, the first that exists; index.html if empty
	Dotfiles bool     // serve names that begin with a dot; /.well-known/ is always served
	Symlinks Symlinks // which links are followed; those that stay inside the folder if 0
	Listing  bool     // list a folder that has no index

	// Archive has folders that are listed downloaded as one file, unless it is nil.
	Archive *Archives

	// Uploads has listings link to "?upload". A handler around the Files answers there, with a
	// form that sends files to the folder.
	Uploads bool

	// Readme, unless it is nil, returns HTML that a listing has below its names, made of the
	// README.md, README.txt or README of the folder, in letters of either case: the first of these
	// that is served and has at most 32 KiB. It is called on a worker, with the file's name and
	// content, and returns nil for nothing. The page may show pictures of the site, and runs
	// no script that the HTML has.
	Readme func(name string, text []byte) (html []byte)

	// Prefix is the path below which the files are, such as "/assets" for a handler of
	// the pattern "/assets/". Paths of requests, of Fields and of ServeAs have it.
	Prefix string

	// CleanURLs answers /about with about.html if there is no file about, and no folder
	// about that has an index.
	CleanURLs bool

	// Fallback is the file that is served with status 200 in place of a page that
	// does not exist, for applications that route in the browser, if the client
	// navigates or accepts HTML. A script or a picture that does not exist is still
	// answered with 404. Both answers have a Vary.
	Fallback string

	// Missing answers in place of a 404, unless it is nil. It goes before Fallback, and
	// leaves the answer to that and to the folder's 404.html by returning
	// http.StatusNotFound. It may call ServeAs, which never calls Missing.
	Missing http.Handler

	// Private are paths of files that configure the server. They, their compressed
	// copies, and links to them, are never served and never listed. A folder stands
	// for all that is in it.
	Private []string

	// Types maps extensions, in lower case and without a dot, to media types, which
	// are sent as they are. It goes before TypeByExtension.
	Types map[string]string

	// Fields returns more fields for the answer to a path, such as
	// Cache-Control. A Content-Type among them goes before the type by the
	// extension. A Content-Encoding (br, zstd or gzip) says that the file is stored
	// compressed, and "identity" that it is not. Fields is called on a worker when a
	// file is compared with the disk, not for each request.
	Fields func(path string) [][2]string

	// Encoders compress text of at most EncodeMax bytes that has no compressed
	// sibling in the folder.
	Encoders  []Encoder
	EncodeMax int64 // bytes; 8 MiB if 0

	// Copy has large files read into memory and written, a part at a time. Without
	// it the kernel sends them, which costs less; but then a file that is
	// overwritten in place, or truncated, changes bytes that are on their way.
	Copy bool

	// Inject is appended to each page of HTML of at most Small bytes that is neither
	// in UTF-16 nor stored compressed.
	Inject string

	// MayInject, unless it is nil, decides whether a page gets Inject, given its path,
	// the Fields for it, and its content; nil for a page above Small. It is called on a
	// worker when a page is read.
	MayInject func(path string, fields [][2]string, page []byte) bool

	Small  int64 // bytes of the largest file that is kept in memory; 256 KiB if 0
	Memory int64 // bytes for all files in memory; 64 MiB if 0

	// Log has the lines for an operator, such as one for each compressed sibling that
	// is not sent because it is older than its file. Workers write them. It is
	// slog.Default() if nil.
	Log *slog.Logger

	private  privacy
	outdated *outdatedLog
}

// Symlinks says which symbolic links are followed.
type Symlinks uint8

const (
	LinksInside Symlinks = iota // links that stay inside the folder
	NoLinks
	AllLinks
)

// fill replaces zero values by the defaults.
func (o *Options) fill() {
	if len(o.Index) == 0 {
		o.Index = []string{"index.html"}
	}
	if o.Small == 0 {
		o.Small = 256 << 10
	}
	if o.Memory == 0 {
		o.Memory = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.outdated = &outdatedLog{}
	if o.EncodeMax == 0 {
		o.EncodeMax = 8 << 20
	}
}
