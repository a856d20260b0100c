package static

import (
	"github.com/bobbin-http/bobbin/http"
)

// Options are the choices in serving files. The zero value serves.
type Options struct {
	Index    []string // served for a folder, the first that there is; index.html if empty
	Dotfiles bool     // serve names that begin with a dot; /.well-known/ always is
	Symlinks Symlinks // which are followed; those that stay inside the folder if 0
	Listing  bool     // show what is in a folder without an index

	// CleanURLs answers /about with about.html, where there is no file about.
	CleanURLs bool

	// Fallback is the file that is served, with status 200, to whoever wants a
	// page that is not there: for applications that do their own routing. A
	// missing script or picture is still missing.
	Fallback string

	// Missing answers in place of a 404, if it is not nil. It may call ServeAs,
	// which does not lead back here.
	Missing http.Handler

	// Private are paths of files that are never served and never listed, if they, or
	// links to them, lie in the folder: what configures the server. Of a folder all
	// files in it are meant.
	Private []string

	// Types are by extension, in lower case and without a dot; they go before
	// those that TypeByExtension knows.
	Types map[string]string

	// Fields returns more fields for the answer to a path, such as
	// Cache-Control. It is called when a file is read, not for each request,
	// and on another goroutine than the loop's.
	Fields func(path string) [][2]string

	// Encoders compress what is text, is not in the folder in compressed form
	// already, and is not larger than EncodeMax.
	Encoders  []Encoder
	EncodeMax int64 // bytes; 8 MiB if 0

	// Copy has large files read and written. They are sent by the kernel
	// otherwise, which costs less, but what is on its way then changes when
	// somebody overwrites the file or cuts it off, instead of putting another
	// in its place.
	Copy bool

	// Inject is put behind each page of HTML that is small enough for memory.
	Inject string

	Small  int64 // bytes; files up to here are kept in memory; 256 KiB if 0
	Memory int64 // bytes for all of those; 64 MiB if 0

	private privacy
}

// Symlinks says which symbolic links are followed.
type Symlinks uint8

const (
	LinksInside Symlinks = iota // those that lead to something in the folder
	NoLinks
	AllLinks
)

// fill puts the defaults where nothing was said.
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
	if o.EncodeMax == 0 {
		o.EncodeMax = 8 << 20
	}
}
