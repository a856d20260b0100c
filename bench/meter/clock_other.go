//go:build !linux

package meter

import "time"

// processClock is not supported here.
func processClock(pid int) (time.Duration, bool) { return 0, false }
