package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// configOf is a configuration in which everything that a client sees of it has a number: the
// middleware around all answers, the headers and the files.
func configOf(dir string, n int) string {
	return fmt.Sprintf("path = '%s/%d'\nloops = 2\nsecurity = %v\nlimit-rate = '%d/s'\nheader = ['X-A: %d']\nlog = 'common=%s/log%d'\n[limit]\nBody = '%dk'\n"+
		"[[test]]\nget = '/v'\nexpect = 200\ncontains = '%d'\n", dir, n%4, n%2 == 1, 1_000_000+n, n, dir, n%2, 100+n, n%4)
}

// TestTwentyHangUpsUnderLoadLoseNothing has clients ask on connections that stay open and on new
// ones, while the configuration changes, and is broken now and then. Each answer is of one
// version as a whole. BOBBIN_RELOADS=1000 reloads more often.
func TestTwentyHangUpsUnderLoadLoseNothing(t *testing.T) {
	t.Parallel()
	reloads := 20
	if text := os.Getenv("BOBBIN_RELOADS"); text != "" {
		var err error
		if reloads, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	r := reloadable(t, versions(4))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var answered, mixed atomic.Int64
	var all sync.WaitGroup
	seen := sync.Map{}
	ask := func(c net.Conn, from *bufio.Reader, more string) error {
		if _, err := io.WriteString(c, "GET /v HTTP/1.1\r\nHost: localhost\r\n"+more+"\r\n"); err != nil {
			return err
		}
		a, err := nethttp.ReadResponse(from, nil)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(a.Body)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(a.Header.Get("X-A"))
		if err != nil || a.StatusCode != 200 {
			return fmt.Errorf("status %d, X-A %q", a.StatusCode, a.Header.Get("X-A"))
		}
		if string(body) != strconv.Itoa(n%4) || (a.Header.Get("X-Content-Type-Options") != "") != (n%2 == 1) {
			mixed.Add(1)
		}
		seen.Store(n, true)
		answered.Add(1)
		return nil
	}
	client := func(requests int) {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := net.Dial("tcp", r.host())
				if err != nil {
					t.Error(err)
					return
				}
				c.SetDeadline(time.Now().Add(time.Minute)) // or a mistake would hang the test
				from := bufio.NewReader(c)
				for i := 1; i <= requests && ctx.Err() == nil; i++ {
					more := ""
					if i == requests {
						more = "Connection: close\r\n"
					}
					if err := ask(c, from, more); err != nil {
						t.Error(err)
					}
				}
				c.Close()
			}
		})
	}
	for range 4 {
		client(1)
		client(100)
	}
	file := filepath.Join(r.dir, "bobbin.toml")
	some := func() {
		for before := answered.Load(); answered.Load() < before+20 && !t.Failed(); {
			<-time.After(time.Millisecond)
		}
	}
	some()
	for n := 1; n <= reloads && !t.Failed(); n++ {
		text, says := configOf(r.dir, n), "SIGHUP: reloaded"
		switch n % 5 {
		case 3:
			text, says = strings.Replace(text, "loops", "lops", 1), "SIGHUP: not reloaded"
		case 4:
			text, says = strings.Replace(text, "expect = 200", "expect = 201", 1), "SIGHUP: not reloaded"
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		r.hangUp(t, says)
		some()
	}
	cancel()
	all.Wait()
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
	for n := range reloads + 1 {
		if _, ok := seen.Load(n); ok == (n%5 == 3 || n%5 == 4) {
			t.Errorf("version %d was seen: %v", n, ok)
		}
	}
	if mixed.Load() > 0 {
		t.Errorf("%d of %d answers are of two versions", mixed.Load(), answered.Load())
	}
	t.Logf("%d requests over %d signals", answered.Load(), reloads)
}

// versions returns the files of n versions, of which the first is in use.
func versions(n int) map[string]string {
	files := map[string]string{"bobbin.toml": configOf("DIR", 0)}
	for i := range n {
		files[strconv.Itoa(i)+"/v"] = strconv.Itoa(i)
	}
	return files
}

// TestOldConfigurationsAreFreed reloads 200 times. It does not run beside other tests, because it
// measures the memory of the process.
func TestOldConfigurationsAreFreed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range versions(4) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "bobbin.toml")
	s, servers := running(t, "-c", file)
	g := &reloading{site: s, servers: servers, log: slog.New(slog.DiscardHandler)}
	loop := servers[0].Loop()
	reload := func(n int) {
		if err := os.WriteFile(file, []byte(configOf(dir, n)), 0o644); err != nil {
			t.Fatal(err)
		}
		until(t, loop, func() bool { g.begin(); return true })
		until(t, loop, func() bool { return !g.busy })
		until(t, loop, func() bool {
			if got := s.setup.options.limits.Body; got != int64(100+n)<<10 {
				t.Errorf("reload %d: Body is %d", n, got)
			}
			return true
		})
	}
	measure := func() (heap uint64, descriptors, goroutines int) {
		runtime.GC()
		runtime.GC() // what had a finalizer goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		list, err := os.ReadDir("/dev/fd")
		if err != nil {
			t.Fatal(err)
		}
		return m.HeapAlloc, len(list), runtime.NumGoroutine()
	}
	n := 0
	for range 20 {
		n++
		reload(n)
	}
	heap, descriptors, goroutines := measure()
	for range 200 {
		n++
		reload(n)
	}
	for tries := 0; ; tries++ { // finalizers, which close folders, run on a goroutine of their own
		after, open, running := measure()
		if after < heap+8<<20 && open <= descriptors+4 && running <= goroutines+4 {
			t.Logf("%d KiB, %d descriptors and %d goroutines, and %d, %d and %d after 200 reloads", heap>>10, descriptors, goroutines, after>>10, open, running)
			return
		}
		if tries == 500 {
			t.Fatalf("%d KiB, %d descriptors and %d goroutines, and %d, %d and %d after 200 reloads", heap>>10, descriptors, goroutines, after>>10, open, running)
		}
	}
}
