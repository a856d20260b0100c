package middleware

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http"
)

// The format Short of AccessLog: a line for a person, of the time of day, the status, the size
// of the body, how long the answer took, the client, and what it has asked for:
//
//	15:04:05 200  1.2 kB  310 µs 192.0.2.1 GET /page?a=b

const shortTime = "15:04:05 "

// The colours of a terminal.
const (
	dim     = "\x1b[2m"
	red     = "\x1b[31m"
	green   = "\x1b[32m"
	yellow  = "\x1b[33m"
	cyan    = "\x1b[36m"
	uncolor = "\x1b[0m"
)

// appendShort appends a line of Short, or of Coloured.
func (l *AccessLog) appendShort(p []byte, v *logEntry) []byte {
	r := v.request
	colour := func(is string) {
		if l.Format == Coloured {
			p = append(p, is...)
		}
	}
	colour(dim)
	p = v.begun.AppendFormat(p, shortTime)
	colour(uncolor)
	colour(statusColour(v.status))
	if v.status > 0 {
		p = strconv.AppendInt(p, int64(v.status), 10)
	} else {
		p = append(p, "---"...) // the client has left before
	}
	colour(uncolor)
	p = toRight(appendSize(append(p, ' '), v.size), len(p)+1)
	p = toRight(appendTook(append(p, ' '), l.loop.ReadClock()-v.since), len(p)+1)
	colour(dim)
	p = appendAddr(append(p, ' '), r.ClientAddr())
	colour(uncolor)
	line := r.LineBytes()
	if i := bytes.LastIndex(line, []byte(" HTTP/")); i >= 0 {
		line = line[:i]
	}
	p = appendEscaped(append(p, ' '), line)
	return append(p, '\n')
}

// statusColour returns the colour of a status.
func statusColour(s http.Status) string {
	switch s / 100 {
	case 2:
		return green
	case 3:
		return cyan
	case 4:
		return yellow
	case 1:
		return uncolor
	}
	return red
}

// shortWidth is the width of the columns for sizes and times.
const shortWidth = 7

// toRight moves the text that begins at a place to the right of a column. A letter of several
// bytes counts as one.
func toRight(p []byte, from int) []byte {
	blanks := shortWidth - utf8.RuneCount(p[from:])
	if blanks <= 0 {
		return p
	}
	end := len(p)
	p = append(p, "       "[:blanks]...)
	copy(p[from+blanks:], p[from:end])
	for i := range blanks {
		p[from+i] = ' '
	}
	return p
}

// appendSize appends a size in bytes with at most three digits.
func appendSize(p []byte, n int64) []byte {
	if n < 0 {
		return append(p, '-')
	}
	return appendUnits(p, float64(n), 1000, " B", " kB", " MB", " GB", " TB")
}

// appendTook appends a time with at most three digits.
func appendTook(p []byte, d time.Duration) []byte {
	if d < 10*time.Second {
		return appendUnits(p, float64(d.Nanoseconds())/1000, 1000, " µs", " ms", " s")
	}
	return append(strconv.AppendInt(p, int64(d/time.Second), 10), " s"...)
}

// appendUnits appends a number in the first unit in which it has at most three digits before its
// point.
func appendUnits(p []byte, n, step float64, units ...string) []byte {
	for n >= step-0.5 && len(units) > 1 {
		n /= step
		units = units[1:]
	}
	digits := 0
	if n > 0 && n < 9.95 && units[0] != " B" {
		digits = 1
	}
	return append(strconv.AppendFloat(p, n, 'f', digits, 64), units[0]...)
}
