package http

import (
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// The answer of a stream: its head is encoded from the lines that it has, and its body is queued.

// An h2Date is the Date field, encoded once a second.
type h2Date struct {
	until time.Duration
	field []byte
}

// at brings the field up to date.
func (d *h2Date) at(s *Server) []byte {
	l := s.loop
	if l.Uptime() >= d.until {
		now := l.WallTime()
		d.until = l.Uptime() + time.Second - time.Duration(now.Nanosecond())
		d.field = h2.AppendHuffmanField(d.field[:0], "date", FormatDate(now))
	}
	return d.field
}

// appendHead appends the field block of an answer. Size is the length of the body, less than 0
// if it is not said.
func (s *h2Stream) appendHead(p []byte, w *Response, size int64) []byte {
	c := s.on
	srv := c.server
	p = c.encoder.Begin(p)
	p = h2.AppendStatus(p, int(w.status))
	if w.without&noServer == 0 {
		p = c.encoder.AppendStable(p, "server", srv.heads.name)
	}
	if w.without&noDate == 0 {
		p = append(p, srv.h2Date.at(srv)...)
	}
	if w.typ != "" {
		p = c.encoder.AppendStable(p, "content-type", w.typ)
	}
	p = s.appendLines(p, w.fields)
	if w.shared != nil {
		p = s.appendPrepared(p, w.shared)
	}
	if size >= 0 {
		var digits [20]byte
		p = h2.AppendField(p, []byte("content-length"), strconv.AppendInt(digits[:0], size, 10))
	}
	return p
}

// appendLines appends fields that are lines. Those about a connection of HTTP/1.1 are left out.
// A field for the order of answers sets the priority of this one (RFC 9218 section 5).
func (s *h2Stream) appendLines(p, lines []byte) []byte {
	for len(lines) > 0 {
		var name, value []byte
		name, value, lines = nextField(lines)
		switch known := h2.NameOf(name); {
		case known.ConnectionSpecific():
		case known == h2.NameContentType || isStable(name):
			p = s.on.encoder.AppendStableBytes(p, name, value)
		default:
			if known == h2.NamePriority {
				s.prioritize(value)
			}
			p = h2.AppendField(p, name, value)
		}
	}
	return p
}

// prioritize sets the priority of an answer to what its field says, and leaves what that does not
// say.
func (s *h2Stream) prioritize(value []byte) {
	is := s.priority
	is.Update(value)
	s.on.reorder(s, is)
}

// An h2Fields is the fields of a prepared answer, each as a literal, which needs no table. It
// never changes, and all loops may use it.
type h2Fields struct {
	literals []byte      // those that no table gets
	stable   [][2]string // the others
	priority []byte      // the value of the field of that name, or nil
}

// forH2 returns the fields for HTTP/2. The first loops that ask make them, all the same.
func (p *Prepared) forH2() *h2Fields {
	if f := p.h2.Load(); f != nil {
		return f
	}
	f := &h2Fields{}
	for lines := p.text[:p.fields]; len(lines) > 0; {
		var name, value []byte
		name, value, lines = nextField(lines)
		switch known := h2.NameOf(name); {
		case known.ConnectionSpecific():
		case known == h2.NameContentType || isStable(name):
			f.stable = append(f.stable, [2]string{strings.ToLower(string(name)), string(value)})
		default:
			if known == h2.NamePriority {
				f.priority = value
			}
			f.literals = h2.AppendHuffmanField(f.literals, name, value)
		}
	}
	p.h2.Store(f)
	return f
}

// appendPrepared appends the fields of a prepared answer.
func (s *h2Stream) appendPrepared(p []byte, from *Prepared) []byte {
	f := from.forH2()
	for i := range f.stable {
		p = s.on.encoder.AppendStable(p, f.stable[i][0], f.stable[i][1])
	}
	if f.priority != nil {
		s.prioritize(f.priority)
	}
	return append(p, f.literals...)
}

// isStable reports whether a field is likely to have the same value in the next answer.
func isStable(name []byte) bool {
	switch string(name) {
	case "Cache-Control", "Vary", "Content-Encoding", "Accept-Ranges":
		return true
	}
	return false
}

// beginHeaders begins HEADERS in the server's memory for a frame.
func (s *h2Stream) beginHeaders() []byte {
	return append(s.on.server.h2Frame[:0], make([]byte, h2.HeaderSize)...)
}

// endHeaders completes the frame that begins p, and returns it, with CONTINUATION for what is
// longer than a frame may be.
func (s *h2Stream) endHeaders(p []byte, flags h2.Flags) []byte {
	if cap(p) <= keptBody {
		s.on.server.h2Frame = p
	}
	block := p[h2.HeaderSize:]
	if len(block) <= h2.MinFrameSize {
		h2.FrameHeader{Length: uint32(len(block)), Type: h2.FrameHeaders, Flags: flags | h2.FlagEndHeaders, Stream: s.id}.Put(p)
		return p
	}
	var frames []byte
	h := h2.FrameHeader{Type: h2.FrameHeaders, Flags: flags, Stream: s.id}
	for len(block) > 0 {
		n := min(len(block), h2.MinFrameSize)
		if h.Length = uint32(n); n == len(block) {
			h.Flags |= h2.FlagEndHeaders
		}
		frames = append(h.Append(frames), block[:n]...)
		block = block[n:]
		h.Type, h.Flags = h2.FrameContinuation, 0
	}
	return frames
}

// sendWhole sends an answer that is whole: Response.send for a stream. Of a small body HEADERS and
// DATA are one piece, if nothing else waits.
func (s *h2Stream) sendWhole(w *Response) {
	p := s.on
	size, bodiless := w.bodySize(), w.bodiless()
	declared := size
	switch {
	case w.status == StatusNoContent || w.status == StatusNotModified:
		declared = -1
	case w.status == StatusResetContent:
		declared = 0
	case size == 0 && w.length > 0:
		declared = w.length // of HEAD, as the handler declared it
	}
	w.x.headSent = true
	if s.aborted() {
		return
	}
	b := s.appendHead(s.beginHeaders(), w, declared)
	if bodiless || size == 0 {
		s.said = true
		p.write(s.endHeaders(b, h2.FlagEndStream))
		return
	}
	b = s.endHeaders(b, 0)
	if w.file == nil && size <= min(s.window, p.sending.window, h2.MinFrameSize) && p.sending.count == 0 && p.c.conn.Buffered() < int64(p.server.limits.Ahead) {
		s.said = true
		s.window -= size
		p.sending.window -= size
		b = h2.FrameHeader{Length: uint32(size), Type: h2.FrameData, Flags: h2.FlagEndStream, Stream: s.id}.Append(b)
		b = append(append(append(b, w.text...), w.bytes...), w.lent...)
		if w.shared != nil {
			b = append(b, w.shared.Body()...)
		}
		if cap(b) <= 2*keptBody {
			p.server.h2Frame = b
		}
		p.write(b)
		return
	}
	p.write(b)
	s.queueBody(w, size)
	p.enqueue(s) // so that no answer of this turn overtakes it
}

// aborted reports whether the handler has broken the stream off: nothing is said on it any more.
func (s *h2Stream) aborted() bool { return s.conn.conn.State() > eventloop.HalfClosed }

// queueBody queues a body, of which frames are made when there is room.
func (s *h2Stream) queueBody(w *Response, size int64) {
	c := &s.conn.conn
	if w.file == nil && w.shared == nil && w.lent == nil || w.file == nil && size <= sharedFrame {
		b := append(append(append(c.Reserve(int(size)), w.text...), w.bytes...), w.lent...)
		if w.shared != nil {
			b = append(b, w.shared.Body()...)
		}
		c.Commit(len(b))
		return
	}
	w.sendBody(int(size))
}

// sendHead sends the head of an answer whose body comes later: Response.sendHead for a stream.
func (s *h2Stream) sendHead(w *Response) {
	size := int64(-1)
	if w.length >= 0 && !w.silent() {
		size = w.length
	}
	w.x.headSent = true
	if s.aborted() {
		return
	}
	s.on.write(s.endHeaders(s.appendHead(s.beginHeaders(), w, size), 0))
}

// sendInterim sends an interim answer (RFC 9110 section 15.2).
func (s *h2Stream) sendInterim(status Status, lines []byte) {
	if s.aborted() {
		return
	}
	b := s.on.encoder.Begin(s.beginHeaders())
	s.on.write(s.endHeaders(s.appendLines(h2.AppendStatus(b, int(status)), lines), 0))
}

// sendTrailers ends a stream by the fields behind its body.
func (p *h2Conn) sendTrailers(s *h2Stream) {
	b := p.encoder.Begin(s.beginHeaders())
	p.write(s.endHeaders(s.appendLines(b, s.trailers), h2.FlagEndStream))
}
