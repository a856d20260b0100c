package sim

import (
	"io"
	"net"
	"time"

	"github.com/bobbin-http/bobbin"
)

// A Detached is a connection that has left the loop. It is in no table of the kernel's,
// and no call of it waits: where one of package net would wait, it returns an error that
// is ErrWouldWait, and temporary, so that crypto/tls does not keep it.
type Detached struct {
	wire   *Wire
	closed bool
}

// errNotYet is ErrWouldWait as an error of package net.
var errNotYet notYet

type notYet struct{}

func (notYet) Error() string   { return ErrWouldWait.Error() }
func (notYet) Timeout() bool   { return true }
func (notYet) Temporary() bool { return true }
func (notYet) Unwrap() error   { return ErrWouldWait }

// Detach implements bobbin.Kernel.
func (k *Kernel) Detach(fd int) (net.Conn, error) {
	o, err := k.get("detach", fd)
	if err != nil {
		return nil, err
	}
	k.table[fd] = nil
	k.note("detach", fd, 0)
	if k.strikes(k.Luck.Exhausted) {
		o.wire.server = nil
		o.wire.Reset()
		return nil, bobbin.ErrExhausted
	}
	o.watched, o.pending = false, 0
	return &Detached{wire: o.wire}, nil
}

// Read implements net.Conn.
func (d *Detached) Read(p []byte) (int, error) {
	w := d.wire
	switch {
	case d.closed:
		return 0, net.ErrClosed
	case w.reset:
		return 0, errReset
	case len(w.in) > 0:
		n := copy(p, w.in)
		w.in = w.in[n:]
		return n, nil
	case w.inEnded:
		return 0, io.EOF
	}
	return 0, errNotYet
}

// Write implements net.Conn.
func (d *Detached) Write(p []byte) (int, error) {
	w := d.wire
	switch {
	case d.closed:
		return 0, net.ErrClosed
	case w.reset || w.outEnded:
		return 0, errPipe
	case w.clientGone:
		w.Reset()
		return len(p), nil
	}
	n := min(len(p), w.kernel.Buffer-len(w.out))
	w.out = append(w.out, p[:n]...)
	if n < len(p) {
		return n, errNotYet
	}
	return n, nil
}

// Close implements net.Conn.
func (d *Detached) Close() error {
	if d.closed {
		return net.ErrClosed
	}
	d.closed = true
	w := d.wire
	w.server = nil
	if len(w.in) > 0 {
		w.Reset()
	}
	w.outEnded, w.serverGone = true, true
	return nil
}

// Closed reports whether Close was called.
func (d *Detached) Closed() bool { return d.closed }

// LocalAddr implements net.Conn.
func (d *Detached) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr implements net.Conn.
func (d *Detached) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(d.wire.from) }

// SetDeadline implements net.Conn. Nothing waits here.
func (d *Detached) SetDeadline(time.Time) error      { return nil }
func (d *Detached) SetReadDeadline(time.Time) error  { return nil }
func (d *Detached) SetWriteDeadline(time.Time) error { return nil }

var _ net.Conn = (*Detached)(nil)
