// Package timeline makes a timeline of the records of event loops, in the JSON of Chrome's
// trace viewer, which Perfetto (https://ui.perfetto.dev), speedscope and chrome://tracing
// open. It is pure: records go in, in the raw form that a server sends or as they are, and
// events come out.
//
// The process "loop" has a track for each loop: a turn, in it the phases, and in them the
// callbacks. A callback that ran a handler is named by the route. A loop that sleeps is
// empty. The process "connections" has a track for each connection that was open at the
// same time, with its requests; those of HTTP/2 that overlap have tracks of their own, below
// that of their connection. Arrows lead from the read of a request over its handler to the write
// of its answer. Counters are the open connections, the bytes owed to peers and the events of
// each wait.
//
// The number of events is bounded. Beyond it there is one connection in N, whole, and if
// that is not enough one request of them in N, and one turn in N; what took long is always
// there. The file says so.
package timeline
