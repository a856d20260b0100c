// Package feed reads the stream of package inspect: the events that /-/xray/stream sends.
// It is for programs that show loops elsewhere than in the browser. Dialing is theirs.
//
// It is strict: what the format does not have is an error, and so are more values than it
// has. A change of the format changes the number of its schema.
package feed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Schema is the number of the format that is read here.
const Schema = 1

// LineMost is the longest line of a stream, in bytes. A frame has 64 KiB, a greeting with
// many routes may have more.
const LineMost = 1 << 20

// A Hello is the first event. The words of all views are from here.
type Hello struct {
	Schema     int      `json:"schema"`
	Version    string   `json:"version"`    // of the program
	Token      string   `json:"token"`      // for pressing a button; "" if this client may not
	Started    int64    `json:"started"`    // milliseconds of Unix time, as Now is
	Now        int64    `json:"now"`        //
	Loops      int      `json:"loops"`      // that are shown
	You        []uint32 `json:"you"`        // the loop and the connection of this client; nil on the operator's address
	Watchers   int      `json:"watchers"`   // this one included
	Stall      int64    `json:"stall"`      // milliseconds from which a callback is a stall
	HighWater  int      `json:"highWater"`  // bytes
	Conns      int      `json:"conns"`      // the most connections of a loop
	FrameEvery int64    `json:"frameEvery"` // milliseconds
	Kernel     string   `json:"kernel"`     // "epoll" or "kqueue"

	Phases     []string  `json:"phases"`
	Activities []Word    `json:"activities"`
	Kinds      []string  `json:"kinds"`  // of records, by number; "" where there is none
	States     []string  `json:"states"` // of connections, by number
	Troubles   []Trouble `json:"troubles"`
	Routes     []string  `json:"routes"` // by number, the first is ""
	Try        []Button  `json:"try"`    // empty if this client may press none
}

// A Word is an activity of connections.
type Word struct {
	ID     string `json:"id"`
	Letter string `json:"letter"`
	Text   string `json:"text"`
}

// A Trouble is a condition that has a name.
type Trouble struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Text string `json:"text"`
	Href string `json:"href"`
}

// A Button starts clients that misbehave.
type Button struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// A Frame is the state of all loops at a moment. All counts are absolute.
type Frame struct {
	Number  uint64
	At      time.Duration // since the first loop was made
	Wall    time.Time
	Skipped uint64        // frames that this client was too slow for, so far
	Gap     time.Duration // that was not recorded before this frame

	Level    string // "healthy", "busy", or the ID of the gravest trouble
	Words    string // the verdict, one sentence without its dot
	Troubles []Raised
	Held     []Held // loops that do not answer
	Loops    []Loop

	Rows    []Row // at most 200
	Strip   []Run // the connections that are no rows, the oldest first
	More    int   // connections that are in neither
	Records []Record
	Lost    uint64 // records that are not shown
}

// A Raised is a trouble that is there.
type Raised struct {
	Trouble int           // its place in Hello.Troubles
	Since   time.Duration // as Frame.At
	Loop    int
	Conn    uint32 // 0 if it is no connection's
	Words   string
}

// A Held is a loop that does not answer.
type Held struct {
	Loop int
	For  time.Duration
}

// A Loop has the counters of a loop, since it was made, and its gauges.
type Loop struct {
	Turns, Events, Callbacks, Requests  uint64
	Accepted, Closed, Failed, Refused   uint64
	BytesRead, BytesWritten, NotNow     uint64
	Stalls                              uint64
	Phases                              [6]time.Duration // in the order of Hello.Phases, while there was a reader
	Open, Idle, Reading, Handling       int
	Writing, Closing                    int
	Owed                                int64         // bytes queued
	Longest                             time.Duration // callback, since the frame before
	LongestConn, LongestRoute           uint32
	Late                                time.Duration // the longest that a timer waited for the loop
	TurnMedian, TurnLongest, HeldMedian time.Duration // of turns and callbacks
	EventsMedian, EventsMost            int
}

// A Row is a connection.
type Row struct {
	Loop     int
	Conn     uint32
	Activity int // its place in Hello.Activities
	State    int // its place in Hello.States
	Requests uint32
	Owed     int64         // bytes queued
	Deadline time.Duration // from now, or less than 0 for none
	Since    time.Duration // it has been in its activity
	Route    int           // its place in Hello.Routes
	Flags    Flags
	Age      time.Duration
	Streams  Streams
}

// Streams has what the requests of a connection do that carries several, which HTTP/2 does: for
// each place 1 and the activity of the request that has it, 0 for none. A request keeps its
// place.
type Streams [4]uint8

// Flags are what else is known of a connection.
type Flags uint8

// The flags.
const (
	You Flags = 1 << iota
	TLS
	Full // back-pressure
	Paused
	LeftOut // of all figures
)

// A Run is a number of connections with one activity.
type Run struct{ Activity, Count int }

// A Record is one thing that happened on a loop.
type Record struct {
	Before  time.Duration // Frame.At
	Kind    int           // its place in Hello.Kinds
	Loop    int
	Conn    uint32
	Request uint32
	Arg     int64
}

// ErrBye is the end of a stream whose server stops.
var ErrBye = errors.New("feed: the server stops")

// A Reader reads the events of one stream.
type Reader struct {
	lines *bufio.Scanner
	hello *Hello
}

// NewReader reads the body of an answer.
func NewReader(r io.Reader) *Reader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, LineMost)
	return &Reader{lines: lines}
}

// Hello reads the first event. It must be called once, before Next.
func (r *Reader) Hello() (*Hello, error) {
	name, data, err := r.event()
	switch {
	case err != nil:
		return nil, err
	case name != "hello":
		return nil, fmt.Errorf("feed: the first event is %.20q and not hello: is this the address of a bobbin?", name)
	}
	r.hello, err = decodeHello(data)
	return r.hello, err
}

// Next waits for the next frame. The error is ErrBye when the server stops, and io.EOF or
// io.ErrUnexpectedEOF when the stream ends in another way.
func (r *Reader) Next() (*Frame, error) {
	name, data, err := r.event()
	switch {
	case err != nil:
		return nil, err
	case name == "frame":
		return decodeFrame(r.hello, data)
	case name == "bye":
		return nil, ErrBye
	}
	return nil, fmt.Errorf("feed: there is no event %.20q", name)
}

// event reads one event: its name, and its only line of data.
func (r *Reader) event() (name string, data []byte, err error) {
	for r.lines.Scan() {
		line := r.lines.Text()
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && name != "":
			return name, data, nil
		case line == "" || strings.HasPrefix(line, ":"): // a comment
		case field == "event" && name == "":
			name = value
		case field == "data" && data == nil:
			data = []byte(value)
		default:
			return "", nil, fmt.Errorf("feed: no stream has the line %.40q", line)
		}
	}
	switch err := r.lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return "", nil, fmt.Errorf("feed: a line is longer than %d bytes", LineMost)
	case err != nil:
		return "", nil, err
	case name != "" || data != nil:
		return "", nil, io.ErrUnexpectedEOF
	}
	return "", nil, io.EOF
}
