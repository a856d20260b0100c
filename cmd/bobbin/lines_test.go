package main

import (
	"fmt"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestFewDescriptorsAreWarnedOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		descriptors int
		want        string // "" for none
	}{
		{1024, ""},
		{1023, "only 1023 file descriptors are allowed"},
		{64, "only 64 file descriptors are allowed, so at most 36 connections: raise the limit with ulimit -n"},
	} {
		p := start(t, fmt.Sprintf("ulimit -n %d", row.descriptors))
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
		if said := p.said.String(); !strings.Contains(said, row.want) || row.want == "" && strings.Contains(said, "descriptors") {
			t.Errorf("with %d descriptors it says %q", row.descriptors, said)
		}
	}
}

// An output is where the program writes in a test: not more than one goroutine at a
// time may.
type output struct {
	t    *testing.T
	busy atomic.Bool
	text []byte
	read sync.Mutex // for the test, which looks meanwhile
}

// Write implements io.Writer. It takes its time.
func (o *output) Write(p []byte) (int, error) {
	if !o.busy.CompareAndSwap(false, true) {
		o.t.Error("two write at a time")
		return len(p), nil
	}
	defer o.busy.Store(false)
	for _, half := range [][]byte{p[:len(p)/2], p[len(p)/2:]} {
		o.read.Lock()
		o.text = append(o.text, half...)
		o.read.Unlock()
		runtime.Gosched()
	}
	return len(p), nil
}

func (o *output) String() string {
	o.read.Lock()
	defer o.read.Unlock()
	return string(o.text)
}

// TestManyRequestsAtATimeLeaveWholeLines has two loops write what they have to say, in
// every way that there is, while the file of the log is renamed and opened again.
func TestManyRequestsAtATimeLeaveWholeLines(t *testing.T) {
	t.Parallel()
	const clients, requests = 8, 100
	for _, row := range []struct {
		name string
		log  func(file string) string // flag
	}{
		{"lines of the access log go to stdout", func(string) string { return "common" }},
		{"lines of the access log go to a file", func(file string) string { return "common=" + file }},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "log")
			out, trouble := &output{t: t}, &output{t: t}
			over := make(chan int)
			go func() {
				env := func(name string) string { return map[string]string{"GOGC": "100"}[name] }
				over <- run([]string{"-p", "0", "--loops", "2", "-v", "--log", row.log(file)}, strings.NewReader(""), out, trouble, env, false)
			}()
			listens := regexp.MustCompile(`listening (\S+) `)
			var at []string
			for at == nil {
				at = listens.FindStringSubmatch(trouble.String())
				select {
				case code := <-over:
					t.Fatalf("it ends with %d, and says %q", code, trouble)
				case <-time.After(time.Millisecond):
				}
			}
			var all sync.WaitGroup
			for i := range clients {
				all.Go(func() {
					// A connection of its own for each, so that both loops have some.
					client := nethttp.Client{Transport: &nethttp.Transport{DialContext: (&net.Dialer{}).DialContext}}
					defer client.CloseIdleConnections()
					for j := range requests {
						answer, err := client.Get(fmt.Sprintf("%sclient-%d-%d", at[1], i, j))
						if err != nil {
							t.Error(err)
							return
						}
						answer.Body.Close()
						if i == 0 && j%10 == 0 && strings.Contains(row.log(file), "=") {
							os.Rename(file, fmt.Sprint(file, j))
							syscall.Kill(os.Getpid(), syscall.SIGUSR1)
						}
					}
				})
			}
			all.Wait()
			syscall.Kill(os.Getpid(), syscall.SIGTERM)
			if code := <-over; code != exitOK {
				t.Errorf("it ends with %d, and says %q", code, trouble)
			}
			lines := out.String()
			files, _ := filepath.Glob(file + "*")
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Error(err)
				}
				lines += string(text)
			}
			for _, each := range []struct{ what, text, line string }{
				{"the access log", lines, `^127\.0\.0\.1 - - \[[^]]+\] "GET (/client-\d+-\d+) HTTP/1\.1" 404 \d+$`},
				{"--verbose", trouble.String(), `^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\d\S+ 127\.0\.0\.1 GET "(/client-\d+-\d+)" 404 \d+ [\d.]+(ns|µs|ms|s)$`},
			} {
				line, seen := regexp.MustCompile(each.line), map[string]bool{}
				for text := range strings.SplitSeq(strings.TrimSuffix(each.text, "\n"), "\n") {
					if m := line.FindStringSubmatch(text); m != nil {
						seen[m[1]] = true
					} else if !strings.HasPrefix(text, "bobbin ") {
						t.Errorf("%s: not a line: %q", each.what, text)
					}
				}
				if len(seen) != clients*requests {
					t.Errorf("%s: of %d requests there are lines", each.what, len(seen))
				}
			}
		})
	}
}
