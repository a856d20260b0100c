package eventloop

// Which handshakes go on in a turn. Each step of one costs as much as a hundred small
// requests, or more: so some are taken in each turn, and a flood of them leaves other
// work its share. Clients take turns: one that begins thousands of handshakes waits for
// them itself. Where a step may take long, a worker takes it.

// Handshakes are those under way on a loop, and what they hold, by client. When those
// that have begun hold a quarter of Limits.HandshakesTotal, the hellos of the client
// that has begun most wait until others of its handshakes are over. Above three
// quarters, the client that holds most pays with its oldest.
type handshakes struct {
	loop *Loop

	oldest, newest *handshake
	tally          Tally // bytes
	begun          Tally // how many have begun
	held           int   // how many wait until others are over

	pending     handshakeQueue // wait for their turn on the loop
	forWorkers  handshakeQueue // wait for a worker
	withWorkers int            // how many steps workers are taking
}

// begunHandshake is what a handshake holds once crypto/tls has its hello: a coroutine,
// a tls.Conn and keys. TestAHandshakeUnderWayHoldsWhatItIsChargedFor measures it.
const begunHandshake = 24 << 10

// add puts a handshake at the end of the list.
func (s *handshakes) add(h *handshake) {
	h.listed, h.older = true, s.newest
	if s.newest != nil {
		s.newest.newer = h
	} else {
		s.oldest = h
	}
	s.newest = h
}

// end takes a handshake off the list. It holds nothing from then on, and those
// that wait for room go on.
func (s *handshakes) end(h *handshake) {
	if !h.listed {
		return
	}
	h.listed = false
	s.tally.Add(h.who, -h.holds)
	h.holds = 0
	if h.held {
		h.held = false
		s.held--
	}
	if h.older != nil {
		h.older.newer = h.newer
	} else {
		s.oldest = h.newer
	}
	if h.newer != nil {
		h.newer.older = h.older
	} else {
		s.newest = h.older
	}
	h.older, h.newer = nil, nil
	if h.task != nil {
		s.begun.Add(h.who, -1)
	}
	free := s.mayBegin()
	for h := s.oldest; h != nil && s.held > 0 && free > 0; h = h.newer {
		if h.held {
			h.held = false
			s.held--
			free--
			h.left = h.conn.deadline - s.loop.clock.now
			h.conn.SetDeadline(0)
			h.wait()
		}
	}
}

// mayBegin returns how many more handshakes may begin, of any client.
func (s *handshakes) mayBegin() int64 {
	return max(1, s.loop.limits.HandshakesTotal/4/begunHandshake) - s.begun.Total()
}

// hold reports whether a handshake that would be next has to wait until others of its
// client are over. Its deadline runs on, because the delay is its client's.
func (s *handshakes) hold(h *handshake) bool {
	if h.task != nil || s.mayBegin() > 0 {
		return false
	}
	if who, _ := s.begun.Most(); who != h.who {
		return false
	}
	h.held = true
	s.held++
	h.conn.SetDeadline(max(h.left, tick))
	return true
}

// account notes what a handshake holds, with so many bytes that crypto/tls has not
// taken, and makes room if that is too much.
func (s *handshakes) account(h *handshake, waiting int) {
	if !h.listed {
		return
	}
	holds := int64(waiting)
	if h.task != nil {
		holds += begunHandshake + h.taken
	}
	s.tally.Add(h.who, holds-h.holds)
	h.holds = holds
	for s.tally.Total() > s.loop.limits.HandshakesTotal/4*3 {
		s.shed()
	}
}

// shed resets the oldest handshake of the client that holds most.
func (s *handshakes) shed() {
	who, held := s.tally.Most()
	h := s.oldest
	for h.who != who || h.holds == 0 {
		h = h.newer
	}
	if skipped, ok := s.loop.report.allow("handshakes", s.loop.clock.now); ok {
		s.loop.report.log.Warn("a TLS handshake was cut off: all of them hold too much, and its client holds most", "client", who, "bytes", held, "skipped", skipped)
	}
	s.end(h)
	h.conn.Abort(ErrHandshakesFull)
}

// A handshakeQueue has handshakes wait for their turn. Those that have begun and those
// that have not are served alternately, so that a burst of hellos does not become as
// many begun handshakes at once, which hold ten times as much. In both, clients take
// turns.
type handshakeQueue struct {
	begun, fresh Turns[*handshake]
	freshNext    bool
}

// push puts a handshake in.
func (q *handshakeQueue) push(h *handshake) {
	if h.task != nil {
		q.begun.Push(h.who, h)
	} else {
		q.fresh.Push(h.who, h)
	}
}

// next takes out the handshake that is next, leaving out those that were abandoned
// and those that have to wait for room. It returns nil if none waits.
func (s *handshakes) next(q *handshakeQueue) *handshake {
	for q.len() > 0 {
		from := &q.begun
		if q.freshNext && q.fresh.Len() > 0 || q.begun.Len() == 0 {
			from = &q.fresh
		}
		if h, _ := from.Pop(); !h.abandoned() && !s.hold(h) {
			q.freshNext = from == &q.begun
			return h
		}
	}
	return nil
}

// len returns how many wait.
func (q *handshakeQueue) len() int { return q.begun.Len() + q.fresh.Len() }

// mayStep reports whether step has something to do. There are handshakes under way.
func (s *handshakes) mayStep() bool {
	return s.pending.len() > 0 || s.forWorkers.len() > 0 && s.withWorkers < s.loop.limits.Handshakes
}

// step takes steps of handshakes, as many as one turn allows. That is one while there
// are more connections to accept, because clients take turns only among connections
// that were accepted: the one of an honest client may stand in the kernel's queue
// behind a thousand of another.
func (s *handshakes) step() {
	s.stepByWorkers()
	n := s.loop.limits.Handshakes
	if len(s.loop.listeners.eager) > 0 {
		n = 1
	}
	for ; n > 0; n-- {
		h := s.next(&s.pending)
		if h == nil {
			return
		}
		s.loop.guard(h.conn, h.takeStep)
	}
}

// stepByWorkers gives steps to workers, as many as there may be at a time: each keeps
// a core busy that the loop might need.
func (s *handshakes) stepByWorkers() {
	for s.withWorkers < s.loop.limits.Handshakes {
		h := s.next(&s.forWorkers)
		if h == nil {
			return
		}
		s.withWorkers++
		h.withWorker = true
		h.lend()
		s.loop.OffloadJob(Job{Lane: h.lane(), Client: h.who, Work: h.task.work, Reply: h.back, NoTimeout: true})
	}
}
