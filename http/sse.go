package http

import (
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Events is an answer that is a stream of server-sent events (the HTML standard,
// section 9.2). It belongs to the loop's goroutine.
type Events struct {
	held  *Held
	conn  *eventloop.Conn
	beat  *eventloop.Timer
	yield *eventloop.Timer
	said  time.Time
}

// An Event is one of them. The fields that are empty are left out.
type Event struct {
	ID   string // what a client that comes back says in Last-Event-ID
	Name string // "message" to the client if empty
	Data string // any number of lines
}

// heartbeat is after how long without an event a comment is sent, so that nobody
// on the way takes the connection for dead, and so that we learn when it is.
const heartbeat = 15 * time.Second

// Events begins a stream of events. The handler returns nil after that. It ends
// when the client leaves, when Close is called, when the server stops, and when
// connections run out and another needs its place: a client comes back by itself.
func (w *Response) Events() (*Events, error) {
	w.Add("Content-Type", "text/event-stream").Add("Cache-Control", "no-store")
	h, err := w.Hold()
	if err != nil {
		return nil, err
	}
	e := &Events{held: h, conn: w.x.conn.conn, said: h.server.now()}
	e.yield = h.server.loop.After(1, e.mayEnd) // the request is over then
	e.arm()
	h.OnClose(func() {
		e.beat.Stop()
		e.yield.Stop()
	})
	h.OnStop(h.Done)
	return e, nil
}

// mayEnd has the connection closed where another needs its place, as one that waits
// for a request is.
func (e *Events) mayEnd() {
	if e.held.Live() {
		e.conn.SetIdle(true)
	}
}

func (e *Events) arm() { e.beat = e.held.server.loop.After(heartbeat, e.tick) }

// tick says that we are still there, unless something was said anyway.
func (e *Events) tick() {
	if e.held.server.now().Sub(e.said) >= heartbeat {
		_ = e.say(":\n\n") // a client that is full has heard enough
	}
	if e.held.Live() {
		e.arm()
	}
}

// Send sends an event. The error is ErrFull if the client does not take what it
// was sent before, and ErrGone if it has left.
func (e *Events) Send(event Event) error {
	var b strings.Builder
	line := func(name, value string) {
		b.WriteString(name)
		b.WriteString(": ")
		b.WriteString(value)
		b.WriteByte('\n')
	}
	// A line's end in a name would begin another field.
	if event.ID != "" && !strings.ContainsAny(event.ID, "\r\n\x00") {
		line("id", event.ID)
	}
	if event.Name != "" && !strings.ContainsAny(event.Name, "\r\n") {
		line("event", event.Name)
	}
	for text := range strings.SplitSeq(lineEnds.Replace(event.Data), "\n") {
		line("data", text)
	}
	b.WriteByte('\n')
	return e.say(b.String())
}

// lineEnds are all that the standard takes for one.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func (e *Events) say(text string) error {
	_, err := e.held.Write([]byte(text))
	if err == nil {
		e.said = e.held.server.now()
	}
	return err
}

// OnClose has f called when the stream is over, exactly once.
func (e *Events) OnClose(f func()) { e.held.OnClose(f) }

// Close ends the stream.
func (e *Events) Close() { e.held.Done() }
