package static

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http"
)

// The name of a file is any bytes without a slash and NUL. It may end a line, reverse
// the text around it so that it seems to end in another extension, or be no UTF-8. A
// list shows such bytes as escapes, and links each name by a reference that leads to it
// whatever its bytes are.

// reference returns the relative reference from a folder to an entry in it (RFC 3986
// section 4.2). "./" keeps a name with a colon from being taken for a scheme.
func (e *listEntry) reference() string {
	p := http.EscapePath([]byte("./"), e.name)
	if e.folder {
		p = append(p, '/')
	}
	return string(p)
}

// served reports whether the path of an entry in the folder at path is one that files
// are served by: it may be too long.
func (e *listEntry) served(path string) bool {
	_, err := http.CleanPath(nil, http.EscapePath(nil, path+e.name))
	return err == nil
}

// isolated returns a name as HTML that has no effect on the direction of the text around
// it, with its escapes marked.
func isolated(name string) string {
	return "<bdi>" + escaped(name, html.EscapeString, func(escape string) string { return "<i>" + escape + "</i>" }) + "</bdi>"
}

// readable returns a name as plain text, for the title of a page.
func readable(name string) string {
	same := func(s string) string { return s }
	return escaped(name, same, same)
}

// escaped returns a name in which bytes that are no UTF-8 and invisible characters are
// written as escapes of Go.
func escaped(name string, text, escape func(string) string) string {
	var b strings.Builder
	from := 0 // where text begins that is not written yet
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		e := ""
		switch {
		case r == utf8.RuneError && size == 1:
			e = fmt.Sprintf(`\x%02x`, name[i])
		case isInvisible(r):
			e = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if e != "" {
			b.WriteString(text(name[from:i]))
			b.WriteString(escape(e))
			from = i + size
		}
		i += size
	}
	b.WriteString(text(name[from:]))
	return b.String()
}

// joining are invisible characters that languages and emoji need within a word, and the
// marks of direction, which change no order outside of an isolated name.
var joining = []rune{'\u061c', '\u200c', '\u200d', '\u200e', '\u200f'}

// isInvisible reports whether a character is shown as an escape: a control, an override
// of the direction, a line's end, or one without a width.
func isInvisible(r rune) bool {
	if ' ' <= r && r < 0x7f {
		return false
	}
	const firstTag, lastTag = 0xe0020, 0xe007f // the end of a flag such as that of Wales
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !slices.Contains(joining, r) && (r < firstTag || r > lastTag)
}
