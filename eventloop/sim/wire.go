package sim

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin"
)

// ErrWouldWait is what a client's call answers when there is nothing to read or
// no room to write at present.
var ErrWouldWait = errors.New("sim: would wait")

// A Wire is a connection as its client sees it. Its calls never wait.
type Wire struct {
	kernel *Kernel
	from   netip.AddrPort
	server *object // the loop's side; nil before accept and after close

	queuedAt      *object   // the listener, until the loop accepts
	deferredUntil time.Time // not accepted before, unless the client says something

	in         []byte // towards the server
	inEnded    bool   // the client has said its last
	out        []byte // towards the client
	outEnded   bool   // the server has said its last
	wantsRoom  bool   // the server met a full buffer
	reset      bool
	told       bool // the server has seen the reset
	clientGone bool // the client reads no more
	serverGone bool // the server has closed its descriptor
}

// Dial connects to a listener of the loop's. Without one the connection is
// refused.
func (k *Kernel) Dial() (*Wire, error) { return k.DialPort(0) }

// DialPort connects to the listener at a port, 0 being any.
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

// errNoAnswer is what a client meets whose first packet is dropped, sooner than it
// would in life.
var errNoAnswer = errors.New("sim: the connection is not answered")

// endDeferral has Accept return a connection that has said something, or nothing for
// long enough.
func (w *Wire) endDeferral() {
	if o := w.queuedAt; o != nil && !w.deferredUntil.IsZero() {
		w.deferredUntil = time.Time{}
		o.pending |= bobbin.Readable
	}
}

// endDeferrals is endDeferral for those whose time is over. It returns when it is for
// the next one, the zero time if there is none.
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

// oneOf chooses, by chance, of the listeners that share an address with o.
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
		w.Reset() // the server's kernel answers like this
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
		return 0, errReset // what was on its way is lost with it
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

// Broken reports whether the connection was reset, by either side or by the
// kernel.
func (w *Wire) Broken() bool { return w.reset }

// ServerClosed reports whether the server has given its descriptor back.
func (w *Wire) ServerClosed() bool { return w.serverGone }

// Port returns the client's port, which tells connections apart.
func (w *Wire) Port() uint16 { return w.from.Port() }

// CloseWrite sends the client's FIN: it has said its last, and still reads.
func (w *Wire) CloseWrite() {
	if !w.inEnded && !w.reset {
		w.inEnded = true
		w.edge(bobbin.Readable | bobbin.HungUp)
	}
}

// Close closes the client's side. Bytes that it did not read turn that into a
// reset, and so does whatever the server writes later.
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
