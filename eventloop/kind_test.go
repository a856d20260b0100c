package eventloop

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// endsWith runs one connection and returns the kind of its end.
func endsWith(t *testing.T, limits Limits, p *script, visit func(s *sim.Script, w *sim.Wire, l *Loop)) (end Kind, h *house) {
	t.Helper()
	h = build(t, limits, func(c *Conn) Protocol {
		c.SetDeadline(10 * time.Second)
		return p
	})
	h.visit(func(s *sim.Script, w *sim.Wire) { visit(s, w, h.Loop) })
	_ = h.live()
	counters := h.Counters()
	for kind := ClosedDone; kind <= FailedCut; kind++ {
		if counters[kind].N > 0 {
			end = kind
		}
	}
	if n := counters.Closed() + counters.Failed(); n != 1 {
		t.Errorf("%d ends of one connection", n)
	}
	return end, h
}

func TestTheEndOfAConnectionHasItsReason(t *testing.T) {
	say := func(text string) func(*sim.Script, *sim.Wire, *Loop) {
		return func(s *sim.Script, w *sim.Wire, _ *Loop) {
			s.Send(w, []byte(text))
			s.ReceiveAll(w)
			w.Close()
		}
	}
	on := func(f func(c *Conn)) *script {
		return &script{speak: func(c *Conn, p []byte) int { f(c); return len(p) }}
	}
	hold := &script{speak: func(*Conn, []byte) int { return 0 }}
	busy := &script{speak: func(c *Conn, p []byte) int { c.SetDeadline(0); return 0 }}
	for _, row := range []struct {
		name   string
		limits Limits
		p      *script
		visit  func(*sim.Script, *sim.Wire, *Loop)
		want   Kind
	}{
		{"its protocol closes", Limits{}, on((*Conn).Close), say("a"), ClosedDone},
		{"its peer closes", Limits{}, &script{}, func(_ *sim.Script, w *sim.Wire, _ *Loop) { w.Close() }, ClosedByPeer},
		{"a deadline passes, and it is closed", Limits{}, &script{}, say("a"), ClosedTimeout},
		{"a deadline passes, and it is aborted", Limits{}, &script{due: func(c *Conn) { c.Abort(nil) }}, say("a"), FailedTimeout},
		{"it closes long after a deadline that was set anew", Limits{}, &script{due: func(c *Conn) {
			c.SetDeadline(time.Minute)
			c.Loop().After(time.Second, c.Close)
		}}, say("a"), ClosedDone},
		{"the peer resets", Limits{}, &script{}, func(s *sim.Script, w *sim.Wire, _ *Loop) {
			s.Send(w, []byte("a"))
			s.Sleep(time.Second)
			w.Reset()
		}, FailedReset},
		{"its protocol aborts for an error that cannot be compared", Limits{}, on(func(c *Conn) { c.Abort(incomparable{"a reason"}) }), say("a"), FailedAborted},
		{"its protocol aborts", Limits{}, on(func(c *Conn) { c.Abort(errors.New("a reason")) }), say("a"), FailedAborted},
		{"the peer sends too much", Limits{Input: 10, ReadBudget: 100}, hold, say(strings.Repeat("a", 1000)), FailedInput},
		{"its protocol panics", Limits{}, on(func(*Conn) { panic("on purpose") }), say("a"), FailedPanic},
		{"its loop ends while it is idle", Limits{Drain: time.Second}, &script{stopping: func(c *Conn) { c.SetIdle(true) }}, func(s *sim.Script, w *sim.Wire, l *Loop) {
			s.Send(w, []byte("a"))
			s.Sleep(time.Second)
			l.Stop()
			s.Sleep(20 * time.Second)
		}, FailedStop},
		{"its loop ends while it is at work", Limits{Drain: time.Second}, &script{speak: busy.speak, stopping: func(*Conn) {}}, func(s *sim.Script, w *sim.Wire, l *Loop) {
			s.Send(w, []byte("a"))
			s.Sleep(time.Second)
			l.Stop()
			s.Sleep(20 * time.Second)
		}, FailedCut},
	} {
		got, h := endsWith(t, row.limits, row.p, row.visit)
		if got != row.want {
			t.Errorf("%s: %q, not %q", row.name, h.KindInfo(got).Name, h.KindInfo(row.want).Name)
		}
	}
}

// TestErrorsThatSayTheReason is the rest of the table: what brings these errors about
// has tests of its own.
func TestErrorsThatSayTheReason(t *testing.T) {
	for _, row := range []struct {
		why  error
		conn Conn
		want Kind
	}{
		{nil, Conn{}, ClosedDone},
		{io.EOF, Conn{peerEnd: endTold}, ClosedByPeer},
		{nil, Conn{end: ClosedEvicted}, ClosedEvicted},
		{ErrEvicted, Conn{}, FailedEvicted},
		{ErrShed, Conn{closeMode: closeReset}, FailedShed},
		{ErrChanged, Conn{closeMode: closeReset}, FailedFile},
		{ErrTruncated, Conn{end: FailedAborted}, FailedTruncated},
		{ErrNotTLS, Conn{end: FailedAborted}, FailedTLS},
		{ErrSlowHandshake, Conn{end: FailedAborted}, FailedTimeout},
		{ErrCut, Conn{}, FailedStop},
		{ErrCut, Conn{closeMode: closeReset}, FailedCut},
		{bobbin.ErrInUse, Conn{}, FailedReset},
	} {
		if got := row.conn.EndKind(row.why); got != row.want {
			t.Errorf("%v: %q, not %q", row.why, kinds[got].Name, kinds[row.want].Name)
		}
	}
}

// TestWhatALoopDoesIsRecorded has a client meet short reads and writes, back-pressure
// and a panic.
func TestWhatALoopDoesIsRecorded(t *testing.T) {
	const answer, buffer = 10_000, 1000
	h := build(t, Limits{HighWater: 2000, Conns: 8}, func(c *Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			if len(p) < 3 {
				return 0 // part of a message
			}
			c.Write(make([]byte, answer))
			return len(p)
		}}
	})
	h.k.Buffer = buffer
	stop := h.StartReading()
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("a"))
		s.Sleep(time.Second)
		s.Send(w, []byte("bc"))
		s.Sleep(time.Second)
		h.k.Luck = sim.Luck{NotNow: 500, FullWrite: 500}
		for got := 0; got < answer; {
			p, err := s.Receive(w, nil, buffer)
			if got += len(p); err != nil {
				t.Error(err)
				break
			}
		}
		s.Send(w, []byte("def"))
		s.Receive(w, nil, buffer)
		h.k.Luck = sim.Luck{}
		h.Post(func() {})
		s.Sleep(time.Second)
		w.Reset()
		s.Sleep(time.Second)
		h.Post(stop)
		s.Sleep(time.Second)
	})
	_ = h.live()
	counters := h.Counters()
	for _, row := range []struct {
		kind Kind
		n    uint64 // exactly, 0 for some
		sum  int64  // at least
	}{
		{Turn, 0, 1}, {Accepted, 1, 3}, {Read, 0, 6}, {ReadNotNow, 0, 0}, {ReadPart, 1, 1},
		{Wrote, 0, answer}, {WriteNotNow, 0, 1}, {WritePart, 0, answer - buffer},
		{BackpressureOn, 2, answer - buffer}, {BackpressureOff, 1, 1}, {StateChange, 2, 0},
		{Posted, 0, 1}, {Timers, 0, 1}, {FailedReset, 1, 0},
		{WaitEnded, 0, int64(time.Second)}, {DispatchEnded, 0, 0}, {PostedEnded, 0, 0}, {TimersEnded, 0, 0},
		{FlushEnded, 0, 0}, {ReapEnded, 0, 0}, {Callback, 0, 0},
	} {
		c := counters[row.kind]
		if c.N == 0 || row.n > 0 && c.N != row.n || c.Sum < row.sum {
			t.Errorf("%q: %d records with a sum of %d", kinds[row.kind].Name, c.N, c.Sum)
		}
	}
}

// TestAPauseOfAcceptingIsRecorded fills a loop, so that accepting pauses, and cuts off
// what waits.
func TestAPauseOfAcceptingIsRecorded(t *testing.T) {
	h := build(t, Limits{Conns: 2, Drain: time.Second}, func(*Conn) Protocol {
		return &script{stopping: func(*Conn) {}}
	})
	for i := range 3 {
		h.visitFrom([]string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}[i], func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("a"))
			s.Sleep(5 * time.Second)
			h.Stop()
			s.Sleep(5 * time.Second)
		})
	}
	_ = h.live()
	if h.Count(AcceptPaused) == 0 {
		t.Error("no pause is recorded")
	}
	if n := h.Count(CutInQueue); n != 1 || h.Counters().Cut() != n+h.Count(FailedCut) {
		t.Errorf("%d were cut off in the queue, and %d in all", n, h.Counters().Cut())
	}
}

// TestEveryKindHasItsWords looks for gaps in the table.
func TestEveryKindHasItsWords(t *testing.T) {
	l, err := New(Config{Kernel: sim.New(1), Kinds: []KindInfo{{Name: "a kind of the protocol's"}}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for kind := range LeftOut + 1 {
		r := Record{Kind: kind, Arg: 1}
		if l.KindInfo(kind).Name == "" || l.Describe(&r) == "" {
			t.Errorf("kind %d has no words", kind)
		}
		names = append(names, l.KindInfo(kind).Name)
	}
	slices.Sort(names)
	if n := len(slices.Compact(names)); n != int(LeftOut)+1 {
		t.Errorf("%d names for %d kinds", n, LeftOut+1)
	}
	if got := l.Describe(&Record{Kind: ProtocolKinds, Arg: 7}); got != "a kind of the protocol's 7" {
		t.Errorf("a kind of the protocol's is %q", got)
	}
	for _, kind := range []Kind{LeftOut + 1, ProtocolKinds + 1} {
		if name := l.KindInfo(kind).Name; name != "" {
			t.Errorf("kind %d, which is not in use, has the name %q", kind, name)
		}
	}
}

// TestATraceIsAReader prints a connection, and more of a turn than the ring holds.
func TestATraceIsAReader(t *testing.T) {
	var out bytes.Buffer
	k := sim.New(1)
	l, err := New(Config{Kernel: k, Trace: &out, CheckOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			c.Record(ProtocolKinds, 5, 0)
			c.Write(p)
			return len(p)
		}}
	}); err != nil {
		t.Fatal(err)
	}
	k.Go(func(s *sim.Script) {
		w, _ := k.Dial()
		s.Send(w, []byte("hello"))
		s.Receive(w, nil, 5)
		w.Close()
		s.Sleep(10 * time.Second)
		l.Post(func() {
			for range ringSize + 10 {
				l.record(Posted, nil, 0)
			}
			l.Stop()
		})
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		" turn 1: 1 events\n", " conn 1: accepted as descriptor 4\n", " conn 1: read 5\n", " conn 1 request 5:  0\n",
		": dispatch took ", " conn 1: wrote 5\n", " conn 1: open -> closing\n", " conn 1: closed by the peer\n", " records lost\n",
	} {
		if at := strings.Index(text, want); at < 0 {
			t.Errorf("no line with %q in its place", want)
		} else {
			text = text[at:]
		}
	}
}

// incomparable is an error that is no key of a map.
type incomparable []string

func (e incomparable) Error() string { return e[0] }
