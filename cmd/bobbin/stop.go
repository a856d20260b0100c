package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// catchHangups keeps SIGHUP from ending the program, from its first moment to its
// last. While certificate files are in use, SIGHUP reloads them.
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
	if more := n - len(requests); more > 0 && len(requests) > 0 {
		requests = append(requests, fmt.Sprintf("and %d more", more))
	}
	if len(requests) > 0 {
		text += ": " + strings.Join(requests, ", ")
	}
	return cutOff(text)
}

// cutOff is eventloop.ErrCut with details.
type cutOff string

func (e cutOff) Error() string { return string(e) }

// Is makes errors.Is(err, eventloop.ErrCut) true.
func (e cutOff) Is(target error) bool { return target == eventloop.ErrCut }
