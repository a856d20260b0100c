package main

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/http/inspect"
)

// What the system tells of this process, for the metrics. It needs no disk: a system call,
// and on Linux files of procfs, which the kernel makes up when they are read. macOS and the
// BSDs tell the rest only through calls that Go has no stable way to.

// started is about when the process was started.
var started = time.Now()

// processFigures returns what the system tells.
func processFigures() inspect.Process {
	p := inspect.Process{Started: started}
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) == nil {
		p.CPU = time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	if runtime.GOOS != "linux" {
		return p
	}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		p.Virtual, p.Resident = memoryOf(text, os.Getpagesize())
	}
	p.Descriptors = descriptors()
	return p
}

// openFiles is the folder of this process's descriptors in procfs. It stays open, because
// it is root's after root has become another user: confine has it opened before.
var openFiles struct {
	sync.Mutex
	folder *os.File
}

// descriptors returns how many there are, or 0 where procfs does not say.
func descriptors() int {
	openFiles.Lock()
	defer openFiles.Unlock()
	if openFiles.folder == nil {
		folder, err := os.Open("/proc/self/fd")
		if err != nil {
			return 0
		}
		openFiles.folder = folder
	}
	if _, err := openFiles.folder.Seek(0, io.SeekStart); err != nil {
		return 0
	}
	names, err := openFiles.folder.Readdirnames(-1)
	if err != nil {
		return 0
	}
	return len(names) - 1 // that of the folder
}

// memoryOf reads /proc/self/statm (proc(5)): pages of address space, then those in RAM.
func memoryOf(text []byte, pageSize int) (virtual, resident int64) {
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, 0
	}
	all, err1 := strconv.ParseInt(string(fields[0]), 10, 48)
	inRAM, err2 := strconv.ParseInt(string(fields[1]), 10, 48)
	if err1 != nil || err2 != nil {
		return 0, 0
	}
	return all * int64(pageSize), inRAM * int64(pageSize)
}
