package eventloop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A pipe is a writer that takes nothing until it is read, and says when it waits.
type pipe struct {
	waits chan struct{} // one word for each call
	read  chan struct{} // lets one call go on; closed, all
	took  bytes.Buffer  // to be looked at when the LogWriter has ended
}

func newPipe() *pipe { return &pipe{waits: make(chan struct{}, 1000), read: make(chan struct{})} }

func (p *pipe) Write(b []byte) (int, error) {
	p.waits <- struct{}{}
	<-p.read
	return p.took.Write(b)
}

var errDisk = errors.New("the disk is full")

// A fullDisk takes some bytes of each of its first calls, and all of the later ones.
type fullDisk struct {
	bytes.Buffer
	takes []int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(d.takes) == 0 {
		return d.Buffer.Write(p)
	}
	n := d.takes[0]
	d.takes = d.takes[1:]
	d.Buffer.Write(p[:n])
	return n, errDisk
}

const noEnd = time.Hour // a time that no test waits for

func TestAWriterThatIsNotReadKeepsNobodyWaiting(t *testing.T) {
	to := newPipe()
	told := make(chan error, 1000)
	w := NewLogWriter(to, LogOptions{OnError: func(err error) { told <- err }})
	line := []byte(strings.Repeat("x", 99) + "\n")
	fmt.Fprintln(w, "first")
	<-to.waits // the first is on its way, and hangs
	const lines = 5*logMax/100 + 7
	for range lines {
		if n, err := w.Write(line); n != len(line) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	w.mu.Lock()
	if len(w.lines) > logMax || cap(w.lines) > 2*logMax {
		t.Errorf("%d bytes lie here, in %d", len(w.lines), cap(w.lines))
	}
	w.mu.Unlock()
	if err := <-told; err != ErrLogFull {
		t.Errorf("it tells of %v", err)
	}
	if err := w.Close(0); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprint(lines+1, " lines were lost: ")) {
		t.Errorf("it ends with %v", err)
	}
	close(to.read)
	if err := w.Close(noEnd); err != nil {
		t.Errorf("it ends with %v", err)
	}
	got := strings.SplitAfter(to.took.String(), "\n")
	got = got[:len(got)-1]
	dropped := 0
	if n, _ := fmt.Sscanf(got[len(got)-1], "%d lines of the log were dropped\n", &dropped); n != 1 || dropped == 0 {
		t.Errorf("the last line is %q", got[len(got)-1])
	}
	if got[0] != "first\n" || len(got)-2+dropped != lines {
		t.Errorf("of %d lines, %d came, and %d are said to be dropped", lines, len(got)-2, dropped)
	}
	if len(told) > 0 {
		t.Errorf("it tells of %v, too", <-told)
	}
}

func TestTheNextLineSaysHowManyAreMissing(t *testing.T) {
	to := newPipe()
	w := NewLogWriter(to, LogOptions{Dropped: func(p []byte, n int) []byte { return fmt.Appendf(p, "-%d\n", n) }})
	fmt.Fprintln(w, "a")
	<-to.waits
	huge := bytes.Repeat([]byte("z\n"), logMax/2+1)
	w.Write(huge)
	w.Write(huge)
	fmt.Fprintln(w, "b")
	close(to.read)
	if err := w.Close(noEnd); err != nil {
		t.Error(err)
	}
	if got := to.took.String(); got != fmt.Sprintf("a\n-%d\nb\n", logMax+2) {
		t.Errorf("%q", got)
	}
}

func TestLinesThatTheDiskDidNotTakeAreCounted(t *testing.T) {
	for _, row := range []struct {
		name  string
		takes []int
		lines []string // one call each, when the one before has been written
		want  string
		ends  string // the error of Close
		told  int
	}{
		{"a disk with room loses nothing", nil, []string{"a\n", "b\n"}, "a\nb\n", "", 0},
		{"a line that was refused is counted by the next", []int{0}, []string{"a\n", "b\n"}, "-1\nb\n", "", 1},
		{"so are several", []int{0}, []string{"a\nb\nc\n", "d\n"}, "-3\nd\n", "", 1},
		{"what says so may be refused as well", []int{0, 0}, []string{"a\n", "b\nc\n", "d\n"}, "-3\nd\n", "", 1},
		{"a part of a line is lost, and ends", []int{6}, []string{"ab\ncd\nef\n", "g\n"}, "ab\ncd\n-1\ng\n", "", 1},
		{"in the middle, too", []int{4}, []string{"ab\ncd\nef\n", "g\n"}, "ab\nc\n-2\ng\n", "", 1},
		{"a torn line that says so is said again", []int{0, 1}, []string{"a\n", "b\n", "c\n"}, "-\n-2\nc\n", "", 1},
		{"the end says what nothing else does", []int{0, 0, 0}, []string{"a\n", "b\n"}, "", "2 lines were lost", 1},
		{"a disk that has room at the end is told there", []int{0}, []string{"a\n"}, "-1\n", "", 1},
		{"a trouble that comes back is told again", []int{0, -1, 0}, []string{"a\n", "b\n", "c\n", "d\n"}, "-1\nb\n-1\nd\n", "", 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			to, told := &fullDisk{}, 0
			wrote := make(chan struct{}, 100)
			takes := row.takes
			w := NewLogWriter(writerFunc(func(p []byte) (int, error) {
				defer func() { wrote <- struct{}{} }()
				if len(takes) > 0 {
					n := takes[0]
					takes = takes[1:]
					if n >= 0 {
						to.Buffer.Write(p[:n])
						return n, errDisk
					}
				}
				return to.Buffer.Write(p)
			}), LogOptions{
				Dropped: func(p []byte, n int) []byte { return fmt.Appendf(p, "-%d\n", n) },
				OnError: func(err error) {
					if told++; err != errDisk {
						t.Errorf("it tells of %v", err)
					}
				},
			})
			for _, line := range row.lines {
				io.WriteString(w, line)
				<-wrote
				for settled := false; !settled; { // it was counted, too
					w.mu.Lock()
					settled = w.sending == 0
					w.mu.Unlock()
				}
			}
			ends := ""
			if err := w.Close(noEnd); err != nil {
				ends = err.Error()
			}
			if got := to.String(); got != row.want || ends != row.ends || told != row.told {
				t.Errorf("%q was written, it ends with %q and has told of %d errors, want %q, %q and %d", got, ends, told, row.want, row.ends, row.told)
			}
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestAWriterThatPanicsOrCheatsLosesItsLines(t *testing.T) {
	for want, f := range map[string]writerFunc{
		"2 lines were lost: eventloop: panic of a log's writer: fire": func([]byte) (int, error) { panic("fire") },
		"2 lines were lost: short write":                              func(p []byte) (int, error) { return -1, nil },
	} {
		w := NewLogWriter(f, LogOptions{})
		io.WriteString(w, "a\nb\n")
		if err := w.Close(noEnd); err == nil || err.Error() != want {
			t.Errorf("it ends with %v, want %s", err, want)
		}
	}
}

func TestManyLinesGoInOneCall(t *testing.T) {
	to := newPipe()
	close(to.read)
	w := NewLogWriter(to, LogOptions{Delay: noEnd})
	for range 3 {
		io.WriteString(w, "a\n")
	}
	w.Flush()
	<-to.waits
	io.WriteString(w, strings.Repeat("b\n", logEnough/2)) // which do not wait for others
	<-to.waits
	io.WriteString(w, "c\n") // which the end does not wait for
	if err := w.Close(noEnd); err != nil {
		t.Error(err)
	}
	<-to.waits
	if len(to.waits) > 0 || to.took.String() != "a\na\na\n"+strings.Repeat("b\n", logEnough/2)+"c\n" {
		t.Errorf("%d calls more, and %d bytes", len(to.waits), to.took.Len())
	}
	if io.WriteString(w, "late\n"); w.Close(noEnd) == nil {
		t.Error("what comes after the end is not counted")
	}
}

func TestLinesOfManyGoroutinesStayWhole(t *testing.T) {
	var out bytes.Buffer
	w := NewLogWriter(&out, LogOptions{})
	log := slog.New(slog.NewTextHandler(w, nil))
	done := make(chan struct{})
	for n := range 8 {
		go func() {
			for i := range 100 {
				log.Info("hello", "from", n, "number", i)
			}
			done <- struct{}{}
		}()
	}
	for range 8 {
		<-done
	}
	if err := w.Close(noEnd); err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "time=") || strings.Count(line, "time=") != 1 || !strings.Contains(line, " number=") {
			t.Errorf("not a line: %q", line)
		}
	}
	if len(lines) != 800 {
		t.Errorf("%d lines", len(lines))
	}
}
