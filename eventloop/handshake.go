package eventloop

import (
	"crypto/tls"
	"net/netip"
	"time"
)

// How TLS begins. A handshake is the protocol of its connection until it is done, and
// then hands over to the protocol that was asked for.
//
// It costs next to nothing until the peer's hello is here (hello.go). Then there is a
// coroutine, which is resumed for whole records only, when it is its turn
// (handshakes.go).
//
// While it lasts, crypto/tls is not asked what was agreed upon: the coroutine holds its
// lock, and may be paused. The end of the coroutine is the answer.

// A handshake is one of TLS that is under way.
type handshake struct {
	// Set at accept, never changed.
	how    *TLS
	config *tls.Config
	begin  func(*Conn) Protocol
	embeds Protocol // has the connection as a field, or nil
	conn   *Conn
	who    Client
	local  netip.AddrPort // of the connection, on this machine
	since  time.Duration  // of its acceptance, by the loop's clock

	listed       bool // on the loop's list of those under way
	older, newer *handshake
	holds        int64 // bytes, as the loop accounts for them
	held         bool  // it waits until others of its client's are over

	hello firstMessage
	pipe  *tlsPipe // once the hello is here
	task  *Task
	taken int64  // how much crypto/tls has taken of what has come
	in    *input // lent to the present step
	lent  int    // how much of it

	// The task's while it runs, the loop's while it pauses.
	pause   func() bool
	offLoop bool   // workers take its steps
	slow    bool   // because its key is slow
	moves   bool   // it has paused to go on with a worker
	flight  []byte // what it has written
	result  error
	done    bool

	waits      bool          // for its turn, or for a worker to come back
	left       time.Duration // of its time, while it waits for its turn
	late       bool          // it was given some more
	withWorker bool          // a worker has it
	gone       bool          // the connection is
}

// OnData implements Protocol.
func (h *handshake) OnData(c *Conn, p []byte) int {
	if h.pipe == nil && p[0] != handshakeRecord {
		h.answerPlain(p)
		return len(p)
	}
	if c.hasPeer() && (h.task != nil || c.in != nil) {
		// The peer may keep back the rest until this is acknowledged, and the kernel
		// acknowledge it only with an answer or after 40 ms: there is no answer to
		// the last message of a client in TLS 1.3.
		c.loop.kernel.AckNow(int(c.fd))
	}
	switch {
	case h.waits:
	case h.task == nil:
		complete, alert := h.hello.look(p, c.loop.limits.Hello)
		if alert != 0 {
			h.refuse(alert)
			return len(p)
		}
		if complete {
			h.queue()
		}
	case records(p) > 0:
		h.queue()
	}
	c.loop.handshakes.account(h, len(p))
	return 0
}

// refuse ends the conversation by an alert, before crypto/tls has heard of it.
func (h *handshake) refuse(alert byte) {
	c := h.conn
	c.loop.report.log.Debug("no TLS", "peer", c.Peer(), "error", ErrHello)
	c.loop.handshakes.end(h)
	const fatal = 2
	c.Write([]byte{alertRecord, 3, 1, 0, 2, fatal, alert})
	c.SetDeadline(c.loop.limits.LingerGrace)
	c.Close()
}

// answerPlain ends the conversation with a peer that speaks plain text.
func (h *handshake) answerPlain(first []byte) {
	var answer []byte
	if h.how.Plain != nil {
		answer = h.how.Plain(h.conn, first)
	}
	if answer == nil {
		h.conn.Abort(ErrNotTLS)
		return
	}
	h.conn.loop.handshakes.end(h)
	h.conn.Write(answer)
	h.conn.SetDeadline(h.conn.loop.limits.LingerGrace)
	h.conn.Close()
}

// OnEOF implements Protocol. No handshake can be completed after the end.
func (h *handshake) OnEOF(c *Conn) {
	if h.pipe == nil && c.in == nil {
		c.CloseWithoutLinger() // the peer has sent nothing, and only tried whether the port is open
		return
	}
	c.Abort(ErrTruncated)
}

// OnTimeout implements Protocol.
func (h *handshake) OnTimeout(c *Conn) {
	if c.loop.stop.begun && h.pipe == nil && c.in == nil {
		c.Close() // the peer has sent nothing, and need not be reset if it does now
		return
	}
	c.Abort(ErrSlowHandshake)
}

// OnShutdown implements Protocol. A request comes right behind the end of a handshake,
// so that one that has begun, or is about to, may be completed, if it is quick.
func (h *handshake) OnShutdown(c *Conn) {
	moment := c.loop.StopGrace(c.loop.limits.LingerIdle)
	h.left = min(h.left, moment)
	if c.deadline != 0 { // or it waits for its turn, and its deadline is stopped
		c.SetDeadline(max(min(c.deadline-c.loop.clock.now, moment), tick))
	}
}

// OnClose implements Protocol.
func (h *handshake) OnClose(c *Conn, why error) {
	h.gone = true
	c.loop.handshakes.end(h)
	if h.withWorker {
		return // until the worker is back, the task is the worker's
	}
	if why != nil && h.result == nil {
		c.loop.report.log.Debug("no TLS", "peer", c.Peer(), "error", why)
	}
	if h.task != nil {
		h.task.Stop() // a coroutine that is neither ended nor stopped stays for ever
	}
}

// queue has the handshake go on when it is its turn. Until then nothing is read, and
// its deadline is stopped, because the delay is ours.
func (h *handshake) queue() {
	c, l := h.conn, h.conn.loop
	h.waits = true
	c.Pause()
	h.left = c.deadline - l.clock.now
	if h.left < l.limits.LingerIdle && !h.late {
		// Once, it is given the time for an answer. The machine may have slept,
		// or the loop may have been slow to read.
		h.late, h.left = true, l.limits.LingerIdle
	}
	c.SetDeadline(0)
	h.wait()
}

// wait puts it into the queue.
func (h *handshake) wait() {
	if l := h.conn.loop; h.offLoop {
		l.handshakes.forWorkers.push(h)
	} else {
		l.handshakes.pending.push(h)
	}
}

// lane returns the lane of the workers that take its steps.
func (h *handshake) lane() Lane {
	if h.slow {
		return laneSigning
	}
	return laneHandshakes
}

// abandoned reports whether the peer has gone. In a flood, many peers give up while
// they wait for their turn, and the peers behind them should not wait for those.
func (h *handshake) abandoned() bool {
	if h.task == nil && h.conn.peerEnd >= endRead {
		h.conn.Abort(ErrTruncated)
	}
	return h.gone || h.conn.state > Open
}

// takeStep lets the handshake go on with what has come, until it wants more.
func (h *handshake) takeStep() {
	h.lend()
	h.task.Resume()
	h.resume()
}

// back is the end of takeStep when a worker has done it.
func (h *handshake) back(err error) {
	c := h.conn
	l := c.loop
	h.withWorker = false
	l.handshakes.withWorkers--
	l.handshakes.stepByWorkers()
	switch {
	case h.gone:
		h.task.Stop()
	case err != nil:
		l.report.log.Error("panic", "in", "a handshake", "error", err)
		l.record(Panicked, c, 0)
		c.Abort(err)
	default:
		l.guard(c, h.resume)
	}
}

// lend gives the task whole records of what has come. Until the step is done they are
// not the connection's, as a worker may be reading them.
func (h *handshake) lend() {
	h.conn.SetDeadline(max(h.left, tick))
	if h.conn.in == nil {
		h.conn.in = h.conn.loop.pools.takeInput() // it goes on with a worker, and needs none
	}
	h.in, h.conn.in = h.conn.in, nil
	h.lent = records(h.in.rest())
	p := h.in.rest()[:h.lent]
	if h.task == nil {
		h.start()
		h.conn.loop.handshakes.begun.Add(h.who, 1)
		p = inSmallRecords(p)
	}
	h.pipe.in = p
}

// start makes the coroutine.
func (h *handshake) start() {
	l := h.conn.loop
	s := &tlsPipe{conn: h.conn, handshake: h}
	h.local = l.kernel.LocalAddr(int(h.conn.fd)) // here, because a worker may ask for it
	s.tls = tls.Server(s, h.config)
	h.pipe = s
	h.task = l.NewTask(func(pause func() bool) {
		h.pause = pause
		h.result = s.tls.Handshake()
		h.done = true
	})
	h.task.anywhere = h.offLoop
}

// resume does what follows from a step.
func (h *handshake) resume() {
	c, s := h.conn, h.pipe
	l := c.loop
	h.restore()
	if c.state > Open {
		return // it was given up meanwhile
	}
	c.WriteNoCopy(h.flight)
	h.flight = nil
	h.waits, c.paused = false, false
	switch {
	case h.moves:
		h.moves = false
		h.queue()
	case !h.done:
		if c.in != nil && records(c.in.rest()) > 0 {
			h.queue()
		} else {
			c.readInput()
		}
	case h.result != nil:
		l.handshakes.end(h)
		c.tls, s.handshake = s, nil
		s.fail(h.result)
	default:
		h.handOver()
	}
}

// restore puts what the task has not used, and what has come in the meantime, in
// their order to where it was.
func (h *handshake) restore() {
	c, in := h.conn, h.in
	l := c.loop
	used := h.lent - min(h.lent, len(h.pipe.in)) // which may be of a hello that was cut
	in.at += used
	h.taken += int64(used)
	h.in, h.pipe.in = nil, nil
	if c.in != nil {
		in.add(c.in.rest())
		l.pools.giveInput(c.in)
	}
	if c.in = in; len(in.rest()) == 0 {
		c.dropInput()
	}
	l.handshakes.account(h, len(c.Rest()))
}

// handOver begins the protocol that was asked for, and shows it what has come
// behind the handshake.
func (h *handshake) handOver() {
	c, s := h.conn, h.pipe
	l := c.loop
	l.handshakes.end(h)
	state := s.tls.ConnectionState()
	s.version = state.Version
	l.record(TLSHandshake, c, int64(state.Version))
	if state.DidResume {
		l.record(TLSResumed, c, int64(state.Version))
	}
	in, rest := c.in, c.Rest()
	c.in, c.tls, s.handshake, c.deadline = nil, s, nil, 0
	c.protocol = h.begin(c)
	var p []byte
	if c.state <= Open {
		p = s.decrypt(rest)
	}
	if in != nil {
		l.pools.giveInput(in)
	}
	switch {
	case len(p) == 0 || c.state > Open:
	case c.mayDeliver():
		c.deliver(p)
	default:
		c.keep(p) // until the protocol may be shown it
	}
	c.readInput()
	if l.stop.begun && c.canWrite() {
		c.protocol.OnShutdown(c)
	}
}
