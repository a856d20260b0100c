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

// A logFile is a log that can be rotated: after it was renamed, reopen begins a new
// file under its name. One goroutine writes; another may call reopen, which does not
// wait for a hanging write.
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

// openToAppend opens a file for appending without waiting. A FIFO is opened for
// reading as well: so it holds the lines until its reader comes or returns, and
// writes do not fail meanwhile. Unread reports a FIFO without a reader.
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
			return nil, true, fmt.Errorf("%w, and no program reads the FIFO: start its reader first, or let bobbin read the FIFO", err)
		}
	case unread:
		return nil, true, fmt.Errorf("%w: name a file or a FIFO", err)
	}
	return file, false, nil
}

// reopen opens the file again. It keeps the old one on an error.
func (l *logFile) reopen() error {
	file, err := l.openAgain()
	if err != nil {
		return err
	}
	return l.replace(file)
}

// openAgain opens the file once more, for replace.
func (l *logFile) openAgain() (*os.File, error) {
	file, _, err := openToAppend(l.path)
	return file, err
}

// replace has further lines go to another file, and closes the one of before.
func (l *logFile) replace(file *os.File) error { return l.file.Swap(file).Close() }

// Write implements io.Writer. Bytes that a file did not take because reopen closed it
// go to the new file.
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
