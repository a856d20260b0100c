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

// dateFormat is the preferred form of RFC 9110 section 5.6.7. The time must be
// in UTC.
const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// FormatDate writes a time as fields have it, in whole seconds.
func FormatDate(t time.Time) string { return t.UTC().Format(dateFormat) }

// ParseDate reads a time as fields have it, in any of the three forms that have
// been in use (RFC 9110 section 5.6.7). What is not exactly one of them is no
// date.
func ParseDate(s string) (t time.Time, ok bool) {
	for _, form := range [...]string{dateFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return t, false
}

// copyMax is the largest body that is copied behind its head, to go in one
// piece: above that, two pieces in one call cost less than the copy.
const copyMax = 60 << 10

// send puts the answer into the connection's queue.
func (w *Response) send() {
	c := w.x.conn
	w.x.headSent = true
	if len(w.hooks.answer) > 0 {
		w.afterAnswer(&w.hooks, w.bodySize())
	}
	if w.closes {
		c.closeAfter = true
	}
	heads := &c.server.heads
	heads.at(c.server.now())
	size, bodiless := w.bodySize(), w.bodiless()
	together := !bodiless && w.file == nil && size <= copyMax
	room := heads.most() + len(w.fields) + len(w.typ) + 128
	if w.shared != nil {
		room += w.shared.head
	}
	if together {
		room += int(size)
	}
	p := w.appendFields(heads.begin(c.conn.Reserve(room), w.status))
	switch {
	case w.shared == nil:
		p = w.appendLength(p, size)
		if together {
			p = append(p, w.text...)
			p = append(p, w.bytes...)
			p = append(p, w.lent...)
		}
	case w.silent() || w.length >= 0: // it is framed in another way than was prepared
		p = w.appendLength(append(p, w.shared.text[:w.shared.fields]...), size)
		if together {
			p = append(p, w.shared.Body()...)
		}
	case together:
		p = append(p, w.shared.text...)
	default:
		p = append(p, w.shared.text[:w.shared.head]...)
	}
	c.conn.Commit(len(p))
	if together || bodiless {
		return
	}
	switch {
	case w.file != nil:
		c.conn.SendFile(w.file, w.offset, w.size)
		w.file = nil // the connection releases it
	case w.shared != nil:
		c.conn.WriteNoCopy(w.shared.Body())
	case w.lent != nil:
		c.conn.WriteNoCopy(w.lent)
	default:
		p := append(c.conn.Reserve(int(size)), w.bytes...)
		c.conn.Commit(len(append(p, w.text...)))
	}
}

// sendHead puts the head of an answer that is kept open into the connection's
// queue.
func (w *Response) sendHead(chunked bool) {
	c := w.x.conn
	w.x.headSent = true
	if w.closes {
		c.closeAfter = true
	}
	heads := &c.server.heads
	heads.at(c.server.now())
	p := heads.begin(c.conn.Reserve(heads.most()+len(w.fields)+len(w.typ)+128), w.status)
	p = w.appendFields(p)
	switch {
	case chunked:
		p = append(p, "Transfer-Encoding: chunked\r\n"...)
	case w.length >= 0 && !w.silent():
		p = append(p, "Content-Length: "...)
		p = strconv.AppendInt(p, w.length, 10)
		p = append(p, "\r\n"...)
	}
	c.conn.Commit(len(append(p, "\r\n"...)))
}

// appendFields appends what stands between the Date and what frames the body or was
// prepared.
func (w *Response) appendFields(p []byte) []byte {
	c := w.x.conn
	switch {
	case c.closeAfter:
		p = append(p, "Connection: close\r\n"...)
	case w.x.head.Minor == 0:
		p = append(p, "Connection: keep-alive\r\n"...)
	}
	if w.typ != "" {
		p = append(p, "Content-Type: "...)
		p = append(p, w.typ...)
		p = append(p, "\r\n"...)
	}
	if len(w.fields) > 0 {
		p = append(p, w.fields...)
	}
	return p
}

// appendLength appends the length, where there is one, and the end of the head.
func (w *Response) appendLength(p []byte, size int64) []byte {
	switch w.status {
	case StatusNoContent:
		// RFC 9110 section 8.6: no length there.
	case StatusNotModified:
		// A length would be that of the answer with a body; it may be left out.
	case StatusResetContent:
		p = append(p, "Content-Length: 0\r\n"...)
	default:
		if size == 0 && w.length > 0 {
			size = w.length // of HEAD, by a handler that knows
		}
		p = append(p, "Content-Length: "...)
		p = strconv.AppendInt(p, size, 10)
		p = append(p, "\r\n"...)
	}
	return append(p, "\r\n"...)
}
