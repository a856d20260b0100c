package eventloop

// What a turn costs must not grow with those who take no part in it. The tests
// count; the benchmarks measure, and the report of bench shows what they say:
//
//	go test -run '^$' -bench 'BenchmarkTurn|BenchmarkDeadlines' ./eventloop

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
)

// A square is a kernel in memory on which many connections are open and few of
// them speak. It does nothing for those that are silent, so that what they cost
// is the loop's.
type square struct {
	bobbin.Kernel // nil, for what is never called

	now     time.Duration
	coming  int   // connections that wait to be accepted
	last    int   // the descriptor that was given out last
	heard   bool  // about the listener, or no connection waits to be accepted
	says    []int // descriptors on which something comes at each turn
	said    []bool
	written int // calls
}

const squareListener = 3

func (k *square) Listen(at bobbin.Address, _ bobbin.ListenOptions) (int, bobbin.Address, error) {
	k.last = squareListener
	return squareListener, at, nil
}

func (k *square) Refuse(int) bool      { return false }
func (k *square) Handshaking(int) bool { return false }

func (k *square) Accept(int) (int, netip.AddrPort, error) {
	if k.coming == 0 {
		return -1, netip.AddrPort{}, bobbin.ErrNotNow
	}
	k.coming--
	k.last++
	return k.last, netip.AddrPort{}, nil
}

func (k *square) Watch(int) error   { return nil }
func (k *square) Unwatch(int) error { return nil }
func (k *square) Reset(int) error   { return nil }

func (k *square) WatchFolder(string) (bobbin.FolderWatch, error) { return nil, errors.ErrUnsupported }

func (k *square) Now() time.Time           { return time.Unix(0, 0).Add(k.now) }
func (k *square) Monotonic() time.Duration { return k.now }

func (k *square) Wait(events []bobbin.Event, _ time.Duration) (int, error) {
	k.now += 10 * time.Microsecond
	if !k.heard {
		k.heard = true
		events[0] = bobbin.Event{FD: squareListener, Ready: bobbin.Readable}
		return 1, nil
	}
	for i, fd := range k.says {
		k.said[fd] = true
		events[i] = bobbin.Event{FD: fd, Ready: bobbin.Readable}
	}
	return len(k.says), nil
}

func (k *square) Read(fd int, p []byte) (int, error) {
	if fd >= len(k.said) || !k.said[fd] {
		return 0, bobbin.ErrNotNow
	}
	k.said[fd] = false
	return copy(p, "hello"), bobbin.ErrNotNow
}

func (k *square) Write(_ int, p []byte, _ bool) (int, error) {
	k.written++
	return len(p), nil
}

// keepAlive is how long a connection may be silent on the square.
const keepAlive = time.Minute

// A greeting answers whatever comes, and sets its deadline anew each time, as a
// protocol with keep-alive does.
type greeting struct{ script }

var welcome = []byte("hello, world!")

func (*greeting) OnData(c *Conn, p []byte) int {
	c.Write(welcome)
	c.SetDeadline(keepAlive)
	return len(p)
}

// crowd makes a loop with n open connections, all of which have a deadline.
// Something comes on the first few of them at each turn.
func crowd(t testing.TB, n, speak int) (*Loop, *square) {
	t.Helper()
	k := &square{coming: n}
	l, err := New(Config{Kernel: k, Limits: Limits{Conns: n + 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{}, func(c *Conn) Protocol {
		c.SetDeadline(keepAlive)
		return &greeting{}
	}); err != nil {
		t.Fatal(err)
	}
	for l.conns.open < n || len(l.lists.again)+len(l.lists.dirty.spans)+len(l.listeners.eager) > 0 {
		if err := l.turn(); err != nil {
			t.Fatal(err)
		}
	}
	k.said = make([]bool, k.last+1)
	for i := range speak {
		k.says = append(k.says, squareListener+1+i)
	}
	return l, k
}

// TestADeadlineThatIsSetAnewMovesOnceItsLength counts what the wheel does for
// connections whose deadlines are set anew at each turn, for an hour.
func TestADeadlineThatIsSetAnewMovesOnceItsLength(t *testing.T) {
	const turns = int64(time.Hour / tick)
	for _, n := range []int{1, 10, 100} {
		var w wheel
		conns := make([]Conn, n)
		l := &Loop{}
		for i := range conns {
			conns[i] = Conn{loop: l, fd: int32(i), slot: -1}
			l.conns.put(&conns[i])
		}
		moves := 0
		for turn := range turns {
			now := time.Duration(turn) * tick
			for i := range conns {
				conns[i].deadline = now + keepAlive
				w.moved(&conns[i])
			}
			for c := w.take(now); c != nil; c = w.take(now) {
				moves++
				w.moved(c) // its deadline has moved on
			}
		}
		// Each was put on the wheel once, and then moved when it came up.
		if most := n * int(time.Hour/keepAlive); moves > most || moves < most/2 {
			t.Errorf("%d connections were moved %d times in an hour, want up to %d", n, moves, most)
		}
		taken := 0
		for c := w.take(2 * time.Hour); c != nil; c = w.take(2 * time.Hour) {
			taken++
		}
		if taken != n {
			t.Errorf("%d of %d connections are still on the wheel", taken, n)
		}
	}
}

// sizes are the numbers of connections for which benchmarks measure.
var sizes = []int{1, 10, 100, 1_000, 10_000}

// BenchmarkTurn is a turn with one connection that speaks, while all others are
// idle. Its cost is to be the same for any number of them.
func BenchmarkTurn(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) {
			l, k := crowd(b, n, 1)
			b.ReportAllocs()
			for b.Loop() {
				if err := l.turn(); err != nil {
					b.Fatal(err)
				}
			}
			if k.written < b.N {
				b.Errorf("%d answers in %d turns", k.written, b.N)
			}
		})
	}
}

// BenchmarkDeadlines is one deadline that is set anew, where each connection's
// is. Every 10,000 of them the loop turns, a tenth of a second later, and looks
// at those whose time may have come.
func BenchmarkDeadlines(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) {
			l, k := crowd(b, n, 0)
			var conns []*Conn
			l.Each(func(c *Conn) { conns = append(conns, c) })
			b.ReportAllocs()
			for i, set := 0, 0; b.Loop(); set++ {
				if set == 10_000 {
					set = 0
					k.now += tick
					if err := l.turn(); err != nil {
						b.Fatal(err)
					}
				}
				conns[i].SetDeadline(keepAlive)
				if i++; i == n {
					i = 0
				}
			}
			if l.conns.open != n {
				b.Errorf("%d of %d connections are open", l.conns.open, n)
			}
		})
	}
}
