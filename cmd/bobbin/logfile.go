package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
)

// A logFile is a file that may be renamed while it is written to: reopen begins
// another under its name. One goroutine writes, another may call reopen, which does
// not wait for a write that hangs.
type logFile struct {
	path string
	file atomic.Pointer[os.File]
}

func openLogFile(path string, trouble *slog.Logger) (*logFile, error) {
	l := &logFile{path: path}
	file, unread, err := openToAppend(path)
	if err != nil {
		return nil, err
	}
	if unread {
		trouble.Warn("access log: the FIFO has no reader yet", "path", path)
	}
	l.file.Store(file)
	return l, nil
}

// openToAppend opens a file to add lines to. It does not wait for anything: not for
// the reader of a FIFO, which is opened for reading as well, so that lines lie there
// until the reader comes, or comes back, and none fails in between. Unread says that
// there is none yet.
func openToAppend(path string) (file *os.File, unread bool, err error) {
	file, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0o644)
	unread = errors.Is(err, syscall.ENXIO)
	if err != nil && !unread {
		return nil, false, err
	}
	info, statErr := os.Stat(path)
	switch {
	case statErr == nil && info.Mode()&fs.ModeNamedPipe != 0:
		both, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		switch {
		case err == nil:
			if file != nil {
				file.Close()
			}
			return both, unread, nil
		case unread:
			return nil, true, fmt.Errorf("%w, and no program reads the FIFO: start its reader first, or let bobbin read it, too", err)
		}
	case unread:
		return nil, true, fmt.Errorf("%w: name a file or a FIFO", err)
	}
	return file, false, nil
}

// reopen opens the file again. The old one is kept if that fails.
func (l *logFile) reopen() error {
	file, _, err := openToAppend(l.path)
	if err != nil {
		return err
	}
	return l.file.Swap(file).Close()
}

// Write implements io.Writer. What a file that is just being replaced has not taken
// goes into the new one.
func (l *logFile) Write(p []byte) (written int, err error) {
	for {
		file := l.file.Load()
		n, err := file.Write(p[written:])
		written += n
		if !errors.Is(err, os.ErrClosed) || file == l.file.Load() {
			return written, err
		}
	}
}

func (l *logFile) close() error { return l.file.Load().Close() }
