package eventloop

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
)

// alone is a kernel that does not divide connections, as there are some.
type alone struct{ bobbin.Kernel }

func (k alone) Listen(at bobbin.Address, how bobbin.ListenOptions) (int, bobbin.Address, error) {
	if how.ReusePort == bobbin.ReusePortNext {
		return -1, at, bobbin.ErrNotShared
	}
	return k.Kernel.Listen(at, how)
}

// failing is a kernel that breaks when it is told to.
type failing struct {
	bobbin.Kernel
	now atomic.Bool
}

var errBroken = errors.New("broken")

func (k *failing) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	if k.now.Load() {
		return 0, errBroken
	}
	return k.Kernel.Wait(events, until)
}

// open returns a kernel of the machine's.
func open(t *testing.T) bobbin.Kernel {
	t.Helper()
	k, err := bobbin.Open()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// descriptors counts those of the process, where the system shows them.
func descriptors() int {
	list, _ := os.ReadDir("/dev/fd")
	return len(list)
}

// several makes loops over kernels of the machine's, each in a wrapping.
func several(t *testing.T, n int, limits Limits, wrap func(bobbin.Kernel) bobbin.Kernel) Loops {
	t.Helper()
	var ls Loops
	for range n {
		l, err := New(Config{Kernel: wrap(open(t)), Limits: limits, CheckOwner: true})
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, l)
	}
	return ls
}

func same(k bobbin.Kernel) bobbin.Kernel   { return k }
func single(k bobbin.Kernel) bobbin.Kernel { return alone{k} }

// naming answers each line with the number of its loop.
func naming(loop int) func(*Conn) Protocol {
	return func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			for range strings.Count(string(p), "\n") {
				c.Write(strconv.AppendInt(nil, int64(loop), 10))
				c.Write([]byte("\n"))
			}
			return len(p)
		}}
	}
}

// A visitor is a client of loops that say their numbers.
type visitor struct {
	net.Conn
	t     *testing.T
	lines *bufio.Reader
}

func visit(t *testing.T, at bobbin.Address) *visitor {
	t.Helper()
	network, address := "tcp", at.String()
	if at.Path != "" {
		network, address = "unix", at.Path
	}
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{c, t, bufio.NewReader(c)}
}

// ask returns the number of the loop that answers.
func (v *visitor) ask() int {
	v.t.Helper()
	io.WriteString(v, "who?\n")
	line, err := v.lines.ReadString('\n')
	n, wrong := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || wrong != nil {
		v.t.Errorf("heard %q, %v", line, err)
	}
	return n
}

// leaves waits for the end.
func (v *visitor) leaves() {
	v.t.Helper()
	if rest, err := io.ReadAll(v.lines); len(rest) > 0 || err != nil {
		v.t.Errorf("at the end came %q, %v", rest, err)
	}
	v.Close()
}

// watchDescriptors fails a test after which there are more than before.
func watchDescriptors(t *testing.T) {
	open(t).Shut() // the first has the runtime make its own
	before := descriptors()
	t.Cleanup(func() {
		if after := descriptors(); after != before {
			t.Errorf("%d descriptors were open before, and %d are now", before, after)
		}
	})
}

func TestEachOfSeveralLoopsHasItsPart(t *testing.T) {
	const loops, visitors = 3, 99
	for _, row := range []struct {
		name    string
		address string
		wrap    func(bobbin.Kernel) bobbin.Kernel
		deals   bool // on every system
	}{
		{"of one address", "127.0.0.1:0", same, false},
		{"of a name with two", "localhost:0", same, false},
		{"of all addresses", ":0", same, false},
		{"of one that the kernel does not divide", "127.0.0.1:0", single, true},
		{"of all that it does not divide", ":0", single, true},
		{"of a Unix socket", "unix:" + filepath.Join(t.TempDir(), "s"), same, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			watchDescriptors(t)
			ls := several(t, loops, Limits{}, row.wrap)
			listeners, err := ls.ListenAt(row.address, bobbin.ListenOptions{}, naming)
			if err != nil {
				t.Fatal(err)
			}
			dealt := listeners[0].peers != nil
			if row.deals && !dealt {
				t.Error("no listener distributes")
			}
			over := make(chan error)
			go func() { over <- ls.Run() }()
			var all []*visitor
			for _, ln := range listeners {
				var got [loops]int
				for i := range visitors {
					v := visit(t, ln.Addr())
					n := v.ask()
					got[n]++
					if v.ask() != n {
						t.Error("a connection has moved")
					}
					if i%2 == 0 {
						v.Close()
					} else {
						all = append(all, v)
					}
				}
				for n, count := range got {
					if dealt && count != visitors/loops || count == 0 {
						t.Errorf("loop %d has %d of %d", n, count, visitors)
					}
				}
			}
			ls.Stop()
			for _, v := range all {
				v.leaves()
			}
			if err := <-over; err != nil {
				t.Error(err)
			}
			for i, l := range ls {
				if c := l.Counters(); c[Accepted].N != c.Closed() || c[Accepted].N == 0 {
					t.Errorf("of loop %d: %+v", i, c)
				}
			}
		})
	}
}

// TestAnAddressOfSeveralLoopsIsInUse has a second process, as far as the kernel can tell,
// that would share an address.
func TestAnAddressOfSeveralLoopsIsInUse(t *testing.T) {
	watchDescriptors(t)
	ls, others := several(t, 2, Limits{}, same), several(t, 2, Limits{}, same)
	listeners, err := ls.ListenAt("127.0.0.1:0", bobbin.ListenOptions{}, naming)
	if err != nil {
		t.Fatal(err)
	}
	at := listeners[0].Addr().String()
	if _, err := others.ListenAt(at, bobbin.ListenOptions{}, naming); !errors.Is(err, bobbin.ErrInUse) {
		t.Errorf("two more loops: %v", err)
	}
	if _, err := others[0].ListenAt(at, bobbin.ListenOptions{}, naming(0)); !errors.Is(err, bobbin.ErrInUse) {
		t.Errorf("another loop: %v", err)
	}
	ls.Stop()
	others.Stop()
	if err := errors.Join(ls.Run(), others.Run()); err != nil {
		t.Error(err)
	}
}

// TestDealtConnectionsKeepToTheLimits has more visitors at a time than may be there.
func TestDealtConnectionsKeepToTheLimits(t *testing.T) {
	const most, loops, visitors = 3, 2, 40
	watchDescriptors(t)
	ls := several(t, loops, Limits{Conns: most, AcceptBatch: 2}, same)
	var crowd atomic.Bool
	listeners, err := ls.ListenAt("unix:"+filepath.Join(t.TempDir(), "s"), bobbin.ListenOptions{}, func(loop int) func(*Conn) Protocol {
		begin := naming(loop)
		return func(c *Conn) Protocol {
			if l := c.Loop(); l.Open()-len(l.closings.due) > most { // one that is closing has not given its descriptor back
				crowd.Store(true)
			}
			return begin(c)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- ls.Run() }()
	// No client leaves before as many as may be there are.
	full, inside := make(chan bool), make(chan int, visitors)
	var all sync.WaitGroup
	for range visitors {
		all.Go(func() {
			v := visit(t, listeners[0].Addr())
			inside <- v.ask()
			<-full
			v.Close()
		})
	}
	var got [loops]int
	for n := range visitors {
		if n == most*loops {
			close(full)
		}
		got[<-inside]++
	}
	all.Wait()
	ls.Stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if crowd.Load() {
		t.Error("a loop had more than its limit")
	}
	for n, count := range got {
		if count < most {
			t.Errorf("loop %d had only %d", n, count)
		}
	}
}

// deal makes two loops, the first of which has accepted a visitor for the second.
// Neither runs yet.
func deal(t *testing.T, wrap func(bobbin.Kernel) bobbin.Kernel) (ls Loops, first *Listener, v *visitor) {
	t.Helper()
	ls = several(t, 2, Limits{}, wrap)
	listeners, err := ls.ListenAt("unix:"+filepath.Join(t.TempDir(), "s"), bobbin.ListenOptions{}, naming)
	if err != nil {
		t.Fatal(err)
	}
	first = listeners[0]
	v = visit(t, first.Addr())
	first.ready, first.turn = true, 1
	first.accept()
	if n := len(first.peers[1].acceptQueue.list); n != 1 {
		t.Fatalf("%d visitors are in the accept queue", n)
	}
	return ls, first, v
}

func TestWhoWasDealtOutToALoopThatStopsIsBegun(t *testing.T) {
	watchDescriptors(t)
	ends := func(l *Loop, v *visitor, want string) {
		l.Stop()
		io.WriteString(v, "who?\n")
		over := make(chan error)
		go func() { over <- l.Run() }()
		if got := v.hears(); got != want {
			t.Errorf("loop %q has answered, not %q", got, want)
		}
		v.leaves()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
	ls, first, v := deal(t, same)
	ends(ls[1], v, "1\n")
	// The loop has ended, and so the first keeps what it accepts.
	v = visit(t, first.Addr())
	first.ready, first.turn = true, 1
	first.accept()
	ends(ls[0], v, "0\n")
}

func TestWhoWasDealtOutToALoopThatBreaksIsGivenBack(t *testing.T) {
	watchDescriptors(t)
	ls, _, v := deal(t, func(k bobbin.Kernel) bobbin.Kernel { return &failing{Kernel: k} })
	ls[1].kernel.(*failing).now.Store(true)
	if err := ls[1].Run(); !errors.Is(err, errBroken) {
		t.Errorf("Run returned %v", err)
	}
	v.leaves()
	ls[0].Stop()
	if err := ls[0].Run(); err != nil {
		t.Error(err)
	}
}

func TestALoopThatBreaksStopsTheOthers(t *testing.T) {
	watchDescriptors(t)
	ls := several(t, 3, Limits{}, func(k bobbin.Kernel) bobbin.Kernel { return &failing{Kernel: k} })
	listeners, err := ls.ListenAt("unix:"+filepath.Join(t.TempDir(), "s"), bobbin.ListenOptions{}, naming)
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- ls.Run() }()
	var all []*visitor
	for range ls {
		v := visit(t, listeners[0].Addr())
		v.ask()
		all = append(all, v)
	}
	ls[1].kernel.(*failing).now.Store(true)
	ls[1].Wake()
	for _, v := range all {
		v.leaves()
	}
	if err := <-over; !errors.Is(err, errBroken) {
		t.Errorf("Run returned %v", err)
	}
}

func TestASecondStopCutsOffOnAllLoops(t *testing.T) {
	watchDescriptors(t)
	ls := several(t, 2, Limits{}, same)
	stubborn := func(loop int) func(*Conn) Protocol {
		return func(c *Conn) Protocol {
			// It says that the loop stops, and stays.
			p := naming(loop)(c).(*script)
			p.stopping = func(c *Conn) { c.Write([]byte("stopping\n")) }
			return p
		}
	}
	listeners, err := ls.ListenAt("unix:"+filepath.Join(t.TempDir(), "s"), bobbin.ListenOptions{}, stubborn)
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- ls.Run() }()
	first, second := visit(t, listeners[0].Addr()), visit(t, listeners[0].Addr())
	if a, b := first.ask(), second.ask(); a != 0 || b != 1 {
		t.Errorf("they are on %d and %d", a, b)
	}
	ls.Stop()
	if a, b := first.hears(), second.hears(); a != "stopping\n" || b != a {
		t.Errorf("they hear %q and %q", a, b)
	}
	second.Close() // one loop ends in order
	ls.Stop()
	if err := <-over; err != ErrCut {
		t.Errorf("Run returned %v", err)
	}
	first.Close()
}

// hears returns the next line.
func (v *visitor) hears() string {
	line, err := v.lines.ReadString('\n')
	if err != nil {
		v.t.Error(err)
	}
	return line
}

func TestDescriptorsAreDividedAmongLoops(t *testing.T) {
	for _, row := range []struct{ descriptors, loops, want int }{
		{40, 0, 22}, {40, 1, 22}, {40, 2, 11}, {1024, 1, 720}, {1024, 4, 180}, {16, 256, 8},
	} {
		if got := affordable(row.descriptors, row.loops); got != row.want {
			t.Errorf("%d descriptors and %d loops: %d connections each, want %d", row.descriptors, row.loops, got, row.want)
		}
	}
}

// TestNewcomersDoNotWaitForALoopThatIsHeld has a handler hold a loop until many new
// clients have been answered.
func TestNewcomersDoNotWaitForALoopThatIsHeld(t *testing.T) {
	const loops, newcomers = 3, 50
	for _, row := range []struct {
		name    string
		address string
		wrap    func(bobbin.Kernel) bobbin.Kernel
	}{
		{"at an address that the kernel divides", "127.0.0.1:0", same},
		{"at an address that one loop accepts at", "127.0.0.1:0", single},
		{"at a Unix socket", "unix:" + filepath.Join(t.TempDir(), "s"), same},
	} {
		for held := range loops {
			t.Run(fmt.Sprintf("%s, of loop %d", row.name, held), func(t *testing.T) {
				watchDescriptors(t)
				ls := several(t, loops, Limits{}, row.wrap)
				for _, l := range ls {
					l.dog.period = 5 * time.Millisecond
				}
				holds, free := make(chan bool, 1), make(chan bool)
				listeners, err := ls.ListenAt(row.address, bobbin.ListenOptions{}, func(loop int) func(*Conn) Protocol {
					begin := naming(loop)
					return func(c *Conn) Protocol {
						p := begin(c).(*script)
						speak := p.speak
						p.speak = func(c *Conn, said []byte) int {
							if string(said) == "hold\n" {
								holds <- true
								<-free
							}
							return speak(c, said)
						}
						return p
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				over := make(chan error)
				go func() { over <- ls.Run() }()
				at := listeners[0].Addr()
				// on returns a client of the loop.
				on := func() *visitor {
					for {
						v := visit(t, at)
						if v.ask() == held {
							return v
						}
						v.Close()
					}
				}
				holder := on()
				io.WriteString(holder, "hold\n")
				<-holds
				for range newcomers {
					v := visit(t, at)
					if n := v.ask(); n == held {
						t.Error("the loop is not held")
					}
					v.Close()
				}
				close(free)
				if n := holder.hears(); n != fmt.Sprintln(held) {
					t.Errorf("heard %q from the loop that was held", n)
				}
				holder.Close()
				on().Close() // it has its part again
				ls.Stop()
				if err := <-over; err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestALoopThatIsHeldIsDealtNothing(t *testing.T) {
	watchDescriptors(t)
	ls, first, v := deal(t, same)
	ls[1].dog.state.Store(caught)
	for range 3 {
		first.turn = 1
		if first.next() != first {
			t.Error("a connection would be dealt out to a loop that is held")
		}
	}
	// What it was dealt before is begun by the other.
	ls[0].relieve()
	if n := len(first.peers[1].acceptQueue.list); n != 0 || ls[0].Open() != 1 {
		t.Errorf("%d visitors are in the accept queue, and %d with the other loop", n, ls[0].Open())
	}
	v.Close()
	ls[1].dog.state.Store(awake)
	ls.Stop()
	if err := ls.Run(); err != nil {
		t.Error(err)
	}
}

// TestALoopThatRelievesAnotherKeepsToItsLimits has more clients wait than it may have.
func TestALoopThatRelievesAnotherKeepsToItsLimits(t *testing.T) {
	const most = 3
	watchDescriptors(t)
	ls := several(t, 2, Limits{Conns: most}, single)
	listeners, err := ls.ListenAt("127.0.0.1:0", bobbin.ListenOptions{}, naming)
	if err != nil {
		t.Fatal(err)
	}
	var all []*visitor
	for range 3 * most {
		all = append(all, visit(t, listeners[0].Addr()))
	}
	ls[0].dog.state.Store(caught)
	ls[1].relieve()
	if n := ls[1].Open(); n != most {
		t.Errorf("there are %d connections", n)
	}
	for _, v := range all {
		v.Close()
	}
	ls[0].dog.state.Store(awake)
	ls.Stop()
	if err := ls.Run(); err != nil && err != ErrCut {
		t.Error(err)
	}
}
