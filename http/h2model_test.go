package http

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// A model of a client of HTTP/2. It knows the state of each stream, both windows and both
// tables, and so it knows what the server may send at any moment: anything else is a fault.
// The field blocks are those of golang.org/x/net, so that no mistake of ours is on both sides.

// An h2Model is a client on one connection.
type h2Model struct {
	k *sim.Kernel
	s *sim.Script
	w *sim.Wire
	r *rand.Rand // decides what is sent, and in which order

	out    []byte // frames that are not sent
	in     []byte // bytes that are no whole frame
	end    error  // of the connection
	fault  error  // the first thing that the server must not do
	buffer []byte // what is read at a time
	frames int    // that were made

	change int  // the number of the frame that is changed, -1 for none
	loose  bool // one was changed: only the form of what comes is checked

	encoder  *hpack.Encoder
	block    bytes.Buffer // that is being encoded
	decoder  *hpack.Decoder
	fields   []hpack.HeaderField // of the block that was decoded last
	shrinks  bool                // the next block begins with a smaller table
	table    uint32              // the size of ours
	unacked  []h2Change          // SETTINGS without an answer
	pings    [][8]byte           // likewise
	head     h2.FrameHeader      // of a block that goes on
	piece    []byte              // of that
	settled  bool                // the server's SETTINGS have come
	window   int64               // INITIAL_WINDOW_SIZE of ours
	theirs   h2.Settings         // of the server
	goAways  int
	last     uint32 // of the latest GOAWAY
	controls int    // frames beside those of streams that are still to be sent
	made     int    // moves
	mishapAt int    // the move at which mishap is called, -1 for none
	mishap   func()

	streams map[uint32]*h2Ask
	asks    []*h2Ask
	next    uint32 // the number of the next stream
	skips   bool   // numbers are left out

	send, receive int64 // windows of the connection
	unread        int64 // bytes that were heard and not given back
	grants        int
}

// An h2Change is SETTINGS that were sent.
type h2Change struct {
	by      int64  // to the windows of streams
	below   uint32 // with lower numbers than this
	table   uint32
	changed bool // the table is
}

// An h2Ask is a request and what is heard of its answer.
type h2Ask struct {
	kind *h2Kind
	id   uint32 // 0 until it has begun

	a, b     string // values of its fields
	body     []byte
	sent     int
	declared bool // Content-Length is
	trailers bool
	leaveAt  int // its client resets it at this move, -1 for never
	moves    int

	closed  bool // END_STREAM was sent
	left    bool // RST_STREAM was sent
	missed  bool // GOAWAY says that it was not taken
	refused bool // RST_STREAM has come
	code    h2.ErrorCode

	status string
	length int64 // Content-Length, -1 without one
	heard  []byte
	ended  bool // END_STREAM has come

	send, receive int64 // windows
	unread        int64
	grants        int
}

// over reports whether nothing is left to do.
func (a *h2Ask) over() bool {
	return a.left || a.missed || a.refused || a.ended && a.closed
}

func newH2Model(k *sim.Kernel, s *sim.Script, w *sim.Wire, r *rand.Rand, asks []*h2Ask) *h2Model {
	m := &h2Model{
		k: k, s: s, w: w, r: r, asks: asks, change: -1, mishapAt: -1, buffer: make([]byte, 1<<16), next: 1,
		streams: make(map[uint32]*h2Ask), theirs: h2.DefaultSettings,
		window: h2.DefaultWindow, send: h2.DefaultWindow, receive: h2.DefaultWindow, table: h2.DefaultTable,
	}
	m.encoder = hpack.NewEncoder(&m.block)
	m.decoder = hpack.NewDecoder(h2.DefaultTable, func(f hpack.HeaderField) { m.fields = append(m.fields, f) })
	return m
}

// fail notes a fault of the server's. Behind a frame that was changed there is none but in the
// form.
func (m *h2Model) fail(format string, args ...any) {
	if m.fault == nil && !m.loose {
		m.fault = fmt.Errorf(format, args...)
	}
}

// emit queues a frame, which is changed if it is the one.
func (m *h2Model) emit(h h2.FrameHeader, payload []byte) {
	h.Length = uint32(len(payload))
	frame := append(h.Append(nil), payload...)
	if m.frames == m.change {
		frame, m.loose = changeFrame(m.r, frame), true
	}
	m.frames++
	m.out = append(m.out, frame...)
}

// push sends some of what is queued.
func (m *h2Model) push() bool {
	if len(m.out) == 0 || m.end != nil {
		return false
	}
	n := len(m.out)
	if m.r.IntN(2) == 0 {
		n = 1 + m.r.IntN(n)
	}
	n, err := m.w.Send(m.out[:n])
	m.out = m.out[n:]
	if err != nil && err != sim.ErrWouldWait {
		m.out = nil // hearing finds out how it ended
	}
	return n > 0
}

// number returns a number of 32 bits as a payload.
func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// patience is how long a model waits for the next byte of what must come.
const h2Patience = 30 * time.Second

// run asks everything, in an order that the seed decides, and hears the answers.
func (m *h2Model) run(watch *h2Watch) {
	m.out = append(m.out, h2.Preface...)
	m.sendSettings()
	half := 1 + m.r.IntN(60)
	m.drive(func() bool { return m.over() || m.made >= half }, true)
	m.agree(watch)
	m.drive(m.over, true)
	m.agree(watch)
}

// agree waits until nothing is on its way. Both sides have to know the same of all windows then.
func (m *h2Model) agree(watch *h2Watch) {
	if m.loose || m.fault != nil || m.end != nil {
		return
	}
	var why string
	for range 300 {
		m.push()
		m.hear()
		if m.end != nil || m.goAways > 0 {
			return
		}
		if why = m.differs(watch); why == "" {
			return
		}
		m.s.Sleep(time.Millisecond)
	}
	m.fail("the windows differ: %s", why)
}

// differs says in what the two sides differ, and nothing if they do not.
func (m *h2Model) differs(watch *h2Watch) (why string) {
	var p *h2Conn
	for of := range watch.seen {
		if of.c.conn.Peer().Port() == m.w.Port() {
			p = of
		}
	}
	switch {
	case p == nil:
		return "there is no connection"
	case p.sending.window != m.receive || p.credit.window != m.send:
		return fmt.Sprintf("of the connection: %d and %d at the server, %d and %d here", p.sending.window, p.credit.window, m.receive, m.send)
	}
	for s := range p.streams.all() {
		id := s.id
		a := m.streams[id]
		switch {
		case a == nil || a.left:
			return fmt.Sprintf("stream %d is open at the server", id)
		case !s.said && s.window != a.receive, !s.heard && s.credit != a.send:
			return fmt.Sprintf("of stream %d for %s: %d and %d at the server, %d and %d here", id, a.kind.path, s.window, s.credit, a.receive, a.send)
		}
	}
	return ""
}

// answeredAll reports whether all requests are over. Behind a GOAWAY, the connection may end with the
// last answer, although the body of the request has not.
func (m *h2Model) answeredAll() bool {
	for _, a := range m.asks {
		if !a.over() && !(a.ended && m.goAways > 0) {
			return false
		}
	}
	return true
}

// over reports whether nothing is left to do.
func (m *h2Model) over() bool {
	return m.answeredAll() && len(m.out) == 0 && (len(m.unacked) == 0 && len(m.pings) == 0 || m.goAways > 0)
}

// drive makes moves, if it may, and hears what comes until it is done.
func (m *h2Model) drive(done func() bool, moves bool) {
	quiet, patience := m.k.Now(), h2Patience
	for m.fault == nil && m.end == nil && !done() {
		moved := m.hear()
		if moves && len(m.out) < 32<<10 && m.move() {
			moved = true
		}
		if m.push() || moved {
			quiet = m.k.Now()
			m.s.Sleep(time.Duration(1+m.r.IntN(20)) * time.Microsecond)
			continue
		}
		if m.loose {
			patience = 3 * time.Second
		}
		if m.k.Now().Sub(quiet) > patience {
			m.fail("nothing has come for %v: %s", patience, m.waitsFor())
			return
		}
		wait := 300 * time.Millisecond
		if len(m.out) > 0 {
			wait = time.Millisecond
		}
		m.s.Until(m.w, m.k.Now().Add(wait))
	}
	if m.end != nil && !(m.end == io.EOF && m.goAways > 0 && m.answeredAll()) {
		m.fail("the connection has ended: %v; %s", m.end, m.waitsFor())
	}
}

// waitsFor describes what is not over.
func (m *h2Model) waitsFor() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d bytes unsent, windows of %d and %d, %d SETTINGS and %d PING unanswered", len(m.out), m.send, m.receive, len(m.unacked), len(m.pings))
	for _, a := range m.asks {
		if !a.over() {
			fmt.Fprintf(&b, "; stream %d for %s: %d of %d bytes sent, closed: %v, status %q, %d bytes heard, ended: %v, windows of %d and %d",
				a.id, a.kind.path, a.sent, len(a.body), a.closed, a.status, len(a.heard), a.ended, a.send, a.receive)
		}
	}
	return b.String()
}
