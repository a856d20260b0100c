// Package breaks has the clients that break the steps of the tour. Each counts
// something, so that the outcome is the same on a slow machine and on a fast one.
package breaks

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A Target is a step that runs in a process of its own.
type Target struct {
	Address string                             // host and port
	Process *os.Process                        // may be stopped and continued
	Died    func(time.Duration) (string, bool) // waits so long for its end; returns its last words
}

// An Outcome is the result of a break.
type Outcome struct {
	Seen     []string // what happened, in sentences, in order
	Count    int      // the figure that decides
	Result   string   // a sentence with Count in it
	Survived bool
}

// A Break attacks a step for at most five seconds. Patience is the longest wait for
// an answer: short against a step that gives none, long against one that does. The
// error is about the break itself.
type Break func(t *Target, patience time.Duration) (Outcome, error)

// Sure is the longest wait for an answer that comes in any case. A test on a busy machine
// may wait longer.
var Sure = 5 * time.Second

// newcomers are the clients that ask for a page while others are in the way.
const newcomers = 8

const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

// get asks for a path on a connection of its own, and returns the status and the body.
// The status is 0 if no answer came.
func (t *Target) get(path string, patience time.Duration) (status int, body string) {
	c, err := net.DialTimeout("tcp", t.Address, patience)
	if err != nil {
		return 0, ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path); err != nil {
		return 0, ""
	}
	return readAnswer(c)
}

// readAnswer reads one answer. Status is 0 if none came, or only a part of it.
func readAnswer(from io.Reader) (status int, body string) {
	answer, err := http.ReadResponse(bufio.NewReader(from), nil)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return 0, ""
	}
	return answer.StatusCode, string(page)
}

// count runs n clients at the same time, and returns how many of them got a 200.
func count(n int, client func() (status int)) int {
	var answered atomic.Int64
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if client() == 200 {
				answered.Add(1)
			}
		})
	}
	all.Wait()
	return int(answered.Load())
}

// crowd connects n silent clients. Those that cannot connect are left out, because a
// server that is breaking refuses them.
func (t *Target) crowd(n int) (silent []net.Conn) {
	for range n {
		c, err := net.DialTimeout("tcp", t.Address, Sure)
		if err != nil {
			break
		}
		silent = append(silent, c)
	}
	return silent
}

func hangUp(clients []net.Conn) {
	for _, c := range clients {
		c.Close()
	}
}

// counts are the figures on the page of a step.
type counts struct{ threads, calls, notNow, events, entries, waiting int }

var figure = regexp.MustCompile(`(\d+) (threads|calls|not now|events|entries|waiting)`)

// counts asks a step for its page.
func (t *Target) counts() (counts, error) {
	var c counts
	status, body := t.get("/", Sure)
	if status != 200 {
		return c, fmt.Errorf("the server shows no page, but status %d", status)
	}
	for _, f := range figure.FindAllStringSubmatch(body, -1) {
		n, _ := strconv.Atoi(f[1])
		switch f[2] {
		case "threads":
			c.threads = n
		case "calls":
			c.calls = n
		case "not now":
			c.notNow = n
		case "events":
			c.events = n
		case "entries":
			c.entries = n
		case "waiting":
			c.waiting = n
		}
	}
	return c, nil
}

// Number writes a count with commas.
func Number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// answered is the result of a break that counts answers.
func answered(n, of int) string { return fmt.Sprintf("%d of %d clients were answered.", n, of) }
