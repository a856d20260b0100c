package handover

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"time"
)

// words passes on the lines of a process, and keeps the last.
type words struct {
	last string // owned by the reader until done is closed
	done chan struct{}
	from *os.File
}

const (
	lineMax  = 64 << 10 // a longer line is passed on in pieces
	wordsMax = 500      // bytes of the last line that are kept
)

// listen reads until the process, and all that have its standard error, have closed that.
func listen(from *os.File, relay io.Writer) *words {
	w := &words{done: make(chan struct{}), from: from}
	go func() {
		defer close(w.done)
		defer from.Close()
		r := bufio.NewReaderSize(from, lineMax)
		for {
			line, err := r.ReadSlice('\n')
			if text := bytes.TrimSpace(line); len(text) > 0 {
				w.last = strings.ToValidUTF8(string(text[:min(len(text), wordsMax)]), "?")
			}
			if len(line) > 0 {
				if line[len(line)-1] != '\n' {
					line = append(bytes.Clone(line), '\n')
				}
				_, _ = relay.Write(line) // the log itself: its errors have no reader
			}
			if err != nil && err != bufio.ErrBufferFull {
				return
			}
		}
	}()
	return w
}

// end waits for a while until all is read, and returns the last line.
func (w *words) end(within time.Duration) string {
	select {
	case <-w.done:
	case <-time.After(within): // another process has it
		_ = w.from.SetReadDeadline(time.Now())
		<-w.done
	}
	return w.last
}
