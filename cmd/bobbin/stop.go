package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// catchHangups keeps SIGHUP from ending the program, from its first moment to its
// last. See reload.go for its work.
func catchHangups() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) }

// explainCut replaces eventloop.ErrCut by an error with the number of cut connections
// and some of their requests.
func explainCut(servers http.Servers, err error) error {
	if !errors.Is(err, eventloop.ErrCut) {
		return err
	}
	n, requests := servers.Cut()
	text := fmt.Sprintf("%d connections were cut off", n)
	if n == 1 {
		text = "1 connection was cut off"
	}
	return cutOff(text + listed(n, requests))
}

// listed lists some of n requests.
func listed(n int, requests []string) string {
	if len(requests) == 0 {
		return ""
	}
	if more := n - len(requests); more > 0 {
		requests = append(requests, fmt.Sprintf("and %d more", more))
	}
	return ": " + strings.Join(requests, ", ")
}

// tellAfter is how long after a signal the loops are asked what they wait for. Most stops are over
// by then. TellWithin is how long after that what some have answered is printed without those
// that are held.
const (
	tellAfter  = 100 * time.Millisecond
	tellWithin = time.Second
)

// stopAndTell stops the servers, and prints the requests that they wait for.
func stopAndTell(servers http.Servers, to io.Writer) {
	servers.Stop()
	var mu sync.Mutex
	var n int
	var requests []string
	left, told := len(servers), false // to answer; printed
	tell := func() {
		if n == 0 || told {
			return
		}
		told = true
		what := fmt.Sprintf("%d requests", n)
		if n == 1 {
			what = "1 request"
		}
		fmt.Fprintf(to, "bobbin: stopping: finishes %s, within %v; a second signal cuts off what is left%s\n",
			what, servers[0].Loop().Limits().Drain, listed(n, requests))
	}
	locked := func(f func()) {
		mu.Lock()
		defer mu.Unlock()
		f()
	}
	answer := func(more int, some []string) {
		n += more
		requests = append(requests, some...)
		if left--; left == 0 {
			tell()
		}
	}
	time.AfterFunc(tellAfter, func() {
		for _, s := range servers {
			err := s.Loop().Post(func() {
				more, some := s.Unfinished()
				locked(func() { answer(more, some) })
			})
			if err != nil {
				locked(func() { answer(0, nil) }) // a loop that has ended waits for nothing
			}
		}
	})
	time.AfterFunc(tellAfter+tellWithin, func() { locked(tell) })
}

// cutOff is eventloop.ErrCut with details.
type cutOff string

func (e cutOff) Error() string { return string(e) }

// Is makes errors.Is(err, eventloop.ErrCut) true.
func (e cutOff) Is(target error) bool { return target == eventloop.ErrCut }
