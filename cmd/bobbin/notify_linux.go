package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// timeOfReload returns the time since the system was started, as systemd counts it.
func timeOfReload() []string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return nil // it always has that clock
	}
	return []string{fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000)}
}
