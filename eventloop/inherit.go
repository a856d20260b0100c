package eventloop

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/bobbin-http/bobbin"
)

// An upgrade is the change from one process to the next without a gap: the next has the
// same listening sockets, so a connection that waits in one of their queues is served by
// whichever process accepts it. Closing a socket resets what waits there; so nothing is
// closed but descriptors, and no socket is opened for an address that has one. (A second
// socket at the address, by SO_REUSEPORT, would be no hand-over: the queue of the first
// would be lost with it.)
//
// The process before calls Listener.File for each of Loop.Listeners, and the next gives
// them to its loops by Loop.Inherit. These take those for whose addresses Listen is called,
// and accept nothing until TakeOver. When it is ready, the process before calls
// Listener.HandOver for those that were taken, and stops; then the next takes over. If it
// fails instead, the process before has all that it had.

// An Inherited is a listening socket of the process before.
type Inherited struct {
	FD    int            // its descriptor, until Listen takes the socket
	Asked bobbin.Address // for which it was opened, with a port of 0 if the kernel chose it
	Bound bobbin.Address // that it has
	File  bool           // it is a Unix socket whose file is at its path
}

// An Inheritance is the sockets that a process has from the one before. Before Run, it
// belongs to the goroutine that calls Listen.
type Inheritance struct {
	sockets []Inherited
	taken   []bool
}

// NewInheritance returns an Inheritance of some sockets. Of several for one address, each is
// taken by one loop; if there are fewer loops, some of them take several.
func NewInheritance(sockets []Inherited) *Inheritance {
	return &Inheritance{sockets: sockets, taken: make([]bool, len(sockets))}
}

// Inherit has Listen take the sockets of the process before, in place of opening others. All
// loops of the process have them in common. From then on the loop accepts nothing until
// TakeOver is called.
func (l *Loop) Inherit(in *Inheritance) {
	l.owner.check("Loop.Inherit")
	l.listeners.inherited, l.listeners.waiting = in, true
}

// Taken reports whether a socket was taken, by its index. Others are still the caller's.
func (in *Inheritance) Taken(i int) bool { return in.taken[i] }

// find returns the index of a socket for an address, or -1. A port of 0 finds one for which
// a port of 0 was asked.
func (in *Inheritance) find(at bobbin.Address) int {
	if in == nil || at.FD != 0 {
		return -1
	}
	for i, s := range in.sockets {
		if !in.taken[i] && (sameAddress(s.Bound, at) || sameAddress(s.Asked, at)) {
			return i
		}
	}
	return -1
}

// sameAddress reports whether two addresses mean one socket. The mode of its file may differ.
func sameAddress(a, b bobbin.Address) bool {
	if a.Path == "" || b.Path == "" {
		return a.Path == b.Path && a.IP == b.IP
	}
	if a.Path == b.Path {
		return true
	}
	one, err1 := filepath.Abs(a.Path)
	other, err2 := filepath.Abs(b.Path)
	return err1 == nil && err2 == nil && one == other
}

// openSocket opens a listening socket, or takes one that was inherited for the address.
func (l *Loop) openSocket(at bobbin.Address, how bobbin.ListenOptions) (fd int, bound bobbin.Address, inherited bool, err error) {
	in := l.listeners.inherited
	i := in.find(at)
	if i < 0 {
		fd, bound, err = l.kernel.Listen(at, how)
		return fd, bound, false, err
	}
	s := in.sockets[i]
	from := bobbin.Address{FD: s.FD}
	if s.File {
		from.Path, from.Mode = at.Path, at.Mode
	}
	how.ReusePort = bobbin.ReusePortNone // it is as it was opened
	fd, bound, err = l.kernel.Listen(from, how)
	if err != nil {
		return -1, at, false, err
	}
	in.taken[i] = true
	if err := l.kernel.Close(s.FD); err != nil { // the kernel's own descriptor is another
		l.report.complain("close", err)
	}
	return fd, bound, true, nil
}

// sourceOf returns the listener of a group from which the loop of a number gets its part of
// the connections. It is the first, with which a socket is opened or taken; but when there
// are fewer inherited sockets than loops, no others are opened beside them before this
// process is known to go on. Then each of them is for several loops.
func (g *group) sourceOf(loop int) *Listener {
	first := g.members[0]
	if !first.inherited || first.hasMore() {
		return first
	}
	sockets := 1
	for sockets < len(g.members) && g.members[sockets].acceptQueue == nil {
		sockets++
	}
	return g.members[loop%sockets]
}

// hasMore reports whether another socket was inherited for the listener's address.
func (ln *Listener) hasMore() bool {
	return !ln.adopted && ln.loop.listeners.inherited.find(ln.addr) >= 0
}

// takeRest has loops listen on what else was inherited for the address of a group, in turn.
// There is more if the process before had more loops: the kernel gives connections to each
// socket, and those that wait in one that is closed are lost.
func (ls Loops) takeRest(g *group, begin func(loop int) func(*Conn) Protocol) error {
	first := g.members[0]
	for i := 0; first.hasMore(); i = (i + 1) % len(ls) {
		ln, err := ls[i].Listen(first.addr, first.how, begin(i))
		if err != nil {
			return err
		}
		g.members = append(g.members, ln)
	}
	return nil
}

// TakeOver begins to accept connections, at the sockets that were inherited and at others:
// the process before has given them up, or has ended. Without Inherit it has no effect.
func (l *Loop) TakeOver() {
	l.owner.check("Loop.TakeOver")
	s := &l.listeners
	s.waiting = false
	for _, ln := range s.all {
		if ln.inherited {
			ln.handedOver.Store(false)
		}
		if ln.ready {
			s.markAgain(ln)
		}
	}
}

// Listeners returns the listeners that have a socket of their own, and not an accept queue.
func (l *Loop) Listeners() (list []*Listener) {
	l.owner.check("Loop.Listeners")
	for _, ln := range l.listeners.all {
		if ln.acceptQueue == nil {
			list = append(list, ln)
		}
	}
	return list
}

// Asked returns the address of Listen: with a port of 0 if the kernel has chosen one.
func (ln *Listener) Asked() bobbin.Address { return ln.asked }

var errNotOpen = errors.New("eventloop: the listener has no socket, or is closed")

// File returns another descriptor for the listening socket, to be given to another process,
// and closed here. Any goroutine may call it.
func (ln *Listener) File() (*os.File, error) {
	ln.open.Lock()
	defer ln.open.Unlock()
	if ln.gone || ln.acceptQueue != nil {
		return nil, errNotOpen
	}
	return bobbin.Duplicate(ln.fd)
}

// HandOver says that another process has the listening socket, too: that it was inherited,
// came from a service manager, or is passed on in an upgrade. At a stop its descriptor is
// closed, then, and nothing else: the queue is not emptied, because those in it are for the
// other process; the socket is not made to refuse connections, because that would last for
// the other process, too; and the file of a Unix socket stays. Any goroutine may call it.
func (ln *Listener) HandOver() { ln.handedOver.Store(true) }

// enterDoor begins the connection that waits for room, if one does: it was accepted, so no
// other process will serve it. One more than the limit is better than a reset.
func (ln *Listener) enterDoor() {
	for _, a := range ln.door {
		ln.begin(a.fd, a.from)
	}
	ln.door = nil
}
