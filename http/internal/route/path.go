// Package route decides which pattern matches a request, and what a path means. It is
// pure: it knows no handler, no connection and no clock.
package route

import (
	"bytes"
	"slices"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// This file decides the meaning of a path for the router, for groups and their
// middleware, for rules and for files, so that all of them see the same path:
//
//   - Escapes are decoded once, and dots are removed after that: "%2e%2e" is ".."
//     (RFC 3986 section 6.2.2.2).
//   - An escaped slash cuts a path for files and rules. For the router it does not: it is
//     part of the value of {id}. http.Router explains the difference.
//   - A backslash is part of a name, escaped or not.
//   - So is an escaped control character, because a file's name may have it. NUL is not: it
//     would end the name for the kernel.

// The longest path and segment, decoded. Linux has names of 255 bytes; 255 characters, as
// on macOS and NTFS, are up to 1,020 bytes.
const (
	maxPath    = 4096
	maxSegment = 1023
)

// Why a path is refused.
var (
	BadEscape  = &h1.Refusal{Status: 400, Reason: "a percent sign in the path without two hexadecimal digits"} // RFC 3986 section 2.1
	errNUL     = &h1.Refusal{Status: 400, Reason: "a NUL in the path"}                                         // RFC 3986 section 7.3
	NoSuchPath = &h1.Refusal{Status: 404, Reason: ""}                                                          // no hint for a client that tries to leave the root
)

// CleanPath returns the decoded path without empty segments and dots, in the memory of
// dst, or raw itself if that is clean; http.CleanPath says more.
func CleanPath(dst, raw []byte) (path []byte, why *h1.Refusal) {
	if isClean(raw) {
		return raw, nil
	}
	if len(raw) == 0 {
		return append(dst[:0], '/'), nil // "http://host" (RFC 9110 section 4.2.3)
	}
	if path, why = decodePath(dst[:0], raw); why != nil {
		return nil, why
	}
	if path[0] != '/' || len(path) > maxPath {
		return nil, NoSuchPath
	}
	return removeDots(path)
}

// isClean reports whether CleanPath would return a path as it is. It may return false for
// such a path as well.
func isClean(raw []byte) bool {
	if len(raw) == 0 || len(raw) > maxPath || raw[0] != '/' {
		return false
	}
	from := 1 // where a segment begins
	for i := 1; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '/':
			if i == from {
				return false
			}
			from = i + 1
		case c == '.' && i == from:
			return false
		case c < ' ' || c == 0x7f || c == '%' || i-from >= maxSegment:
			return false
		}
	}
	return true
}

// decodePath appends the decoded path to dst.
func decodePath(dst, raw []byte) ([]byte, *h1.Refusal) {
	dst = slices.Grow(dst, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if !h1.EscapeAt(raw, i) {
				return nil, BadEscape
			}
			c = h1.Unescape(raw, i)
			i += 2
		}
		if c == 0 {
			return nil, errNUL
		}
		dst = append(dst, c)
	}
	return dst, nil
}

// removeDots cleans a decoded path in place: path[:n] is clean, and ends with "/" while
// there are more segments.
func removeDots(path []byte) ([]byte, *h1.Refusal) {
	n := 1
	for from := 1; from <= len(path); {
		to := len(path)
		if i := bytes.IndexByte(path[from:], '/'); i >= 0 {
			to = from + i
		}
		segment := path[from:to]
		switch {
		case len(segment) == 0 || string(segment) == ".":
		case string(segment) == "..":
			if n == 1 {
				return nil, NoSuchPath
			}
			n = bytes.LastIndexByte(path[:n-1], '/') + 1
		case len(segment) > maxSegment:
			return nil, NoSuchPath
		default:
			n += copy(path[n:], segment)
			if to < len(path) {
				path[n] = '/'
				n++
			}
		}
		from = to + 1
	}
	return path[:n], nil
}

// IsTidy reports whether no segment of a path is empty, except the last, and none is
// dots, escaped or not.
func IsTidy(path []byte) bool {
	for i := 1; i < len(path); i++ {
		// Three bytes below "0" matter: / % and the dot.
		if path[i] < '0' && path[i-1] == '/' && (path[i] == '/' || dots(path[i:]) > 0) {
			return false
		}
	}
	return true
}

// dots returns 1 or 2 if p begins with a segment of one or two dots, escaped or not, and
// 0 otherwise.
func dots(p []byte) int {
	n := 0
	for i := 0; n < 3 && i < len(p) && p[i] != '/'; n++ {
		switch {
		case p[i] == '.':
			i++
		case h1.EscapeAt(p, i) && h1.Unescape(p, i) == '.':
			i += 3
		default:
			return 0
		}
	}
	if n > 2 {
		return 0
	}
	return n
}

// Tidied returns a path without empty segments and dots, in the memory of dst. It ends
// with a slash if its last segment was empty or dots, as a clean path does (RFC 3986
// section 5.2.4). Other escapes stay. Dots never lead above the root, and beyond reports
// whether they tried.
func Tidied(dst, path []byte) (clean []byte, beyond bool) {
	clean = append(slices.Grow(dst[:0], len(path)+1), '/')
	for rest, more := path[1:], true; more; {
		var segment []byte
		segment, rest, more = bytes.Cut(rest, slash)
		switch n := dots(segment); {
		case len(segment) == 0 || n == 1:
		case n == 2 && len(clean) == 1:
			beyond = true
		case n == 2:
			above := clean[:len(clean)-1]
			clean = clean[:bytes.LastIndexByte(above, '/')+1]
		default:
			clean = append(clean, segment...)
			if more {
				clean = append(clean, '/')
			}
		}
	}
	return clean, beyond
}

// escapedSlash returns the offset of the first escaped slash in a path, or -1.
func escapedSlash(path []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(path[from:], '%')
		if i < 0 {
			return -1
		}
		if from += i; h1.EscapeAt(path, from) && h1.Unescape(path, from) == '/' {
			return from
		}
		from++
	}
}

// unescapeSlashes appends a path to dst, with slashes in place of the escaped ones from
// an offset on.
func unescapeSlashes(dst, path []byte, from int) []byte {
	dst, path = append(dst, path[:from]...), path[from:]
	for i := escapedSlash(path); i >= 0; i = escapedSlash(path) {
		dst = append(append(dst, path[:i]...), '/')
		path = path[i+len("%2F"):]
	}
	return append(dst, path...)
}

// EscapeURI appends a URI or a part of one to dst, with escapes for all bytes that no URI has
// (RFC 3986 section 2). Escapes that it has stay.
func EscapeURI[T string | []byte](dst []byte, uri T) []byte {
	for i := range len(uri) {
		dst = appendURIByte(dst, uri[i], uriChars[uri[i]])
	}
	return dst
}

// uriChars are the characters of a URI, escapes included.
var uriChars = func() [256]bool {
	set := h1.NameChars
	for _, c := range []byte(":/?#[]@%") {
		set[c] = true
	}
	return set
}()

// appendURIByte appends a byte as it is, or escaped.
func appendURIByte(dst []byte, c byte, plain bool) []byte {
	const digits = "0123456789ABCDEF"
	if plain {
		return append(dst, c)
	}
	return append(dst, '%', digits[c>>4], digits[c&0xf])
}

// EscapePath appends a decoded path to dst, with escapes for all bytes but pchars and
// slashes (RFC 3986 section 3.3). A ":" is allowed only behind a slash, so the path should
// begin with one.
func EscapePath(dst []byte, path string) []byte {
	for _, c := range []byte(path) {
		dst = appendURIByte(dst, c, h1.NameChars[c] || c == '/' || c == ':' || c == '@')
	}
	return dst
}

var slash = []byte("/")
