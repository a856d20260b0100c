//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import (
	"os"
	"syscall"
)

// infoSignals ask for the state in one line: SIGINFO, which a terminal sends for Ctrl-T. It
// has one number on macOS and the BSDs; Linux has no such signal.
var infoSignals = []os.Signal{syscall.Signal(29)}
