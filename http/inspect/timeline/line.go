package timeline

import (
	"fmt"
	"strconv"

	"github.com/bobbin-http/bobbin/eventloop"
)

// The lines of the file: an event each.

// event writes an event.
func (w *writer) event(e *event) {
	switch e.what {
	case aConnection, aRequest:
		w.head(e, "X", pidConnections)
		w.duration(e)
	case aTurn, aPhase, aCallback, aHandler, aWrite:
		w.head(e, "X", pidLoop)
		w.duration(e)
	case anInstant:
		pid := pidLoop
		if e.conn != nil && w.b.thin.has(e.conn) {
			pid = pidConnections
		}
		w.head(e, "i", pid)
		w.line = append(w.line, `,"s":"t"`...)
	case aLoss:
		w.head(e, "i", pidLoop)
		w.line = append(w.line, `,"s":"g"`...)
	case aCounter:
		w.head(e, "C", pidLoop)
	default:
		w.head(e, [...]string{"s", "t", "f"}[e.what-flowBegins], pidLoop)
		w.line = append(w.line, `,"id":`...)
		w.line = strconv.AppendUint(w.line, e.id(), 10)
		if e.what == flowEnds {
			w.line = append(w.line, `,"bp":"e"`...)
		}
		w.line = append(w.line, '}')
		w.end()
		return
	}
	w.args(e)
	w.line = append(w.line, '}')
	w.end()
}

// id returns a number that only this arrow has, and that a viewer reads exactly.
func (e *event) id() uint64 { return uint64(e.conn.index)<<24 ^ uint64(e.request) }

// head begins a line.
func (w *writer) head(e *event, ph string, pid int) {
	tid := int(e.loop) + 1
	switch {
	case pid == pidConnections && e.row > 0:
		tid = w.lanes + int(e.row)
	case pid == pidConnections:
		tid = int(e.conn.lane) + 1
	}
	w.line = append(w.line[:0], `{"ph":"`...)
	w.line = append(w.line, ph...)
	w.line = append(w.line, `","pid":`...)
	w.line = strconv.AppendInt(w.line, int64(pid), 10)
	w.line = append(w.line, `,"tid":`...)
	w.line = strconv.AppendInt(w.line, int64(tid), 10)
	w.line = append(w.line, `,"ts":`...)
	w.line = appendMicroseconds(w.line, e.at-w.zero)
	w.line = append(w.line, `,"name":`...)
	w.line = append(w.line, w.name(e)...)
	w.line = append(w.line, `,"cat":"`...)
	w.line = append(w.line, categories[e.what]...)
	w.line = append(w.line, '"')
}

// depths are how deep slices are in others.
var depths = [...]int64{aPhase: 1, aCallback: 2, aHandler: 2, aWrite: 2, aRequest: 1}

// duration writes how long a slice took. A slice ends a nanosecond before the one around it
// and before the next, because a viewer that adds up binary fractions of microseconds may
// take the end of one for later than that of the other.
func (w *writer) duration(e *event) {
	w.line = append(w.line, `,"dur":`...)
	w.line = appendMicroseconds(w.line, max(e.dur-depths[e.what], 0))
}

// appendMicroseconds appends nanoseconds as microseconds with three decimals. Nothing is
// rounded: slices that touch would overlap.
func appendMicroseconds(p []byte, ns int64) []byte {
	p = strconv.AppendInt(p, ns/1000, 10)
	return append(p, '.', byte('0'+ns/100%10), byte('0'+ns/10%10), byte('0'+ns%10))
}

var categories = [...]string{
	aConnection: "connection", aRequest: "request", aTurn: "turn", aPhase: "phase", aCallback: "callback", aHandler: "handler",
	aWrite: "write", anInstant: "record", aLoss: "record", aCounter: "counter", flowBegins: "arrow", flowSteps: "arrow", flowEnds: "arrow",
}

// name returns the name of an event, quoted.
func (w *writer) name(e *event) string {
	switch e.what {
	case aConnection:
		return strconv.Quote("conn " + strconv.FormatUint(uint64(e.conn.id), 10))
	case aRequest:
		return w.route(e, "request")
	case aTurn:
		return `"turn"`
	case aPhase:
		if int(e.kind) < len(w.b.hello.Phases) {
			return quoted(w.b.hello.Phases[e.kind])
		}
		return `"phase"`
	case aCallback:
		return strconv.Quote(labels[e.kind])
	case aHandler:
		return w.route(e, "handler")
	case aWrite:
		return `"write"`
	case anInstant:
		return quoted(w.kind(e.kind))
	case aLoss:
		return `"records lost"`
	case aCounter:
		name := counterNames[e.kind]
		if len(w.b.loops) > 1 {
			name = fmt.Sprintf("loop %d: %s", e.loop, name)
		}
		return strconv.Quote(name)
	}
	return `"request"`
}

// route returns the pattern of a route, or another name.
func (w *writer) route(e *event, without string) string {
	if n := int(e.route); n > 0 && n < len(w.b.hello.Routes) {
		return quoted(w.b.hello.Routes[n])
	}
	return strconv.Quote(without)
}

// kind returns the name of a kind of record.
func (w *writer) kind(kind eventloop.Kind) string {
	if int(kind) < len(w.b.hello.Kinds) && w.b.hello.Kinds[kind] != "" {
		return w.b.hello.Kinds[kind]
	}
	return fmt.Sprintf("kind %d", kind)
}

// args appends what a viewer shows of an event when it is chosen.
func (w *writer) args(e *event) {
	w.line = append(w.line, `,"args":{`...)
	begins := len(w.line)
	number := func(key string, n int64) {
		if len(w.line) > begins {
			w.line = append(w.line, ',')
		}
		w.line = append(w.line, '"')
		w.line = append(w.line, key...)
		w.line = append(w.line, `":`...)
		w.line = strconv.AppendInt(w.line, n, 10)
	}
	if e.conn != nil && e.what != aConnection {
		number("conn", int64(e.conn.id))
	}
	if e.request != 0 {
		number("request", int64(e.request))
	}
	switch e.what {
	case aTurn:
		number("turn", int64(e.turn))
		number("events", e.arg)
	case aPhase:
		if e.arg > 0 {
			number("ran", e.arg)
		}
	case aCallback, aWrite:
		if e.arg > 0 {
			number("bytes", e.arg)
		}
	case aHandler:
		if e.status != 0 {
			number("status", int64(e.status))
		}
	case aRequest:
		number("status", int64(e.status))
		number("bytes", e.arg)
	case aConnection:
		number("requests", int64(e.conn.served))
		number("read", e.conn.in)
		number("wrote", e.conn.out)
		number("loop", int64(e.loop))
		end := "open"
		if e.kind != 0 {
			end = w.kind(e.kind)
		}
		w.line = append(w.line, `,"end":`...)
		w.line = append(w.line, quoted(end)...)
	case aLoss:
		number("records", e.arg)
	case aCounter, anInstant:
		number("value", e.arg)
	}
	w.line = append(w.line, '}')
}
