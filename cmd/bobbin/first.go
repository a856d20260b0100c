package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// In a container the program is often process 1, whose end is that of every process there:
// also of the one that follows it in an upgrade. So after an upgrade process 1 stays. It
// passes signals on to the processes that it has started, directly or not, reaps those that
// have lost their parent, and ends with the last of them.

// passedOn are the signals that are for the process that serves.
var passedOn = append([]os.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}, infoSignals...)

// passOn passes signals on, from the moment on at which another process serves. This one
// may still finish its requests, and has them, too.
func passOn() {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, passedOn...)
	go func() {
		for s := range signals {
			for _, pid := range descendants(os.Getpid()) {
				_ = syscall.Kill(pid, s.(syscall.Signal)) // it may have ended
			}
		}
	}()
}

// stay waits until no process is left that this one has to reap, and returns the highest
// exit code.
func stay(code int) int {
	for {
		var s syscall.WaitStatus
		switch _, err := syscall.Wait4(-1, &s, 0, nil); err {
		case nil:
			code = max(code, exitCode(s))
		case syscall.EINTR:
		default: // ECHILD
			return code
		}
	}
}

// exitCode returns that of a process as a shell does.
func exitCode(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// descendants returns the processes that a process has started, and those that these have,
// as procfs lists them.
func descendants(of int) (list []int) {
	parents := make(map[int]int)
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil // the pattern is right
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parents[pid] = parentOf(string(text))
	}
	for pid := range parents {
		for at := parents[pid]; at != 0; at = parents[at] {
			if at == of {
				list = append(list, pid)
				break
			}
		}
	}
	return list
}

// parentOf reads /proc/PID/stat (proc(5)): the parent is the second field behind the name,
// which is in parentheses and may have any byte in it.
func parentOf(stat string) int {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	pid, _ := strconv.Atoi(fields[1])
	return pid
}
