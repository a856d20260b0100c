package http

import (
	"bytes"

	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// Heads of HTTP/2. A request is laid out as text of HTTP/1.1 and read by the one parser, so that
// all that reads heads does so in one way, with the same limits. An answer is encoded from the
// lines that it has.

// layOut lays a request out as text. It is the server's, and valid until the handler returns.
func (s *h2Stream) layOut(b *h2.Block) ([]byte, *h2.Error) {
	if b.Malformed != nil {
		return nil, b.Malformed
	}
	q, why := readPseudo(b)
	if why != nil {
		return nil, why
	}
	srv := s.on.server
	method := q.method
	if s.extended = q.protocol != nil; s.extended {
		if !srv.tunnels {
			return nil, errH2Malformed // it was not offered
		}
		method = []byte("GET")
	}
	p := append(srv.h2Text[:0], method...)
	p = append(append(append(p, ' '), q.target...), " HTTP/1.1\r\n"...)
	if len(q.authority) > 0 {
		p = append(append(append(p, "host: "...), q.authority...), "\r\n"...)
	}
	if s.extended {
		p = appendUpgrade(p, string(q.protocol))
	}
	hosts := 0
	from := uint32(len(b.Text)) // of the lines that are not copied yet
	if len(b.Fields) > b.Pseudo {
		from = b.Fields[b.Pseudo].At
	}
	for _, f := range b.Fields[b.Pseudo:] {
		if f.Known == h2.NameOther {
			continue
		}
		switch value := b.ValueOf(f); {
		case f.Known.ConnectionSpecific(), f.Known == h2.NameTE && !h2.ValidTE(value):
			return nil, errH2Malformed
		case f.Known == h2.NameHost && len(q.authority) > 0:
			if hosts++; hosts > 1 || !bytes.EqualFold(value, q.authority) {
				return nil, errH2Malformed // RFC 9113 section 8.3.1
			}
			p = append(p, b.Text[from:f.At]...)
			from = f.At + uint32(len(b.LineOf(f)))
		case f.Known == h2.NamePriority && !s.early:
			s.priority.Update(value)
		}
	}
	p = append(append(p, b.Text[from:]...), "\r\n"...)
	if cap(p) <= keptBody {
		srv.h2Text = p
	}
	return p, nil
}

// An h2Request is what the pseudo-fields say (RFC 9113 section 8.3.1).
type h2Request struct {
	method, scheme, target, authority []byte

	protocol []byte // of an extended CONNECT, which asks for what Upgrade asks for in HTTP/1.1
}

// readPseudo reads the pseudo-fields of a request. Each is there once at most, and not one more
// than there should be.
func readPseudo(b *h2.Block) (q h2Request, why *h2.Error) {
	for _, f := range b.Fields[:b.Pseudo] {
		var to *[]byte
		switch f.Known {
		case h2.NameMethod:
			to = &q.method
		case h2.NameScheme:
			to = &q.scheme
		case h2.NamePath:
			to = &q.target
		case h2.NameAuthority:
			to = &q.authority
		case h2.NameProtocol:
			to = &q.protocol
		default:
			return q, errH2Malformed
		}
		if *to != nil {
			return q, errH2Malformed
		}
		if *to = b.ValueOf(f); len(*to) == 0 {
			*to = []byte{}
		}
	}
	if string(q.method) != "GET" && !h1.IsToken(string(q.method)) {
		return q, errH2Malformed
	}
	if string(q.method) == "CONNECT" && q.protocol == nil {
		if q.scheme != nil || q.target != nil || len(q.authority) == 0 {
			return q, errH2Malformed // RFC 9113 section 8.5
		}
		q.target = q.authority
	}
	return q, q.check()
}

// check checks the values that become a part of a line of HTTP/1.1, where they must stay one.
func (q *h2Request) check() *h2.Error {
	connects := string(q.method) == "CONNECT"
	if q.protocol != nil && (!connects || !h1.IsToken(string(q.protocol)) || len(q.authority) == 0) {
		return errH2Malformed // RFC 8441 section 4
	}
	if q.authority != nil && len(q.authority) == 0 {
		return errH2Malformed // a client that has none says none
	}
	if !connects || q.protocol != nil {
		isPath := len(q.target) > 0 && q.target[0] == '/' || string(q.target) == "*" && string(q.method) == "OPTIONS"
		if !isPath || !isScheme(q.scheme) {
			return errH2Malformed
		}
	}
	for _, c := range q.target {
		if c <= ' ' || c == 0x7f {
			return errH2Malformed
		}
	}
	return nil
}

// isScheme reports whether p is the scheme of a URI (RFC 3986 section 3.1). Which one it is says nothing
// of the connection: a proxy may have ended TLS.
func isScheme(p []byte) bool {
	if string(p) == "https" || string(p) == "http" {
		return true
	}
	for i, c := range p {
		switch letter := c | 0x20; {
		case 'a' <= letter && letter <= 'z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return len(p) > 0
}
