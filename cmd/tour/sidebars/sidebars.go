// Package sidebars has small programs beside the steps of the tour. Each makes one
// mistake of event loops in a careless way and a careful one, and counts what comes of it.
// They change limits of the process and close descriptors by number, so each has to run
// in a process of its own.
package sidebars

import (
	"embed"

	"golang.org/x/sys/unix"
)

// Sources are the files of this package, so that the pages can show parts of them.
//
//go:embed *.go
var Sources embed.FS

// A Sidebar is one of them.
type Sidebar struct {
	Name    string
	Title   string
	Belief  string // the misconception
	Counts  string // what is counted
	Lesson  string // why, and how bobbin does it
	Run     func() (careless, careful int, err error)
	Expects func(careless, careful int) bool // on this system
}

// All are the sidebars, in the order of the steps that they stand beside.
var All = []Sidebar{
	{
		Name: "timeout", Title: "A timeout that is rounded down",
		Belief: "A wait that ends too early does no harm: it is repeated.",
		Counts: "Waits for 50 timers",
		Lesson: "The kernel takes whole milliseconds. Rounded down, the last part of one is a timeout of 0, which does not wait, and the loop spins until the timer is due. " +
			"Rounded up, it is one wait, and the timer is late by less than a millisecond.",
		Run:     Timeout,
		Expects: func(careless, careful int) bool { return careless > 2*careful && careful >= timers },
	},
	{
		Name: "eof", Title: "The end comes before the last bytes are read",
		Belief: "When the kernel reports the end, there is nothing more to read.",
		Counts: "Bytes lost, of 1,000",
		Lesson: "The end is reported when it arrives, together with the bytes before it. A server that closes at once loses them: the last request of a client that hangs up early. " +
			"Only a read that returns 0 is the end.",
		Run:     End,
		Expects: func(careless, careful int) bool { return careless == sent && careful == 0 },
	},
	{
		Name: "reuse", Title: "A descriptor number is used again within a batch",
		Belief: "A number stands for a client.",
		Counts: "Events given to the wrong client",
		Lesson: "The kernel returns several events at once. If the first one closes a connection and accepts another, the new one has the old number, and an event for the old one is still in the list. " +
			"So the close waits until the list is done. In bobbin this is the last phase of a turn, reap.",
		Run:     Reuse,
		Expects: func(careless, careful int) bool { return careless == 1 && careful == 0 },
	},
	{
		Name: "dup", Title: "A closed socket that is still reported",
		Belief: "Close takes a socket off the list.",
		Counts: "Events after close, in 100 waits",
		Lesson: "Epoll keeps the open socket on its list, and not the number. While a duplicate of it is open, in this process or in a child, events go on to come, and no call can stop them: the number is gone. " +
			"Kqueue keeps the number, and is quiet. A server opens its sockets close-on-exec, and keeps no duplicates.",
		Run: Dup,
		Expects: func(careless, careful int) bool {
			return careless == afterClosing && careful == 0
		},
	},
	{
		Name: "hose", Title: "A fire hose that starves others",
		Belief: "With edges, a client has to be read until there is no more.",
		Counts: "Reads from one client before another one is read",
		Lesson: "A client that sends as fast as it is read has always more. (The careless way would not end; it is stopped after 10,000 reads.) " +
			"So each client has a budget for a turn, and the loop remembers that there is more. In bobbin this is Limits.ReadBudget.",
		Run:     Hose,
		Expects: func(careless, careful int) bool { return careless == endless && careful == budget },
	},
	{
		Name: "emfile", Title: "No descriptor is left",
		Belief: "If accept fails, the client is gone.",
		Counts: "Events for one client",
		Lesson: "Without a free descriptor accept fails, and the client stays in the queue. It is reported again and again, and the loop spins at the worst of times. " +
			"The careful way gives up a descriptor that it has kept for this, accepts, and hangs up. Bobbin pauses its listener, and goes on when a connection has closed.",
		Run:     NoDescriptor,
		Expects: func(careless, careful int) bool { return careless == waits && careful == 1 },
	},
	{
		Name: "herd", Title: "A thundering herd",
		Belief: "Eight loops that wait for clients are served one each.",
		Counts: "Loops woken for one client",
		Lesson: "All loops watch one listening socket, and the kernel tells all of them about one client. One gets it, and the others were woken for nothing. " +
			"With SO_REUSEPORT each loop has a socket of its own at the same port, and the kernel chooses one. Bobbin does this on Linux.",
		Run:     Herd,
		Expects: func(careless, careful int) bool { return careless == loops && careful == 1 },
	},
}

// pair makes two sockets that are connected to each other and do not wait.
func pair() (near, far int, err error) {
	both, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, 0, err
	}
	unix.SetNonblock(both[0], true)
	unix.SetNonblock(both[1], true)
	return both[0], both[1], nil
}
