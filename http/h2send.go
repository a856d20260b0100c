package http

import (
	"maps"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// What a connection of HTTP/2 sends, and in which order (RFC 9218 section 10): the most urgent
// stream first; of one urgency those that are not incremental one after the other, and those
// that are in turns of a frame. Frames are made no further ahead of the socket than
// Limits.Ahead, because what is framed cannot be overtaken.

// An h2Sending has the streams that have something to send, and that may.
type h2Sending struct {
	window int64 // bytes that the client has room for, on the whole connection
	lists  [h2Urgencies]h2List
	count  int    // streams in the lists
	turns  uint32 // that were given to streams
	ahead  int64  // bytes of better urgencies since one of a worse had a frame
	spared uint8  // the urgency that had it
	small  bool   // the next frame may be small, although the window of the connection is

	blocked bool // streams that wait for that window are not listed
	timer   *eventloop.Timer
	early   map[uint32]h2.Priority // of streams that have not begun
	swept   uint32                 // the last stream that had begun when early was full
}

const (
	h2Urgencies = 8
	h2Starved   = 1 << 20 // bytes of a better urgency, behind which the next has a frame
	h2Early     = 100     // priorities that are kept for streams that have not begun
)

// An h2List is the streams of one urgency, by their turns.
type h2List struct{ first, last *h2Stream }

// insert puts a stream at its place: nearly always the last one. A stream that has waited for the
// client to make room has its old place.
func (l *h2List) insert(s *h2Stream) {
	if l.last == nil || l.last.before(s) {
		s.next = nil
		if l.last == nil {
			l.first = s
		} else {
			l.last.next = s
		}
		l.last = s
		return
	}
	at := &l.first
	for (*at).before(s) {
		at = &(*at).next
	}
	s.next, *at = *at, s
}

// before reports whether the turn of a stream is before that of another.
func (s *h2Stream) before(other *h2Stream) bool { return int32(s.turn-other.turn) < 0 }

func (l *h2List) remove(s *h2Stream) {
	var before *h2Stream
	for at := l.first; at != nil; before, at = at, at.next {
		if at != s {
			continue
		}
		if before == nil {
			l.first = s.next
		} else {
			before.next = s.next
		}
		if l.last == s {
			l.last = before
		}
		s.next = nil
		return
	}
}

// keepEarly keeps the priority of a stream that has not begun. Those that cannot begin any more, because
// one with a higher number has, make room for it.
func (q *h2Sending) keepEarly(id uint32, is h2.Priority, last uint32) {
	if q.early == nil {
		q.early = make(map[uint32]h2.Priority)
	}
	if len(q.early) >= h2Early && q.swept != last {
		q.swept = last
		maps.DeleteFunc(q.early, func(id uint32, _ h2.Priority) bool { return id <= last })
	}
	if _, known := q.early[id]; known || len(q.early) < h2Early {
		q.early[id] = is
	}
}

// takeEarly returns the priority of a stream that begins, and whether the client has sent it
// before.
func (q *h2Sending) takeEarly(id uint32) (is h2.Priority, known bool) {
	if is, known = q.early[id]; !known {
		return h2.DefaultPriority, false
	}
	delete(q.early, id)
	return is, true
}

// hasWork reports whether a stream has something to send.
func (s *h2Stream) hasWork() bool {
	return !s.said && !s.finished && (s.stream.Queued() > 0 || s.stream.Ended())
}

// enqueue lists a stream that has something to send.
func (p *h2Conn) enqueue(s *h2Stream) {
	if s.listed || !s.hasWork() {
		return
	}
	q := &p.sending
	if s.turn == 0 {
		q.takeTurn(s)
	}
	s.listed = true
	q.count++
	q.lists[s.priority.Urgency].insert(s)
	p.carried.Mark()
}

// takeTurn puts a stream behind all others of its urgency. One that is not incremental keeps its turn
// to the end.
func (q *h2Sending) takeTurn(s *h2Stream) {
	q.turns++
	s.turn = max(q.turns, 1)
}

// unlist takes a stream off its list.
func (p *h2Conn) unlist(s *h2Stream) {
	if s.listed {
		s.listed = false
		p.sending.count--
		p.sending.lists[s.priority.Urgency].remove(s)
	}
}

// reorder gives a stream another priority.
func (p *h2Conn) reorder(s *h2Stream, is h2.Priority) {
	listed := s.listed
	p.unlist(s)
	s.priority = is
	if listed {
		p.enqueue(s)
	}
}

// OnStream implements eventloop.Carrier.
func (p *h2Conn) OnStream(from *eventloop.Stream) {
	s := from.Of.(*h2Stream)
	switch {
	case s.finished:
	case s.said && s.stream.Closed() && s.stream.Queued() == 0:
		s.finish()
	default:
		p.enqueue(s)
	}
}

// OnRoom implements eventloop.Carrier. It makes frames while there is room for them.
func (p *h2Conn) OnRoom() {
	c := &p.c.conn
	if p.guard.held {
		p.goOnReading()
	}
	if p.credit.due() {
		p.credit.giveConn(p)
	}
	p.busy = true
	for p.sending.count > 0 && !p.broken {
		if ahead := int64(p.server.limits.Ahead); c.Buffered() >= ahead {
			p.carried.Wait(ahead - 1)
			break
		}
		s := p.pick()
		if s == nil {
			break // the client has to make room first
		}
		p.sendFrame(s)
	}
	p.busy = false
	p.watch()
}

// resumeSending lists the streams that wait for the window of the connection.
func (p *h2Conn) resumeSending() {
	if p.sending.blocked {
		p.sending.blocked = false
		for one := range p.carried.All() {
			p.enqueue(one.Of.(*h2Stream))
		}
	}
	p.carried.Mark()
}

// goOnReading reads further from a client that has taken all answers to its SETTINGS and PING.
func (p *h2Conn) goOnReading() {
	c := &p.c.conn
	if c.Buffered() > 0 {
		p.carried.Wait(0)
		return
	}
	p.guard.held, p.guard.controls = false, 0
	c.Resume()
}

// pick returns the stream that has the next frame, nil if none may send one. Behind h2Starved bytes
// it is one of a worse urgency, of each in its turn.
func (p *h2Conn) pick() *h2Stream {
	q := &p.sending
	best := q.first(0)
	if best == nil || q.ahead < h2Starved {
		return best
	}
	worse := q.first(max(best.priority.Urgency, q.spared) + 1)
	if worse == nil {
		worse = q.first(best.priority.Urgency + 1)
	}
	if worse == nil {
		return best
	}
	q.spared = worse.priority.Urgency
	return worse
}

// first returns the first stream of an urgency, or of a worse one, that may send something.
func (q *h2Sending) first(urgency uint8) *h2Stream {
	for ; urgency < h2Urgencies; urgency++ {
		for s := q.lists[urgency].first; s != nil; s = s.next {
			if q.window > 0 || s.stream.Queued() == 0 {
				return s
			}
		}
	}
	return nil
}

// countAhead notes that a stream sends n bytes. They are ahead of those that have a worse urgency.
func (q *h2Sending) countAhead(s *h2Stream, n int64) {
	of := s.priority.Urgency
	if better := q.first(0); better.priority.Urgency < of || q.first(of+1) == nil {
		q.ahead = 0
		return
	}
	q.ahead += n
}

// sendFrame sends one frame of a stream, or finds that it has to wait.
func (p *h2Conn) sendFrame(s *h2Stream) {
	queued := s.stream.Queued()
	if queued == 0 {
		p.unlist(s)
		p.sendEnd(s)
		return
	}
	room := p.roomFor(s, queued)
	if room <= 0 {
		p.unlist(s)
		s.stream.Shrink()
		return
	}
	data, lent, err := s.stream.Next(int(min(room, h2.MinFrameSize)))
	switch {
	case err == eventloop.ErrCold:
		p.unlist(s) // OnStream follows
		return
	case err != nil:
		p.unlist(s)
		s.stream.Fail(err)
		return
	}
	n := int64(len(data))
	last := n == queued && s.stream.Ended() && len(s.trailers) == 0
	h := h2.FrameHeader{Length: uint32(n), Type: h2.FrameData, Stream: s.id}
	if last {
		h.Flags = h2.FlagEndStream
	}
	p.sending.countAhead(s, n)
	p.writeFrame(h, data, lent)
	p.guard.useful()
	s.stream.Took(len(data))
	s.window -= n
	p.sending.window -= n
	s.small, p.sending.small = false, false
	switch {
	case last:
		p.unlist(s)
		s.endSaid()
	case n == queued && !s.stream.Ended():
		p.unlist(s)
	case s.priority.Incremental:
		p.unlist(s)
		p.sending.takeTurn(s)
		p.enqueue(s)
	}
}

// sharedFrame is from how long a piece that is lent is not copied into its frame.
const sharedFrame = 4 << 10

// writeFrame sends a frame. Over TLS, header and data are one piece, because each piece is a
// record of its own.
func (p *h2Conn) writeFrame(h h2.FrameHeader, data []byte, lent bool) {
	c := &p.c.conn
	p.stalledAt.written += int64(h2.HeaderSize + len(data))
	b := h.Append(c.Reserve(h2.HeaderSize + len(data)))
	if lent && len(data) >= sharedFrame && !c.Secure() {
		c.Commit(len(b))
		c.WriteNoCopy(data)
		return
	}
	c.Commit(len(append(b, data...)))
}

// roomFor returns how many bytes of a stream the client has room for, 0 if it is to wait for
// more room: small frames are not sent while more is to be said, unless a second has passed.
// A client that opens its window by bytes would be the dearest of all.
func (p *h2Conn) roomFor(s *h2Stream, queued int64) int64 {
	least := min(queued, int64(p.server.limits.LeastFrame))
	q := &p.sending
	if s.window < least && !s.small {
		if s.window > 0 && s.smallAt == nil {
			serial := s.id
			s.smallAt = p.server.loop.After(h2SmallAfter, func() {
				if s.id == serial && s.on == p {
					s.smallAt, s.small = nil, true
					p.enqueue(s)
				}
			})
		}
		return 0
	}
	if q.window < least && !q.small {
		q.blocked = true
		if q.window > 0 && q.timer == nil {
			q.timer = p.server.loop.After(h2SmallAfter, func() {
				q.timer, q.small = nil, true
				p.resumeSending()
			})
		}
		return 0
	}
	return min(s.window, q.window)
}

// h2SmallAfter is how long a small frame waits for a larger window.
const h2SmallAfter = time.Second

// sendEnd ends a stream of which all data is out: by trailers, or by an empty frame.
func (p *h2Conn) sendEnd(s *h2Stream) {
	if len(s.trailers) > 0 {
		p.sendTrailers(s)
	} else {
		p.write(h2.FrameHeader{Type: h2.FrameData, Flags: h2.FlagEndStream, Stream: s.id}.Append(p.server.h2Frame[:0]))
	}
	s.endSaid()
}
