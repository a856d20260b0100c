package timeline

import "slices"

// Lanes are the tracks of connections: as many as were open at the same time. A connection whose
// requests overlap has further rows, which are tracks, too.

// A laneRow is a row beside a lane, from 1 on.
type laneRow struct{ lane, row int32 }

// assignLanes gives each connection a track that none has at the same time, and returns how
// many there are. Events are sorted.
func (b *Builder) assignLanes() (lanes int) {
	var free lanesUntil
	places := make(map[laneRow]int32)
	for i := range b.events {
		e := &b.events[i]
		if e.what == aRequest {
			e.row = b.placeOf(places, e.conn.lane, e.conn.takeRow(e.at, e.at+e.dur))
			continue
		}
		if e.what != aConnection {
			continue
		}
		lane := free.take(e.at)
		if lane < 0 {
			lane = int32(lanes)
			lanes++
		}
		e.conn.lane = lane
		free.give(lane, e.at+e.dur)
	}
	return lanes
}

// dropHidden drops requests for which there was no row.
func (b *Builder) dropHidden() {
	b.events = slices.DeleteFunc(b.events, func(e event) bool { return e.row < 0 })
}

// takeRow takes the first row that is free at a time, and returns it; -1 if there is none.
func (c *connection) takeRow(at, until int64) int32 {
	for row, free := range c.rows {
		if free <= at {
			c.rows[row] = until
			return int32(row)
		}
	}
	if len(c.rows) >= max(c.depth, 1) {
		return -1
	}
	c.rows = append(c.rows, until)
	return int32(len(c.rows) - 1)
}

// placeOf returns the place of a row in Builder.rows, from 1; 0 for the lane itself, and -1 for
// no row.
func (b *Builder) placeOf(places map[laneRow]int32, lane, row int32) int32 {
	if row <= 0 {
		return row
	}
	of := laneRow{lane, row}
	if places[of] == 0 {
		b.rows = append(b.rows, of)
		places[of] = int32(len(b.rows))
	}
	return places[of]
}

// lanesUntil holds lanes with the time at which each becomes free: a heap.
type lanesUntil []laneUntil

type laneUntil struct {
	at   int64
	lane int32
}

// take returns the lane that has been free for longest at a time, -1 if there is none.
func (h *lanesUntil) take(at int64) int32 {
	old := *h
	if len(old) == 0 || old[0].at >= at {
		return -1
	}
	lane := old[0].lane
	n := len(old) - 1
	old[0] = old[n]
	*h = old[:n]
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < n && old[child].at < old[least].at {
				least = child
			}
		}
		if least == i {
			return lane
		}
		old[i], old[least] = old[least], old[i]
		i = least
	}
}

// give adds a lane that becomes free.
func (h *lanesUntil) give(lane int32, at int64) {
	*h = append(*h, laneUntil{at, lane})
	list := *h
	for i := len(list) - 1; i > 0; {
		parent := (i - 1) / 2
		if list[parent].at <= list[i].at {
			return
		}
		list[parent], list[i] = list[i], list[parent]
		i = parent
	}
}
