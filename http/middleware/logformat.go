package middleware

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// The formats of AccessLog.

// A LogFormat is the format of a line of an access log.
type LogFormat uint8

const (
	Combined LogFormat = iota // Common with Referer and User-Agent
	Common                    // the Common Log Format
	JSON                      // an object per line, with OpenTelemetry's names
	Short                     // for a person at a terminal
	Coloured                  // Short, with colours of a terminal
)

var logFormatNames = [...]string{Combined: "combined", Common: "common", JSON: "json", Short: "short", Coloured: ""}

func (f LogFormat) String() string { return logFormatNames[f] }

// ParseLogFormat parses "combined", "common", "json" or "short".
func ParseLogFormat(name string) (LogFormat, error) {
	for f, known := range logFormatNames {
		if name == known && name != "" {
			return LogFormat(f), nil
		}
	}
	return 0, fmt.Errorf("unknown log format %q: write combined, common, json or short", name)
}

// The time formats of Apache's "%t" and of RFC 3339.
const (
	commonTime = "[02/Jan/2006:15:04:05 -0700]"
	jsonTime   = "2006-01-02T15:04:05.000000Z07:00"
)

// AppendDropped appends a line with the number of dropped lines and the time. It is
// for eventloop.LogOptions.Dropped.
func (f LogFormat) AppendDropped(p []byte, at time.Time, lines int) []byte {
	switch f {
	case JSON:
		p = at.UTC().AppendFormat(append(p, `{"time":"`...), jsonTime)
		p = append(p, `","log.dropped":`...)
		p = strconv.AppendInt(p, int64(lines), 10)
		return append(p, "}\n"...)
	case Short, Coloured:
		p = at.AppendFormat(p, shortTime)
		p = strconv.AppendInt(append(p, "     "...), int64(lines), 10)
		return append(p, " lines dropped\n"...)
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
