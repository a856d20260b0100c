package http

import (
	"math/bits"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// What is told of a connection of HTTP/2 that is looked at. Its requests overlap, so a picture of
// it has a few places, one below the other, and a stream keeps its place until its end.

// takePlace returns the first place that no stream has, from 1 on, or 0 if all are taken.
func (p *h2Conn) takePlace() uint8 {
	free := bits.TrailingZeros8(^p.places)
	if free >= len(eventloop.ConnInfo{}.Streams) {
		return 0
	}
	p.places |= 1 << free
	return uint8(free) + 1
}

// givePlace gives a place back.
func (p *h2Conn) givePlace(place uint8) {
	if place > 0 {
		p.places &^= 1 << (place - 1)
	}
}

// activity returns what a stream does. With its last bytes queued it is writing, although its
// conn is closing: the connection goes on.
func (s *h2Stream) activity() eventloop.Activity {
	switch c := &s.conn; {
	case s.finished, c.phase == inBody:
		return eventloop.Reading
	case c.x != nil, c.tunnel() != nil:
		return eventloop.Handling
	}
	return eventloop.Writing
}

// ranks orders the activities of streams: a connection does what the first of them does.
var ranks = [eventloop.Activities]int{eventloop.Writing: 1, eventloop.Reading: 2, eventloop.Handling: 3}

// Inspect implements eventloop.Inspected. The connection does what the foremost of its streams
// does, and has that one's route: a stream with a handler goes before one that is read, and that
// before one that is written.
func (p *h2Conn) Inspect(info *eventloop.ConnInfo) {
	info.Accepted = p.c.since
	info.Requests = uint32(p.c.requests)
	if p.block.header.Stream != 0 || !p.served {
		info.Activity = eventloop.Reading
	}
	for s := range p.streams.all() {
		is := s.activity()
		if is == eventloop.Handling {
			info.Handled++
		}
		if s.place > 0 {
			info.Streams[s.place-1] = uint8(is) + 1
		}
		info.Owed += s.stream.Queued()
		x := s.conn.x
		if x != nil {
			info.Requests-- // it has no answer yet
		}
		if ranks[is] > ranks[info.Activity] || ranks[is] == ranks[info.Activity] && s.since < info.Since {
			info.Activity, info.Since, info.Route = is, s.since, 0
			if r := s.conn.route(); r != nil {
				info.Route = uint32(r.Number) + 1
			}
		}
	}
}

// recordReset records that a stream was reset, by either side.
func (s *h2Stream) recordReset(code h2.ErrorCode) {
	s.on.c.conn.Record(StreamReset, s.number, int64(code))
}

// queued returns how many bytes the connection of the request has queued, with those of its
// stream.
func (x *exchange) queued() int64 {
	n := x.conn.conn.Buffered()
	if x.stream != nil {
		n += x.stream.on.c.conn.Buffered()
	}
	return n
}

var _ eventloop.Inspected = (*h2Conn)(nil)
