package http

import (
	"container/heap"

	"github.com/bobbin-http/bobbin/eventloop"
)

// bodies accounts the request bodies in memory, which share Limits.BodiesTotal. Below three
// quarters of it each is taken. Above, the client that holds most pays: its largest body
// that is still coming is refused, and so on until there is room for the new bytes, which
// are refused only if they belong to that body. A body that its handler has cannot be
// refused; such bodies of one client may take three quarters, and the last quarter is for
// other clients. (A single body may be larger while it is the only one.)
//
// A body that comes and goes within a turn costs two additions. Only a body that stays is
// accounted by client.
type bodies struct {
	held   int64           // bytes of all
	all    eventloop.Tally // bytes that have outlived a turn, by client
	coming eventloop.Tally // bytes of bodies that are not complete, by client
	piles  map[eventloop.Client]*pile
}

// A bodyShare is the part of one exchange in the bodies.
type bodyShare struct {
	bytes   int64            // counted against Limits.BodiesTotal
	counted int64            // of them, by client; bytes when it was settled last
	client  eventloop.Client // that they are counted for
	place   int              // in the client's pile, from 1 on; 0 if it is in none
}

// A pile is the bodies of one client that are still coming, the largest first. It
// implements heap.Interface.
type pile []*exchange

// add counts n more bytes of a body.
func (b *bodies) add(x *exchange, n int) {
	b.held += int64(n)
	x.share.bytes += int64(n)
}

// settle accounts a body by client. A body of which more is coming can be refused.
func (b *bodies) settle(x *exchange, coming bool) {
	share := &x.share
	wasComing := share.place > 0
	if share.counted == 0 && !wasComing {
		if share.bytes == 0 {
			return
		}
		share.client = x.conn.conn.Client()
	}
	more := share.bytes - share.counted
	b.all.Add(share.client, more)
	switch {
	case coming && wasComing:
		b.coming.Add(share.client, more)
	case coming:
		b.coming.Add(share.client, share.bytes)
	case wasComing:
		b.coming.Add(share.client, -share.counted)
	}
	share.counted = share.bytes
	b.pile(x, coming)
}

// pile moves an exchange to its place among those of its client: it has one while its body
// is coming.
func (b *bodies) pile(x *exchange, coming bool) {
	p := b.piles[x.share.client]
	switch {
	case coming && x.share.place > 0:
		heap.Fix(p, x.share.place-1)
	case coming:
		if p == nil {
			if b.piles == nil {
				b.piles = make(map[eventloop.Client]*pile)
			}
			p = new(pile)
			b.piles[x.share.client] = p
		}
		heap.Push(p, x)
	case x.share.place > 0:
		heap.Remove(p, x.share.place-1)
		if len(*p) == 0 {
			delete(b.piles, x.share.client)
		}
	}
}

// release ends the account of a body that is not in memory any more.
func (b *bodies) release(x *exchange) {
	b.held -= x.share.bytes
	x.share.bytes = 0
	b.settle(x, false)
}

// largest returns the largest body of a client that is still coming, nil if there
// is none.
func (b *bodies) largest(who eventloop.Client) *exchange {
	if p := b.piles[who]; p != nil {
		return (*p)[0]
	}
	return nil
}

// makeRoom refuses bodies until there is room again, and reports whether the body of x may
// stay.
func (b *bodies) makeRoom(x *exchange, total int64) bool {
	if b.held <= total-total/4 {
		return true
	}
	b.settle(x, true)
	for b.held > total-total/4 {
		who, _ := b.all.Most()
		v := b.largest(who)
		if v == nil { // its handlers have all of its bodies
			if b.held <= total {
				return true
			}
			who, _ = b.coming.Most()
			v = b.largest(who)
		}
		if v == nil || v == x {
			return b.held <= total && b.held == x.share.bytes // it is the only one
		}
		v.conn.failBody(errBusy)
	}
	return true
}

func (p pile) Len() int           { return len(p) }
func (p pile) Less(i, j int) bool { return p[i].share.bytes > p[j].share.bytes }
func (p pile) Swap(i, j int) {
	p[i], p[j] = p[j], p[i]
	p[i].share.place, p[j].share.place = i+1, j+1
}

// Push implements heap.Interface.
func (p *pile) Push(one any) {
	x := one.(*exchange)
	*p = append(*p, x)
	x.share.place = len(*p)
}

// Pop implements heap.Interface.
func (p *pile) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	(*p)[last] = nil
	*p = (*p)[:last]
	x.share.place = 0
	return x
}
