package http

import (
	"math/rand/v2"
	"testing"
)

// TestStreamsAreFoundByTheirNumbers compares the table with a map. The numbers are those of
// clients that count in steps, which collide where a step is the size of the table.
func TestStreamsAreFoundByTheirNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, step := range []uint32{2, 16, 128, 256, 1 << 20} {
		var table h2Streams
		want := make(map[uint32]*h2Stream)
		var open []uint32
		next := uint32(1)
		for range 4000 {
			if random.IntN(100) < 55 && len(open) < 100 {
				s := &h2Stream{id: next}
				table.add(s)
				want[next] = s
				open = append(open, next)
				next += step
			} else if len(open) > 0 {
				i := random.IntN(len(open))
				table.remove(want[open[i]])
				delete(want, open[i])
				open[i] = open[len(open)-1]
				open = open[:len(open)-1]
			}
			id := uint32(random.IntN(int(next+step))) | 1
			if table.count != len(want) || table.find(id) != want[id] {
				t.Fatalf("in steps of %d: %d streams, want %d, or another one at number %d", step, table.count, len(want), id)
			}
			for _, id := range open {
				if table.find(id) != want[id] {
					t.Fatalf("in steps of %d: number %d is not found", step, id)
				}
			}
		}
		all := 0
		for s := range table.all() {
			if all++; want[s.id] != s {
				t.Errorf("in steps of %d: number %d is there, and should not be", step, s.id)
			}
		}
		if all != len(want) || len(table.slots) > 256 {
			t.Errorf("in steps of %d: %d streams of %d are listed, in %d slots", step, all, len(want), len(table.slots))
		}
	}
}

func TestAStreamThatIsNotThereIsNotRemoved(t *testing.T) {
	var table h2Streams
	one, other := &h2Stream{id: 1}, &h2Stream{id: 1}
	table.remove(one)
	table.add(one)
	table.remove(other)
	if table.find(1) != one || table.count != 1 {
		t.Errorf("of one stream %d are left", table.count)
	}
	table.remove(one)
	table.remove(one)
	if table.find(1) != nil || table.count != 0 {
		t.Errorf("%d streams are left", table.count)
	}
}
