package static

import (
	"archive/tar"
	"archive/zip"
	"io"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"
)

// The formats of archives.

// An archiveFormat makes archives of one kind.
type archiveFormat struct {
	name      string // in the query, and behind the dot of the file's name
	mediaType string
	open      func(w io.Writer) archiveWriter
}

var archiveFormats = []archiveFormat{
	{"zip", "application/zip", func(w io.Writer) archiveWriter { return zipWriter{zip.NewWriter(w)} }},
	{"tar", "application/x-tar", func(w io.Writer) archiveWriter { return tarWriter{tar.NewWriter(w)} }},
}

// An archiveWriter writes one archive.
type archiveWriter interface {
	// next begins a file of so many bytes, which are written to the result, or adds a
	// folder, whose name ends with a slash.
	next(name string, e *archiveEntry, size int64) (io.Writer, error)

	// padded returns how many bytes a file of this size adds to the archive, beside those
	// of an empty one.
	padded(size int64) int64

	io.Closer // writes the end
}

// An archive has these modes, and not those of the disk, which are about users of the server.
// Only that a file can be executed is kept.
const (
	fileMode    fs.FileMode = 0o644
	programMode fs.FileMode = 0o755
)

func (e *archiveEntry) archiveMode() fs.FileMode {
	switch {
	case e.folder:
		return programMode | fs.ModeDir
	case e.mode&0o100 != 0:
		return programMode
	}
	return fileMode
}

// inArchive returns the name of the entry below the folder that is archived. A backslash is
// escaped, because Windows takes it for a slash: "..\up" would lead out of the folder.
func (e *archiveEntry) inArchive() string {
	name := strings.ReplaceAll(e.name, `\`, "%5C")
	if e.folder && name != "" {
		name += "/"
	}
	return name
}

// A zipWriter stores files as they are. Most of what is large is compressed already, and
// compressing the rest would cost seconds of the processor for each request; and the length of
// the archive would not be known.
type zipWriter struct{ *zip.Writer }

func (z zipWriter) next(name string, e *archiveEntry, _ int64) (io.Writer, error) {
	h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: zipTime(e.modified)}
	h.SetMode(e.archiveMode())
	return z.CreateHeader(h)
}

func (zipWriter) padded(size int64) int64 { return size }

// The times that a zip can have: those of DOS, and of 32 bits since 1970.
var (
	firstZipTime = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)
	lastZipTime  = time.Unix(1<<31-1, 0).UTC()
)

// zipTime returns the nearest time that a zip can have.
func zipTime(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Before(firstZipTime):
		return firstZipTime
	case t.After(lastZipTime):
		return lastZipTime
	}
	return t
}

// A tarWriter writes tar as POSIX.1-2001 has it (PAX) where a name needs that.
type tarWriter struct{ *tar.Writer }

func (t tarWriter) next(name string, e *archiveEntry, size int64) (io.Writer, error) {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(e.archiveMode().Perm()), ModTime: e.modified.Truncate(time.Second)}
	if e.folder {
		h.Typeflag, h.Size = tar.TypeDir, 0
	}
	if h.ModTime.Unix() < 0 {
		h.ModTime = time.Unix(0, 0) // no time is known, or none that is meant
	}
	return t.Writer, t.WriteHeader(h)
}

func (tarWriter) padded(size int64) int64 { return (size + 511) &^ 511 }

// attachment returns the value of Content-Disposition that has a file saved by a name (RFC
// 6266, RFC 8187).
func attachment(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf || r == '%' {
			return '_'
		}
		return r
	}, name)
	value := `attachment; filename="` + plain + `"`
	if plain == name {
		return value
	}
	b := []byte(value + "; filename*=UTF-8''")
	for i := range len(name) {
		const digits = "0123456789ABCDEF"
		switch c := name[i]; {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

// portable returns a name with an underscore in place of what a name cannot have on every
// system, or in a header: slashes, quotes, controls, bytes that are not UTF-8.
func portable(name string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || isInvisible(r) || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
}
