package sim

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin"
)

// ErrWouldWait is the error of a client's call when there is nothing to read, or no
// room to write, at present.
var ErrWouldWait = errors.New("sim: would wait")

// A Wire is the client's side of a connection. Its calls never wait.
type Wire struct {
	kernel *Kernel
	from   netip.AddrPort
	server *object // the loop's side; nil before accept and after close

	queuedAt      *object   // the listener, until the loop accepts
	deferredUntil time.Time // not accepted before, unless the client sends something

	in         []byte // towards the server
	inEnded    bool   // the client has ended its half
	out        []byte // towards the client
	outEnded   bool   // the server has ended its half
	wantsRoom  bool   // the server met a full buffer
	reset      bool
	told       bool // the server knows of the reset
	clientGone bool // the client reads no more
	serverGone bool // the server has closed its descriptor
}

// Dial connects to a listener of the loop. Without one the connection is refused.
func (k *Kernel) Dial() (*Wire, error) { return k.DialPort(0) }

// DialPort connects to the listener at a port, or to any listener for port 0.
func (k *Kernel) DialPort(port uint16) (*Wire, error) {
	return k.DialFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), port)
}

// DialFrom connects to the listener at a port from an address.
func (k *Kernel) DialFrom(from netip.Addr, port uint16) (*Wire, error) {
	for _, o := range k.table {
		if o == nil || !o.listening || port != 0 && o.addr.IP.Port() != port {
			continue
		}
		o = k.oneOf(o)
		if o.refuses {
			return nil, errNoAnswer
		}
		w := &Wire{kernel: k, from: netip.AddrPortFrom(from, uint16(1024+k.Roll(60_000))), queuedAt: o}
		o.queue = append(o.queue, w)
		if o.defers {
			w.deferredUntil = k.now.Add(time.Second)
		} else {
			o.pending |= bobbin.Readable
		}
		k.note("dial", o.fd, len(o.queue))
		return w, nil
	}
	return nil, errors.New("sim: connection refused")
}

// errNoAnswer is the error of a client whose first packet is dropped. A real client
// would wait longer for it.
var errNoAnswer = errors.New("sim: the connection is not answered")

// endDeferral lets Accept return a deferred connection.
func (w *Wire) endDeferral() {
	if o := w.queuedAt; o != nil && !w.deferredUntil.IsZero() {
		w.deferredUntil = time.Time{}
		o.pending |= bobbin.Readable
	}
}

// endDeferrals is endDeferral for all connections whose time is over. It returns the
// time of the next one, or the zero time.
func (k *Kernel) endDeferrals() (next time.Time) {
	if !k.Defers {
		return next
	}
	for _, o := range k.table {
		if o == nil {
			continue
		}
		for _, w := range o.queue {
			switch at := w.deferredUntil; {
			case at.IsZero():
			case !at.After(k.now):
				w.endDeferral()
			case next.IsZero() || at.Before(next):
				next = at
			}
		}
	}
	return next
}

// oneOf chooses at random one of the listeners that share an address with o.
func (k *Kernel) oneOf(o *object) *object {
	if !o.shared {
		return o
	}
	var all []*object
	for _, other := range k.table {
		if other != nil && other.listening && other.shared && other.addr == o.addr {
			all = append(all, other)
		}
	}
	return all[k.Roll(len(all))]
}

// edge notes a change on the loop's side.
func (w *Wire) edge(r bobbin.Ready) {
	if w.server != nil {
		w.server.pending |= r
	}
}

// Send puts bytes on the wire, as many as there is room for.
func (w *Wire) Send(p []byte) (int, error) {
	switch {
	case w.reset:
		return 0, errReset
	case w.inEnded:
		return 0, errPipe
	case w.serverGone:
		w.Reset() // so the server's kernel answers
		return 0, errReset
	}
	n := min(len(p), w.kernel.Buffer-len(w.in))
	if n <= 0 {
		return 0, ErrWouldWait
	}
	w.in = append(w.in, p[:n]...)
	w.endDeferral()
	w.edge(bobbin.Readable)
	return n, nil
}

// Receive takes bytes off the wire.
func (w *Wire) Receive(p []byte) (int, error) {
	switch {
	case w.reset:
		return 0, errReset // bytes on their way are lost
	case len(w.out) > 0:
		n := copy(p, w.out)
		if w.out = w.out[n:]; len(w.out) == 0 {
			w.out = nil
		}
		if w.wantsRoom {
			w.wantsRoom = false
			w.edge(bobbin.Writable)
		}
		return n, nil
	case w.outEnded:
		return 0, io.EOF
	}
	return 0, ErrWouldWait
}

// Waiting returns how many bytes there are to receive.
func (w *Wire) Waiting() int { return len(w.out) }

// Broken reports whether the connection was reset, by either side or by the kernel.
func (w *Wire) Broken() bool { return w.reset }

// ServerClosed reports whether the server has given its descriptor back.
func (w *Wire) ServerClosed() bool { return w.serverGone }

// Port returns the client's port, which tells connections apart.
func (w *Wire) Port() uint16 { return w.from.Port() }

// CloseWrite ends the client's half: it sends no more, and still reads.
func (w *Wire) CloseWrite() {
	if !w.inEnded && !w.reset {
		w.inEnded = true
		w.edge(bobbin.Readable | bobbin.HungUp)
	}
}

// Close closes the client's side. Unread bytes turn that into a reset, and so do bytes
// that the server writes later.
func (w *Wire) Close() {
	if len(w.out) > 0 {
		w.Reset()
		return
	}
	w.CloseWrite()
	w.clientGone = true
}

// Reset breaks the connection.
func (w *Wire) Reset() {
	if !w.reset {
		w.reset = true
		w.in, w.out = nil, nil
		w.edge(bobbin.Readable | bobbin.Writable | bobbin.HungUp)
	}
}
