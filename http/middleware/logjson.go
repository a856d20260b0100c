package middleware

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http"
)

// The format JSON of AccessLog: an object per line, whose members have the names of
// OpenTelemetry's conventions for HTTP where there is one.

// appendJSON appends a line of JSON. Unknown values are left out. The duration is that from the
// turn in which the head was there until the answer is made, for which the clock is read
// once. A request that the server refused by itself has its request line, as far as
// it was read, and the reason.
func (l *AccessLog) appendJSON(p []byte, v *logEntry) []byte {
	r := v.request
	p = v.begun.UTC().AppendFormat(append(p, `{"time":"`...), jsonTime)
	p = append(p, '"')
	if a := r.ClientAddr(); a.IsValid() {
		p = append(p, `,"client.address":"`...)
		p = append(a.AppendTo(p), '"')
	}
	if user := l.user(r); user != "" {
		p = appendMember(p, "user.name", user)
	}
	if why := r.Refused(); why != nil {
		p = appendMember(p, "error.message", why.Error())
		p = appendMember(p, "request.line", r.LineBytes())
	} else {
		p = appendMember(p, "http.request.method", r.Method())
		p = appendMember(p, "url.path", r.PathBytes())
		if query, asked := r.QueryBytes(); asked {
			p = appendMember(p, "url.query", query)
		}
		p = append(appendMemberName(p, "url.scheme"), r.Scheme()...)
		p = appendHost(append(p, '"'), r.HostBytes())
		p = appendVersion(appendMemberName(p, "network.protocol.version"), r)
		p = append(p, '"')
	}
	if version := tlsVersions[r.TLSVersion()]; version != "" {
		p = append(append(appendMemberName(p, "tls.protocol.version"), version...), '"')
	}
	if v.status > 0 {
		p = append(p, `,"http.response.status_code":`...)
		p = strconv.AppendInt(p, int64(v.status), 10)
	}
	if v.status > 0 && v.size >= 0 {
		p = append(p, `,"http.response.body.size":`...)
		p = strconv.AppendInt(p, v.size, 10)
	}
	if from := r.HeaderBytes("referer"); from != nil {
		p = appendMember(p, "http.request.header.referer", from)
	}
	if agent := r.HeaderBytes("user-agent"); agent != nil {
		p = appendMember(p, "user_agent.original", agent)
	}
	if parent, ok := r.TraceParent(); ok {
		p = append(hex.AppendEncode(appendMemberName(p, "trace_id"), parent.TraceID[:]), '"')
		p = append(hex.AppendEncode(appendMemberName(p, "span_id"), parent.SpanID[:]), '"')
	}
	p = append(p, `,"duration_s":`...)
	p = strconv.AppendFloat(p, (l.loop.ReadClock() - v.since).Seconds(), 'f', 6, 64)
	p = append(p, `,"conn.id":`...)
	p = strconv.AppendUint(p, uint64(r.ConnID()), 10)
	return append(p, "}\n"...)
}

func appendMember[T string | []byte](p []byte, name string, value T) []byte {
	p = appendQuotable(appendMemberName(p, name), value)
	return append(p, '"')
}

// appendMemberName appends all of a member with a string that is before its text.
func appendMemberName(p []byte, name string) []byte {
	p = append(append(p, `,"`...), name...)
	return append(p, `":"`...)
}

// tlsVersions are the versions of TLS as OpenTelemetry writes them.
var tlsVersions = map[uint16]string{tls.VersionTLS10: "1.0", tls.VersionTLS11: "1.1", tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"}

// appendHost appends the host of a request without its port, and the port if there is one.
func appendHost(p, host []byte) []byte {
	name, port := host, []byte(nil)
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && !bytes.HasSuffix(host, []byte("]")) {
		name, port = host[:i], host[i+1:]
	}
	if len(name) > 0 {
		p = appendMember(p, "server.address", name)
	}
	if len(port) == 0 || len(port) > len("65535") || port[0] == '0' || len(bytes.Trim(port, "0123456789")) > 0 {
		return p
	}
	return append(append(p, `,"server.port":`...), port...)
}

// appendQuotable appends s for a JSON string, in ASCII. Invalid UTF-8 becomes U+FFFD.
func appendQuotable[T string | []byte](p []byte, s T) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case plain(c):
			p = append(p, c)
			i++
		case c == '"' || c == '\\':
			p = append(p, '\\', c)
			i++
		case c < utf8.RuneSelf:
			p = appendUnit(p, uint16(c))
			i++
		default:
			var few [utf8.UTFMax]byte
			r, n := utf8.DecodeRune(few[:copy(few[:], s[i:])])
			i += n
			if r > 0xffff {
				r -= 0x10000
				p = appendUnit(p, 0xd800|uint16(r>>10))
				r = 0xdc00 | r&0x3ff
			}
			p = appendUnit(p, uint16(r))
		}
	}
	return p
}

// appendUnit appends one unit of UTF-16.
func appendUnit(p []byte, u uint16) []byte {
	return append(p, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}

// appendVersion appends the version of HTTP as OpenTelemetry writes it: "1.0", "1.1" or "2".
func appendVersion(p []byte, r *http.Request) []byte {
	major := r.ProtoMajor()
	p = strconv.AppendInt(p, int64(major), 10)
	if major > 1 {
		return p
	}
	return strconv.AppendInt(append(p, '.'), int64(r.ProtoMinor()), 10)
}
