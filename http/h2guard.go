package http

import (
	"slices"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// What a client of HTTP/2 may cost beyond its requests. Each limit has been an attack on other
// servers: see docs/limits.md.

// An h2Guard counts it.
type h2Guard struct {
	resets   float64       // that are left of Limits.Resets
	at       time.Duration // when those were counted
	waste    int           // frames of no use, less those of use
	wasteAt  time.Duration // when a second gave one of them back last
	controls int           // answers to SETTINGS and PING, and resets, since the queue was empty
	held     bool          // nothing is read before these are sent

	frames   int           // of SETTINGS, since
	framesAt time.Duration // the beginning of the present ten seconds
}

func (g *h2Guard) begin(l *Limits) { g.resets = float64(l.Resets) }

// h2ResetsBack is how many resets a client has back in a second; each answer gives back one more.
const h2ResetsBack = 10

// reset counts a stream that was reset, by either side.
func (g *h2Guard) reset(s *Server) *h2.Error {
	now := s.elapsed()
	g.resets = min(g.resets+h2ResetsBack*(now-g.at).Seconds(), float64(s.limits.Resets))
	g.at = now
	if g.resets--; g.resets < 0 {
		return errH2Resets
	}
	return nil
}

// answered gives back a reset.
func (g *h2Guard) answered(l *Limits) {
	g.resets = min(g.resets+1, float64(l.Resets))
	g.useful()
}

// useful counts a frame of use, of either side.
func (g *h2Guard) useful() {
	if g.waste > 0 {
		g.waste--
	}
}

// h2UselessBack is the time that gives one frame of no use back, so that PING may keep a request
// alive for as long as it takes.
const h2UselessBack = time.Second

// useless counts a frame that does nothing for a request.
func (g *h2Guard) useless(s *Server) *h2.Error {
	if back := (s.elapsed() - g.wasteAt) / h2UselessBack; back > 0 {
		g.waste -= min(g.waste, int(back))
		g.wasteAt += back * h2UselessBack
	}
	if g.waste++; g.waste > s.limits.Useless {
		return errH2Useless
	}
	return nil
}

// settingsFor is the time for which SETTINGS are counted.
const settingsFor = 10 * time.Second

// settings counts a frame of SETTINGS with a payload of n bytes.
func (g *h2Guard) settings(s *Server, n int) *h2.Error {
	if now := s.elapsed(); now-g.framesAt >= settingsFor {
		g.frames, g.framesAt = 0, now
	}
	const bytesEach = 6
	if g.frames++; g.frames > s.limits.Settings || n/bytesEach > s.limits.Settings {
		return errH2Settings
	}
	return nil
}

// warnOfBurden logs, once a second, that a client asks for work that is of no use.
func (s *Server) warnOfBurden(c *conn, why *h2.Error) {
	s.loop.Warn("a client of HTTP/2 asks for work that is of no use: its connection is closed",
		"client", c.conn.Client(), "why", why.Reason)
}

// An h2Stall watches whether the client takes what the connection has for it. It has the account of
// slow.go, of the whole connection.
type h2Stall struct {
	written int64 // bytes of frames
	taken   int64 // of those, at the last look
	on      bool
	blockBy time.Duration // when the field block that is coming has to be complete, 0 for none
}

// begin begins to watch.
func (a *h2Stall) begin(p *h2Conn) {
	if a.on {
		return
	}
	unsent := p.c.conn.Unsent()
	a.on, a.taken = true, a.written-unsent
	p.c.account().owed = unsent
	p.c.conn.SetDeadline(p.server.limits.lookEvery())
}

// end ends that: nothing is queued any more. The account is closed when nothing will be.
func (a *h2Stall) end(p *h2Conn) {
	if a.on {
		a.on = false
		p.c.account().settle(max(a.written-p.c.conn.Unsent()-a.taken, 0), &p.server.limits)
	}
	if p.carried.Streams() == 0 && len(p.server.slow) > 0 {
		p.c.closeAccount()
	}
}

// watchBlock sets the deadline for a field block, unless the client is looked at before.
func (a *h2Stall) watchBlock(p *h2Conn) {
	now := p.server.elapsed()
	if a.blockBy == 0 {
		a.blockBy = now + p.server.limits.HeadTimeout
	}
	if !a.on {
		p.c.conn.SetDeadline(max(1, a.blockBy-now))
	}
}

// look is called at the deadline. It reports whether output was the reason. A client whose account is
// empty is reset.
func (a *h2Stall) look(p *h2Conn) bool {
	if !a.on {
		return false
	}
	unsent := p.c.conn.Unsent()
	if unsent == 0 {
		a.end(p)
		p.watch()
		return true
	}
	account, l := p.c.account(), &p.server.limits
	n := max(a.written-unsent-a.taken, 0)
	if !account.pay(n, l) {
		p.c.conn.Abort(errStalled)
		return true
	}
	a.taken, account.owed = a.taken+n, unsent
	p.c.conn.SetDeadline(l.lookEvery())
	return true
}

// An h2Gone remembers the streams that were reset last, because frames for them may be on their
// way: twice as many as may be open, so that all of those may end while as many follow. A client
// that does not know Limits.Streams yet may begin more.
type h2Gone struct {
	last []uint32
	next int // the place of the next one, when all places are taken
}

// add remembers a stream, and forgets the oldest of them if they are too many.
func (g *h2Gone) add(id uint32, l *Limits) {
	const least, most = 100, 500
	if len(g.last) < 2*max(least, min(l.Streams, most)) {
		g.last = append(g.last, id)
		return
	}
	g.last[g.next] = id
	g.next = (g.next + 1) % len(g.last)
}

// has reports whether a stream is one of them.
func (g *h2Gone) has(id uint32) bool { return slices.Contains(g.last, id) }

// Why a connection or a stream ends. The client reads the text in GOAWAY.
var (
	errH2Preface      = &h2.Error{Code: h2.ProtocolError, Reason: "the connection does not begin with the preface of HTTP/2"}              // RFC 9113 section 3.4
	errH2FirstFrame   = &h2.Error{Code: h2.ProtocolError, Reason: "the first frame is not SETTINGS"}                                       // RFC 9113 section 3.4
	errH2InBlock      = &h2.Error{Code: h2.ProtocolError, Reason: "a field block is interrupted by another frame"}                         // RFC 9113 section 6.10
	errH2NoBlock      = &h2.Error{Code: h2.ProtocolError, Reason: "CONTINUATION follows no field block that is open"}                      // RFC 9113 section 6.10
	errH2Windows      = &h2.Error{Code: h2.FlowControlError, Reason: "INITIAL_WINDOW_SIZE makes a window too large"}                       // RFC 9113 section 6.9.2
	errH2ConnWindow   = &h2.Error{Code: h2.FlowControlError, Reason: "the window of the connection is too large"}                          // RFC 9113 section 6.9.1
	errH2StreamWindow = &h2.Error{Code: h2.FlowControlError, Stream: true, Reason: "the window of a stream is too large"}                  // RFC 9113 section 6.9.1
	errH2Overrun      = &h2.Error{Code: h2.FlowControlError, Reason: "more DATA than the window of the connection has room for"}           // RFC 9113 section 6.9.1
	errH2StreamOver   = &h2.Error{Code: h2.FlowControlError, Stream: true, Reason: "more DATA than the window of the stream has room for"} // RFC 9113 section 6.9.1
	errH2Idle         = &h2.Error{Code: h2.ProtocolError, Reason: "a frame for a stream that has not begun"}                               // RFC 9113 section 5.1
	errH2ClosedHead   = &h2.Error{Code: h2.StreamClosed, Reason: "HEADERS for a stream that is closed"}                                    // RFC 9113 section 5.1
	errH2Closed       = &h2.Error{Code: h2.StreamClosed, Stream: true, Reason: "a frame behind the end of the stream"}                     // RFC 9113 section 5.1
	errH2TooMany      = &h2.Error{Code: h2.RefusedStream, Stream: true, Reason: "more streams than MAX_CONCURRENT_STREAMS"}                // RFC 9113 section 5.1.2
	errH2Malformed    = &h2.Error{Code: h2.ProtocolError, Stream: true, Reason: "the request is malformed"}                                // RFC 9113 section 8.1.1
	errH2Length       = &h2.Error{Code: h2.ProtocolError, Stream: true, Reason: "the body is not as long as Content-Length says"}          // RFC 9113 section 8.1.1
	errH2Trailers     = &h2.Error{Code: h2.ProtocolError, Stream: true, Reason: "trailers end a stream, and have no pseudo-fields"}        // RFC 9113 section 8.1
	errH2BlockSize    = &h2.Error{Code: h2.EnhanceYourCalm, Reason: "a field block is too large, or has too many CONTINUATION"}            // RFC 9113 section 10.5.1
	errH2Slow         = &h2.Error{Code: h2.EnhanceYourCalm, Reason: "the head took too long"}                                              // RFC 9113 section 10.5
	errH2Resets       = &h2.Error{Code: h2.EnhanceYourCalm, Reason: "too many streams are reset"}                                          // RFC 9113 section 10.5
	errH2Useless      = &h2.Error{Code: h2.EnhanceYourCalm, Reason: "too many frames of no use"}                                           // RFC 9113 section 10.5
	errH2Settings     = &h2.Error{Code: h2.EnhanceYourCalm, Reason: "too many settings"}                                                   // RFC 9113 section 10.5
	errH2Cipher       = &h2.Error{Code: h2.InadequateSecurity, Reason: "the cipher suite of TLS is not good enough for HTTP/2"}            // RFC 9113 section 9.2.2
)
