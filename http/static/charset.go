package static

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// The charset parameter of a Content-Type overrules a declaration inside the file,
// so it is sent only if it is true. This file decides that by what the file begins
// with, on a worker; the result stays in the entry.
//
//   - A byte order mark overrules all else, also in browsers.
//   - A declaration in HTML or CSS is followed: UTF-8 is repeated in the parameter, and
//     for anything else there is none, so that browsers read the declaration.
//   - Without either, text that is valid UTF-8, or nearly, is that. Other text has no
//     parameter: browsers and scripts then use the encoding of the page around it, or
//     guess.
//
// XML and its kinds have no parameter at all (the table of types has none), because
// every parser of XML reads the declaration, and assumes UTF-8 without one (RFC 7303).

const (
	// headSize is how much of a large file decides its charset.
	headSize = 64 << 10

	// prescanSize is how much of a page is searched for a declaration. The standard
	// asks for 1024 bytes; browsers look at the whole head of a page.
	prescanSize = 16 << 10
)

// utf8Parameter is in the types of text in the table, and is replaced if it is not true.
const utf8Parameter = "; charset=utf-8"

// withCharset returns a type of the table with the charset parameter that holds for a
// file. Head is the beginning of the file, or all of it.
func withCharset(contentType string, head []byte) string {
	bare, ok := strings.CutSuffix(contentType, utf8Parameter)
	if !ok {
		return contentType
	}
	switch label := charsetOf(bare, head); {
	case label == "":
		return bare
	case label == "utf-8":
		return contentType
	case isJSON(bare):
		return bare // JSON is UTF-8, or wrong (RFC 8259 section 8.1)
	default:
		return bare + "; charset=" + label
	}
}

// isJSON reports whether a type is JSON.
func isJSON(bare string) bool { return bare == "application/json" || strings.HasSuffix(bare, "+json") }

// takesMore reports whether text in ASCII may be appended to a file of a type: a page, and
// not in UTF-16.
func takesMore(contentType string) bool {
	return strings.HasPrefix(contentType, "text/html") && !strings.Contains(contentType, "utf-16")
}

// charsetOf returns the charset of a text, in lower case, or "" if the text declares
// another than UTF-8, or it is not known.
func charsetOf(bare string, head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return "utf-8"
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")):
		return "" // UTF-32, which no browser reads
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16" // with the order of the mark (RFC 2781 section 3.3)
	}
	declared := ""
	switch bare {
	case "text/html":
		if label := wide(head); label != "" {
			return label
		}
		declared = prescan(head[:min(len(head), prescanSize)])
	case "text/css":
		declared = styleCharset(head)
	}
	switch {
	case declared == "utf-8":
		return declared
	case declared != "" || !isUTF8(head):
		return ""
	}
	return "utf-8"
}

// wide recognises a page in UTF-16 without a byte order mark: its first character is
// "<". Browsers do not find out by themselves.
func wide(head []byte) string {
	switch {
	case len(head) < 4:
		return ""
	case head[0] == '<' && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return "utf-16le"
	case head[0] == 0 && head[1] == '<' && head[2] == 0 && head[3] != 0:
		return "utf-16be"
	}
	return ""
}

// styleCharset returns the encoding that a style sheet declares (CSS Syntax section
// 3.2): its first bytes are exactly these, within the first 1024.
func styleCharset(head []byte) string {
	rest, ok := bytes.CutPrefix(head[:min(len(head), 1024)], []byte(`@charset "`))
	if !ok {
		return ""
	}
	label, _, ok := bytes.Cut(rest, []byte(`";`))
	if !ok || bytes.IndexByte(label, '"') >= 0 {
		return ""
	}
	return declaredEncoding(string(label))
}

// strayAtMost is the share of broken characters, among all beyond ASCII, in text that is
// taken for UTF-8: one in so many. Other charsets have few sequences that are valid UTF-8,
// and a single broken byte, as in a log, should not change the meaning of all others.
const strayAtMost = 20

// isUTF8 reports whether text is UTF-8, as nearly all of its characters say. The text may
// end inside a character, if it is only the head of a file.
func isUTF8(head []byte) bool {
	if utf8.Valid(head) {
		return true
	}
	beyond, stray := 0, 0
	for p := head; len(p) > 0; {
		if p[0] < utf8.RuneSelf {
			p = p[1:]
			continue
		}
		r, n := utf8.DecodeRune(p)
		beyond++
		if r == utf8.RuneError && n == 1 {
			if len(head) == headSize && !utf8.FullRune(p) {
				break
			}
			stray++
		}
		p = p[n:]
	}
	return stray*strayAtMost <= beyond
}

// head returns the beginning of a file that was loaded: all of it if it is in memory.
func (v *content) head() []byte {
	if v.file == nil {
		return v.body
	}
	return headOf(v.file)
}

// headOf returns the first bytes of an open file. Those that cannot be read are no
// reason to fail: the file is sent from later.
func headOf(f io.ReaderAt) []byte {
	p := make([]byte, headSize)
	n, err := f.ReadAt(p, 0)
	if err != nil && err != io.EOF {
		return nil
	}
	return p[:n]
}
