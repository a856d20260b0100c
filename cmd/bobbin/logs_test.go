package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// runWithPanics is the program, with a page that panics.
func runWithPanics() int {
	return runWith(func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			if r.Path() == "/panic" {
				panic("the disk is on fire")
			}
			return next(w, r)
		}
	})
}

// runWith is the program, with something around what it serves.
func runWith(around http.Middleware) int {
	o, err := parse(os.Args[1:], os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	lines := eventloop.NewLogWriter(os.Stderr, eventloop.LogOptions{})
	defer lines.Close(logEnd)
	what, err := prepare(&o, os.Stdout, logTo(lines, o))
	if err != nil {
		fmt.Fprintln(lines, err)
		return exitUsage
	}
	for _, p := range what.loops {
		p.handler = around(p.handler)
	}
	if err := errors.Join(what.serve(&o, lines, os.Getenv, false), what.close()); err != nil {
		fmt.Fprintln(lines, err)
		return exitFailed
	}
	return exitOK
}

// fullPipe is the end of a pipe into which nothing more goes, and what has to be
// kept, or writing there would fail.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(ends[1], true); err != nil {
		t.Fatal(err)
	}
	for size := 4096; size > 0; {
		switch _, err := syscall.Write(ends[1], make([]byte, size)); err {
		case nil, syscall.EINTR:
		case syscall.EAGAIN:
			size /= 2
		default:
			t.Fatal(err)
		}
	}
	if err := syscall.SetNonblock(ends[1], false); err != nil {
		t.Fatal(err)
	}
	read := os.NewFile(uintptr(ends[0]), "pipe")
	write := os.NewFile(uintptr(ends[1]), "pipe")
	t.Cleanup(func() {
		read.Close()
		write.Close()
	})
	return write
}

// openFile opens a file, a FIFO or a device with the flags given.
func openFile(t *testing.T, name string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestALogThatIsNotTakenHoldsNothing(t *testing.T) {
	t.Parallel()
	fifo := func(t *testing.T) string {
		name := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, row := range []struct {
		name   string
		args   string
		env    string
		panics int
		stdout func(*testing.T) *os.File // /dev/null if nil
		stderr func(*testing.T) *os.File // is to be looked at if nil
		log    func(*testing.T) string   // what comes behind --log combined=
		says   map[string]int            // and how often, on stderr
	}{
		{name: "standard error is not read", args: "-v", stderr: fullPipe},
		{name: "standard error is not read, and a trace goes there", env: "BOBBIN_TRACE=1", stderr: fullPipe},
		{name: "standard error is not read, with two loops", args: "-v --loops 2", env: "BOBBIN_TRACE=1", stderr: fullPipe},
		{name: "fifty panics go to standard error, which is not read", panics: 50, stderr: fullPipe},
		{name: "fifty panics are read", panics: 50, says: map[string]int{"panic in a handler": 50, "stack=": 1, "shortened=49": 1}},
		{name: "standard output is not read", args: "--log json", stdout: fullPipe,
			says: map[string]int{"--log: 5000 lines were lost": 1}},
		{name: "neither is read", args: "-v --log json", stdout: fullPipe, stderr: fullPipe},
		{name: "a FIFO has no reader", log: fifo, says: map[string]int{"the FIFO has no reader yet": 1}},
		{name: "a FIFO has a reader that does not read", log: func(t *testing.T) string {
			name := fifo(t)
			openFile(t, name, os.O_RDONLY|syscall.O_NONBLOCK)
			return name
		}, says: map[string]int{"has no reader": 0}},
		{name: "the disk of the log is full", log: func(*testing.T) string { return "/dev/full" },
			says: map[string]int{"no space left on device": 1, "--log: 5000 lines were lost": 1}},
		{name: "the disk of standard output is full", args: "--log common", stdout: func(t *testing.T) *os.File { return openFile(t, "/dev/full", os.O_WRONLY) },
			says: map[string]int{"no space left on device": 1}},
		{name: "the disk of standard error is full", args: "-v", stderr: func(t *testing.T) *os.File { return openFile(t, "/dev/full", os.O_WRONLY) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel() // each waits for a second at its end
			if _, err := os.Stat("/dev/full"); err != nil && strings.Contains(row.name, "the disk") {
				t.Skip("there is no disk that is always full")
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			socket := filepath.Join(t.TempDir(), "s")
			args := append(strings.Fields(row.args), "-l", "unix:"+socket)
			if row.log != nil {
				args = append(args, "--log", "combined="+row.log(t))
			}
			p := &program{t: t, cmd: exec.Command(self, args...), said: &transcript{}, over: make(chan error, 1)}
			kind := "1"
			if row.panics > 0 {
				kind = "panics"
			}
			p.cmd.Env = append(os.Environ(), "BOBBIN_TEST_PROGRAM="+kind, row.env)
			p.cmd.Stderr = p.said
			if row.stderr != nil {
				p.cmd.Stderr = row.stderr(t)
			}
			if row.stdout != nil {
				p.cmd.Stdout = row.stdout(t)
			}
			if err := p.cmd.Start(); err != nil {
				t.Fatal(err)
			}
			go func() {
				p.over <- p.cmd.Wait()
				close(p.over)
			}()
			t.Cleanup(func() {
				p.cmd.Process.Kill()
				<-p.over
			})
			dial := func() net.Conn {
				for tries := 0; ; tries++ {
					c, err := net.Dial("unix", socket)
					if err == nil {
						c.SetDeadline(time.Now().Add(30 * time.Second)) // or a mistake would hang the test
						t.Cleanup(func() { c.Close() })
						return c
					}
					if tries == 3000 {
						t.Fatalf("it does not listen: %v, and says %q", err, p.said)
					}
					<-time.After(10 * time.Millisecond)
				}
			}
			for range row.panics {
				c := dial()
				say(t, c, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
				if answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil); err != nil || answer.StatusCode != 500 {
					t.Fatalf("a panic: %v, %v", answer, err)
				}
				c.Close()
			}
			// More than a log holds: they are answered all the same.
			const requests = 5000
			c := dial()
			go io.WriteString(c, strings.Repeat("GET /bench?"+strings.Repeat("x", 500)+" HTTP/1.1\r\nHost: a\r\n\r\n", requests))
			r := bufio.NewReader(c)
			for range requests {
				answer, err := nethttp.ReadResponse(r, nil)
				if err != nil || answer.StatusCode != 200 {
					t.Fatalf("the probe: %v, %v; it says %q", answer, err, p.said)
				}
				io.Copy(io.Discard, answer.Body)
			}
			c.Close()
			p.signal(syscall.SIGTERM)
			p.ends(exitOK)
			for what, n := range row.says {
				if got := strings.Count(p.said.String(), what); got != n {
					t.Errorf("%q is said %d times: %s", what, got, p.said)
				}
			}
		})
	}
}

// TestAFIFOIsReadByWhoeverComes has one reader after the other, and loses nothing
// between them.
func TestAFIFOIsReadByWhoeverComes(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "--log", "common="+name)
	for i := range 3 {
		p.visit(fmt.Sprintf("GET /bench?%d HTTP/1.1\r\nHost: a\r\n\r\n", i))
		reader, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(reader).ReadString('\n')
		if err != nil || !strings.Contains(line, fmt.Sprintf(`"GET /bench?%d HTTP/1.1" 200 13`, i)) {
			t.Errorf("reader %d: %q, %v", i, line, err)
		}
		reader.Close()
		if i == 1 {
			p.signal(syscall.SIGUSR1)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestALogIsReopenedWhileItHangs has a FIFO that is full moved away: what comes later
// goes into a file of its name.
func TestALogIsReopenedWhileItHangs(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "--log", "common="+name)
	for range 200 { // more than a pipe holds
		p.visit("GET /bench?" + strings.Repeat("x", 4000) + " HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	if err := os.Rename(name, name+".old"); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGUSR1)
	text := []byte{}
	for tries := 0; !strings.Contains(string(text), "/last "); tries++ {
		p.visit("GET /last HTTP/1.1\r\nHost: a\r\n\r\n")
		if text, _ = os.ReadFile(name); tries == 1000 {
			t.Fatalf("%d bytes are in the new file", len(text))
		}
		<-time.After(10 * time.Millisecond)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

func TestALogThatCannotBeOpenedIsExplained(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var complaint strings.Builder
	code := run([]string{"-p", "0", "--log", "json=" + socket}, strings.NewReader(""), io.Discard, &complaint, func(string) string { return "" }, false)
	if code != exitUsage || !strings.Contains(complaint.String(), "name a file or a FIFO") {
		t.Errorf("it ends with %d and says %q", code, complaint.String())
	}
}
