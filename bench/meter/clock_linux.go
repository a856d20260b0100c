package meter

import (
	"time"

	"golang.org/x/sys/unix"
)

// processClock reads the CPU clock of another process, all threads, to the
// nanosecond: /proc has it in hundredths of a second. The clock's number is made as
// in clock_getcpuclockid(3).
func processClock(pid int) (time.Duration, bool) {
	const allThreads = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|allThreads), &t); err != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}
