// Package sim is a kernel in memory: a socket is two byte queues, the clock is a number,
// and chance comes from a seed. The same event loop and the same protocols run on it as
// on epoll and kqueue. A test can bring about any misfortune, and repeat it: the seed
// decides a whole run.
//
// A [Kernel] belongs to the goroutine that runs the loop. Its clients are
// scripts (see [Kernel.Go]) that move while the loop waits.
package sim

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin"
)

// ErrStuck is the error of a Wait without end during which no client will act.
var ErrStuck = errors.New("sim: the loop sleeps, and nothing will wake it")

// Errors as a real kernel gives them.
var (
	errReset = errors.New("sim: connection reset by peer")
	errPipe  = errors.New("sim: broken pipe")
)

// A Kernel implements bobbin.Kernel in memory.
type Kernel struct {
	Luck Luck

	// Descriptors is how many there may be. The kernel gives out the lowest free
	// number, so a number that was closed is used again at once.
	Descriptors int

	// Buffer is how many bytes a socket holds in each direction.
	Buffer int

	// Defers has listeners with bobbin.ListenOptions.DeferAccept hold back a
	// connection until its client sends something, for a second at most.
	Defers bool

	// NoFolders is for a system that watches no folders.
	NoFolders bool

	// Every, if set, is called at each Wait. A test checks its invariants there.
	Every func()

	// Shorts counts the calls of KeepUnsentShort.
	Shorts int

	// Acks counts the calls of AckNow.
	Acks int

	rand  *rand.Rand
	calm  bool
	now   time.Time
	woken atomic.Bool
	table []*object
	late  []edge // delayed by one wait
	port  uint16 // the last that was chosen for a listener without one

	scripts []*Script
	works   []*work
	running *work // takes a step at present
	parked  int   // works that wait for a wake
	idle    int   // waits in a row in which nothing moved
	faults  []string
	trace   uint64 // hash of all events so far
}

// object is the thing behind a descriptor: a listener, a connection or a folder watch.
type object struct {
	fd      int
	watched bool
	pending bobbin.Ready // edges that no event has reported yet

	listening bool
	addr      bobbin.Address
	shared    bool    // others may listen at the address, too
	defers    bool    // connections whose clients have sent nothing
	refuses   bool    // new connections
	queue     []*Wire // waiting to be accepted

	wire   *Wire
	folder *folderWatch
}

// opened is when every kernel is made.
var opened = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// New makes a kernel without misfortunes. All chance in it comes from the seed.
func New(seed uint64) *Kernel {
	return &Kernel{
		Descriptors: 1024,
		Buffer:      64 << 10,
		rand:        rand.New(rand.NewPCG(seed, 0x0b0bb1)),
		now:         opened,
		table:       make([]*object, 3), // 0, 1 and 2 are taken, as in a process
	}
}

// NewUnlucky makes a kernel with misfortunes and sizes from the seed.
func NewUnlucky(seed uint64) *Kernel {
	k := New(seed)
	k.Luck = draw(k.rand)
	k.Buffer = 1 << (7 + k.Roll(11)) // 128 bytes to 128 KiB
	return k
}

// Calm ends all misfortunes: from then on every script must come to its end.
func (k *Kernel) Calm() { k.calm = true }

// Faults returns the mistakes of the loop that a real kernel would punish, or would
// hide at a price: closing twice, calls on closed descriptors, turns without sleep.
func (k *Kernel) Faults() []string { return k.faults }

// Hash returns a number that is the same for two runs with the same events.
func (k *Kernel) Hash() uint64 { return k.trace }

// OpenDescriptors returns how many descriptors the loop holds.
func (k *Kernel) OpenDescriptors() int {
	n := 0
	for _, o := range k.table {
		if o != nil {
			n++
		}
	}
	return n
}

// note adds an event to the hash.
func (k *Kernel) note(call string, fd, n int) {
	h := k.trace
	for _, x := range []uint64{uint64(call[0]), uint64(fd), uint64(n), uint64(k.now.UnixNano())} {
		h = (h ^ x) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	k.trace = h
}

// fault notes a mistake of the loop.
func (k *Kernel) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

// get returns the object of a descriptor. A call on a closed descriptor is the gravest
// fault: in a real process it hits another connection.
func (k *Kernel) get(call string, fd int) (*object, error) {
	if fd >= 0 && fd < len(k.table) && k.table[fd] != nil {
		return k.table[fd], nil
	}
	k.fault("%s on descriptor %d, which is closed", call, fd)
	return nil, fmt.Errorf("sim: %s on %d: bad descriptor", call, fd)
}

// give gives o the lowest free descriptor, and reports whether there was one.
func (k *Kernel) give(o *object) bool {
	for fd := 3; fd < k.Descriptors; fd++ {
		if fd == len(k.table) {
			k.table = append(k.table, nil)
		}
		if k.table[fd] == nil {
			o.fd = fd
			k.table[fd] = o
			return true
		}
	}
	return false
}

// Now implements bobbin.Kernel.
func (k *Kernel) Now() time.Time { return k.now }

// Monotonic implements bobbin.Kernel.
func (k *Kernel) Monotonic() time.Duration { return k.now.Sub(opened) }

// Wake implements bobbin.Kernel.
func (k *Kernel) Wake() error {
	k.woken.Store(true)
	return nil
}

// Shut implements bobbin.Kernel.
func (k *Kernel) Shut() error { return nil }

// Listen implements bobbin.Kernel.
func (k *Kernel) Listen(at bobbin.Address, how bobbin.ListenOptions) (int, bobbin.Address, error) {
	if at.FD != 0 {
		return k.duplicate(at.FD)
	}
	if at.Path == "" && at.IP.Port() == 0 {
		k.port++
		at.IP = netip.AddrPortFrom(at.IP.Addr(), 8079+k.port)
	}
	for _, o := range k.table {
		if o != nil && o.listening && o.addr == at && (how.ReusePort != bobbin.ReusePortNext || !o.shared) {
			return -1, at, bobbin.ErrInUse
		}
	}
	if how.ReusePort == bobbin.ReusePortNext && at.Path != "" {
		return -1, at, bobbin.ErrNotShared
	}
	o := &object{listening: true, addr: at, shared: how.ReusePort != bobbin.ReusePortNone, defers: k.Defers && how.DeferAccept}
	if !k.give(o) {
		return -1, at, bobbin.ErrExhausted
	}
	return o.fd, at, nil
}

// duplicate gives a listening socket another descriptor, for which its events are from
// then on.
func (k *Kernel) duplicate(fd int) (int, bobbin.Address, error) {
	o, err := k.get("listen", fd)
	switch {
	case err != nil:
		return -1, bobbin.Address{}, err
	case !o.listening:
		return -1, bobbin.Address{}, fmt.Errorf("sim: listen on %d: a socket that does not listen", fd)
	case !k.give(o):
		return -1, bobbin.Address{}, bobbin.ErrExhausted
	}
	return o.fd, o.addr, nil
}

// Accept implements bobbin.Kernel.
func (k *Kernel) Accept(listener int) (int, netip.AddrPort, error) {
	none := netip.AddrPort{}
	o, err := k.get("accept", listener)
	if err != nil {
		return -1, none, err
	}
	for i := 0; i < len(o.queue); {
		w := o.queue[i]
		if w.deferredUntil.After(k.now) {
			i++
			continue
		}
		if k.strikes(k.Luck.DiedQueued) {
			w.Reset()
		}
		if w.reset {
			o.queue = slices.Delete(o.queue, i, i+1) // Linux may return it or not; here it is skipped
			continue
		}
		accepted := &object{wire: w, addr: o.addr}
		if k.strikes(k.Luck.Exhausted) || !k.give(accepted) {
			k.note("accept", listener, -1)
			return -1, none, bobbin.ErrExhausted
		}
		o.queue = slices.Delete(o.queue, i, i+1)
		w.server, w.queuedAt = accepted, nil
		k.note("accept", listener, accepted.fd)
		return accepted.fd, w.from, nil
	}
	return -1, none, bobbin.ErrNotNow
}

// Refuse implements bobbin.Kernel.
func (k *Kernel) Refuse(listener int) bool {
	o, err := k.get("refuse", listener)
	if err != nil {
		return false
	}
	o.refuses = true
	k.note("refuse", listener, 0)
	return true
}

// Handshaking implements bobbin.Kernel.
func (k *Kernel) Handshaking(listener int) bool {
	o, err := k.get("handshaking", listener)
	return err == nil && len(o.queue) > 0 && !o.acceptable()
}

// acceptable reports whether Accept would return a connection.
func (o *object) acceptable() bool {
	return slices.ContainsFunc(o.queue, func(w *Wire) bool { return !w.deferredUntil.After(w.kernel.now) })
}

// Read implements bobbin.Kernel.
func (k *Kernel) Read(fd int, p []byte) (int, error) {
	o, err := k.get("read", fd)
	if err != nil {
		return 0, err
	}
	w := o.wire
	switch {
	case w.reset && !w.told:
		w.told = true
		return 0, errReset
	case w.reset:
		return 0, io.EOF
	case len(w.in) == 0 && w.inEnded:
		return 0, io.EOF
	case len(w.in) == 0:
		return 0, bobbin.ErrNotNow
	case k.strikes(k.Luck.NotNow):
		o.pending |= bobbin.Readable
		return 0, bobbin.ErrNotNow
	}
	n := min(len(p), len(w.in))
	var answer error
	if n < len(p) {
		answer = bobbin.ErrNotNow
	}
	if n > 1 && k.strikes(k.Luck.ShortRead) {
		n, answer = 1+k.Roll(n-1), nil
	} else if n > 1 && k.strikes(k.Luck.LateBytes) {
		n, answer = 1+k.Roll(n-1), bobbin.ErrNotNow
		o.pending |= bobbin.Readable
		if w.inEnded {
			o.pending |= bobbin.HungUp
		}
	}
	copy(p, w.in[:n])
	if w.in = w.in[n:]; len(w.in) == 0 {
		w.in = nil // an idle connection holds no memory
	}
	k.note("read", fd, n)
	return n, answer
}

// Write implements bobbin.Kernel.
func (k *Kernel) Write(fd int, p []byte, more bool) (int, error) {
	o, err := k.get("write", fd)
	if err != nil {
		return 0, err
	}
	return k.put(o, len(p), func(n int) ([]byte, error) { return p[:n], nil })
}

// Writev implements bobbin.Kernel.
func (k *Kernel) Writev(fd int, pieces [][]byte, more bool) (int, error) {
	var whole []byte
	for _, p := range pieces {
		whole = append(whole, p...)
	}
	return k.Write(fd, whole, more)
}

// SendFile implements bobbin.Kernel.
func (k *Kernel) SendFile(fd int, f bobbin.File, offset int64, n int) (int, error) {
	o, err := k.get("sendfile", fd)
	if err != nil {
		return 0, err
	}
	return k.put(o, n, func(n int) ([]byte, error) {
		p := make([]byte, n)
		got, err := f.ReadAt(p, offset)
		if got == 0 && (err == nil || err == io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if got > 0 {
			err = nil
		}
		return p[:got], err
	})
}

// put moves up to n bytes towards the client.
func (k *Kernel) put(o *object, n int, bytes func(n int) ([]byte, error)) (int, error) {
	w := o.wire
	switch {
	case w.reset && !w.told:
		w.told = true
		return 0, errReset
	case w.reset || w.outEnded:
		return 0, errPipe
	}
	room := k.Buffer - len(w.out)
	if room <= 0 {
		w.wantsRoom = true
		return 0, bobbin.ErrNotNow
	}
	if k.strikes(k.Luck.FullWrite) {
		o.pending |= bobbin.Writable
		return 0, bobbin.ErrNotNow
	}
	var answer error
	if room < n {
		n, answer = room, bobbin.ErrNotNow
		w.wantsRoom = true
	} else if n > 1 && k.strikes(k.Luck.ShortWrite) {
		n = 1 + k.Roll(n-1)
	}
	p, err := bytes(n)
	if err != nil {
		return 0, err
	}
	if w.clientGone {
		w.Reset() // the client reads no more
		return len(p), nil
	}
	w.out = append(w.out, p...)
	k.note("write", o.fd, len(p))
	return len(p), answer
}

// Cached implements bobbin.Kernel.
func (k *Kernel) Cached(bobbin.File, int64, int) bool { return !k.strikes(k.Luck.ColdFile) }

// Unsent implements bobbin.Kernel.
func (k *Kernel) Unsent(fd int) int {
	o, err := k.get("unsent", fd)
	if err != nil {
		return 0
	}
	return len(o.wire.out)
}

// LocalAddr implements bobbin.Kernel.
func (k *Kernel) LocalAddr(fd int) netip.AddrPort {
	o, err := k.get("name", fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return o.addr.IP
}

// AckNow implements bobbin.Kernel. No client here waits for it.
func (k *Kernel) AckNow(fd int) {
	_, _ = k.get("acknowledge", fd)
	k.Acks++
}

// KeepUnsentShort implements bobbin.Kernel. A wire takes what Buffer says, at any time.
func (k *Kernel) KeepUnsentShort(fd int) {
	_, _ = k.get("keep short", fd)
	k.Shorts++
}

// Shutdown implements bobbin.Kernel.
func (k *Kernel) Shutdown(fd int) error {
	o, err := k.get("shutdown", fd)
	if err != nil {
		return err
	}
	o.wire.outEnded = true
	o.pending |= bobbin.Writable
	if o.wire.inEnded {
		o.pending |= bobbin.Readable | bobbin.HungUp
	}
	k.note("shutdown", fd, 0)
	return nil
}

// Close implements bobbin.Kernel. As in a real kernel, unread bytes turn the end into a
// reset.
func (k *Kernel) Close(fd int) error {
	o, err := k.get("close", fd)
	if err != nil {
		return err
	}
	k.table[fd] = nil
	k.note("close", fd, 0)
	if o.listening && slices.Contains(k.table, o) {
		return nil // it has another descriptor
	}
	for _, w := range o.queue {
		w.Reset()
	}
	if w := o.wire; w != nil {
		w.server = nil
		if len(w.in) > 0 {
			w.Reset()
		}
		w.outEnded, w.serverGone = true, true
	}
	return nil
}

// Reset implements bobbin.Kernel.
func (k *Kernel) Reset(fd int) error {
	o, err := k.get("reset", fd)
	if err != nil {
		return err
	}
	w := o.wire
	err = k.Close(fd)
	w.Reset()
	return err
}

// Watch implements bobbin.Kernel.
func (k *Kernel) Watch(fd int) error {
	o, err := k.get("watch", fd)
	if err != nil {
		return err
	}
	if o.watched {
		k.fault("descriptor %d is watched twice", fd)
	}
	o.watched = true
	o.pending = o.ready()
	return nil
}

// Unwatch implements bobbin.Kernel.
func (k *Kernel) Unwatch(fd int) error {
	o, err := k.get("unwatch", fd)
	if err != nil {
		return err
	}
	if !o.watched {
		k.fault("descriptor %d is unwatched, and was not watched", fd)
	}
	o.watched, o.pending = false, 0
	k.late = slices.DeleteFunc(k.late, func(e edge) bool { return e.of == o })
	k.note("unwatch", fd, 0)
	return nil
}

// ready returns the state that a level-triggered event would report.
func (o *object) ready() bobbin.Ready {
	if o.folder != nil {
		if len(o.folder.changed) > 0 {
			return bobbin.Readable
		}
		return 0
	}
	if o.listening {
		if o.acceptable() {
			return bobbin.Readable
		}
		return 0
	}
	w := o.wire
	if w.reset {
		return bobbin.Readable | bobbin.Writable | bobbin.HungUp
	}
	ready := bobbin.Writable
	if len(w.in) > 0 || w.inEnded {
		ready |= bobbin.Readable
	}
	if w.inEnded {
		ready |= bobbin.HungUp
	}
	return ready
}
