package sim_test

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// Some greedy clients take all they can of a server with small limits: connections,
// output that they do not read, bodies that they do not finish. Whatever they do, in
// whichever order and with whatever luck, an honest client that asks for little is
// answered, and within a time. A run is a seed.

func TestSeedsOfTheGreedy(t *testing.T) { someSeeds(t, max(*allSeeds/10, 1), runGreedy) }

const (
	patience  = 4 * time.Second // of an honest client, for one answer
	fairConns = 24
	fairTotal = 256 << 10 // output
)

type greed struct {
	t      *testing.T
	k      *sim.Kernel
	loop   *eventloop.Loop
	honest int // clients that have not finished
	turns  int
}

func runGreedy(t *testing.T, seed uint64, trace io.Writer) uint64 {
	k := sim.NewUnlucky(seed)
	// What breaks honest connections, or stops the clock for them, tells nothing here.
	k.Luck.PeerReset, k.Luck.DiedQueued, k.Luck.Suspend, k.Luck.Exhausted = 0, 0, 0, 0
	k.Descriptors = 100
	g := &greed{t: t, k: k}
	server, err := http.NewServer(http.Config{
		Handler: g.handle,
		Limits: http.Limits{
			Conns: fairConns, OutputTotal: fairTotal, HighWater: 16 << 10,
			BodiesTotal: 64 << 10, Body: 32 << 10,
		},
		Loop: eventloop.Config{Kernel: k, Trace: trace},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.loop = server.Loop()
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Every = g.check
	habits := []func(*sim.Script, *sim.Wire){g.hoardOutput, g.hoardBodies, g.halfAsk, g.sit, g.pipeline}
	addresses := 1 + k.Roll(2)
	for i := range 10 + k.Roll(50) {
		from := netip.AddrFrom4([4]byte{10, 0, 9, byte(i % addresses)})
		k.Go(func(s *sim.Script) {
			for g.honest > 0 {
				w, err := k.DialFrom(from, 0)
				if err != nil {
					return
				}
				habits[k.Roll(len(habits))](s, w)
				w.Close()
				s.Sleep(k.Between(time.Millisecond, time.Second))
			}
		})
	}
	for i := range 1 + k.Roll(4) {
		g.honest++
		k.Go(func(s *sim.Script) {
			defer func() { g.honest-- }()
			s.Sleep(k.Between(0, 30*time.Second))
			for n := range 5 {
				g.ask(s, netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), n)
				s.Sleep(k.Between(0, 3*time.Second))
			}
		})
	}
	err = server.Run()
	k.Abandon()
	if err == eventloop.ErrCut {
		err = nil // the greedy ones had not taken their answers
	}
	report(t, k, g.loop, err)
	return k.Hash()
}

// check is made at every wait.
func (g *greed) check() {
	if g.turns++; g.turns == endAfter {
		g.t.Errorf("%d honest clients have not come to their end after %d turns", g.honest, g.turns)
		g.honest = 0
	}
	if g.honest == 0 && !g.loop.Stopping() {
		g.loop.Stop()
	}
	// What one turn can add: each of its connections one answer, before it is flushed.
	if n := g.loop.Memory(); n > fairTotal+64<<10 {
		g.t.Errorf("%d bytes of output are kept", n)
	}
	if n := g.loop.Open(); n > fairConns+16 {
		g.t.Errorf("%d connections are open", n)
	}
}

// handle answers a GET of /N with N bytes, and a POST with its body's length.
func (g *greed) handle(w *http.Response, r *http.Request) error {
	if r.Method() == "POST" {
		body, err := r.Body()
		if err != nil {
			return err
		}
		return w.Text(strconv.Itoa(len(body)))
	}
	n, _ := strconv.Atoi(r.Path()[1:])
	_, err := w.Write(make([]byte, n))
	return err
}

// wait reads nothing for up to d, and ends when the connection does.
func (g *greed) wait(s *sim.Script, w *sim.Wire, d time.Duration) {
	until := g.k.Now().Add(d)
	for g.honest > 0 && !w.Broken() && g.k.Now().Before(until) {
		s.Sleep(time.Second)
	}
}

// hoardOutput asks for much and reads none of it.
func (g *greed) hoardOutput(s *sim.Script, w *sim.Wire) {
	ask := fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", 1+g.k.Roll(48<<10))
	s.Send(w, []byte(strings.Repeat(ask, 1+g.k.Roll(3))))
	g.wait(s, w, g.k.Between(0, time.Minute))
}

// hoardBodies sends most of a body, and then a byte now and then.
func (g *greed) hoardBodies(s *sim.Script, w *sim.Wire) {
	n := 1000 + g.k.Roll(30<<10)
	s.Send(w, []byte(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", n)))
	s.Send(w, make([]byte, n-10))
	for range 9 {
		if g.wait(s, w, 10*time.Second); g.honest == 0 || s.Send(w, []byte("x")) != nil {
			return
		}
	}
}

// halfAsk sends half a request.
func (g *greed) halfAsk(s *sim.Script, w *sim.Wire) {
	s.Send(w, []byte("GET /1 HTTP/1.1\r\nHo"))
	g.wait(s, w, time.Minute)
}

// sit has one answer, and keeps the connection.
func (g *greed) sit(s *sim.Script, w *sim.Wire) {
	s.Send(w, []byte("GET /10 HTTP/1.1\r\nHost: a\r\n\r\n"))
	g.wait(s, w, time.Minute)
}

// pipeline asks on and on, and reads slowly.
func (g *greed) pipeline(s *sim.Script, w *sim.Wire) {
	for range 50 {
		if g.honest == 0 || s.Send(w, []byte("GET /9000 HTTP/1.1\r\nHost: a\r\n\r\n")) != nil {
			return
		}
		if _, err := s.Receive(w, nil, 4000); err != nil {
			return
		}
		s.Sleep(g.k.Between(0, time.Second))
	}
}

// ask is an honest client's request: it must be answered, and within its patience.
func (g *greed) ask(s *sim.Script, from netip.Addr, n int) {
	w, err := g.k.DialFrom(from, 0)
	if err != nil {
		g.t.Errorf("honest client: %v", err)
		return
	}
	since := g.k.Now()
	text, want := "GET /1000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 1000
	if g.k.Roll(2) == 0 {
		text, want = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000), 4
	}
	s.Send(w, []byte(text))
	got, err := s.ReceiveAll(w)
	head, body, _ := bytes.Cut(got, []byte("\r\n\r\n"))
	took := g.k.Now().Sub(since)
	if err != nil || !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) || len(body) != want {
		g.t.Errorf("honest client %v, request %d: %q and %d bytes after %v, %v", from, n, bytes.SplitN(head, []byte("\r"), 2)[0], len(body), took, err)
	}
	if took > patience {
		g.t.Errorf("honest client %v, request %d was answered after %v", from, n, took)
	}
	w.Close()
}
