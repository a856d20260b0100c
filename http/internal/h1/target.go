package h1

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// Targets (RFC 9112 section 3.2), and the hosts in them and in the Host field (RFC 3986
// section 3.2). Nothing is repaired: a target that needs repair is refused.

// targetForm is one of the four shapes of RFC 9112 section 3.2.
type targetForm uint8

const (
	originForm    targetForm = iota // /path?query
	absoluteForm                    // http://host/path?query
	authorityForm                   // host:port, for CONNECT
	AsteriskForm                    // *, for OPTIONS
)

// Why a target is refused.
var (
	errNoTarget   = &Refusal{400, "one space, a target and one space stand between method and version"} // RFC 9112 section 3
	errTarget     = &Refusal{400, "the target holds a control character"}                               // RFC 9112 section 3.2
	errFragment   = &Refusal{400, "the target has a fragment"}                                          // RFC 9110 section 7.1
	errTargetForm = &Refusal{400, "the target is neither a path nor an http or https URI"}              // RFC 9112 section 3.2
	errAsterisk   = &Refusal{400, "the target * is for OPTIONS"}                                        // RFC 9112 section 3.2.4
	errConnect    = &Refusal{400, "the target of CONNECT is a host and a port"}                         // RFC 9112 section 3.2.3
	errAuthority  = &Refusal{400, "the host in the target is not valid"}                                // RFC 9110 section 4.2
)

// readOtherTarget reads a target and the space behind it, of which the first byte that is not a
// visible character of ASCII is at p[i].
func (h *Head) readOtherTarget(p []byte, from, i int) (int, *Refusal) {
	switch {
	case i == len(p):
		return i, NeedMore
	case p[i] > 0x7f:
		h.Plain = false
		return h.readRawTarget(p, from, i)
	case p[i] != ' ' && p[i] != '\r' && p[i] != '\n':
		return i, errTarget
	case i == from:
		return i, errNoTarget
	}
	return i, ErrVersion // HTTP/0.9 had none
}

// readRawTarget goes on with a target that has a byte above ASCII at p[i]. It should have
// been escaped, but browsers, curl and net/http's client send what was typed, and every
// server takes it (RFC 3986 section 2.5 says how it is meant). The byte stands for itself,
// in a path or a query; a host has none.
func (h *Head) readRawTarget(p []byte, from, i int) (int, *Refusal) {
	for i < len(p) && p[i] > ' ' && p[i] != 0x7f {
		i++
	}
	switch {
	case i == len(p):
		return i, NeedMore
	case p[i] == '\r' || p[i] == '\n':
		return i, ErrVersion
	case p[i] != ' ':
		return i, errTarget
	}
	h.Target = Between(from, i)
	return i + 1, nil
}

// endOfTarget returns the place of the first byte, from i on, that is not a visible
// character of ASCII. It reads eight bytes at once: the lowest bit of m that is set
// marks the first such byte; higher ones may be wrong, because subtraction borrows and
// addition carries.
//
// If plain is true, there is no "#", "%" or "?" before that place, and later steps need
// not search for them. If it is false, there may still be none.
func endOfTarget(p []byte, i int) (end int, plain bool) {
	var marks uint64
	for ; uint(i)+8 <= uint(len(p)); i += 8 {
		x := binary.LittleEndian.Uint64(p[i : i+8])
		m := ((x - 0x21*ones) | x | (x + ones)) & (0x80 * ones)
		hash, percent, question := x^'#'*ones, x^'%'*ones, x^'?'*ones
		s := ((hash-ones)&^hash | (percent-ones)&^percent | (question-ones)&^question) & (0x80 * ones)
		if m != 0 {
			// Below the lowest bit of m, those of s that count.
			return i + bits.TrailingZeros64(m)>>3, (marks | s&(m&-m-1)) == 0
		}
		marks |= s
	}
	for i < len(p) && p[i] > ' ' && p[i] < 0x7f {
		i++
	}
	return i, false
}

// resolveTarget finds the form of the target, and its parts. The method matters: only
// CONNECT has a target without a path, as "a:80".
func (h *Head) resolveTarget(p []byte) *Refusal {
	t := h.Target.Of(p)
	from := int(h.Target.From)
	switch {
	case bytes.IndexByte(t, '#') >= 0:
		return errFragment
	case h.Method == MethodConnect:
		h.Form, h.Host = authorityForm, h.Target
		if !validAuthority(t) || !hasPort(t) {
			return errConnect
		}
	case t[0] == '/':
		h.splitTarget(t, from)
	case len(t) == 1 && t[0] == '*':
		h.Form = AsteriskForm
		if h.Method != MethodOptions {
			return errAsterisk
		}
	default:
		n := schemeLength(t)
		if n == 0 {
			return errTargetForm
		}
		h.Form = absoluteForm
		size := bytes.IndexAny(t[n:], "/?")
		if size < 0 {
			size = len(t) - n
		}
		if !validAuthority(t[n : n+size]) {
			return errAuthority
		}
		h.Host = Between(from+n, from+n+size)
		h.splitTarget(t[n+size:], from+n+size)
	}
	return nil
}

// splitTarget finds the path and the query in t, which begins at from. A second question
// mark is part of the query.
func (h *Head) splitTarget(t []byte, from int) {
	to := from + len(t)
	if n := bytes.IndexByte(t, '?'); n >= 0 {
		h.Path = Between(from, from+n)
		h.Query = Between(from+n+1, to)
		h.HasQuery = true
		return
	}
	h.Path = Between(from, to)
}

// schemeLength returns the length of "http://" or "https://" at the beginning of t, or 0.
// Schemes have no case (RFC 3986 section 3.1).
func schemeLength(t []byte) int {
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(t) >= len(scheme) && negotiate.SameFold(t[:len(scheme)], scheme) {
			return len(scheme)
		}
	}
	return 0
}

// validAuthority reports whether p is a host that is not empty, with or without a port,
// which may be empty. A user before the host is refused as well (RFC 9110 section
// 4.2.4).
func validAuthority(p []byte) bool {
	n := HostLength(p)
	return n > 0 && (n == len(p) || p[n] == ':' && validPort(p[n+1:]))
}

// hasPort reports whether a valid authority ends with a port that is not empty.
func hasPort(p []byte) bool {
	return isDigit(p[len(p)-1]) && bytes.IndexByte(p[HostLength(p):], ':') == 0
}

// validPort reports whether p is a number that a port can have, or empty.
func validPort(p []byte) bool {
	port := uint(0)
	for _, c := range p {
		d := uint(c - '0')
		if port = port*10 + d; d > 9 || port > 65535 {
			return false
		}
	}
	return true
}

// HostLength returns the length of the host at the beginning of p (RFC 3986 section
// 3.2.2), or -1 if there is none. An IPv4 address is also a name, and needs no code.
func HostLength(p []byte) int {
	if len(p) > 0 && p[0] == '[' {
		n := bytes.IndexByte(p, ']')
		if n < 0 || !validIPv6(p[1:n]) && !validIPvFuture(p[1:n]) {
			return -1
		}
		return n + 1
	}
	for i := 0; ; i += 3 {
		i = skip(p, i, &NameChars)
		switch {
		case i == len(p) || p[i] == ':':
			return i
		case !EscapeAt(p, i):
			return -1
		}
	}
}

// validIPv6 reports whether p is an address of eight groups. "::" may replace one run of
// groups, and the last two may be written as an IPv4 address.
func validIPv6(p []byte) bool {
	before, after, gap := bytes.Cut(p, doubleColon)
	if !gap {
		return countGroups(p, true) == 8
	}
	n, m := countGroups(before, false), countGroups(after, true)
	return n >= 0 && m >= 0 && n+m < 8
}

var colon, doubleColon = []byte(":"), []byte("::")

// countGroups returns the number of groups in p, which has a colon between two, or -1 if
// it is malformed. An IPv4 address may be the last, if p is the end of the whole.
func countGroups(p []byte, isEnd bool) (n int) {
	for more := len(p) > 0; more; {
		var group []byte
		group, p, more = bytes.Cut(p, colon)
		switch {
		case len(group) > 0 && len(group) <= 4 && allHex(group):
			n++
		case isEnd && !more && validIPv4(group):
			n += 2
		default:
			return -1
		}
	}
	return n
}

// allHex reports whether p has only hexadecimal digits.
func allHex(p []byte) bool {
	for _, c := range p {
		if !isHex(c) {
			return false
		}
	}
	return true
}

// validIPv4 reports whether p is four numbers of one byte, without leading
// zeros.
func validIPv4(p []byte) bool {
	for n := 1; ; n++ {
		i, v := 0, 0
		for i < len(p) && i < 4 && isDigit(p[i]) {
			v = v*10 + int(p[i]-'0')
			i++
		}
		if i == 0 || v > 255 || i > 1 && p[0] == '0' {
			return false
		}
		if n == 4 || i == len(p) {
			return n == 4 && i == len(p)
		}
		if p[i] != '.' {
			return false
		}
		p = p[i+1:]
	}
}

// validIPvFuture reports whether p has the shape that is reserved for future kinds of
// addresses: "v1.anything".
func validIPvFuture(p []byte) bool {
	dot := bytes.IndexByte(p, '.')
	if dot < 2 || p[0]|0x20 != 'v' || dot+1 == len(p) {
		return false
	}
	if !allHex(p[1:dot]) {
		return false
	}
	for _, c := range p[dot+1:] {
		if c != ':' && !NameChars[c] {
			return false
		}
	}
	return true
}
