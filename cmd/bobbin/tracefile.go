package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http/inspect/timeline"
)

// A traceFile is the file of a timeline. It is made before the recording, so that a
// mistake in its name is told at once, and has its name when it is whole.
type traceFile struct {
	name   string
	to     io.Writer
	file   *os.File // nil for the standard output
	rename bool     // from a name for the time being
	size   int64
}

// createTrace makes a file, or takes the standard output for "-".
func createTrace(name string, stdout io.Writer) (*traceFile, error) {
	t := &traceFile{name: name}
	if name == "-" {
		t.name, t.to = "the timeline", stdout
		return t, nil
	}
	var err error
	if info, statErr := os.Stat(name); statErr == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return nil, fmt.Errorf("%s is a folder: name a file in it", name)
		}
		t.file, err = os.OpenFile(name, os.O_WRONLY, 0) // a device or a pipe
	} else {
		t.file, err = os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
		t.rename = true
	}
	if err != nil {
		var of *os.PathError // its name is that of the temporary file
		if errors.As(err, &of) {
			err = of.Err
		}
		return nil, fmt.Errorf("%s cannot be written: %w", name, err)
	}
	t.to = t.file
	return t, nil
}

// write writes the timeline, compressed if the name ends in .gz.
func (t *traceFile) write(b *timeline.Builder) (err error) {
	counted := &countWriter{to: t.to}
	if strings.HasSuffix(t.name, ".gz") {
		packed := gzip.NewWriter(counted)
		_, err = b.WriteTo(packed)
		err = errors.Join(err, packed.Close())
	} else {
		_, err = b.WriteTo(counted)
	}
	t.size = counted.n
	if t.rename {
		err = errors.Join(err, t.file.Chmod(0o644))
	}
	if t.file != nil {
		err = errors.Join(err, t.file.Close())
	}
	if err == nil && t.rename {
		err = os.Rename(t.file.Name(), t.name)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", t.name, err)
	}
	t.file = nil
	return nil
}

// discard gives up a file that was not written.
func (t *traceFile) discard() {
	if t.file != nil {
		t.file.Close()
		if t.rename {
			os.Remove(t.file.Name())
		}
		t.file = nil
	}
}

// countWriter counts bytes.
type countWriter struct {
	to io.Writer
	n  int64
}

func (c *countWriter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// summary says what is in the file, what is not, and what opens it.
func (t *traceFile) summary(s timeline.Summary) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %d requests on %d connections in %v, %d events, %s\n",
		t.name, s.Requests, s.Connections, s.Took.Round(time.Millisecond), s.Events, sizeText(t.size))
	if s.OneIn > 1 || s.TurnsOneIn > 1 {
		text.WriteString("There was more than --events allows:")
		if s.OneIn > 1 {
			fmt.Fprintf(&text, " one connection in %d is there", s.OneIn)
		} else {
			text.WriteString(" all connections are there")
		}
		if s.RequestsOneIn > 1 {
			fmt.Fprintf(&text, ", with one request in %d", s.RequestsOneIn)
		}
		if s.TurnsOneIn > 1 {
			fmt.Fprintf(&text, ", and one turn in %d", s.TurnsOneIn)
		}
		text.WriteString("; what took long is there in any case.\n")
	}
	if s.Lost > 0 {
		fmt.Fprintf(&text, "%d records were lost, because they were not taken in time; the file marks where.\n", s.Lost)
	}
	text.WriteString("To see it, drop it on https://ui.perfetto.dev or https://www.speedscope.app, or open it in chrome://tracing.\n")
	return text.String()
}

// sizeText returns a size for people.
func sizeText(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d KB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}
