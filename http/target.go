package http

import "bytes"

// targetForm is one of the four forms of RFC 9112 section 3.2.
type targetForm uint8

const (
	originForm    targetForm = iota // /path?query
	absoluteForm                    // http://host/path?query
	authorityForm                   // host:port, for CONNECT
	asteriskForm                    // *, for OPTIONS
)

// parseTarget finds the pieces of the target.
func (h *head) parseTarget(p []byte) *refusal {
	t := h.target.of(p)
	if bytes.IndexByte(t, '#') >= 0 {
		return errFragment
	}
	switch {
	case h.method == methodConnect:
		h.form = authorityForm
		h.host = h.target
		if !isAuthority(t) || t[len(t)-1] == ':' || bytes.IndexByte(t, ':') < 0 {
			return errAuthority
		}
		return nil
	case t[0] == '/':
		h.form = originForm
		h.pathAndQuery(p, int(h.target.from))
		return nil
	case len(t) == 1 && t[0] == '*':
		if h.method != methodOptions {
			return errTargetForm
		}
		h.form = asteriskForm
		return nil
	}
	return h.absoluteTarget(p, t)
}

// absoluteTarget reads "http://host/path". The scheme says nothing more: it is
// what was spoken to reach a proxy.
func (h *head) absoluteTarget(p, t []byte) *refusal {
	at := bytes.Index(t, []byte("://"))
	if at < 0 || !sameFold(t[:at], "http") && !sameFold(t[:at], "https") {
		return errTargetForm
	}
	h.form = absoluteForm
	authority := t[at+3:]
	if end := bytes.IndexAny(authority, "/?"); end >= 0 {
		authority = authority[:end]
	}
	if len(authority) == 0 || authority[0] == ':' || !isAuthority(authority) {
		return errAuthority
	}
	from := int(h.target.from) + at + 3
	h.host = spanOf(from, from+len(authority))
	h.pathAndQuery(p, from+len(authority))
	return nil
}

// pathAndQuery divides the rest of a target at the first question mark.
func (h *head) pathAndQuery(p []byte, from int) {
	to := int(h.target.to)
	if at := bytes.IndexByte(p[from:to], '?'); at >= 0 {
		h.hasQuery = true
		h.query = spanOf(from+at+1, to)
		to = from + at
	}
	h.path = spanOf(from, to)
}

// isAuthority reports whether p is a host with or without a port, as in RFC
// 3986 section 3.2.2 and 3.2.3, without the user's name that RFC 9110 section
// 4.2.4 forbids. An empty host is the caller's to judge.
func isAuthority(p []byte) bool {
	if len(p) > 0 && p[0] == '[' {
		end := bytes.IndexByte(p, ']')
		return end > 0 && isIPLiteral(p[1:end]) && isPort(p[end+1:])
	}
	at := bytes.IndexByte(p, ':')
	if at < 0 {
		at = len(p)
	}
	return isRegName(p[:at]) && isPort(p[at:])
}

// isPort reports whether p is empty, or a colon and a port, which may be empty.
func isPort(p []byte) bool {
	if len(p) == 0 {
		return true
	}
	n := 0
	for _, c := range p[1:] {
		if !isDigit(c) || n > 65535 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return p[0] == ':' && n <= 65535
}

// isRegName covers IPv4 addresses, too.
func isRegName(p []byte) bool {
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '%':
			if i+2 >= len(p) || hexValue(p[i+1]) < 0 || hexValue(p[i+2]) < 0 {
				return false
			}
			i += 2
		case !isHostByte(c):
			return false
		}
	}
	return true
}

// isHostByte reports whether c is unreserved or a sub-delimiter.
func isHostByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', isDigit(c):
		return true
	}
	return bytes.IndexByte([]byte("-._~!$&'()*+,;="), c) >= 0
}

// isIPLiteral reports whether p is what may stand in brackets: an IPv6 address,
// or one of a future kind, such as v7.x.
func isIPLiteral(p []byte) bool {
	if len(p) > 0 && (p[0] == 'v' || p[0] == 'V') {
		dot := bytes.IndexByte(p, '.')
		if dot < 2 || dot == len(p)-1 {
			return false
		}
		for _, c := range p[1:dot] {
			if hexValue(c) < 0 {
				return false
			}
		}
		for _, c := range p[dot+1:] {
			if !isHostByte(c) && c != ':' {
				return false
			}
		}
		return true
	}
	return isIPv6(p)
}

// isIPv6 reports whether p is an IPv6 address: eight groups of up to four
// hexadecimal digits, of which "::" may stand for one or more, and an IPv4
// address for the last two.
func isIPv6(p []byte) bool {
	groups, gap := 0, false
	if len(p) >= 2 && p[0] == ':' && p[1] == ':' {
		gap, p = true, p[2:]
	}
	for len(p) > 0 {
		n := 0
		for n < len(p) && hexValue(p[n]) >= 0 {
			n++
		}
		if n < len(p) && p[n] == '.' {
			return isIPv4(p) && (groups == 6 || gap && groups < 6)
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		if p = p[n:]; len(p) == 0 {
			break
		}
		if p[0] != ':' || len(p) == 1 {
			return false
		}
		if p = p[1:]; p[0] == ':' {
			if gap {
				return false
			}
			gap, p = true, p[1:]
		}
	}
	return groups == 8 || gap && groups < 8
}

func isIPv4(p []byte) bool {
	for part := range 4 {
		n, digits := 0, 0
		for digits < len(p) && digits < 3 && isDigit(p[digits]) {
			n = n*10 + int(p[digits]-'0')
			digits++
		}
		if digits == 0 || n > 255 || digits > 1 && p[0] == '0' {
			return false
		}
		if p = p[digits:]; part == 3 {
			break
		}
		if len(p) == 0 || p[0] != '.' {
			return false
		}
		p = p[1:]
	}
	return len(p) == 0
}
