package h2

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// tableLines returns the lines of a table, newest first.
func tableLines(t *table) (all []string) {
	for n := range t.len() {
		f := t.entry(n)
		all = append(all, string(appendRing(nil, t.ring, f.At, f.lineSize())))
	}
	return all
}

// TestTableIsAList compares a table with a list of lines, also when its counters wrap around.
func TestTableIsAList(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		start := -uint32(random.IntN(2000)) &^ (leastRing - 1)
		d := table{max: uint32(random.IntN(1000)), from: start, to: start, oldest: -uint32(random.IntN(20)) &^ (leastEntries - 1)}
		d.next = d.oldest
		var list []string
		size := func() (n int) {
			for _, line := range list {
				n += len(line) - lineExtra + FieldOverhead
			}
			return n
		}
		evict := func(most int) {
			for size() > most {
				list = list[:len(list)-1]
			}
		}
		for range 100 {
			if random.IntN(20) == 0 {
				d.setMax(uint32(random.IntN(1000)))
				evict(int(d.max))
				continue
			}
			f := Field{Name: uint16(random.IntN(50)), Value: uint32(random.IntN(150))}
			line := strings.Repeat("n", int(f.Name)) + ": " + strings.Repeat(fmt.Sprint(random.IntN(10)), int(f.Value)) + "\r\n"
			d.add([]byte(line), f)
			if evict(max(0, int(d.max)-f.size())); f.size() <= int(d.max) {
				list = slices.Insert(list, 0, line)
			}
			if got := tableLines(&d); !slices.Equal(got, list) || int(d.size) != size() {
				t.Fatalf("seed %d: the table has %d bytes and %q, want %d and %q", seed, d.size, got, size(), list)
			}
			if len(d.ring) > 1024 || d.entry(d.len()) != nil {
				t.Fatalf("seed %d: the ring has %d bytes", seed, len(d.ring))
			}
		}
	}
}

// TestTableMemory looks at what a table holds.
func TestTableMemory(t *testing.T) {
	d := NewDecoder(DefaultTable)
	if len(d.table.ring) != 0 || len(d.table.entries) != 0 {
		t.Error("a table that is new holds memory")
	}
	first, _ := blocks(chromium)
	var b Block
	if err := d.Decode(first, &b, ample); err != nil {
		t.Fatal(err)
	}
	if len(d.table.ring) != 1024 || len(d.table.entries) != 32 {
		t.Errorf("after a browser's request the table has %d bytes and %d places", len(d.table.ring), len(d.table.entries))
	}
}
