package eventloop

import (
	"math"
	"math/bits"
	"time"

	"github.com/bobbin-http/bobbin"
)

// The deadlines of connections are on a wheel of lists, one list for each
// tenth of a second. They are cheap because a connection is moved lazily: a request
// only stores its new deadline. When the list that the connection is still in comes
// up, the deadline is looked at, and a connection with a later deadline is put further
// along. So a busy connection costs
// one store a request and one move a minute, and an idle one nothing.

const (
	tick       = 100 * time.Millisecond
	wheelSlots = 1024 // 102 s; a later deadline waits in the last slot and moves on
)

type wheel struct {
	slots [wheelSlots]*Conn       // heads of doubly linked lists
	used  [wheelSlots / 64]uint64 // one bit a slot that is not empty
	at    int64                   // the last tick that was walked
	soon  int64                   // the tick of the next slot that is not empty; 0 if that must be looked for
}

// never is the tick of the next slot when all are empty.
const never = math.MaxInt64 / int64(tick)

// link puts c into the slot where its deadline will be looked at: rounded up,
// because a deadline may be late but not early.
func (w *wheel) link(c *Conn) {
	t := min(w.tickOf(c.deadline), w.at+wheelSlots-1)
	slot := int(t % wheelSlots)
	c.slot = int16(slot)
	c.prev, c.next = 0, 0
	if first := w.slots[slot]; first != nil {
		first.prev, c.next = c.fd+1, first.fd+1
	}
	w.slots[slot] = c
	w.used[slot/64] |= 1 << (slot % 64)
	w.soon = min(w.soon, t)
}

// tickOf returns the tick at which a deadline is over, never one that was
// walked already.
func (w *wheel) tickOf(deadline time.Duration) int64 {
	return max(int64((deadline+tick-1)/tick), w.at+1)
}

func (w *wheel) unlink(c *Conn) {
	if c.slot < 0 {
		return
	}
	prev, next := c.loop.conns.linked(c.prev), c.loop.conns.linked(c.next)
	if prev != nil {
		prev.next = c.next
	} else {
		w.slots[c.slot] = next
		if next == nil {
			w.used[c.slot/64] &^= 1 << (c.slot % 64)
			w.soon = 0
		}
	}
	if next != nil {
		next.prev = c.prev
	}
	c.prev, c.next, c.slot = 0, 0, -1
}

// moved is called when a deadline was set. Only one that has come nearer than
// the slot in which c waits needs to move.
func (w *wheel) moved(c *Conn) {
	if c.slot < 0 {
		w.link(c)
		return
	}
	waits := w.at + 1 + (int64(c.slot)-(w.at+1)%wheelSlots+wheelSlots)%wheelSlots
	if w.tickOf(c.deadline) < waits {
		w.unlink(c)
		w.link(c)
	}
}

// next returns when the next slot that is not empty is over, bobbin.Forever if all are
// empty. It is asked each turn, and seldom has to look.
func (w *wheel) next() time.Duration {
	if w.soon == 0 {
		w.soon = w.find()
	}
	if w.soon == never {
		return bobbin.Forever
	}
	return time.Duration(w.soon) * tick
}

// find looks for the tick of the next slot that is not empty.
func (w *wheel) find() int64 {
	from := int((w.at + 1) % wheelSlots)
	for i := 0; i <= wheelSlots/64; i++ {
		word := (from/64 + i) % (wheelSlots / 64)
		set := w.used[word]
		if i == 0 {
			set &= ^uint64(0) << (from % 64)
		} else if i == wheelSlots/64 {
			set &= 1<<(from%64) - 1
		}
		if set != 0 {
			slot := word*64 + bits.TrailingZeros64(set)
			ahead := (slot - from + wheelSlots) % wheelSlots
			return w.at + 1 + int64(ahead)
		}
	}
	return never
}

// take unlinks and returns one connection whose slot is over at the time given,
// until there is none. Its deadline may well lie further on, or be gone.
func (w *wheel) take(now time.Duration) *Conn {
	until := int64(now / tick)
	for w.at < until {
		slot := (w.at + 1) % wheelSlots
		if c := w.slots[slot]; c != nil {
			w.unlink(c)
			return c
		}
		w.at++
		// After a long sleep, empty slots are skipped by the bit map.
		w.next()
		w.at = max(w.at, min(until, w.soon-1))
	}
	return nil
}
