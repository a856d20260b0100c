package bobbin_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// One table that every kernel passes: the machine's, in each way it can sleep,
// and the one in memory. What the loop relies on is written here.

// A world is a kernel and a way to be its client.
type world struct {
	bobbin.Kernel
	t    *testing.T
	fd   int            // listening
	at   bobbin.Address // another to listen at
	dial func() client  // to fd, or to what a row listens at: see serve
	more func() error   // the same for one that may be refused
	goes func(to bobbin.Address) func() client
}

// serve has clients go to another listener.
func (w *world) serve(fd int, bound bobbin.Address) {
	w.fd, w.dial = fd, w.goes(bound)
	w.more = func() error {
		if k, ok := w.Kernel.(*sim.Kernel); ok {
			_, err := k.DialPort(bound.IP.Port())
			return err
		}
		// One that is dropped is tried again until its time is over.
		network, at := "tcp", bound.IP.String()
		if bound.Path != "" {
			network, at = "unix", bound.Path
		}
		c, err := net.DialTimeout(network, at, 50*time.Millisecond)
		if err == nil {
			c.Close()
		}
		return err
	}
}

// client is the other end of a connection. Receive waits.
type client interface {
	Send(p []byte)
	Receive(n int) []byte // exactly n bytes
	End() error           // waits for the end: io.EOF, or the reset
	CloseWrite()
	Reset()
}

func worlds(t *testing.T) map[string]func(t *testing.T) *world {
	all := map[string]func(*testing.T) *world{
		"in memory": simulated,
	}
	for name, open := range bobbin.Kernels() {
		all[name+" over IPv4"] = func(t *testing.T) *world { return real(t, open, internet("127.0.0.1")) }
		all[name+" over IPv6"] = func(t *testing.T) *world { return real(t, open, internet("::1")) }
		all[name+" over a Unix socket"] = func(t *testing.T) *world {
			return real(t, open, bobbin.Address{Path: filepath.Join(t.TempDir(), "s")})
		}
	}
	return all
}

func internet(ip string) bobbin.Address {
	return bobbin.Address{IP: netip.AddrPortFrom(netip.MustParseAddr(ip), 0)}
}

// opened opens a real kernel until the test ends.
func opened(t *testing.T, open func() (bobbin.Kernel, error)) bobbin.Kernel {
	t.Helper()
	k, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Shut() })
	return k
}

func real(t *testing.T, open func() (bobbin.Kernel, error), at bobbin.Address) *world {
	k := opened(t, open)
	fd, bound, err := k.Listen(at, bobbin.ListenOptions{})
	if err != nil && strings.Contains(err.Error(), "cannot assign") {
		t.Skip("no such address on this machine:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close(fd) })
	w := &world{Kernel: k, t: t, at: at}
	if at.Path != "" {
		w.at.Path += "2"
	}
	w.goes = func(to bobbin.Address) func() client {
		return func() client {
			network := "tcp"
			if to.Path != "" {
				network = "unix"
			}
			c, err := net.Dial(network, strings.TrimPrefix(to.String(), "unix:"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return netClient{c, t}
		}
	}
	w.serve(fd, bound)
	return w
}

type netClient struct {
	net.Conn
	t *testing.T
}

func (c netClient) Send(p []byte) {
	if _, err := c.Write(p); err != nil {
		c.t.Error(err)
	}
}

func (c netClient) Receive(n int) []byte {
	p := make([]byte, n)
	if _, err := io.ReadFull(c.Conn, p); err != nil {
		c.t.Error(err)
	}
	return p
}

func (c netClient) End() error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func (c netClient) CloseWrite() { c.Conn.(interface{ CloseWrite() error }).CloseWrite() }

func (c netClient) Reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

func simulated(t *testing.T) *world {
	k := sim.New(1)
	fd, bound, err := k.Listen(internet("127.0.0.1"), bobbin.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Kernel: k, t: t, at: internet("127.0.0.1")}
	w.goes = func(to bobbin.Address) func() client {
		return func() client {
			c, err := k.DialPort(to.IP.Port())
			if err != nil {
				t.Fatal(err)
			}
			return simClient{c, t}
		}
	}
	w.serve(fd, bound)
	return w
}

type simClient struct {
	*sim.Wire
	t *testing.T
}

func (c simClient) Send(p []byte) {
	if n, err := c.Wire.Send(p); n < len(p) {
		c.t.Error(err)
	}
}

func (c simClient) Receive(n int) []byte {
	p := make([]byte, n)
	got, err := c.Wire.Receive(p)
	if got < n {
		c.t.Error(err)
	}
	return p[:got]
}

func (c simClient) End() error {
	_, err := c.Wire.Receive(make([]byte, 1))
	return err
}

// await waits until the descriptor is reported with all of want, over as many
// events as it takes.
func (w *world) await(fd int, want bobbin.Ready) {
	w.t.Helper()
	events := make([]bobbin.Event, 16)
	var seen bobbin.Ready
	until := time.Now().Add(5 * time.Second)
	for seen&want != want {
		n, err := w.Wait(events, w.Monotonic()+time.Second)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, ev := range events[:n] {
			if ev.FD == fd {
				seen |= ev.Ready
			}
		}
		if time.Now().After(until) {
			w.t.Fatalf("descriptor %d was reported as %03b, not as %03b", fd, seen, want)
		}
	}
}

// accept returns a watched connection and its client.
func (w *world) accept() (int, client) {
	w.t.Helper()
	c := w.dial()
	fd, _, err := w.Accept(w.fd)
	for err == bobbin.ErrNotNow {
		fd, _, err = w.Accept(w.fd)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Watch(fd); err != nil {
		w.t.Fatal(err)
	}
	return fd, c
}

func TestEveryKernelKeepsTheContract(t *testing.T) {
	rows := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"accept answers not now when no connection waits", func(t *testing.T, w *world) {
			if _, _, err := w.Accept(w.fd); err != bobbin.ErrNotNow {
				t.Errorf("got %v", err)
			}
		}},
		{"to acknowledge changes nothing else", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			w.AckNow(fd)
			c.Send([]byte("ab"))
			w.await(fd, bobbin.Readable)
			w.AckNow(fd)
			if n, err := w.Read(fd, make([]byte, 2)); n != 2 || err != nil {
				t.Errorf("read %d, %v", n, err)
			}
			w.AckNow(fd)
		}},
		{"to keep short what is unsent loses nothing", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			w.KeepUnsentShort(fd)
			piece, n := make([]byte, 10_000), 0
			for range 100 {
				more, err := w.Write(fd, piece, false)
				if n += more; err == bobbin.ErrNotNow {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if got := len(c.Receive(n)); got != n || n == 0 {
				t.Errorf("%d bytes were taken, and %d came", n, got)
			}
			w.await(fd, bobbin.Writable)
		}},
		{"a connection that is detached is package net's, and no event comes for it", func(t *testing.T, w *world) {
			fd, c := w.accept()
			c.Send([]byte("before"))
			w.await(fd, bobbin.Readable|bobbin.Writable)
			conn, err := w.Detach(fd)
			if err != nil {
				t.Fatal(err)
			}
			c.Send([]byte(", after"))
			events := make([]bobbin.Event, 16)
			if n, err := w.Wait(events, w.Monotonic()+10*time.Millisecond); n > 0 || err != nil {
				t.Errorf("%d events, %v", n, err)
			}
			got := make([]byte, len("before, after"))
			if _, err := io.ReadFull(conn, got); string(got) != "before, after" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			if _, err := conn.Write([]byte("answer")); err != nil {
				t.Error(err)
			}
			if got := c.Receive(6); string(got) != "answer" {
				t.Errorf("the client got %q", got)
			}
			if bobbin.Closed(conn) {
				t.Error("it is closed already")
			}
			if conn.Close(); !bobbin.Closed(conn) {
				t.Error("it is not closed")
			}
			if err := c.End(); err != io.EOF {
				t.Errorf("the client's end is %v", err)
			}
		}},
		{"a listener is readable when a connection waits", func(t *testing.T, w *world) {
			if err := w.Watch(w.fd); err != nil {
				t.Fatal(err)
			}
			w.dial()
			w.await(w.fd, bobbin.Readable)
		}},
		{"a new connection is writable, and has nothing to read", func(t *testing.T, w *world) {
			fd, _ := w.accept()
			defer w.Close(fd)
			w.await(fd, bobbin.Writable)
			if n, err := w.Read(fd, make([]byte, 8)); n != 0 || err != bobbin.ErrNotNow {
				t.Errorf("read %d, %v", n, err)
			}
		}},
		{"more events than there is room for are reported by the next call", func(t *testing.T, w *world) {
			ready := make(map[int]bool)
			for range 3 {
				fd, _ := w.accept()
				defer w.Close(fd)
				ready[fd] = true
			}
			one := make([]bobbin.Event, 1)
			for calls := 0; len(ready) > 0; calls++ {
				n, err := w.Wait(one, bobbin.NoWait)
				if err != nil || n > 1 || calls == 1000 {
					t.Fatalf("%d events, %v, and %d are left", n, err, len(ready))
				}
				if n == 1 {
					delete(ready, one[0].FD)
				}
			}
		}},
		{"bytes sent before it is watched are reported", func(t *testing.T, w *world) {
			c := w.dial()
			c.Send([]byte("early"))
			fd, _, err := w.Accept(w.fd)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(fd)
			if err := w.Watch(fd); err != nil {
				t.Fatal(err)
			}
			w.await(fd, bobbin.Readable)
		}},
		{"what is sent is read, and then there is no more at present", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			c.Send([]byte("abc"))
			w.await(fd, bobbin.Readable)
			if got, err := drain(w, fd); string(got) != "abc" || err != bobbin.ErrNotNow {
				t.Errorf("got %q, %v", got, err)
			}
			c.Send([]byte("def"))
			w.await(fd, bobbin.Readable)
			if got, _ := drain(w, fd); string(got) != "def" {
				t.Errorf("the second time: %q", got)
			}
		}},
		{"the last bytes and the end come in one event, and both are read", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			c.Send([]byte("bye"))
			c.CloseWrite()
			w.await(fd, bobbin.Readable|bobbin.HungUp)
			var got []byte
			var err error
			for err == nil || err == bobbin.ErrNotNow { // a hang-up means: read on
				var p [8]byte
				var n int
				n, err = w.Read(fd, p[:])
				got = append(got, p[:n]...)
			}
			if string(got) != "bye" || err != io.EOF {
				t.Errorf("got %q, %v", got, err)
			}
		}},
		{"a client that ended its half still reads the answer", func(t *testing.T, w *world) {
			fd, c := w.accept()
			c.CloseWrite()
			w.await(fd, bobbin.HungUp)
			if n, err := w.Write(fd, []byte("answer"), false); n != 6 || err != nil && err != bobbin.ErrNotNow {
				t.Errorf("wrote %d, %v", n, err)
			}
			w.Close(fd)
			if got := c.Receive(6); string(got) != "answer" {
				t.Errorf("got %q", got)
			}
			if err := c.End(); err != io.EOF {
				t.Errorf("then %v", err)
			}
		}},
		{"a full socket answers not now, and is reported when there is room", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			w.await(fd, bobbin.Writable)
			total := 0
			for {
				n, err := w.Write(fd, make([]byte, 64<<10), false)
				total += n
				if err == bobbin.ErrNotNow {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := w.Unsent(fd); n == 0 && !strings.HasPrefix(t.Name(), "TestEveryKernelKeepsTheContract/kqueue") {
				t.Error("nothing is said to be on its way")
			}
			c.Receive(total)
			w.await(fd, bobbin.Writable)
			for w.Unsent(fd) != 0 { // until the last acknowledgement is here
				w.Wait(make([]bobbin.Event, 4), w.Monotonic()+time.Millisecond)
			}
		}},
		{"a connection has the address at which it came", func(t *testing.T, w *world) {
			fd, bound, err := w.Listen(bobbin.Address{IP: netip.MustParseAddrPort("127.0.0.1:0")}, bobbin.ListenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(fd)
			w.serve(fd, bound)
			of, _ := w.accept()
			if got := w.LocalAddr(of); got != bound.IP {
				t.Errorf("it is %v, and not %v", got, bound.IP)
			}
			w.Close(of)
			if got := w.LocalAddr(of); got.IsValid() {
				t.Errorf("after the end, it is %v", got)
			}
		}},
		{"pieces are written in order", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			n, err := w.Writev(fd, [][]byte{[]byte("one "), nil, []byte("two "), []byte("three")}, false)
			if n != 13 || err != nil {
				t.Errorf("wrote %d, %v", n, err)
			}
			if got := c.Receive(13); string(got) != "one two three" {
				t.Errorf("got %q", got)
			}
		}},
		{"a range of a file is sent, and no more than the file has", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			f := temp(t, "0123456789")
			if n, err := w.SendFile(fd, f, 2, 5); n != 5 || err != nil && err != bobbin.ErrNotNow {
				t.Errorf("sent %d, %v", n, err)
			}
			if got := c.Receive(5); string(got) != "23456" {
				t.Errorf("got %q", got)
			}
			if n, err := w.SendFile(fd, f, 10, 5); n != 0 || err != io.ErrUnexpectedEOF {
				t.Errorf("behind the end: %d, %v", n, err)
			}
		}},
		{"a change in a watched folder is reported", func(t *testing.T, w *world) {
			folder := t.TempDir()
			watch, err := w.WatchFolder(folder)
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer watch.Close()
			if err := w.Watch(watch.FD()); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"a", "b"} {
				path := filepath.Join(folder, name)
				if k, ok := w.Kernel.(*sim.Kernel); ok {
					k.Change(path)
				} else if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				w.await(watch.FD(), bobbin.Readable)
				var got []string
				if err := watch.Changes(func(path string) { got = append(got, path) }); err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(got, path) {
					t.Errorf("changed are %q, and not %s", got, path)
				}
			}
		}},
		{"shutting our half lets the peer read to the end and answer", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			w.Write(fd, []byte("last"), false)
			if err := w.Shutdown(fd); err != nil {
				t.Fatal(err)
			}
			if got := c.Receive(4); string(got) != "last" {
				t.Errorf("got %q", got)
			}
			if err := c.End(); err != io.EOF {
				t.Errorf("then %v", err)
			}
			c.Send([]byte("ok"))
			w.await(fd, bobbin.Readable)
			if got, _ := drain(w, fd); string(got) != "ok" {
				t.Errorf("heard %q", got)
			}
		}},
		{"a reset by the peer is an error, and is reported", func(t *testing.T, w *world) {
			fd, c := w.accept()
			defer w.Close(fd)
			if _, ok := c.(netClient); ok && c.(netClient).RemoteAddr().Network() == "unix" {
				t.Skip("Unix sockets have no reset")
			}
			c.Reset()
			w.await(fd, bobbin.Readable|bobbin.HungUp)
			if _, err := w.Read(fd, make([]byte, 8)); err == nil || err == io.EOF || err == bobbin.ErrNotNow {
				t.Errorf("read answered %v", err)
			}
		}},
		{"our reset reaches the peer as one", func(t *testing.T, w *world) {
			fd, c := w.accept()
			if nc, ok := c.(netClient); ok && nc.RemoteAddr().Network() == "unix" {
				w.Close(fd)
				t.Skip("Unix sockets have no reset")
			}
			if err := w.Reset(fd); err != nil {
				t.Fatal(err)
			}
			if err := c.End(); err == nil || err == io.EOF {
				t.Errorf("the peer saw %v", err)
			}
		}},
		{"a wait ends when its time has come", func(t *testing.T, w *world) {
			until := w.Monotonic() + 30*time.Millisecond
			for w.Monotonic() < until {
				if n, err := w.Wait(make([]bobbin.Event, 4), until); n != 0 || err != nil {
					t.Fatalf("%d events, %v", n, err)
				}
			}
		}},
		{"a wait at once does not sleep", func(t *testing.T, w *world) {
			if n, err := w.Wait(make([]bobbin.Event, 4), bobbin.NoWait); n != 0 || err != nil {
				t.Errorf("%d events, %v", n, err)
			}
		}},
		{"a wake-up before the wait keeps it from sleeping, once", func(t *testing.T, w *world) {
			if err := w.Wake(); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Wait(make([]bobbin.Event, 4), bobbin.Forever); err != nil {
				t.Fatal(err)
			}
			until := w.Monotonic() + 20*time.Millisecond
			for w.Monotonic() < until {
				w.Wait(make([]bobbin.Event, 4), until)
			}
		}},
		{"closing a watched descriptor ends its events", func(t *testing.T, w *world) {
			fd, c := w.accept()
			w.await(fd, bobbin.Writable)
			w.Close(fd)
			_ = c
			n, err := w.Wait(make([]bobbin.Event, 4), w.Monotonic()+20*time.Millisecond)
			if n != 0 || err != nil {
				t.Errorf("%d events, %v", n, err)
			}
		}},
		{"a listener that is unwatched and closed is not reported, while another descriptor of its socket is", func(t *testing.T, w *world) {
			fd, bound, err := w.Listen(w.at, bobbin.ListenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Watch(fd); err != nil {
				t.Fatal(err)
			}
			other, same, err := w.Listen(bobbin.Address{FD: fd, Path: bound.Path}, bobbin.ListenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(other)
			if same.String() != bound.String() {
				t.Errorf("its address is %s with one descriptor, and %s with another", bound, same)
			}
			if err := errors.Join(w.Unwatch(fd), w.Close(fd), w.Watch(other)); err != nil {
				t.Fatal(err)
			}
			w.serve(other, bound)
			events := make([]bobbin.Event, 4)
			for n := 1; n > 0; { // a Unix socket is reported once when it is watched
				n, _ = w.Wait(events, w.Monotonic()+20*time.Millisecond)
			}
			c := w.dial()
			n, err := w.Wait(events, w.Monotonic()+5*time.Second)
			if n != 1 || err != nil || events[0].FD != other {
				t.Errorf("%d events, of %v, %v; the other descriptor is %d", n, events[:n], err, other)
			}
			accepted, _, err := w.Accept(other)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(accepted)
			c.CloseWrite()
		}},
		{"a listener that refuses hands over who is there, and takes no more", func(t *testing.T, w *world) {
			c := w.dial()
			if !w.Refuse(w.fd) {
				if !strings.HasPrefix(t.Name(), "TestEveryKernelKeepsTheContract/kqueue") {
					t.Error("it cannot")
				}
				return
			}
			if err := w.more(); err == nil {
				t.Error("another connection has begun")
			}
			fd, _, err := w.Accept(w.fd)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(fd)
			c.Send([]byte("late"))
			if err := w.Watch(fd); err != nil {
				t.Fatal(err)
			}
			w.await(fd, bobbin.Readable)
			if got, _ := drain(w, fd); string(got) != "late" {
				t.Errorf("heard %q", got)
			}
			if _, _, err := w.Accept(w.fd); err != bobbin.ErrNotNow {
				t.Errorf("then %v", err)
			}
		}},
		{"a client that has connected and said nothing is accepted from a listener that defers and refuses", func(t *testing.T, w *world) {
			if k, ok := w.Kernel.(*sim.Kernel); ok {
				k.Defers = true
			}
			fd, bound, err := w.Listen(w.at, bobbin.ListenOptions{DeferAccept: true})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(fd)
			w.serve(fd, bound)
			if err := w.Watch(fd); err != nil {
				t.Fatal(err)
			}
			c := w.dial()
			accepted, _, err := w.Accept(fd)
			if err == bobbin.ErrNotNow && w.Refuse(fd) {
				if !w.Handshaking(fd) {
					t.Error("no connection is said to be in its handshake")
				}
				w.await(fd, bobbin.Readable)
				accepted, _, err = w.Accept(fd)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(accepted)
			if w.Handshaking(fd) {
				t.Error("one is said to be in its handshake, still")
			}
			c.Send([]byte("late"))
			if err := w.Watch(accepted); err != nil {
				t.Fatal(err)
			}
			w.await(accepted, bobbin.Readable)
		}},
		{"an address in use is said to be", func(t *testing.T, w *world) {
			fd, bound, err := w.Listen(internet("127.0.0.1"), bobbin.ListenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(fd)
			if _, _, err := w.Listen(bound, bobbin.ListenOptions{}); !errors.Is(err, bobbin.ErrInUse) {
				t.Errorf("got %v", err)
			}
		}},
		{"an address that is opened can be joined, and each listener gets some of the connections", func(t *testing.T, w *world) {
			fd, bound, err := w.Listen(w.at, bobbin.ListenOptions{ReusePort: bobbin.ReusePortFirst})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(fd)
			w.serve(fd, bound)
			other, _, err := w.Listen(bound, bobbin.ListenOptions{ReusePort: bobbin.ReusePortNext})
			if errors.Is(err, bobbin.ErrNotShared) {
				if bound.Path == "" && !strings.HasPrefix(t.Name(), "TestEveryKernelKeepsTheContract/kqueue") {
					t.Error(err)
				}
				only, _ := w.accept()
				w.Close(only)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(other)
			for mine, others := 0, 0; mine == 0 || others == 0; {
				w.dial()
				one := -1
				for one < 0 {
					if one, _, err = w.Accept(fd); err == nil {
						mine++
					} else if one, _, err = w.Accept(other); err == nil {
						others++
					}
				}
				w.Close(one)
				if mine+others > 1000 {
					t.Fatalf("one has accepted %d, the other %d", mine, others)
				}
			}
		}},
		{"an address that is shared is in use for who does not join", func(t *testing.T, w *world) {
			fd, bound, err := w.Listen(w.at, bobbin.ListenOptions{ReusePort: bobbin.ReusePortFirst})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(fd)
			for _, share := range []bobbin.ReusePort{bobbin.ReusePortNone, bobbin.ReusePortFirst} {
				if _, _, err := w.Listen(bound, bobbin.ListenOptions{ReusePort: share}); !errors.Is(err, bobbin.ErrInUse) {
					t.Errorf("share %d: %v", share, err)
				}
			}
		}},
		{"an address that is not shared cannot be joined", func(t *testing.T, w *world) {
			fd, bound, err := w.Listen(w.at, bobbin.ListenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close(fd)
			if _, _, err := w.Listen(bound, bobbin.ListenOptions{ReusePort: bobbin.ReusePortNext}); !errors.Is(err, bobbin.ErrInUse) && !errors.Is(err, bobbin.ErrNotShared) {
				t.Errorf("got %v", err)
			}
		}},
	}
	for name, open := range worlds(t) {
		t.Run(name, func(t *testing.T) {
			for _, row := range rows {
				t.Run(row.name, func(t *testing.T) { row.run(t, open(t)) })
			}
		})
	}
}

// drain reads until the kernel says that there is no more.
func drain(w *world, fd int) ([]byte, error) {
	var got []byte
	var p [64]byte
	for {
		n, err := w.Read(fd, p[:])
		got = append(got, p[:n]...)
		if err != nil {
			return got, err
		}
	}
}

func temp(t *testing.T, content string) *os.File {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestWakeFromAnotherGoroutine parks in the real kernels and is woken by an
// event, by Wake and by the time, in turn and many times over.
func TestWakeFromAnotherGoroutine(t *testing.T) {
	for name, open := range bobbin.Kernels() {
		t.Run(name, func(t *testing.T) {
			w := real(t, open, internet("127.0.0.1"))
			fd, c := w.accept()
			defer w.Close(fd)
			w.await(fd, bobbin.Writable)
			events := make([]bobbin.Event, 4)
			for range 200 {
				woken := make(chan error, 1)
				go func() { woken <- w.Wake() }()
				if _, err := w.Wait(events, bobbin.Forever); err != nil {
					t.Fatal(err)
				}
				if err := <-woken; err != nil {
					t.Fatal(err)
				}
				w.Wait(events, bobbin.NoWait) // a wake-up that came late is none
				go c.Send([]byte("x"))
				w.await(fd, bobbin.Readable)
				if got, _ := drain(w, fd); !bytes.Equal(got, []byte("x")) {
					t.Fatalf("heard %q", got)
				}
				w.Wait(events, w.Monotonic()+time.Millisecond)
			}
		})
	}
}

// TestAWaitSleepsUntilItsTime counts how often a loop turns that has nothing to do
// until a time. A kernel that forgets to set its deadline again after a wake-up, or
// rounds the time down, answers at once until then: 200,000 turns in 300 ms were seen.
func TestAWaitSleepsUntilItsTime(t *testing.T) {
	rows := []struct {
		name  string
		ahead time.Duration
		times int
		run   func(t *testing.T, w *world, turn func()) // before turns are counted
	}{
		{"a time ahead is slept through", 20 * time.Millisecond, 1, func(*testing.T, *world, func()) {}},
		{"half a millisecond is slept through", 500 * time.Microsecond, 40, func(*testing.T, *world, func()) {}},
		{"a part of a millisecond beyond a whole one is slept through", 1100 * time.Microsecond, 40, func(*testing.T, *world, func()) {}},
		{"after a wake-up, the same time is slept through", 50 * time.Millisecond, 2, func(t *testing.T, w *world, turn func()) {
			woken := make(chan error, 1)
			go func() {
				for !bobbin.Asleep(w.Kernel) {
					runtime.Gosched()
				}
				woken <- w.Wake()
			}()
			for done := false; !done; {
				turn()
				select {
				case err := <-woken:
					if done = true; err != nil {
						t.Error(err)
					}
				default:
				}
			}
		}},
		{"after a time that was over, another is slept through", 20 * time.Millisecond, 2, func(t *testing.T, w *world, turn func()) {
			for _, ago := range []time.Duration{0, time.Millisecond, time.Hour} {
				if n, err := w.Wait(make([]bobbin.Event, 4), w.Monotonic()-ago); n != 0 || err != nil {
					t.Errorf("%d events, %v", n, err)
				}
			}
		}},
	}
	for name, open := range bobbin.Kernels() {
		for _, row := range rows {
			t.Run(name+", "+row.name, func(t *testing.T) {
				w := real(t, open, internet("127.0.0.1"))
				turns := 0
				for range row.times {
					until := w.Monotonic() + row.ahead
					turn := func() {
						if n, err := w.Wait(make([]bobbin.Event, 4), until); n != 0 || err != nil {
							t.Fatalf("%d events, %v", n, err)
						}
					}
					row.run(t, w, turn)
					for ; w.Monotonic() < until; turns++ {
						turn()
					}
				}
				// A signal of the runtime's may end a wait early.
				if most := 5*row.times + 20; turns > most {
					t.Errorf("%d turns for %d waits of %v, %d at most were allowed", turns, row.times, row.ahead, most)
				}
			})
		}
	}
}

func TestTheFileOfASocketHasItsModeAndIsRemoved(t *testing.T) {
	for name, open := range bobbin.Kernels() {
		t.Run(name, func(t *testing.T) {
			k := opened(t, open)
			listen := func(at bobbin.Address) bobbin.Address {
				t.Helper()
				fd, bound, err := k.Listen(at, bobbin.ListenOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if err := k.Close(fd); err != nil {
					t.Error(err)
				}
				return bound
			}
			at := bobbin.Address{Path: filepath.Join(t.TempDir(), "s"), Mode: 0o621}
			bound := listen(at)
			if info, err := os.Lstat(at.Path); err != nil || info.Mode() != fs.ModeSocket|0o621 {
				t.Errorf("its file is %v, %v", info, err)
			}
			if bound.String() != "unix:"+at.Path {
				t.Errorf("it is called %s", bound)
			}
			listen(at) // which takes its place, perhaps with its number
			if err := os.Chtimes(at.Path, time.Time{}, time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if err := bound.RemoveFile(); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(at.Path); err != nil {
				t.Errorf("another socket's file was removed: %v", err)
			}
			if err := os.Remove(at.Path); err != nil {
				t.Fatal(err)
			}
			moved := listen(at) // and again, by another file of the same time
			info, err := os.Lstat(at.Path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(at.Path, at.Path+"-moved"); err != nil {
				t.Fatal(err)
			}
			listen(at)
			if err := os.Chtimes(at.Path, time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
			if err := moved.RemoveFile(); err != nil {
				t.Error(err)
			}
			if err := os.Remove(at.Path); err != nil {
				t.Errorf("another socket's file of the same time was removed: %v", err)
			}
			other := listen(at)
			for range 2 { // the second time there is none
				if err := other.RemoveFile(); err != nil {
					t.Error(err)
				}
				if _, err := os.Lstat(at.Path); !os.IsNotExist(err) {
					t.Errorf("its file is still there: %v", err)
				}
			}
			if err := internet("127.0.0.1").RemoveFile(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheFileOfASocketThatIsTakenOver is that of the process which has it now.
func TestTheFileOfASocketThatIsTakenOver(t *testing.T) {
	k := opened(t, bobbin.Open)
	path := filepath.Join(t.TempDir(), "s")
	first, old, err := k.Listen(bobbin.Address{Path: path, Mode: 0o600}, bobbin.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !old.HasFile() {
		t.Error("the socket that was opened has no file")
	}
	for _, row := range []struct {
		name  string
		taken bobbin.Address
		file  bool
	}{
		{"a socket of another owner", bobbin.Address{FD: first}, false},
		{"one that the process before has opened at the path", bobbin.Address{FD: first, Path: path, Mode: 0o660}, true},
	} {
		fd, now, err := k.Listen(row.taken, bobbin.ListenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if now.HasFile() != row.file || now.Path != path {
			t.Errorf("%s: its address is %s, and whether it has a file is %v", row.name, now, now.HasFile())
		}
		k.Close(fd)
		if err := now.RemoveFile(); err != nil {
			t.Error(err)
		}
		if info, err := os.Lstat(path); (err != nil) != row.file {
			t.Errorf("%s: then the file is %v, %v", row.name, info, err)
		}
	}
	if old.HasFile() {
		t.Error("the file that was removed is there")
	}
	k.Close(first)
}

func TestAPathOfASocketIsTooLongOrHasNoFolder(t *testing.T) {
	for name, open := range bobbin.Kernels() {
		t.Run(name, func(t *testing.T) {
			k := opened(t, open)
			dir := t.TempDir()
			for path, want := range map[string]error{
				filepath.Join(dir, strings.Repeat("a", 110)): bobbin.ErrPathTooLong,
				filepath.Join(dir, "missing", "s"):           fs.ErrNotExist,
			} {
				if _, _, err := k.Listen(bobbin.Address{Path: path}, bobbin.ListenOptions{}); !errors.Is(err, want) {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	}
}

func TestALeftSocketFileIsReplacedAndALiveOneIsNot(t *testing.T) {
	for name, open := range bobbin.Kernels() {
		t.Run(name, func(t *testing.T) {
			at := bobbin.Address{Path: filepath.Join(t.TempDir(), "s")}
			w := real(t, open, at)
			if _, _, err := w.Listen(at, bobbin.ListenOptions{}); !errors.Is(err, bobbin.ErrInUse) {
				t.Errorf("a socket that is listened to: %v", err)
			}
			w.Close(w.fd) // and leaves the file, as a process does that is killed
			fd, _, err := w.Listen(at, bobbin.ListenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			w.fd = fd
			w.Close(fd)
			if err := os.Remove(at.Path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at.Path, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := w.Listen(at, bobbin.ListenOptions{}); !errors.Is(err, bobbin.ErrInUse) {
				t.Errorf("a file that is no socket: %v", err)
			}
			w.fd, _, _ = w.Listen(internet("127.0.0.1"), bobbin.ListenOptions{}) // for the cleanup
		})
	}
}
