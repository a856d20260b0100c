package http

import (
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// heads are the beginnings of heads of answers, ready-made: the many small copies of a
// head were the largest cost after the system calls themselves. The date in them is made
// anew when the second has changed.
type heads struct {
	name   string        // the value of Server
	until  time.Duration // the loop's Uptime when another second begins than that of the date in the texts
	common []byte        // the Server and Date fields
	ok     []byte        // the status line for 200, and common
}

// at brings the texts up to date.
func (h *heads) at(l *eventloop.Loop) {
	if l.Uptime() < h.until {
		return
	}
	now := l.WallTime()
	h.until = l.Uptime() + time.Second - time.Duration(now.Nanosecond())
	h.common = append(h.common[:0], "Server: "...)
	h.common = append(h.common, h.name...)
	h.common = append(h.common, "\r\nDate: "...)
	h.common = now.UTC().AppendFormat(h.common, dateFormat)
	h.common = append(h.common, "\r\n"...)
	h.ok = append(h.ok[:0], "HTTP/1.1 200 OK\r\n"...)
	h.ok = append(h.ok, h.common...)
}

// begin appends the status line, and Server and Date unless they are left out.
func (h *heads) begin(p []byte, status Status, without defaults) []byte {
	if status == StatusOK && without == 0 {
		return append(p, h.ok...)
	}
	return h.beginOther(p, status, without)
}

// beginOther is begin for a head that is not ready-made.
func (h *heads) beginOther(p []byte, status Status, without defaults) []byte {
	p = append(p, "HTTP/1.1 "...)
	p = strconv.AppendInt(p, int64(status), 10)
	p = append(p, ' ')
	p = append(p, status.Text()...)
	p = append(p, "\r\n"...)
	server := len("Server: \r\n") + len(h.name)
	if without&noServer == 0 {
		p = append(p, h.common[:server]...)
	}
	if without&noDate == 0 {
		p = append(p, h.common[server:]...)
	}
	return p
}

// most is the largest number of bytes that begin appends.
func (h *heads) most() int { return len(h.common) + 64 }

// dateFormat is the preferred form of RFC 9110 section 5.6.7. The time must be
// in UTC.
const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// FormatDate writes a time in the form of the fields of HTTP, in whole seconds.
func FormatDate(t time.Time) string { return t.UTC().Format(dateFormat) }

// ParseDate reads a time in any of the three forms that fields of HTTP have had (RFC
// 9110 section 5.6.7). Anything that is not exactly one of them is no date.
func ParseDate(s string) (t time.Time, ok bool) {
	for _, form := range [...]string{dateFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return t, false
}

// copyMax is the largest body that is copied behind its head, so that both go in one
// piece. Above it, two pieces in one call cost less than the copy.
const copyMax = 60 << 10

// send puts the whole answer into the connection's queue.
func (w *Response) send() {
	c := w.x.conn
	if len(w.hooks.answer) > 0 {
		w.afterAnswer(&w.hooks, w.bodySize())
	}
	if w.closes {
		c.endAfter()
	}
	if w.x.stream != nil {
		w.x.stream.sendWhole(w)
		return
	}
	heads := &c.server.heads
	heads.at(c.server.loop)
	size, bodiless := w.bodySize(), w.bodiless()
	together := !bodiless && w.file == nil && size <= copyMax
	room := heads.most() + len(w.fields) + len(w.typ) + 128
	if w.shared != nil {
		room += w.shared.head
	}
	if together {
		room += int(size)
	}
	p := w.appendFields(heads.begin(c.conn.Reserve(room), w.status, w.without))
	switch {
	case w.shared == nil:
		p = w.appendLength(p, size)
		if together {
			p = append(p, w.text...)
			p = append(p, w.bytes...)
			p = append(p, w.lent...)
		}
	case together && w.length < 0 && !w.silent():
		p = append(p, w.shared.text...)
	default:
		p = w.appendPrepared(p, size, together)
	}
	c.conn.Commit(len(p))
	w.x.headSent = true
	if !together && !bodiless {
		w.sendBody(int(size))
	}
}

// appendPrepared appends a prepared answer that cannot be sent as it is: its body goes by
// itself, or is framed in another way.
func (w *Response) appendPrepared(p []byte, size int64, together bool) []byte {
	if !w.silent() && w.length < 0 {
		return append(p, w.shared.text[:w.shared.head]...)
	}
	p = w.appendLength(append(p, w.shared.text[:w.shared.fields]...), size)
	if together {
		p = append(p, w.shared.Body()...)
	}
	return p
}

// sendBody puts a body that does not go together with its head into the queue. The
// connection releases a file when it is sent.
func (w *Response) sendBody(size int) {
	c := &w.x.conn.conn
	switch {
	case w.file != nil:
		c.SendFile(w.file, w.offset, w.size)
		w.file = nil
	case w.shared != nil:
		c.WriteNoCopy(w.shared.Body())
	case w.lent != nil:
		c.WriteNoCopy(w.lent)
	default:
		p := append(c.Reserve(size), w.bytes...)
		c.Commit(len(append(p, w.text...)))
	}
}

// sendHead puts the head of an answer whose body comes later into the connection's
// queue.
func (w *Response) sendHead(chunked bool) {
	c := w.x.conn
	w.x.headSent = true
	if w.closes {
		c.endAfter()
	}
	if w.x.stream != nil {
		w.x.stream.sendHead(w)
		return
	}
	heads := &c.server.heads
	heads.at(c.server.loop)
	p := heads.begin(c.conn.Reserve(heads.most()+len(w.fields)+len(w.typ)+128), w.status, w.without)
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

// appendFields appends the fields between the date and those that frame the body or were
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

// appendLength appends the length, if the status has one, and the end of the head.
func (w *Response) appendLength(p []byte, size int64) []byte {
	switch w.status {
	case StatusNoContent:
		// RFC 9110 section 8.6: no length there.
	case StatusNotModified:
		// RFC 9110 section 8.6: the length of the body that is not sent may be left out.
	case StatusResetContent:
		p = append(p, "Content-Length: 0\r\n"...)
	default:
		if size == 0 && w.length > 0 {
			size = w.length // of HEAD, as the handler declared it
		}
		p = append(p, "Content-Length: "...)
		p = strconv.AppendInt(p, size, 10)
		p = append(p, "\r\n"...)
	}
	return append(p, "\r\n"...)
}

// silent reports whether the status has no body (RFC 9110 sections 6.4.1 and
// 15.3.6).
func (w *Response) silent() bool {
	return w.status == StatusNoContent || w.status == StatusResetContent || w.status == StatusNotModified
}

// bodiless reports whether the body is not sent. HEAD has the fields of GET, and no body
// (RFC 9110 section 9.3.2).
func (w *Response) bodiless() bool { return w.x.head.Method == h1.MethodHead || w.silent() }
