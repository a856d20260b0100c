package eventloop

import (
	"runtime"
	"slices"
	"testing"
)

// TestTheTableKeepsPagesOfOpenConnectionsOnly opens and closes connections all over the
// descriptors. Between, the table has a page for each row of neighbours that are open, and
// one to spare.
func TestTheTableKeepsPagesOfOpenConnectionsOnly(t *testing.T) {
	const step, last = pageSize / 3, 100 * pageSize
	var table connTable
	pages := func() (n int) {
		for _, p := range table.pages {
			if p.at != &emptyPage {
				n++
			}
		}
		return n
	}
	var conns []*Conn
	for fd := 3; fd < last; fd += step {
		conns = append(conns, &Conn{fd: int32(fd)})
		table.add(conns[len(conns)-1])
	}
	if got := slices.Collect(table.all()); !slices.Equal(got, conns) || pages() != 100 {
		t.Errorf("%d connections are open on %d pages, want %d on 100", len(got), pages(), len(conns))
	}
	for fd := -1; fd < last+pageSize; fd++ {
		c := table.at(fd)
		if is := fd >= 3 && fd < last && (fd-3)%step == 0; (c != nil) != is || c != nil && int(c.fd) != fd {
			t.Fatalf("at %d there is %v", fd, c)
		}
		if table.linked(int32(fd+1)) != c {
			t.Fatalf("%d names another connection than %d", fd+1, fd)
		}
	}
	for _, c := range conns[1:] {
		table.remove(c)
	}
	if pages() != 1 || table.open != 1 || table.spare == nil {
		t.Errorf("one connection is open of %d, on %d pages", table.open, pages())
	}
	if emptyPage != [pageSize]*Conn{} {
		t.Error("there are connections on the empty page")
	}
}

// TestAConnectionNowAndThenAllocatesNoPage opens and closes one connection again and again.
func TestAConnectionNowAndThenAllocatesNoPage(t *testing.T) {
	var table connTable
	c := &Conn{fd: 7}
	if n := testing.AllocsPerRun(100, func() {
		table.add(c)
		table.remove(c)
	}); n != 0 {
		t.Errorf("each takes %v allocations, want none", n)
	}
}

// TestTheTableGrowsWithoutACopy counts what 10,000 connections need of it: a pointer each,
// and not the tables before.
func TestTheTableGrowsWithoutACopy(t *testing.T) {
	const n = 10_000
	conns := make([]Conn, n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var table connTable
	for i := range conns {
		conns[i].fd = int32(i)
		table.add(&conns[i])
	}
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	if each := float64(allocated) / n; each > 9 {
		t.Errorf("a connection takes %.1f bytes of the table, want 8 and little more", each)
	}
}
