package http

import (
	"slices"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// What clients of HTTP/2 have found over the simulated kernel, each by itself.

// hello sends the preface and SETTINGS with an INITIAL_WINDOW_SIZE.
func (m *h2Model) hello(window uint32) {
	m.out = append(m.out, h2.Preface...)
	m.unacked, m.window = append(m.unacked, h2Change{below: 1}), int64(window)
	m.emit(h2.FrameHeader{Type: h2.FrameSettings}, append([]byte{0, byte(h2.SettingInitialWindowSize)}, number(window)...))
}

// ask begins a request without a body, or with some bytes of one.
func (m *h2Model) ask(path string, body string) *h2Ask {
	for _, kind := range slices.Concat(h2Kinds, h2RareKinds) {
		if kind.path == path {
			a := &h2Ask{kind: kind, leaveAt: -1, length: -1, a: "a", b: "b", body: []byte(body)}
			m.asks = append(m.asks, a)
			m.begin(a)
			return a
		}
	}
	panic("there is no kind " + path)
}

// flush sends all that is queued, and hears what comes in a time.
func (m *h2Model) flush(d time.Duration) {
	for until := m.k.Now().Add(d); m.k.Now().Before(until); m.s.Sleep(min(d, time.Millisecond)) {
		for m.push() {
		}
		m.hear()
	}
}

// TestAStreamIsNotUsedAgainWhileItsHandlerRuns has clients reset streams whose handlers run off
// the loop. The next streams must not have their memory.
func TestAStreamIsNotUsedAgainWhileItsHandlerRuns(t *testing.T) {
	k := sim.New(1)
	k.Luck.SlowWork = 1000 // up to a second
	talkH2(t, k, Limits{}, func(_ *h2Watch, m *h2Model) {
		m.hello(h2.DefaultWindow)
		for range 3 {
			m.leave(m.ask("/blocking/ticks", ""))
			m.flush(2 * time.Millisecond)
		}
		m.ask("/fields", "")
		m.flush(3 * time.Second)
		m.drive(m.over, true)
	})
}

// TestABodyThatIsTooLargeForAHandlerOffTheLoopHasAnAnswer has the server answer in place of the
// handler, which still runs.
func TestABodyThatIsTooLargeForAHandlerOffTheLoopHasAnAnswer(t *testing.T) {
	kind := &h2Kind{path: "/blocking/body", want: h2Says("413", "413 Content Too Large: the body is too large\n")}
	talkH2(t, sim.New(1), Limits{Body: 100}, func(_ *h2Watch, m *h2Model) {
		m.hello(h2.DefaultWindow)
		a := &h2Ask{kind: kind, leaveAt: -1, length: -1, body: make([]byte, 5000)}
		m.asks = append(m.asks, a)
		m.drive(m.over, true)
	})
}

// TestFramesBehindTheLastGoAwayAreIgnored has a client send a request with a body before it has
// heard the GOAWAY: that must not cost the request before.
func TestFramesBehindTheLastGoAwayAreIgnored(t *testing.T) {
	talkH2(t, sim.New(1), Limits{}, func(w *h2Watch, m *h2Model) {
		m.hello(h2.DefaultWindow)
		m.ask("/stream", "")
		m.flush(10 * time.Millisecond)
		w.server.Stop()
		for m.goAways < 2 && m.fault == nil && m.end == nil {
			m.flush(10 * time.Millisecond)
		}
		late := &h2Ask{kind: h2Kinds[1], leaveAt: -1, missed: true, a: "a", b: "b", body: []byte("a body")}
		m.begin(late)
		late.send = h2.DefaultWindow
		m.sendBody(late)
		m.emit(h2.FrameHeader{Type: h2.FrameWindowUpdate, Stream: late.id}, number(5))
		m.leave(late)
		m.drive(m.over, true)
	})
}

// TestPingsAreAnsweredWhenTheClientReadsAgain has a client send more PING than the server keeps
// answers for, and read late.
func TestPingsAreAnsweredWhenTheClientReadsAgain(t *testing.T) {
	k := sim.New(1)
	k.Buffer = 4 << 10
	talkH2(t, k, Limits{ControlQueue: 5}, func(_ *h2Watch, m *h2Model) {
		m.hello(1 << 20)
		m.receive += 300_000
		m.emit(h2.FrameHeader{Type: h2.FrameWindowUpdate}, number(300_000))
		m.ask("/large", "")
		for i := range byte(100) {
			data := [8]byte{i}
			m.pings = append(m.pings, data)
			m.emit(h2.FrameHeader{Type: h2.FramePing}, data[:])
		}
		for range 1000 {
			m.push()
			m.s.Sleep(time.Millisecond)
		}
		m.drive(m.over, false)
	})
}

// TestTheLoopSleepsWhileAClientReadsNothing has less be framed than half of HighWater.
func TestTheLoopSleepsWhileAClientReadsNothing(t *testing.T) {
	k := sim.New(1)
	k.Buffer = 1 << 10
	talkH2(t, k, Limits{Ahead: 4 << 10}, func(w *h2Watch, m *h2Model) {
		m.hello(1 << 20)
		m.ask("/large", "")
		for m.push() {
		}
		m.s.Sleep(time.Second)
		before := w.server.loop.Count(eventloop.Turn)
		m.s.Sleep(10 * time.Second)
		if n := w.server.loop.Count(eventloop.Turn) - before; n > 100 {
			t.Errorf("the loop has turned %d times in ten seconds", n)
		}
		m.drive(m.over, true)
	})
}

// TestAFieldBlockHasADeadlineBehindAnAnswer has a client begin a field block, and not end it, when
// an answer has just been sent.
func TestAFieldBlockHasADeadlineBehindAnAnswer(t *testing.T) {
	talkH2(t, sim.New(1), Limits{HeadTimeout: 3 * time.Second}, func(_ *h2Watch, m *h2Model) {
		m.hello(h2.DefaultWindow)
		m.ask("/", "")
		m.drive(m.over, true)
		m.loose = true // the end is an error of ours
		m.emit(h2.FrameHeader{Type: h2.FrameHeaders, Stream: 3}, []byte{0x82})
		if m.flush(5 * time.Second); m.end == nil {
			t.Error("the connection is open after five seconds")
		}
	})
}

// TestAnIdleConnectionIsClosedInTime has a client that does something else than ask before it is
// idle.
func TestAnIdleConnectionIsClosedInTime(t *testing.T) {
	talkH2(t, sim.New(1), Limits{IdleTimeout: 10 * time.Second}, func(_ *h2Watch, m *h2Model) {
		m.hello(h2.DefaultWindow)
		m.ask("/", "")
		m.drive(m.over, true)
		m.emit(h2.FrameHeader{Type: h2.FrameWindowUpdate}, number(1))
		if m.flush(11 * time.Second); m.end == nil {
			t.Error("the connection is open after eleven seconds")
		}
	})
}

// TestAnAnsweredStreamDoesNotKeepItsConnection has a client get its answer, and never end its
// request.
func TestAnAnsweredStreamDoesNotKeepItsConnection(t *testing.T) {
	talkH2(t, sim.New(1), Limits{IdleTimeout: 10 * time.Second}, func(_ *h2Watch, m *h2Model) {
		m.hello(h2.DefaultWindow)
		a := m.ask("/", "a body that does not come")
		if m.flush(20 * time.Second); !a.ended || m.end == nil {
			t.Errorf("the request is answered: %v; the end of the connection: %v", a.ended, m.end)
		}
	})
}

// TestAConnectionThatEndsWhileItLeavesIsForgotten has a client reset its connection behind the
// last GOAWAY, when it owes much.
func TestAConnectionThatEndsWhileItLeavesIsForgotten(t *testing.T) {
	k := sim.New(1)
	k.Buffer = 1 << 10
	limits := Limits{}
	limits.HighWater = 10_000
	talkH2(t, k, limits, func(w *h2Watch, m *h2Model) {
		m.hello(1 << 20)
		m.ask("/large", "")
		m.flush(2 * time.Millisecond)
		w.server.Stop()
		m.s.Sleep(3 * time.Second)
		m.w.Reset()
	})
}

// TestTheNextFrameFollowsTheWindowOfTheConnection leaves less room in the connection than a frame
// has, and makes room at once.
func TestTheNextFrameFollowsTheWindowOfTheConnection(t *testing.T) {
	talkH2(t, sim.New(1), Limits{}, func(_ *h2Watch, m *h2Model) {
		m.hello(32_500)
		for range 3 {
			m.ask("/large", "")
		}
		m.flush(50 * time.Millisecond)
		if m.receive != 535 {
			t.Fatalf("the connection has room for %d bytes", m.receive)
		}
		m.giveBackAll()
		m.receive += 100_000
		m.emit(h2.FrameHeader{Type: h2.FrameWindowUpdate}, number(100_000))
		m.flush(50 * time.Millisecond)
		if n := len(m.asks[0].heard) + len(m.asks[1].heard) + len(m.asks[2].heard); n != 3*32_500 {
			t.Errorf("%d bytes have come so far", n)
		}
		m.drive(m.over, true)
	})
}

// TestABodyMayComeBeforeTheClientKnowsTheWindow has a client send a body before it has read the
// SETTINGS (RFC 9113 section 6.9.2).
func TestABodyMayComeBeforeTheClientKnowsTheWindow(t *testing.T) {
	talkH2(t, sim.New(1), Limits{StreamWindow: 100}, func(_ *h2Watch, m *h2Model) {
		m.hello(h2.DefaultWindow)
		a := m.ask("/echo", string(make([]byte, 5000)))
		for !a.closed {
			m.sendBody(a)
		}
		m.drive(m.over, true)
	})
}

// TestABodyThatWaitsLeavesRoomForOthers has a client send a body that its handler does not read yet,
// as large as the window of a connection is at first, and then another body.
func TestABodyThatWaitsLeavesRoomForOthers(t *testing.T) {
	k := sim.New(1)
	k.Luck.SlowWork = 1000 // up to a second
	talkH2(t, k, Limits{}, func(_ *h2Watch, m *h2Model) {
		m.hello(h2.DefaultWindow)
		first := m.ask("/blocking/ticks", string(make([]byte, 70_000)))
		for m.send > 0 && m.fault == nil {
			m.sendBody(first)
		}
		m.flush(2 * time.Millisecond)
		second := m.ask("/echo", "a body")
		for !second.closed && m.send > 0 {
			m.sendBody(second)
		}
		if m.flush(10 * time.Millisecond); !second.ended {
			t.Errorf("the second body has no answer: the connection has room for %d bytes", m.send)
		}
		m.drive(m.over, true)
	})
}

// TestPrioritiesOfStreamsThatNeverBeginAreForgotten has a client send a hundred priorities, leave out the
// streams that they are for, and send one more.
func TestPrioritiesOfStreamsThatNeverBeginAreForgotten(t *testing.T) {
	early := h2Each(h2Early, func(stream uint32) string { return h2Urgency(stream, 0) })
	row := bite{
		run: talkByFrames(h2Window(1<<20), early, h2Fetch(201, "/"), h2Urgency(205, 0)+h2Fetch(203, "/size/20000")+h2Fetch(205, "/size/20000")),
		want: "200 on 201, 5 bytes on 201, 200 on 203, 200 on 205, " +
			"16384 bytes on 205, 3616 bytes on 205, 16384 bytes on 203, 3616 bytes on 203 open",
	}
	row.try(t)
}

// TestTheSocketOfHTTP2TakesLittleAtATime: what the socket has taken cannot be overtaken by what is more
// urgent. Over HTTP/1.1 nothing overtakes.
func TestTheSocketOfHTTP2TakesLittleAtATime(t *testing.T) {
	for _, row := range []struct {
		says   string
		shorts int
	}{{h2Begin + h2Fetch(1, "/"), 1}, {get(""), 0}} {
		k := sim.New(1)
		if err := stage(t, k, Config{Handler: site}, func(_ *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte(row.says))
			c.Sleep(time.Millisecond)
			w.Close()
		}); err != nil {
			t.Error(err)
		}
		if k.Shorts != row.shorts {
			t.Errorf("behind %.20q, KeepUnsentShort was called %d times", row.says, k.Shorts)
		}
	}
}

// TestInterimAnswersWaitForTheClient has a handler send ten megabytes of interim answers to a client
// that does not read.
func TestInterimAnswersWaitForTheClient(t *testing.T) {
	for _, path := range []string{"/streaming/many-hints", "/blocking/many-hints"} {
		talkH2(t, sim.New(1), Limits{}, func(w *h2Watch, m *h2Model) {
			m.hello(h2.DefaultWindow)
			m.ask(path, "")
			for m.push() {
			}
			most := int64(0)
			for range 100 {
				m.s.Sleep(10 * time.Millisecond)
				most = max(most, w.server.loop.Memory())
			}
			if most > 500_000 {
				t.Errorf("%s: %d bytes wait for the client", path, most)
			}
			m.drive(m.over, true)
		})
	}
}

// TestAConnectionThatBeginsBehindAStopIsTold has a client send its preface when the server has
// been stopped.
func TestAConnectionThatBeginsBehindAStopIsTold(t *testing.T) {
	talkH2(t, sim.New(1), Limits{Drain: time.Minute}, func(w *h2Watch, m *h2Model) {
		m.s.Sleep(10 * time.Millisecond)
		w.server.Stop()
		m.s.Sleep(10 * time.Millisecond)
		m.hello(h2.DefaultWindow)
		m.ask("/", "")
		if m.flush(5 * time.Second); m.goAways != 2 || m.end == nil {
			t.Errorf("%d GOAWAY came in five seconds, and the end: %v", m.goAways, m.end)
		}
		if !m.answeredAll() {
			t.Error("the request was not answered")
		}
	})
}
