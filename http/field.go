package http

import "math"

// What the fields mean that decide about a request's framing and its
// connection. All others are the handler's.

// known looks at a field whose name the server knows.
func (h *head) known(p []byte, f field) *refusal {
	name, value := f.name.of(p), f.value.of(p)
	switch len(name) {
	case len("host"):
		if sameFold(name, "host") {
			return h.hostField(value, f.value)
		}
	case len("expect"):
		if sameFold(name, "expect") {
			h.expectField(value)
		}
	case len("connection"):
		if sameFold(name, "connection") {
			h.connectionField(value)
		}
	case len("content-length"):
		if sameFold(name, "content-length") {
			return h.lengthField(value)
		}
	case len("transfer-encoding"):
		if sameFold(name, "transfer-encoding") {
			return h.codingField(value)
		}
	}
	return nil
}

// together judges what fields mean beside each other, and beside the version.
func (h *head) together() *refusal {
	switch {
	case h.minor == 1 && !h.hasHost:
		return errNoHost // RFC 9112 section 3.2
	case h.hasCoding && h.hasLength:
		return errBothFramings // section 6.1: an attempt at smuggling
	case h.hasCoding && h.minor == 0:
		return errCodingInVersion // section 6.1
	}
	if h.minor == 0 {
		h.expectContinue = false // RFC 9110 section 10.1.1
	}
	return nil
}

// hostField takes the Host field: one at most in any request (RFC 9112 section
// 3.2). The authority of an absolute target goes before it.
func (h *head) hostField(value []byte, at span) *refusal {
	if h.hasHost {
		return errTwoHosts
	}
	h.hasHost = true
	if len(value) > 0 && !isAuthority(value) {
		return errHost
	}
	if h.form != absoluteForm {
		h.host = at
	}
	return nil
}

// lengthField takes Content-Length: digits, and nothing else. A list, even of
// equal numbers, is refused: RFC 9112 section 6.3 leaves that choice.
func (h *head) lengthField(value []byte) *refusal {
	if h.hasLength {
		return errTwoLengths
	}
	h.hasLength = true
	if len(value) == 0 {
		return errLength
	}
	n := int64(0)
	for _, c := range value {
		if !isDigit(c) {
			return errLength
		}
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return errLengthTooLarge
		}
		n = n*10 + d
	}
	h.length = n
	return nil
}

// codingField takes Transfer-Encoding: chunked, and nothing else. A coding that
// we do not have is 501 (RFC 9112 section 6.1); whatever might be read in two
// ways is 400.
func (h *head) codingField(value []byte) *refusal {
	if h.hasCoding {
		return errTwoCodings
	}
	h.hasCoding = true
	unknown := false
	for more := true; more; {
		var coding []byte
		coding, value, more = element(value)
		switch {
		case len(coding) == 0 || scanToken(coding, 0) < len(coding):
			return errCoding
		case h.chunked:
			return errCoding // something behind it, or it twice
		case sameFold(coding, "chunked"):
			h.chunked = true
		default:
			unknown = true
		}
	}
	if unknown {
		return errCodingUnknown
	}
	return nil
}

// connectionField takes one of perhaps several Connection fields.
func (h *head) connectionField(value []byte) {
	for more := true; more; {
		var option []byte
		option, value, more = element(value)
		switch {
		case sameFold(option, "close"):
			h.close = true
		case sameFold(option, "keep-alive"):
			h.keepAlive = true
		}
	}
}

// expectField takes one of perhaps several Expect fields.
func (h *head) expectField(value []byte) {
	for more := true; more; {
		var what []byte
		what, value, more = element(value)
		switch {
		case len(what) == 0:
		case sameFold(what, "100-continue"):
			h.expectContinue = true
		default:
			h.expectOther = true
		}
	}
}
