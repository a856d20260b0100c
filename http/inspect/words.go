package inspect

import "github.com/bobbin-http/bobbin/eventloop"

// The words for a loop: one table, from which the page, the terminal, the metrics, the
// timeline and the docs take theirs. Kinds of records have theirs where they are defined,
// in eventloop/kind.go and http/record.go, and states in eventloop/state.go.

// A Word names a thing in all views.
type Word struct {
	ID     string // one word, as in the stream and in the label of a metric
	Letter byte   // where colour cannot be relied on; 0 if it has none
	Text   string // a phrase that explains it
}

// The phases of a turn, as indices of Phases.
const (
	PhaseWait = iota
	PhaseDispatch
	PhasePosted
	PhaseTimers
	PhaseFlush
	PhaseReap
	PhaseCount
)

// Phases are the phases of a turn, in their order.
var Phases = [PhaseCount]Word{
	PhaseWait:     {"wait", 0, "asleep, until a socket is ready, a timer is due or another goroutine wakes the loop"},
	PhaseDispatch: {"dispatch", 0, "reads from ready sockets and calls handlers"},
	PhasePosted:   {"posted", 0, "runs functions that other goroutines posted"},
	PhaseTimers:   {"timers", 0, "runs timers and deadlines that are due"},
	PhaseFlush:    {"flush", 0, "writes the answers of this turn"},
	PhaseReap:     {"reap", 0, "closes the descriptors of connections that have ended"},
}

// phaseKinds are the kinds of records whose sums are the time in each phase.
var phaseKinds = [PhaseCount]eventloop.Kind{
	eventloop.WaitEnded, eventloop.DispatchEnded, eventloop.PostedEnded,
	eventloop.TimersEnded, eventloop.FlushEnded, eventloop.ReapEnded,
}

// Activities are what a connection may be doing, in the order of eventloop.Activity.
var Activities = []Word{
	{"idle", 'i', "between two requests, or nothing has come yet"},
	{"reading", 'r', "part of a request is here, or a TLS handshake is under way"},
	{"handling", 'h', "a handler has the request: it runs, waits, or holds the answer open"},
	{"writing", 'w', "output is queued, and the peer has to take it"},
	{"closing", 'c', "sends its last bytes, or waits for the peer to end"},
}

// Figures of a loop whose names are not plain.
var (
	Lag  = Word{"lag", 0, "time from the moment a timer was due until it ran"}
	Held = Word{"held", 0, "time that one callback took, while nothing else ran on the loop"}
	Owed = Word{"owed", 0, "bytes that are queued for peers, because their sockets have no room"}
)

// A Trouble is a condition of a loop that has a name. Each is a rule, in trouble.go.
type Trouble struct {
	ID   string
	Name string
	Text string // what it means, and what helps
	Step int    // of the tour, which shows it
	Href string // of that step
}

// The troubles, as indices of Troubles.
const (
	TroubleDescriptors = iota
	TroubleHolds
	TroubleSaturated
	TroubleLate
	TroubleTakes
	TroubleSends
	TroubleCount
)

// Troubles are all of them, the gravest first: a verdict names the first that is there.
var Troubles = [TroubleCount]Trouble{
	TroubleDescriptors: {"descriptors", "out of descriptors",
		"No more connections can be accepted: newcomers wait, and idle ones make room. Raise the limit of descriptors (ulimit -n) or --limit Conns.", 8, tour(8)},
	TroubleHolds: {"holds", "handler holds the loop",
		"While a handler runs or sleeps, nothing else on its loop is served. Work that waits or takes long belongs off the loop: http.Blocking.", 11, tour(11)},
	TroubleSaturated: {"saturated", "saturated",
		"The loop never sleeps, so each request waits for those before it. More loops (--loops) or less work for each request help.", 4, tour(4)},
	TroubleLate: {"late", "timers late",
		"Timers and deadlines run later than they are due, because turns take long.", 9, tour(9)},
	TroubleTakes: {"takes", "peer does not read",
		"An answer stays queued, because its peer takes nothing of it. It costs memory until a deadline cuts it off.", 10, tour(10)},
	TroubleSends: {"sends", "peer sends slowly",
		"Part of a request is here, and the rest takes long to come. A deadline ends the wait; others are served meanwhile.", 9, tour(9)},
}

// tourPages are the names of the tour's pages in docs/tour, by the number of the step.
var tourPages = [...]string{
	1: "01-blocking", 2: "02-threads", 3: "03-busy", 4: "04-poll", 5: "05-level", 6: "06-edge",
	7: "07-parser", 8: "08-keepalive", 9: "09-timers", 10: "10-backpressure", 11: "11-tls", 12: "12-bobbin",
}

// tour returns the URL of a step's page.
func tour(step int) string {
	return "https://github.com/bobbin-http/bobbin/blob/main/docs/tour/" + tourPages[step] + ".md"
}

// KindNames returns the names of the kinds of records of a loop and its protocol, by
// number; "" where there is none. Any goroutine may call it.
func KindNames(l *eventloop.Loop) []string {
	var names []string
	for kind := range eventloop.ProtocolKinds * 2 {
		names = append(names, l.KindInfo(kind).Name)
	}
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	return names
}

// StateNames returns the names of the states of a connection, by number.
func StateNames() []string {
	var names []string
	for state := range eventloop.States {
		names = append(names, state.String())
	}
	return names
}
