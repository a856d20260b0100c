package websocket

import (
	"sync"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A shared is what the sessions of one loop share. It belongs to the loop's goroutine.
type shared struct {
	deflater
	accounts
	loop     *eventloop.Loop
	sessions int
	limits   *Limits // those of the last session: most have the same
	scratch  []byte  // for a frame that is about to be written
	spares   [][]byte
	idle     []*incoming
	work     int // of this call of receive, see turnWork
}

// idleKept is how many incomings a loop keeps to be used again.
const idleKept = 64

// What a loop keeps for its next messages: a few spares, for one that is deflated, as it was
// inflated, and deflated again; and how large each is at most, as the next frame is.
const (
	sparesKept = 3
	keepSpare  = 3 << 19
)

// loops has what is shared on each loop that has sessions. The lock is held for a look-up at
// the beginning of a session, and at its end.
var loops struct {
	sync.Mutex
	of map[*eventloop.Loop]*shared
}

// join returns what is shared on a loop, for one more session.
func join(loop *eventloop.Loop) *shared {
	loops.Lock()
	defer loops.Unlock()
	sh := loops.of[loop]
	if sh == nil {
		if loops.of == nil {
			loops.of = make(map[*eventloop.Loop]*shared)
		}
		sh = &shared{loop: loop}
		loops.of[loop] = sh
	}
	sh.sessions++
	return sh
}

// leave forgets a session. With the last of its loop, all that is shared is forgotten.
func (sh *shared) leave() {
	if sh.sessions--; sh.sessions == 0 {
		loops.Lock()
		delete(loops.of, sh.loop)
		loops.Unlock()
	}
}

// same returns the limits, in one place for all sessions that have the same.
func (sh *shared) same(l Limits) *Limits {
	if sh.limits == nil || *sh.limits != l {
		sh.limits = &l
	}
	return sh.limits
}

// take returns memory for a message.
func (sh *shared) take() []byte {
	n := len(sh.spares)
	if n == 0 {
		return nil
	}
	p := sh.spares[n-1]
	sh.spares = sh.spares[:n-1]
	return p[:0]
}

// give gives the memory of a message back.
func (sh *shared) give(p []byte) {
	if cap(p) > 0 && cap(p) <= keepSpare && len(sh.spares) < sparesKept {
		sh.spares = append(sh.spares, p)
	}
}

// takeIncoming returns an incoming for a session.
func (sh *shared) takeIncoming(s *Session) (in *incoming) {
	if n := len(sh.idle); n > 0 {
		in, sh.idle = sh.idle[n-1], sh.idle[:n-1]
	} else {
		in = &incoming{}
	}
	in.reader.Max, in.reader.Deflate = s.limits.MessageSize, s.window > 0
	return in
}

// giveIncoming takes one back of which nothing is incomplete.
func (sh *shared) giveIncoming(in *incoming) {
	in.begun = 0
	if len(sh.idle) < idleKept {
		sh.idle = append(sh.idle, in)
	}
}
