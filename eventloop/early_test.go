package eventloop

import (
	"bytes"
	"testing"
)

// TestSocketsAreWrittenToEarly has a hundred connections hear something in one turn, and
// answer. Each notes how many were written to before it.
func TestSocketsAreWrittenToEarly(t *testing.T) {
	for _, row := range []struct {
		name string
		size int // of each answer
		runs int // so many are answered before they are written to
	}{
		{"when 64 connections have output", 1, 64},
		{"when half of the arena is used by two answers", arenaFull / 2, 2},
		{"when half of the arena is used by three", arenaFull/2 - 1, 3},
		{"when one answer uses half of it", arenaFull, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			const n = 100
			l, k := crowd(t, n, n)
			answer := bytes.Repeat([]byte("a"), row.size)
			heard := 0
			before := k.written
			l.Each(func(c *Conn) {
				c.protocol = &script{speak: func(c *Conn, p []byte) int {
					if want := heard / row.runs * row.runs; k.written-before != want {
						t.Errorf("before answer %d, %d were written, not %d", heard+1, k.written-before, want)
					}
					heard++
					c.Write(answer)
					return len(p)
				}}
			})
			turnGuarded(t, l)
			if heard != n || k.written-before != n || l.pools.made != 0 {
				t.Errorf("%d answers, %d writes, and %d chunks of queues were needed", heard, k.written-before, l.pools.made)
			}
		})
	}
}
