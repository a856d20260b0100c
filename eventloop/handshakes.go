package eventloop

// A handshakes is the list of handshakes under way on a loop, and what they hold, by
// client. When those that have begun hold a quarter of what all may, the hellos of the
// client that has begun most wait until others of its handshakes are over. Above
// three quarters, the client that holds most pays with its oldest.
type handshakes struct {
	oldest, newest *handshake
	tally          Tally // bytes
	begun          Tally // how many have begun
	held           int   // how many wait until others are over
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

// endHandshake takes a handshake off the list. It holds nothing from then on, and those
// that wait for room go on.
func (l *Loop) endHandshake(h *handshake) {
	s := &l.handshakes
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
	free := l.mayBegin()
	for h := s.oldest; h != nil && s.held > 0 && free > 0; h = h.newer {
		if h.held {
			h.held = false
			s.held--
			free--
			h.left = h.conn.deadline - l.now
			h.conn.SetDeadline(0)
			h.wait()
		}
	}
}

// mayBegin is how many handshakes more may begin whosever they are.
func (l *Loop) mayBegin() int64 {
	return max(1, l.limits.HandshakesTotal/4/begunHandshake) - l.handshakes.begun.Total()
}

// accountHandshake reports whether a handshake whose turn it is has to wait until others of
// its client are over. Its time runs on meanwhile: they are its client's.
func (l *Loop) accountHandshake(h *handshake) bool {
	if h.task != nil || l.mayBegin() > 0 {
		return false
	}
	if who, _ := l.handshakes.begun.Most(); who != h.who {
		return false
	}
	h.held = true
	l.handshakes.held++
	h.conn.SetDeadline(max(h.left, tick))
	return true
}

// checkHandshake accounts for what a handshake holds, with so many bytes that crypto/tls
// has not taken, and makes room if that is too much.
func (l *Loop) checkHandshake(h *handshake, waiting int) {
	if !h.listed {
		return
	}
	holds := int64(waiting)
	if h.task != nil {
		holds += begunHandshake + h.taken
	}
	s := &l.handshakes
	s.tally.Add(h.who, holds-h.holds)
	h.holds = holds
	for s.tally.Total() > l.limits.HandshakesTotal/4*3 {
		l.shedHandshake()
	}
}

// shedHandshake resets the oldest handshake of the client that holds most.
func (l *Loop) shedHandshake() {
	s := &l.handshakes
	who, held := s.tally.Most()
	h := s.oldest
	for h.who != who || h.holds == 0 {
		h = h.newer
	}
	if skipped, ok := l.mayComplain("handshakes", l.now); ok {
		l.log.Warn("a TLS handshake was cut off: all of them hold too much, and its client holds most", "client", who, "bytes", held, "skipped", skipped)
	}
	l.endHandshake(h)
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

// nextHandshake takes out the one whose turn it is, leaving out those that were abandoned
// and those that have to wait for room; nil if none waits.
func (l *Loop) nextHandshake(q *handshakeQueue) *handshake {
	for q.len() > 0 {
		from := &q.begun
		if q.freshNext && q.fresh.Len() > 0 || q.begun.Len() == 0 {
			from = &q.fresh
		}
		if h, _ := from.Pop(); !h.abandoned() && !l.accountHandshake(h) {
			q.freshNext = from == &q.begun
			return h
		}
	}
	return nil
}

// len is how many wait.
func (q *handshakeQueue) len() int { return q.begun.Len() + q.fresh.Len() }

// mayStepHandshake reports whether shake has something to do. There are handshakes under way.
func (l *Loop) mayStepHandshake() bool {
	return l.pendingHandshakes.len() > 0 || l.workerHandshakes.len() > 0 && l.waitingForWorkers < l.limits.Handshakes
}

// stepHandshakes takes steps of handshakes, as many as one turn allows. It is one while there
// are more connections to accept, which take turns only when they are: the one of an
// honest client may stand in the kernel's queue behind a thousand of another.
func (l *Loop) stepHandshakes() {
	l.stepByWorkers()
	n := l.limits.Handshakes
	if len(l.eager) > 0 {
		n = 1
	}
	for ; n > 0; n-- {
		h := l.nextHandshake(&l.pendingHandshakes)
		if h == nil {
			return
		}
		l.current = h.conn
		l.guard(h.takeStep)
	}
}

// stepByWorkers gives steps to workers, as many as there may be at a time: each keeps
// a core busy that the loop might need.
func (l *Loop) stepByWorkers() {
	for l.waitingForWorkers < l.limits.Handshakes {
		h := l.nextHandshake(&l.workerHandshakes)
		if h == nil {
			return
		}
		l.waitingForWorkers++
		h.withWorker = true
		h.lend()
		l.OffloadJob(Job{Lane: h.lane(), Client: h.who, Work: h.task.work, Reply: h.back, NoTimeout: true})
	}
}
