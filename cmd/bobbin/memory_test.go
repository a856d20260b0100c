package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
)

func TestGarbageIsBounded(t *testing.T) {
	for _, row := range []struct {
		name string
		live uint64
		want int
	}{
		{"a little may stand four times over", 4 << 20, 400},
		{"64 MiB have 32 MiB of garbage", 64 << 20, 50},
		{"1 GiB has a quarter of it, so that collecting does not take all the time", 1 << 30, 25},
		{"nothing at all is no division by zero", 0, 400},
	} {
		if got := garbageFor(row.live); got != row.want {
			t.Errorf("%s: %d percent", row.name, got)
		}
	}
}

// TestCollectionsFollowWhatIsLive holds 64 MiB and collects: the proportion changes,
// and changes back.
func TestCollectionsFollowWhatIsLive(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	boundGarbage()
	percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	becomes := func(reached func(uint64) bool) bool {
		for range 1000 {
			runtime.GC() // after which the finalizer runs on a goroutine of its own
			runtime.Gosched()
			if metrics.Read(percent); reached(percent[0].Value.Uint64()) {
				return true
			}
		}
		return false
	}
	held := make([]byte, 64<<20)
	if !becomes(func(p uint64) bool { return p >= 25 && p <= 50 }) {
		t.Errorf("with 64 MiB, %d percent may be garbage", percent[0].Value.Uint64())
	}
	runtime.KeepAlive(held)
	held = nil
	if !becomes(func(p uint64) bool { return p > 50 }) {
		t.Errorf("without, %d percent may be garbage", percent[0].Value.Uint64())
	}
}

// TestTheProgramStartsWithLittle asks a server that has done nothing for the size of its heap.
// Tables of packages that a server does not use, such as the lessons, count there, too.
func TestTheProgramStartsWithLittle(t *testing.T) {
	t.Parallel()
	answer := start(t, "").visit("GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	_, after, _ := strings.Cut(answer, "\ngo_heap_objects_bytes ")
	line, _, _ := strings.Cut(after, "\n")
	if n, err := strconv.ParseFloat(line, 64); err != nil || n > 8<<20 {
		t.Errorf("objects on the heap have %q bytes (%v)", line, err)
	}
}
