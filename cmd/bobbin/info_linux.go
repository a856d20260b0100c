package main

import "os"

// infoSignals is empty: Linux has no SIGINFO.
var infoSignals []os.Signal
