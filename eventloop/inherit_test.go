package eventloop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// addressOf reads one address.
func addressOf(t *testing.T, s string) bobbin.Address {
	t.Helper()
	list, err := ParseAddress(s)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v, %v", s, list, err)
	}
	return list[0]
}

// TestInheritedSocketsAreFoundByAddress has a process ask for an address.
func TestInheritedSocketsAreFoundByAddress(t *testing.T) {
	for _, row := range []struct{ name, asked, bound, wanted, found string }{
		{"the same address", "127.0.0.1:80", "127.0.0.1:80", "127.0.0.1:80", "it"},
		{"another port", "127.0.0.1:80", "127.0.0.1:80", "127.0.0.1:81", ""},
		{"another interface", "127.0.0.1:80", "127.0.0.1:80", "127.0.0.2:80", ""},
		{"a wildcard is not one of its interfaces", ":80", ":80", "127.0.0.1:80", ""},
		{"a port that the kernel chose, asked for as before", "127.0.0.1:0", "127.0.0.1:8081", "127.0.0.1:0", "it"},
		{"the same port by its number", "127.0.0.1:0", "127.0.0.1:8081", "127.0.0.1:8081", "it"},
		{"any port is not one that was asked for by its number", "127.0.0.1:80", "127.0.0.1:80", "127.0.0.1:0", ""},
		{"an address with a zone, which the kernel does not return", "[fe80::1%lo]:80", "[fe80::1]:80", "[fe80::1%lo]:80", "it"},
		{"the same path", "unix:/run/s", "unix:/run/s", "unix:/run/s", "it"},
		{"another way to the same path, with a mode", "unix:/run/s", "unix:/run/s", "unix:/run/../run/s?mode=0660", "it"},
		{"another path", "unix:/run/s", "unix:/run/s", "unix:/run/t", ""},
		{"a path is no port", "unix:/run/s", "unix:/run/s", ":80", ""},
		{"a descriptor by its number is the service manager's", "127.0.0.1:80", "127.0.0.1:80", "fd:3", ""},
	} {
		in := NewInheritance([]Inherited{{FD: 3, Asked: addressOf(t, row.asked), Bound: addressOf(t, row.bound)}})
		found := ""
		if in.find(addressOf(t, row.wanted)) == 0 {
			found = "it"
		}
		if found != row.found {
			t.Errorf("%s: %q was found, and not %q", row.name, found, row.found)
		}
	}
}

// TestALoopAcceptsNothingBeforeItTakesOver has clients connect to an inherited socket and to
// a new one before that, and a stop come in its place.
func TestALoopAcceptsNothingBeforeItTakesOver(t *testing.T) {
	for _, row := range []struct {
		name          string
		stops         bool
		inherited     int // clients that are served
		new           int
		leavesTheFile bool
	}{
		{"what waits is served by the process that takes over", false, 2, 2, false},
		{"in a stop before that, what waits at an inherited socket is left to the process before", true, 0, 2, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			kernel := &filtering{Kernel: k, can: true}
			old, bound, err := k.Listen(addressOf(t, "127.0.0.1:80"), bobbin.ListenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			before, _, err := k.Listen(bobbin.Address{FD: old}, bobbin.ListenOptions{}) // the descriptor of the process before
			if err != nil {
				t.Fatal(err)
			}
			spare, _, err := k.Listen(addressOf(t, "127.0.0.1:82"), bobbin.ListenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			in := NewInheritance([]Inherited{{FD: spare, Asked: addressOf(t, "127.0.0.1:82"), Bound: addressOf(t, "127.0.0.1:82")}, {FD: old, Asked: bound, Bound: bound}})
			l, err := New(Config{Kernel: kernel, CheckOwner: true})
			if err != nil {
				t.Fatal(err)
			}
			l.Inherit(in)
			served := map[uint16]int{}
			for _, at := range []string{"127.0.0.1:80", "127.0.0.1:81"} {
				port := addressOf(t, at).IP.Port()
				if _, err := l.ListenAt(at, bobbin.ListenOptions{}, func(*Conn) Protocol {
					return &script{
						speak:    func(c *Conn, p []byte) int { served[port]++; c.Write(p); c.Close(); return len(p) },
						stopping: func(c *Conn) { c.SetDeadline(5 * time.Second) },
					}
				}); err != nil {
					t.Fatal(err)
				}
			}
			if in.Taken(0) || !in.Taken(1) {
				t.Errorf("of two sockets, these were taken: %v", in.taken)
			}
			if n := k.OpenDescriptors(); n != 4 { // that of the process before, the spare one, and two of the loop's
				t.Errorf("%d descriptors are open: the one that was inherited is not closed", n)
			}
			var early []*sim.Wire
			k.Go(func(s *sim.Script) {
				for range 2 {
					for _, port := range []uint16{80, 81} {
						w, err := k.DialPort(port)
						if err != nil {
							t.Fatal(err)
						}
						w.Send([]byte("hello"))
						early = append(early, w)
					}
				}
				s.Sleep(time.Minute)
				if len(served) > 0 {
					t.Errorf("before it takes over it serves %v", served)
				}
				if row.stops {
					l.Stop()
					s.Sleep(10 * time.Second)
				} else if err := l.Post(l.TakeOver); err != nil {
					t.Error(err)
				}
				s.Sleep(time.Second)
				l.Stop()
				for _, w := range early {
					w.Close()
				}
			})
			if err := l.Run(); err != nil {
				t.Error(err)
			}
			if served[80] != row.inherited || served[81] != row.new {
				t.Errorf("it has served %v", served)
			}
			if asked := kernel.asked; (asked == 2) == row.stops {
				t.Errorf("%d listeners were made to refuse connections", asked)
			}
			waiting := 0
			for {
				if _, _, err := k.Accept(before); err != nil {
					break
				}
				waiting++
			}
			if waiting != 2-row.inherited {
				t.Errorf("%d connections wait for the process before", waiting)
			}
			for _, f := range k.Faults() {
				t.Error(f)
			}
		})
	}
}

// TestWhatWaitsAtTheDoorIsServedWhenTheSocketIsHandedOver has one connection accepted for
// which there is no room, when the listener is another process's.
func TestWhatWaitsAtTheDoorIsServedWhenTheSocketIsHandedOver(t *testing.T) {
	k := sim.New(1)
	l, err := New(Config{Kernel: k, CheckOwner: true, Limits: Limits{Conns: 2, AcceptBatch: 1}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := l.ListenAt("127.0.0.1:80", bobbin.ListenOptions{}, func(*Conn) Protocol {
		return &script{
			speak:    func(c *Conn, p []byte) int { c.Write(p); c.Close(); return len(p) },
			stopping: func(c *Conn) { c.SetDeadline(5 * time.Second) },
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	k.Go(func(s *sim.Script) {
		var wires []*sim.Wire
		for range 3 { // all are silent, and none has been for a second
			w, err := k.Dial()
			if err != nil {
				t.Fatal(err)
			}
			wires = append(wires, w)
		}
		s.Sleep(50 * time.Millisecond)
		if n := len(list[0].door); n != 1 {
			t.Errorf("%d connections wait at the door", n)
		}
		list[0].HandOver()
		l.Stop()
		s.Sleep(50 * time.Millisecond)
		for i, w := range wires {
			w.Send([]byte("hello"))
			if text, err := s.ReceiveAll(w); string(text) != "hello" || err != nil {
				t.Errorf("client %d: %q, %v", i, text, err)
			}
			w.Close()
		}
	})
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	for _, f := range k.Faults() {
		t.Error(f)
	}
}

// TestAClosedListenerHasNoFile asks for one before and after.
func TestAClosedListenerHasNoFile(t *testing.T) {
	l, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := l.ListenAt("127.0.0.1:0", bobbin.ListenOptions{}, func(*Conn) Protocol { return echoing() })
	if err != nil {
		t.Fatal(err)
	}
	if at := list[0].Asked().String(); at != "127.0.0.1:0" {
		t.Errorf("it was asked for %s", at)
	}
	file, err := list[0].File()
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	l.Stop()
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	if _, err := list[0].File(); !errors.Is(err, errNotOpen) {
		t.Errorf("then %v", err)
	}
}

// TestNoConnectionIsLostFromSomeLoopsToOthers has clients wait at the sockets of one process
// until it stops and another, with more or fewer loops, takes over.
func TestNoConnectionIsLostFromSomeLoopsToOthers(t *testing.T) {
	for _, row := range []struct{ before, after int }{{1, 1}, {2, 2}, {1, 3}, {3, 1}, {2, 4}, {4, 3}} {
		t.Run(fmt.Sprintf("%d to %d", row.before, row.after), func(t *testing.T) {
			accept := func(int) func(*Conn) Protocol {
				return func(*Conn) Protocol {
					return &script{
						speak:    func(c *Conn, p []byte) int { c.Write(p); c.Close(); return len(p) },
						stopping: func(c *Conn) { c.SetDeadline(5 * time.Second) },
					}
				}
			}
			loops := func(n int, in *Inheritance) (ls Loops) {
				for range n {
					l, err := New(Config{CheckOwner: true, Limits: Limits{StopGrace: time.Millisecond}})
					if err != nil {
						t.Fatal(err)
					}
					if in != nil {
						l.Inherit(in)
					}
					ls = append(ls, l)
				}
				return ls
			}
			old := loops(row.before, nil)
			opened, err := old.ListenAt("127.0.0.1:0", bobbin.ListenOptions{}, accept)
			if err != nil {
				t.Fatal(err)
			}
			var sockets []Inherited
			for _, l := range old {
				for _, ln := range l.Listeners() {
					file, err := ln.File()
					if err != nil {
						t.Fatal(err)
					}
					fd, err := syscall.Dup(int(file.Fd()))
					if err != nil {
						t.Fatal(err)
					}
					file.Close()
					sockets = append(sockets, Inherited{FD: fd, Asked: ln.Asked(), Bound: ln.Addr()})
				}
			}
			in := NewInheritance(sockets)
			now := loops(row.after, in)
			if _, err := now.ListenAt("127.0.0.1:0", bobbin.ListenOptions{}, accept); err != nil {
				t.Fatal(err)
			}
			for i := range sockets {
				if !in.Taken(i) {
					t.Errorf("socket %d was not taken", i)
				}
			}
			ended := make(chan error, 2)
			go func() { ended <- now.Run() }()
			var clients []net.Conn
			for range 32 {
				c, err := net.Dial("tcp", opened[0].Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				clients = append(clients, c)
			}
			for _, l := range old {
				for _, ln := range l.Listeners() {
					ln.HandOver()
				}
			}
			old.Stop()
			go func() { ended <- old.Run() }() // which serves what it accepts in its only turn
			for _, l := range now {
				if err := l.Post(l.TakeOver); err != nil {
					t.Error(err)
				}
			}
			for i, c := range clients {
				text := make([]byte, 5)
				if _, err := io.WriteString(c, "hello"); err != nil {
					t.Error(err)
				}
				if _, err := io.ReadFull(c, text); err != nil || string(text) != "hello" {
					t.Errorf("client %d: %q, %v", i, text, err)
				}
				c.Close()
			}
			now.Stop()
			if err := errors.Join(<-ended, <-ended); err != nil {
				t.Error(err)
			}
		})
	}
}
