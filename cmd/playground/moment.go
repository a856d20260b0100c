package main

import (
	"fmt"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// A moment is one thing that happened in a turn, and the lanes right after it.
type moment struct {
	Turn   int        `json:"turn"`
	Phase  int        `json:"phase"`
	Client int        `json:"client"` // 0 for none
	Conn   uint32     `json:"conn"`   // 0 for the loop itself
	Text   string     `json:"text"`
	Why    string     `json:"why"`
	Place  string     `json:"place"` // in places
	Cause  string     `json:"cause"` // in places: the misfortune behind it; "" for none
	Source string     `json:"source"`
	Weight int        `json:"weight"` // the page shows the weightiest moment of a turn first
	Short  bool       `json:"short"`  // a read that returned fewer bytes than there were
	Lanes  []laneView `json:"lanes"`
}

// Where a moment comes from.
const (
	sourceClient = "client"
	sourceKernel = "kernel"
	sourceRecord = "record"
)

// A story is how a kind of record is told.
type story struct {
	place  string
	weight int
	why    func(m *machine, l *lane, r *eventloop.Record) string
}

// onRecord changes the lane that a record is about, and tells it.
func (m *machine) onRecord(r *eventloop.Record) {
	if phase, ends := phaseEnds[r.Kind]; ends {
		m.endPhase(phase)
		return
	}
	l := m.laneOf(r.Conn)
	if r.Kind == eventloop.Accepted {
		if l = m.laneOfFD(int(r.Arg)); l != nil {
			l.conn = r.Conn
		}
	}
	at := moment{Conn: r.Conn, Source: sourceRecord}
	if l != nil {
		at.Client = l.client
		m.change(l, r, &at)
	}
	tells, known := stories[r.Kind]
	if !known || m.quiet {
		return
	}
	at.Text = m.loop.Describe(r) + at.Text
	at.Place, at.Weight = tells.place, at.Weight+tells.weight
	switch {
	case at.Short && m.called.err == nil:
		at.Place, at.Cause = "read again", "short read"
	case at.Short:
		at.Cause = "late bytes"
	case r.Kind == eventloop.ReadNotNow && l != nil && l.sent > l.read:
		at.Cause = "nothing yet"
	}
	if tells.why != nil {
		at.Why = tells.why(m, l, r)
	}
	m.moment(at)
}

// change applies a record to its lane, and notes what the record's own words do not say.
func (m *machine) change(l *lane, r *eventloop.Record, at *moment) {
	switch r.Kind {
	case eventloop.Read:
		there := l.sent - l.read
		l.read += int(r.Arg)
		if l.state >= eventloop.Closing {
			l.used = l.read // thrown away
		}
		at.Text = " of " + count(there, "byte")
		if int(r.Arg) < there {
			at.Short, at.Weight = true, 60
		}
	case http.HeadRead:
		l.used += int(r.Arg)
		l.runs = true
	case http.Done2xx, http.Done3xx, http.Done4xx, http.Done5xx:
		l.runs = false
		if r.Kind == http.Done4xx {
			l.used = l.read // the rest of a refused request is dropped
		}
		m.noteQueued(l)
	case eventloop.Wrote:
		l.written += int(r.Arg)
		l.queued = max(l.queued, l.written)
		at.Text = " of " + count(m.called.offered, "byte")
	case eventloop.BackpressureOn, eventloop.BackpressureOff:
		l.full = r.Kind == eventloop.BackpressureOn
		m.noteQueued(l)
	case eventloop.StateChange:
		if l.state = eventloop.State(r.Arg & 0xff); l.state >= eventloop.Closing {
			l.used = l.read
		}
	default:
		if r.Kind >= eventloop.ClosedDone && r.Kind <= eventloop.LeftLoop {
			l.end, l.fd = m.loop.KindInfo(r.Kind).Name, 0
		}
	}
}

// noteQueued has the loop say how much is queued. Every write is preceded by it, so that
// nothing has left the queue since.
func (m *machine) noteQueued(l *lane) {
	for i := range m.infos {
		if m.infos[i].ID == l.conn {
			l.queued = l.written + int(m.infos[i].Owed)
			if m.writing.fd == l.fd {
				l.queued = max(l.queued, l.written+m.writing.offered) // it is off the stage already
			}
		}
	}
}

// The phases of a turn, as inspect.Phases has them. Package inspect itself would bring the
// page's program a page of its own, and what reads its addresses.
const (
	phaseWait = iota
	phaseDispatch
	phasePosted
	phaseTimers
	phaseFlush
	phaseReap
)

// phaseEnds are the records that end a phase. Those that come before belong to it.
var phaseEnds = map[eventloop.Kind]int{
	eventloop.WaitEnded:     phaseWait,
	eventloop.DispatchEnded: phaseDispatch,
	eventloop.PostedEnded:   phasePosted,
	eventloop.TimersEnded:   phaseTimers,
	eventloop.FlushEnded:    phaseFlush,
	eventloop.ReapEnded:     phaseReap,
}

// stories are the kinds that the page tells, and how.
var stories = map[eventloop.Kind]story{
	eventloop.Accepted:        {"accept", 20, saying("A new connection is read at once: with some luck its request is there. Its descriptor is the lowest free number.")},
	eventloop.AcceptFailed:    {"accept", 50, saying("There was no descriptor for one more connection. Accepting pauses until one is given back.")},
	eventloop.Read:            {"read", 30, whyRead},
	eventloop.ReadNotNow:      {"not now", 40, saying("The event was a hint, and the call has the truth. The loop goes on with others, and the next event will tell.")},
	eventloop.ReadPart:        {"part", 35, whyPart},
	eventloop.Wrote:           {"write", 25, whyWrote},
	eventloop.WritePart:       {"full", 45, whyFull},
	eventloop.WriteNotNow:     {"full", 45, whyFull},
	eventloop.BackpressureOn:  {"pressure on", 95, whyPressure},
	eventloop.BackpressureOff: {"pressure off", 55, saying("Its client has taken half of the high-water mark: the loop reads from this connection again.")},
	eventloop.StateChange:     {"state", 5, whyState},
	eventloop.Deadline:        {"deadline", 96, saying("Every wait has a deadline. The socket was looked into once more before it counted; the protocol decides now.")},
	eventloop.Timers:          {"timers", 2, saying("Functions whose time has come. They run only after the sockets were asked.")},
	http.HeadRead:             {"head", 42, saying("The empty line has come, so the head is whole. It is parsed once, in whatever pieces it came.")},
	http.HandlerBegan:         {"handler", 10, saying("The handler is a function that runs on the loop. All other connections wait while it runs.")},
	http.HandlerEnded:         {"answer", 8, saying("The answer was collected in memory. It is sent in flush, when everything that was ready has been read.")},
	http.Done2xx:              {"done", 12, saying("The answer is queued whole. The connection waits for the next request, with nothing held for it.")},
	http.Done4xx:              {"refused", 97, saying("The server has answered by itself: the request was not complete, or not clear.")},
}

func init() {
	for kind := eventloop.ClosedDone; kind <= eventloop.LeftLoop; kind++ {
		stories[kind] = story{"reap", 50, whyEnded}
	}
}

// saying is a reason that does not depend on the record.
func saying(text string) func(*machine, *lane, *eventloop.Record) string {
	return func(*machine, *lane, *eventloop.Record) string { return text }
}

func whyRead(m *machine, l *lane, r *eventloop.Record) string {
	if l == nil || l.sent == l.read {
		return "That is all that the socket had."
	}
	left := count(l.sent-l.read, "byte")
	if m.called.err == bobbin.ErrNotNow {
		return "The call said that there is no more at present, and the rest came right after it. In the socket: " + left +
			". The next event tells of them, so nothing is lost."
	}
	return "The call returned fewer bytes than there are, without an error, so there may be more. The loop reads again, in this turn, " +
		"until the socket says that it has no more. Still there: " + left + ". Nothing is lost."
}

func whyPart(_ *machine, _ *lane, r *eventloop.Record) string {
	return "A head ends with an empty line, which has not come. The connection keeps what it has, and shows it to the parser again " +
		"with the next bytes behind it. So nothing is lost, however the request is cut."
}

func whyWrote(_ *machine, l *lane, r *eventloop.Record) string {
	if l != nil && l.queued > l.written {
		return "The socket took no more. The rest stays in the outbox, in its order: " + count(l.queued-l.written, "byte") + "."
	}
	return "The socket has taken the rest of the outbox. The memory goes back to the loop."
}

func whyFull(_ *machine, _ *lane, r *eventloop.Record) string {
	return "The socket has no room. The loop does not try again before an event says that there is some. In the outbox: " +
		count(int(r.Arg), "byte") + "."
}

func whyPressure(_ *machine, _ *lane, r *eventloop.Record) string {
	return fmt.Sprintf("More than the high-water mark of %s is queued. The loop reads nothing more from this client until it has taken "+
		"enough of its answer: so a slow reader cannot fill the memory.", count(highWater, "byte"))
}

func whyState(_ *machine, _ *lane, r *eventloop.Record) string {
	switch eventloop.State(r.Arg & 0xff) {
	case eventloop.Open:
		return "The kernel is asked to report changes, once, for both directions and for life."
	case eventloop.Closing:
		return "The last bytes go into the socket. Nothing more is shown to the protocol."
	case eventloop.Lingering:
		return "Our half is shut. What the client still sends is thrown away for a while, so that no reset destroys the answer."
	case eventloop.Dead:
		return "It is over. Its descriptor is closed in reap, at the end of the turn: its number must not be another's before."
	}
	return "A connection goes from state to state by a table. A step that is not in it is a mistake of the loop's."
}

func whyEnded(_ *machine, _ *lane, r *eventloop.Record) string {
	text := "Its descriptor is given back here, at the end of the turn and nowhere else, so that no event of this turn can meet another connection."
	if r.Kind >= eventloop.FailedTimeout {
		text = "It has failed, and only it: all others are served as before. " + text
	}
	return text
}
