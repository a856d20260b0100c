package middleware

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http"
)

// The formats of AccessLog.

// A LogFormat is the format of a line of an access log.
type LogFormat uint8

const (
	Combined LogFormat = iota // Common with Referer and User-Agent
	Common                    // the Common Log Format
	JSON                      // an object per line, with OpenTelemetry's names
)

var logFormatNames = [...]string{Combined: "combined", Common: "common", JSON: "json"}

func (f LogFormat) String() string { return logFormatNames[f] }

// ParseLogFormat parses "combined", "common" or "json".
func ParseLogFormat(name string) (LogFormat, error) {
	for f, known := range logFormatNames {
		if name == known {
			return LogFormat(f), nil
		}
	}
	return 0, fmt.Errorf("unknown log format %q: write combined, common or json", name)
}

// The time formats of Apache's "%t" and of RFC 3339.
const (
	commonTime = "[02/Jan/2006:15:04:05 -0700]"
	jsonTime   = "2006-01-02T15:04:05.000000Z07:00"
)

// AppendDropped appends a line with the number of dropped lines and the time. It is
// for eventloop.LogOptions.Dropped.
func (f LogFormat) AppendDropped(p []byte, at time.Time, lines int) []byte {
	if f == JSON {
		p = at.UTC().AppendFormat(append(p, `{"time":"`...), jsonTime)
		p = append(p, `","log.dropped":`...)
		p = strconv.AppendInt(p, int64(lines), 10)
		return append(p, "}\n"...)
	}
	// In the usual form, so that programs can parse it.
	p = at.AppendFormat(append(p, "- - - "...), commonTime)
	p = append(p, ` "`...)
	p = strconv.AppendInt(p, int64(lines), 10)
	p = append(p, ` lines dropped" - -`...)
	if f == Combined {
		p = append(p, ` "-" "-"`...)
	}
	return append(p, '\n')
}

// appendCommon appends a line of Common or Combined.
func (l *AccessLog) appendCommon(p []byte, v *logEntry) []byte {
	r := v.request
	p = appendAddr(p, r.ClientAddr())
	p = append(p, " - "...)
	if user := l.user(r); user != "" {
		p = appendEscaped(p, user)
	} else {
		p = append(p, '-')
	}
	p = append(p, ' ')
	p = v.begun.AppendFormat(p, commonTime)
	p = append(p, ` "`...)
	if line := r.LineBytes(); len(line) > 0 {
		p = appendEscaped(p, line)
	} else {
		p = append(p, '-')
	}
	p = append(p, `" `...)
	p = appendPositive(p, int64(v.status))
	p = append(p, ' ')
	p = appendPositive(p, v.size)
	if l.Format == Combined {
		p = appendField(p, r.HeaderBytes("referer"))
		p = appendField(p, r.HeaderBytes("user-agent"))
	}
	return append(p, '\n')
}

func (l *AccessLog) user(r *http.Request) string {
	if l.User == nil {
		return ""
	}
	return l.User(r)
}

func appendAddr(p []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return append(p, '-')
	}
	return a.AppendTo(p)
}

// appendPositive appends a number, or "-" if it is not positive.
func appendPositive(p []byte, n int64) []byte {
	if n <= 0 {
		return append(p, '-')
	}
	return strconv.AppendInt(p, n, 10)
}

// appendField appends the value of a header, or "-" if it is missing.
func appendField(p, value []byte) []byte {
	p = append(p, ` "`...)
	if value == nil {
		p = append(p, '-')
	} else {
		p = appendEscaped(p, value)
	}
	return append(p, '"')
}

// plain reports whether a byte needs no escape in any format.
func plain(c byte) bool { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' }

const hexDigits = "0123456789abcdef"

// appendEscaped appends s as httpd does (ap_escape_logitem): all except printable
// ASCII, and the quote and the backslash, are escaped as in C.
func appendEscaped[T string | []byte](p []byte, s T) []byte {
	for i := range len(s) {
		c := s[i]
		if plain(c) {
			p = append(p, c)
			continue
		}
		p = append(p, '\\')
		switch c {
		case '"', '\\':
			p = append(p, c)
		case '\b':
			p = append(p, 'b')
		case '\n':
			p = append(p, 'n')
		case '\r':
			p = append(p, 'r')
		case '\t':
			p = append(p, 't')
		case '\v':
			p = append(p, 'v')
		default:
			p = append(p, 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return p
}

// appendJSON appends a line of JSON. Unknown values are left out. The duration is by
// the loop's clock, which is read once a turn: a request answered in the same turn
// took 0. A request that the server refused by itself has its request line, as far as
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
		p = appendVersion(append(p, `,"network.protocol.version":"`...), r)
		p = append(p, '"')
	}
	if v.status > 0 {
		p = append(p, `,"http.response.status_code":`...)
		p = strconv.AppendInt(p, int64(v.status), 10)
	}
	if v.status > 0 && v.size >= 0 {
		p = append(p, `,"http.response.body.size":`...)
		p = strconv.AppendInt(p, v.size, 10)
	}
	if agent := r.HeaderBytes("user-agent"); agent != nil {
		p = appendMember(p, "user_agent.original", agent)
	}
	p = append(p, `,"duration_s":`...)
	p = strconv.AppendFloat(p, l.loop.WallTime().Sub(v.begun).Seconds(), 'f', 6, 64)
	p = append(p, `,"conn.id":`...)
	p = strconv.AppendUint(p, uint64(r.ConnID()), 10)
	return append(p, "}\n"...)
}

func appendMember[T string | []byte](p []byte, name string, value T) []byte {
	p = append(p, `,"`...)
	p = append(p, name...)
	p = append(p, `":"`...)
	p = appendQuotable(p, value)
	return append(p, '"')
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
