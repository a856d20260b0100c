//go:build unix

package eventloop

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbidden is memory that may be closed: who touches it then, panics.
type forbidden []byte

func forbid(t *testing.T, size int) forbidden {
	t.Helper()
	m, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(m) })
	return m
}

func (m forbidden) close(t *testing.T) {
	t.Helper()
	if err := unix.Mprotect(m, unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
}

// TestATurnTouchesNoIdleConnection turns a loop with 10,000 idle connections, all
// of which lie in memory that must not be touched: neither they nor their places in
// the loop's table. So no list of them can be walked, however quickly.
func TestATurnTouchesNoIdleConnection(t *testing.T) {
	const idle, busy, turns = 10_000, 8, 1_000
	l, k := crowd(t, busy+idle, busy)
	before := slices.Collect(l.conns.all()) // the collector does not look into memory that is not its own

	// The busy connections are on the first page of the table. The idle ones get other
	// descriptors, of which the kernel reports nothing, on pages behind it.
	rooms := forbid(t, idle*int(unsafe.Sizeof(Conn{})))
	conns := unsafe.Slice((*Conn)(unsafe.Pointer(&rooms[0])), idle)
	pages := (idle + pageSize - 1) / pageSize
	table := forbid(t, pages*int(unsafe.Sizeof(emptyPage)))
	moved := 0
	for _, c := range before {
		if int(c.fd) <= squareListener+busy {
			continue
		}
		l.timers.wheel.unlink(c)
		l.conns.remove(c)
		conns[moved] = *c
		c = &conns[moved]
		c.fd = int32(pageSize + moved)
		moved++
	}
	if moved != idle || len(l.conns.pages) < pages {
		t.Fatalf("%d connections on %d pages are idle, want %d", moved, len(l.conns.pages), idle)
	}
	l.conns.pages = l.conns.pages[:1]
	for i := range pages {
		l.conns.pages = append(l.conns.pages, connPage{at: &unsafe.Slice((*[pageSize]*Conn)(unsafe.Pointer(&table[0])), pages)[i], open: pageSize})
	}
	for i := range conns {
		l.conns.pages[1+i/pageSize].at[i%pageSize] = &conns[i]
		l.timers.wheel.link(&conns[i])
	}
	table.close(t)
	rooms.close(t)

	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	touches := func(f func()) (what any) {
		defer func() { what = recover() }()
		f()
		return nil
	}
	if what := touches(func() {
		for range turns {
			if err := l.turn(); err != nil {
				t.Fatal(err)
			}
		}
	}); what != nil {
		t.Errorf("a turn touched who was idle: %v", what)
	}
	if c := l.Counters(); c[Panicked].N != 0 || k.written < turns*busy {
		t.Errorf("there were %d panics and %d answers, want none and %d", c[Panicked].N, k.written, turns*busy)
	}
	// The trap is set: who asks for all connections walks into it.
	if what := touches(func() { l.Each(func(*Conn) {}) }); what == nil {
		t.Error("the memory of the idle can be touched")
	} else if _, ok := what.(runtime.Error); !ok {
		t.Error(fmt.Sprint(what))
	}
	runtime.KeepAlive(before)
}
