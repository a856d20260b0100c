package suites

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// pageGo is the Go whose tests the page lists. Those of another one may have other names,
// and are run without the page.
const pageGo = "go1.26"

// How long a test of net/http may take. One that the page lists as failing often waits for
// what does not come.
const (
	nethttpTime = 30 * time.Second
	listedTime  = 5 * time.Second
)

// TestNetHTTP runs net/http's tests of its server with bobbin in the place of that. They
// are those of the Go that runs this test. Each runs in a process of its own, over
// HTTP/1.1. One that asks no server is not counted.
func TestNetHTTP(t *testing.T) {
	folder := filepath.Join(goroot(t), "src", "net", "http")
	var names []string
	overProtocols := make(map[string]bool) // tests that have a subtest for each protocol
	for _, file := range []string{"serve_test.go", "responsecontroller_test.go"} {
		source, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Skipf("skipped: this Go comes without the tests of net/http: %v", err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\) \{\s*run`).FindAllSubmatch(source, -1) {
			overProtocols[string(m[1])] = true
		}
	}
	o := newOverlay(t)
	o.setHooks(folder, "http_test")
	binary := filepath.Join(o.folder, "nethttp.test")
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay="+o.write(), "-o", binary, "net/http").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	page := readPage(t)
	listed := page["net/http"].reasons
	var mu sync.Mutex
	r, serverless := make(results), 0
	var all sync.WaitGroup
	turns := make(chan bool, runtime.NumCPU()+1)
	for _, name := range names {
		all.Go(func() {
			turns <- true
			defer func() { <-turns }()
			within, tries := nethttpTime, 3 // some look at the clock, and this machine may be busy
			if listed[name] != "" {
				within, tries = listedTime, 1
			}
			var one result
			asked := true
			if strings.HasPrefix(listed[name], "not run: ") {
				tries = 0
			}
			for ; tries > 0 && !one.passed; tries-- {
				one, asked = runNetHTTP(t, binary, folder, name, within)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case asked || !one.passed:
				r[name] = one
			case !overProtocols[name] || strings.Contains(one.output, "=== RUN   "+name+"/"):
				serverless++
			}
		})
	}
	all.Wait()
	if strings.HasPrefix(runtime.Version(), pageGo) {
		page.compare(t, "net/http", r)
		if want := page["net/http"].serverless; serverless != want {
			t.Errorf("%d tests ask no server and pass: %s says %d", serverless, pageName, want)
		}
		return
	}
	passed := 0
	for _, one := range r {
		if one.passed {
			passed++
		}
	}
	t.Skipf("skipped: %s is for %s: with %s %d of %d tests pass", pageName, pageGo, runtime.Version(), passed, len(r))
}

// runNetHTTP runs one test, and reports whether it has asked bobbin anything.
func runNetHTTP(t *testing.T, binary, folder, name string, within time.Duration) (one result, asked bool) {
	served := filepath.Join(t.TempDir(), "served")
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.run=^"+name+"$", "-test.skip=/^(h2|h2unencrypted)$", "-test.v")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "BEHIND_SERVED="+served)
	out, err := cmd.CombinedOutput()
	one.output = string(out)
	// The process also fails for goroutines that are left over, and those of the loop are.
	one.passed = bytes.Contains(out, []byte("\n--- PASS: "+name+" ")) || bytes.Contains(out, []byte("\n--- SKIP: "+name+" "))
	if err != nil && ctx.Err() != nil {
		one.passed = false
		one.output += "\nit did not end within " + within.String()
	}
	_, err = os.Stat(served)
	return one, err == nil
}
