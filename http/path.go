package http

import "bytes"

// Paths are decoded once, and then mean what they say: what an escape stands
// for is never decoded again, and never divides a path.

// What a path may get wrong.
var (
	errBadEscape   = &refusal{StatusBadRequest, "the path has an escape that is not %XX"} // RFC 3986, 2.1
	errPathControl = &refusal{StatusBadRequest, "the path has a control character"}
	errNoSuchPath  = &refusal{StatusNotFound, "no such path"}
)

// The longest path and the longest of its segments that can name a file
// anywhere.
const (
	maxPath    = 4096
	maxSegment = 255
)

// decodable reports whether every escape is one.
func decodable(p []byte) bool {
	for {
		at := bytes.IndexByte(p, '%')
		if at < 0 {
			return true
		}
		if at+2 >= len(p) || hexValue(p[at+1]) < 0 || hexValue(p[at+2]) < 0 {
			return false
		}
		p = p[at+3:]
	}
}

// decode appends p to dst with its escapes decoded; they must be proper ones. A
// plus sign is a plus sign.
func decode(dst, p []byte) []byte {
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '%' {
			c = byte(hexValue(p[i+1])<<4 | hexValue(p[i+2]))
			i += 2
		}
		dst = append(dst, c)
	}
	return dst
}

// CleanPath appends to dst the path that raw, the path of a target, names: with
// escapes decoded, without empty segments and without "." and "..". It begins
// with a slash, and ends with one if raw names a folder. The error is a status:
// 400 for what cannot be decoded, 404 for what leads out of the root, and for
// what no file can be called.
func CleanPath(dst, raw []byte) ([]byte, error) {
	if !decodable(raw) {
		return dst, errBadEscape
	}
	root := len(dst)
	dst = append(dst, '/')
	folder := true // raw ended with a slash, so far
	for len(raw) > 0 {
		segment := raw
		if at := bytes.IndexByte(raw, '/'); at >= 0 {
			segment, raw = raw[:at], raw[at+1:]
			folder = true
		} else {
			raw = nil
			folder = len(segment) == 0
		}
		if len(segment) == 0 {
			continue
		}
		from := len(dst)
		dst = decode(dst, segment)
		switch name := dst[from:]; {
		case string(name) == ".":
			dst, folder = dst[:from], true
		case string(name) == "..":
			if from == root+1 {
				return dst[:root], errNoSuchPath
			}
			dst = dst[:from-1]
			dst = dst[:bytes.LastIndexByte(dst, '/')+1]
			folder = true
		default:
			if why := misnamed(name); why != nil {
				return dst[:root], why
			}
			dst = append(dst, '/')
		}
	}
	if !folder && len(dst) > root+1 {
		dst = dst[:len(dst)-1]
	}
	if len(dst)-root > maxPath {
		return dst[:root], errNoSuchPath
	}
	return dst, nil
}

// misnamed returns why a decoded segment can name nothing. A slash can only
// come from an escape here; a backslash divides paths elsewhere.
func misnamed(name []byte) error {
	if len(name) > maxSegment {
		return errNoSuchPath
	}
	for _, c := range name {
		if c < 0x20 || c == 0x7f {
			return errPathControl
		}
		if c == '/' || c == '\\' {
			return errNoSuchPath
		}
	}
	return nil
}

// EscapePath appends a path to dst as a target has it: everything but letters,
// digits and a few marks as escapes.
func EscapePath(dst []byte, path string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', isDigit(c), bytes.IndexByte([]byte("/-._~!$&'()*+,;=:@"), c) >= 0:
			dst = append(dst, c)
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
