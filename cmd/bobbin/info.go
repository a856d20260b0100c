package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
)

// The state of the server in one line, for a person who presses Ctrl-T in its terminal. The
// line has only figures that are counted in any case, because times are stamped for a reader.

// infoWithin is how long a loop may take to tell its figures.
const infoWithin = time.Second

// tellInfo writes the line.
func tellInfo(servers http.Servers, to io.Writer) {
	fmt.Fprintln(to, "bobbin: "+infoText(servers, infoWithin))
}

// An info has the figures of a loop.
type info struct {
	loop     int
	does     [eventloop.Activities]float64 // connections by activity
	owed     int64
	requests uint64
	stalls   uint64
}

// infoText asks all loops, and waits for their answers for so long.
func infoText(servers http.Servers, within time.Duration) string {
	answers := make(chan info, len(servers)) // a loop never waits to send
	for i, s := range servers {
		_ = s.Loop().Post(func() { answers <- infoOf(i, s.Loop()) }) // one that has ended does not answer
	}
	over := time.NewTimer(within)
	defer over.Stop()
	var all info
	silent := make(map[int]bool)
	for i := range servers {
		silent[i] = true
	}
	for waits := true; waits && len(silent) > 0; {
		select {
		case one := <-answers:
			delete(silent, one.loop)
			all.add(&one)
		case <-over.C:
			waits = false
		}
	}
	words := ""
	for i := range servers {
		if silent[i] {
			words += titled(inspect.Troubles[inspect.TroubleHolds].Name) + ": "
			if len(servers) > 1 {
				words += fmt.Sprintf("on loop %d ", i)
			}
			words += "no turn for " + spanText(within) + "; "
		}
	}
	return words + all.String()
}

// infoOf returns a loop's figures, on that loop.
func infoOf(loop int, l *eventloop.Loop) info {
	l.LeaveOut()
	one := info{loop: loop}
	for _, c := range l.Connections(nil) {
		if !c.LeftOut {
			one.does[c.Activity]++
			one.owed += c.Owed
		}
	}
	counters := l.Counters()
	one.requests, one.stalls = uint64(counters.Sum(http.Done2xx, http.Done5xx)), counters[eventloop.CallbackStalled].N
	return one
}

func (n *info) add(one *info) {
	for i := range n.does {
		n.does[i] += one.does[i]
	}
	n.owed, n.requests, n.stalls = n.owed+one.owed, n.requests+one.requests, n.stalls+one.stalls
}

// String returns the figures in the words of all views.
func (n *info) String() string {
	return fmt.Sprintf("%s; %s answered; %s owed; %s", connectionsText(n.does, func(i int) string { return inspect.Activities[i].ID }),
		nounText(int(n.requests), "request"), bytesText(float64(n.owed)), nounText(int(n.stalls), "stall"))
}

// titled begins a sentence with a name.
func titled(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
