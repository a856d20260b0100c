package http

import (
	"strconv"
	"time"
)

// heads are the beginnings of answers, ready-made: the many small copies of a
// head were the largest cost after the system calls themselves. The date in
// them is made anew when the second has changed; the loop's clock is read once
// a turn.
type heads struct {
	name   string // Server
	second int64  // since 1970, that the texts are for
	common []byte // the Server and Date fields
	ok     []byte // the status line for 200, and common
}

// at brings the texts up to date.
func (h *heads) at(now time.Time) {
	if now.Unix() == h.second {
		return
	}
	h.second = now.Unix()
	h.common = append(h.common[:0], "Server: "...)
	h.common = append(h.common, h.name...)
	h.common = append(h.common, "\r\nDate: "...)
	h.common = now.UTC().AppendFormat(h.common, dateFormat)
	h.common = append(h.common, "\r\n"...)
	h.ok = append(h.ok[:0], "HTTP/1.1 200 OK\r\n"...)
	h.ok = append(h.ok, h.common...)
}

// begin appends the status line, Server and Date.
func (h *heads) begin(p []byte, status Status) []byte {
	if status == StatusOK {
		return append(p, h.ok...)
	}
	p = append(p, "HTTP/1.1 "...)
	p = strconv.AppendInt(p, int64(status), 10)
	p = append(p, ' ')
	p = append(p, status.Text()...)
	p = append(p, "\r\n"...)
	return append(p, h.common...)
}

// most is how long what begin appends can be.
func (h *heads) most() int { return len(h.common) + 64 }
