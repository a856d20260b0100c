package http

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestRecordsOfHTTP2AreOfTheirRequests has requests overlap, and one of them reset.
func TestRecordsOfHTTP2AreOfTheirRequests(t *testing.T) {
	_, records, _ := recorded(t, read, func(*moving) Handler { return h2Site().Serve },
		h2Begin+h2Fetch(1, "/held")+h2Fetch(3, "/ok")+h2Reset(1)+h2Fetch(5, "/none"))
	names := map[eventloop.Kind]string{StreamHeadRead: "head", HandlerBegan: "began", HandlerEnded: "ended", Done2xx: "done", Done4xx: "done", StreamReset: "reset", HeadRead: "HTTP/1"}
	var got []string
	for _, r := range records {
		if name := names[r.Kind]; name != "" && r.Conn == 1 {
			got = append(got, fmt.Sprint(r.Request, " ", name, map[bool]string{true: fmt.Sprint(" ", r.Arg)}[r.Kind >= Done2xx && r.Kind != StreamHeadRead]))
		}
	}
	want := []string{"1 head", "1 began", "1 ended", "2 head", "2 began", "2 ended", "2 done 200", "1 reset 8", "3 head", "3 began", "3 ended", "3 done 404"}
	if !slices.Equal(got, want) {
		t.Errorf("the records are %q, and not %q", got, want)
	}
}

// TestAConnectionOfHTTP2IsShownWithItsStreams looks at one when it has done for two seconds what
// its row says.
func TestAConnectionOfHTTP2IsShownWithItsStreams(t *testing.T) {
	const reading, handling, writing = uint8(eventloop.Reading) + 1, uint8(eventloop.Handling) + 1, uint8(eventloop.Writing) + 1
	for _, row := range []struct {
		name     string
		sends    []string // a second apart
		activity eventloop.Activity
		requests uint32
		handled  uint32
		route    string
		owes     bool
		since    time.Duration
		streams  [4]uint8
	}{
		{"one that has said only that it speaks HTTP/2 is reading", []string{h2Begin}, eventloop.Reading, 0, 0, "", false, 0, [4]uint8{}},
		{"one that was answered is idle", []string{h2Begin + h2Fetch(1, "/ok") + h2Fetch(3, "/ok")}, eventloop.Idle, 2, 0, "", false, 0, [4]uint8{}},
		{"one with a request that is held is being handled", []string{h2Begin + h2Fetch(1, "/ok"), h2Fetch(3, "/held")}, eventloop.Handling, 1, 1, "/held", false, 1, [4]uint8{handling}},
		{"each request has a place", []string{h2Begin + h2Fetch(1, "/held") + h2Post(3, "/body"), h2Fetch(5, "/large")}, eventloop.Handling, 1, 1, "/held", true, 0, [4]uint8{handling, reading, writing}},
		{"it keeps its place when one before it ends", []string{h2Begin + h2Fetch(1, "/held") + h2Post(3, "/body"), h2Reset(1)}, eventloop.Reading, 1, 0, "/body", false, 0, [4]uint8{0, reading}},
		{"a new one takes the place that is free", []string{h2Begin + h2Fetch(1, "/held") + h2Post(3, "/body"), h2Reset(1), h2Fetch(5, "/held")}, eventloop.Handling, 1, 1, "/held", false, 2, [4]uint8{handling, reading}},
		{"those beyond the places are counted all the same", []string{h2Begin + h2Fetch(1, "/held") + h2Fetch(3, "/held") + h2Fetch(5, "/held"), h2Fetch(7, "/held") + h2Fetch(9, "/held") + h2Fetch(11, "/held")}, eventloop.Handling, 0, 6, "/held", false, 0, [4]uint8{handling, handling, handling, handling}},
		{"an answer for which the client has no room is being written", []string{h2Begin + h2Fetch(1, "/large")}, eventloop.Writing, 1, 0, "", true, 0, [4]uint8{writing}},
	} {
		t.Run(row.name, func(t *testing.T) {
			site := h2Site()
			k := sim.New(1)
			k.Buffer = 1 << 20 // more than the client's windows
			config := Config{Handler: site.Serve, EagerAccept: true, Limits: Limits{BodyTimeout: time.Minute, MinRate: 1, SendTimeout: time.Minute}}
			got, route := lookAtConn(t, k, config, site, row.sends, row.since)
			if got.Activity != row.activity || got.Requests != row.requests || got.Handled != row.handled || route != row.route || got.Owed > 0 != row.owes || got.Streams != row.streams {
				t.Errorf("it is %+v, at %q", got, route)
			}
		})
	}
}
