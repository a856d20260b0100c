package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTwoLoopsServe looks at what both of them write, which is whole lines.
func TestTwoLoopsServe(t *testing.T) {
	const visitors = 64
	t.Setenv("BOBBIN_TRACE", "1")
	for _, network := range []string{"tcp", "unix"} {
		dir := t.TempDir()
		log := filepath.Join(dir, "log")
		args := []string{"--loops", "2", "-v", "--log", "common=" + log}
		if network == "unix" {
			args = append(args, "-l", "unix:"+filepath.Join(dir, "s"))
		}
		p := start(t, "", args...)
		if !strings.Contains(p.first, " loops=2") {
			t.Errorf("it says %q", p.first)
		}
		for range visitors {
			c, err := net.Dial(network, strings.TrimPrefix(p.host(), "unix:"))
			if err != nil {
				t.Fatal(err)
			}
			say(t, c, strings.Replace(get, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
			if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n") {
				t.Errorf("heard %q, %v", answer, err)
			}
			c.Close()
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)

		line := regexp.MustCompile(`^(?:loop ([01]) \+\d+\.\d{6}s (?:turn \d+|conn \d+(?: request \d+)?): [a-zA-Z0-9µ ,>.-]+|20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+ (?:127\.0\.0\.1|unix) GET "/bench" 200 13 [\d.]+(?:ns|µs|ms|s))$`)
		accepted, visits := map[string]int{}, 0
		for said := range strings.SplitSeq(strings.TrimSuffix(p.said.String(), "\n"), "\n") {
			m := line.FindStringSubmatch(said)
			if m == nil {
				t.Errorf("not a line: %q", said)
			} else if strings.Contains(said, ": accepted as ") {
				accepted[m[1]]++
			} else if m[1] == "" {
				visits++
			}
		}
		if accepted["0"] == 0 || accepted["0"]+accepted["1"] != visitors || network == "unix" && accepted["0"] != visitors/2 || visits != visitors {
			t.Errorf("%s: of %d visits, the loops have accepted %v", network, visits, accepted)
		}
		text, err := os.ReadFile(log)
		if lines := regexp.MustCompile(`(?m)^\S+ - - \[.*\] "GET /bench HTTP/1.1" 200 13$`).FindAllString(string(text), -1); err != nil || len(lines) != visitors {
			t.Errorf("%d lines in the log, %v", len(lines), err)
		}
	}
}

func TestTheRateIsThatOfAllLoopsTogether(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--loops", "2", "--limit-rate", "10/h")
	let := 0
	for range 64 {
		if strings.HasPrefix(p.visit(get), "HTTP/1.1 200 OK\r\n") {
			let++
		}
	}
	if let != 10 {
		t.Errorf("%d were let in, not 10", let)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

func TestAnotherProcessDoesNotJoin(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--loops", "2")
	for _, loops := range []string{"1", "2"} {
		var complaint strings.Builder
		code := run([]string{"--loops", loops, "-l", p.host()}, strings.NewReader(""), io.Discard, &complaint, func(string) string { return "" }, false)
		if code != exitFailed || !strings.Contains(complaint.String(), "choose another port with --listen") {
			t.Errorf("%s loops end with %d and say %q", loops, code, complaint.String())
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

func TestSignalsAreForAllLoops(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		downloads int // more take a kernel too long that moves 37 bytes at a time, if it moves them all
		code      int
	}{{"one lets downloads finish", 2, exitOK}, {"a second cuts them off", 16, exitCut}} {
		t.Run(row.name, func(t *testing.T) {
			// They are read one after the other, so that the last waits for long.
			p := start(t, "", "--loops", "2", "--limit", "Drain=5m", "--limit", "SendTimeout=5m",
				folder(t, map[string][]byte{"large": large}))
			var all []*bufio.Reader
			for range row.downloads {
				c := p.dial()
				say(t, c, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
				r := bufio.NewReader(c)
				if _, err := r.Peek(1); err != nil {
					t.Fatal(err)
				}
				all = append(all, r)
			}
			p.signal(syscall.SIGTERM)
			for refused := false; !refused; { // all have heard
				probe, err := net.Dial("tcp", p.host())
				if refused = err != nil; !refused {
					probe.Close()
				}
			}
			if row.code == exitCut {
				p.signal(syscall.SIGTERM)
			}
			whole := 0
			for _, r := range all {
				answer, err := nethttp.ReadResponse(r, nil)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, answer.Body); err == nil && n == int64(len(large)) {
					whole++
				}
			}
			// A socket may have taken all of one before the second signal came.
			if (whole == len(all)) != (row.code == exitOK) {
				t.Errorf("%d of %d downloads are whole", whole, len(all))
			}
			p.ends(row.code)
		})
	}
}

// TestBrowsersAreRefreshedWhicheverLoopTheyAreOn has some listen, and edits until all
// are told.
func TestBrowsersAreRefreshedWhicheverLoopTheyAreOn(t *testing.T) {
	t.Parallel()
	const pages = 16
	dir := folder(t, map[string][]byte{"index.html": []byte("<p>")})
	p := start(t, "", "--loops", "2", "--reload", dir)
	told := make(chan bool, pages)
	hello := ""
	for range pages {
		c := p.dial()
		say(t, c, "GET /-/reload HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(answer.Body)
		first := ""
		for lines.Scan() && lines.Text() != "" {
			first += lines.Text() + "\n"
		}
		if hello == "" {
			hello = first
		}
		if first != hello || !strings.Contains(first, "event: hello\n") {
			t.Errorf("one is greeted by %q, another by %q", hello, first)
		}
		go func() {
			for lines.Scan() && lines.Text() != "event: page" {
			}
			told <- true
			for lines.Scan() { // what comes of the edits after that
			}
		}()
	}
	for n, edits := 0, 0; n < pages; edits++ {
		if err := os.WriteFile(filepath.Join(dir, "index.html"), fmt.Appendf(nil, "<p>%d", edits), 0o644); err != nil {
			t.Fatal(err)
		}
		for waits := true; waits && n < pages; {
			select {
			case <-told:
				n++
			case <-time.After(200 * time.Millisecond):
				waits = false
			}
		}
		if edits == 300 {
			t.Fatalf("%d of %d are told", n, pages)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}
