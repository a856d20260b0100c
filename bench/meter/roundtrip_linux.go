package meter

import (
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// roundTrip returns the shortest of some tries: other users of the cores can only
// lengthen it.
func roundTrip(a, b int) time.Duration {
	var least time.Duration
	for range 5 {
		if t := oneTrip(a, b); least == 0 || t > 0 && t < least {
			least = t
		}
	}
	return least
}

// oneTrip lets two threads, each on its core, pass a number back and forth.
func oneTrip(a, b int) time.Duration {
	const trips = 4_000
	// Each number has a cache line of its own, so that only their transfer is
	// measured.
	var there, back struct {
		n atomic.Int64
		_ [120]byte
	}
	var gaveUp atomic.Bool
	give := time.AfterFunc(time.Second/4, func() { gaveUp.Store(true) })
	defer give.Stop()

	bound := make(chan bool, 2)
	took := make(chan time.Duration, 1)
	go func() {
		ok, free := bind(b)
		defer free()
		bound <- ok
		for i := int64(1); i <= trips && !gaveUp.Load(); i++ {
			for there.n.Load() < i && !gaveUp.Load() {
			}
			back.n.Store(i)
		}
	}()
	go func() {
		ok, free := bind(a)
		defer free()
		bound <- ok
		began := time.Now()
		for i := int64(1); i <= trips && !gaveUp.Load(); i++ {
			there.n.Store(i)
			for back.n.Load() < i && !gaveUp.Load() {
			}
		}
		took <- time.Since(began)
	}()
	first, second := <-bound, <-bound
	t := <-took
	if !first || !second || gaveUp.Load() {
		return 0
	}
	return t / trips
}

// bind keeps the calling goroutine on a core until it calls free. The thread is
// restored and must not end: it may have started children, and the kernel ends them
// with the thread that started them (see package child).
func bind(core int) (ok bool, free func()) {
	runtime.LockOSThread()
	var before, set unix.CPUSet
	if unix.SchedGetaffinity(0, &before) != nil {
		return false, runtime.UnlockOSThread
	}
	set.Set(core)
	return unix.SchedSetaffinity(0, &set) == nil, func() {
		unix.SchedSetaffinity(0, &before)
		runtime.UnlockOSThread()
	}
}
