package http

import (
	"cmp"
	"slices"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// Bytes of bodies that have come on streams and that no handler has read: of all clients together
// Limits.BodiesTotal at the most. From half of that on no window grows (h2credit.go). Above it, streams
// of the client that has most are reset, its largest first, until three quarters are left, so that it is
// looked for once in many bytes.

// makeRoomForUnread resets streams if there are too many bytes.
func (s *Server) makeRoomForUnread() {
	total := s.limits.BodiesTotal
	if s.h2Kept <= total {
		return
	}
	var clients eventloop.Tally
	piles := make(map[eventloop.Client][]*h2Stream)
	s.loop.Each(func(c *eventloop.Conn) {
		p, ok := c.Protocol().(*h2Conn)
		if !ok {
			return
		}
		who := c.Client()
		for one := range p.streams.all() {
			if one.owed > 0 && !one.dropped {
				clients.Add(who, one.owed)
				piles[who] = append(piles[who], one)
			}
		}
	})
	for _, pile := range piles {
		slices.SortFunc(pile, func(a, b *h2Stream) int { return cmp.Or(cmp.Compare(a.owed, b.owed), cmp.Compare(a.id, b.id)) })
	}
	for s.h2Kept > total-total/4 {
		who, _ := clients.Most()
		pile := piles[who]
		if len(pile) == 0 {
			return // the rest belongs to streams that end with this turn
		}
		largest := pile[len(pile)-1]
		piles[who] = pile[:len(pile)-1]
		clients.Add(who, -largest.owed)
		largest.on.resetStream(largest.id, h2.EnhanceYourCalm)
		largest.use(largest.owed)
	}
}
