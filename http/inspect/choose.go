package inspect

import (
	"cmp"
	"slices"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Which connections a frame has as rows: those in trouble, then those that owe most, that
// wait longest, that did something lately, and the oldest. The others are in a strip, of
// which only the activity is told.

const (
	rowsMost  = 200
	stripMost = 4096 // connections in the strip; sorting them is what a frame costs most
	runsMost  = 2000
)

// The reasons for a row, the weakest first. The value of the first three is the age.
const (
	isThere = iota
	isActive
	isWaiting  // by the time in its activity
	owes       // by the bytes
	inTrouble  // by the place in the list of troubles
	isWatching // a page's own
)

// A choice is a connection that may become a row, with its rank: the reason and the value.
type choice struct {
	rank uint64
	loop int32
	row  int32
}

// rankOf returns the rank of a connection. Ranks of equal reasons compare by the value,
// which has 56 bits.
func rankOf(reason int, value int64) uint64 {
	return uint64(reason)<<56 | uint64(min(max(value, 0), 1<<56-1))
}

// lately is how long a connection counts as active, and how long it has to wait to be
// shown for that.
const (
	lately  = 2 * time.Second
	waiting = 200 * time.Millisecond
)

// rank returns the rank of a connection that is in no trouble, at a time of its loop.
func rank(c *eventloop.ConnInfo, at time.Duration) uint64 {
	age := int64(1<<56-1) - int64(c.Accepted)
	since := at - c.Since
	switch {
	case c.LeftOut:
		return rankOf(isWatching, age)
	case c.Owed > 0:
		return rankOf(owes, c.Owed)
	case c.Activity != eventloop.Idle && since >= waiting:
		return rankOf(isWaiting, int64(since))
	case c.Activity != eventloop.Idle || since < lately:
		return rankOf(isActive, age)
	}
	return rankOf(isThere, age)
}

// choices keeps the rowsMost highest: a heap with the lowest on top, until sort.
type choices []choice

// offer keeps a choice if it is among the highest.
func (h *choices) offer(c choice) {
	list := *h
	if len(list) < rowsMost {
		list = append(list, c)
		for i := len(list) - 1; i > 0 && list[i].rank < list[(i-1)/2].rank; i = (i - 1) / 2 {
			list[i], list[(i-1)/2] = list[(i-1)/2], list[i]
		}
		*h = list
		return
	}
	if c.rank <= list[0].rank {
		return
	}
	list[0] = c
	for i := 0; ; {
		low := 2*i + 1
		if low >= len(list) {
			return
		}
		if low+1 < len(list) && list[low+1].rank < list[low].rank {
			low++
		}
		if list[i].rank <= list[low].rank {
			return
		}
		list[i], list[low] = list[low], list[i]
		i = low
	}
}

// sort puts the highest first.
func (h choices) sort() {
	slices.SortFunc(h, func(a, b choice) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(a.loop, b.loop), cmp.Compare(a.row, b.row))
	})
}

// A connSet is a set of at most half of its size of connections. It is emptied and filled
// for each frame, which a map would not do so quickly.
type connSet [1024]uint64

func connKeyOf(loop int, conn uint32) uint64 { return uint64(loop+1)<<32 | uint64(conn) }

// place returns where a connection is, or where it would be.
func (s *connSet) place(key uint64) int {
	i := int(key*0x9e3779b97f4a7c15>>54) % len(s)
	for s[i] != 0 && s[i] != key {
		i = (i + 1) % len(s)
	}
	return i
}

func (s *connSet) add(loop int, conn uint32) {
	key := connKeyOf(loop, conn)
	s[s.place(key)] = key
}

func (s *connSet) has(loop int, conn uint32) bool { return s[s.place(connKeyOf(loop, conn))] != 0 }
