package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// A machine is a server on a simulated kernel, and its clients. The loop and the HTTP code
// are the real ones, unchanged. They run as a coroutine, that rests whenever the loop has
// been woken: so a turn is run whole, from the events that it handles to the next ones.
type machine struct {
	kernel *sim.Kernel
	server *http.Server
	loop   *eventloop.Loop
	start  time.Time

	step  func() (struct{}, bool) // runs one turn
	stop  func()
	pause func(struct{}) bool
	err   error // of the loop, when it has ended

	turn    int // that is about to be run, from 1
	lanes   []*lane
	clients int // since the beginning

	quiet   bool     // no moments are made, because the page shows a later turn
	moments []moment // since the wait before the latest turn
	unsaid  int      // moments from here on have no phase yet
	records []eventloop.Record
	read    uint64 // sequence number of the next record
	called  call
	writing call // the one that is about to be made, if it writes
	infos   []eventloop.ConnInfo
}

// Sizes of this machine, small enough to be met.
const (
	socketSize = 512  // bytes in each direction
	highWater  = 1024 // bytes
	maxLanes   = 6

	headTimeout = time.Second
)

// errOver ends the loop of a machine that is not wanted any more.
var errOver = errors.New("the machine was stopped")

// newMachine makes a machine with one visitor, whose loop is about to have its first turn.
func newMachine(seed uint64) (*machine, error) {
	k := sim.New(seed)
	k.Buffer = socketSize
	m := &machine{kernel: k, start: k.Now()}
	var err error
	m.server, err = http.NewServer(http.Config{
		Handler: site().Serve,
		Limits:  http.Limits{HighWater: highWater, HeadTimeout: headTimeout},
		Log:     slog.New(slog.DiscardHandler),
		Loop:    eventloop.Config{Kernel: &spy{k, m}, CheckOwner: true},
	})
	if err != nil {
		return nil, err
	}
	m.loop = m.server.Loop()
	if _, err := m.server.Listen(":80"); err != nil {
		return nil, err
	}
	// With a follower the loop records everything. Its records are read when it calls the
	// kernel, and so before its follower would get them.
	m.loop.Follow(func([]eventloop.Record, uint64) {})
	m.add(habits[0])
	m.step, m.stop = iter.Pull(func(yield func(struct{}) bool) {
		m.pause = yield
		m.err = m.server.Run()
	})
	m.step()
	return m, m.err
}

// rest waits until the next turn is wanted.
func (m *machine) rest() error {
	m.turn++
	if !m.pause(struct{}{}) {
		return errOver
	}
	return nil
}

// end stops the machine, and gives back all that it holds.
func (m *machine) end() {
	m.stop()
	m.kernel.Abandon()
}

// runTurn runs one turn: the moments are then those of the turn, with the wait before it,
// and those of the wait for the next one.
func (m *machine) runTurn() {
	i := slices.IndexFunc(m.moments, func(at moment) bool { return at.Turn == m.turn })
	m.moments = slices.Delete(m.moments, 0, max(i, 0))
	m.unsaid = len(m.moments)
	m.lanes = slices.DeleteFunc(m.lanes, func(l *lane) bool { return l.end != "" })
	m.step()
	if m.err != nil {
		m.moment(moment{Text: "the loop has ended", Why: m.err.Error()})
	}
}

// add has one more client connect while the loop waits next.
func (m *machine) add(h habit) bool {
	if len(m.lanes) >= maxLanes {
		return false
	}
	m.clients++
	l := &lane{client: m.clients, habit: h}
	m.lanes = append(m.lanes, l)
	m.kernel.Go(func(s *sim.Script) {
		for {
			wire, err := m.kernel.Dial()
			if err != nil {
				m.act(l, "cannot connect", err.Error(), "connect")
				l.end = "refused"
				return
			}
			l.wire = wire
			m.act(l, "connects", "The connection waits in the queue of the listener until the loop accepts it.", "connect")
			h.run(m, l, s)
			if h.ID != habits[0].ID {
				return
			}
			s.Sleep(m.kernel.Between(100*time.Millisecond, time.Second))
			m.clients++
			l = &lane{client: m.clients, habit: h}
			m.lanes = append(m.lanes, l)
		}
	})
	return true
}

func (m *machine) laneOfPort(port uint16) *lane {
	return m.find(func(l *lane) bool { return l.conn == 0 && l.wire != nil && l.wire.Port() == port })
}

func (m *machine) laneOfFD(fd int) *lane {
	return m.find(func(l *lane) bool { return l.fd == fd && l.end == "" })
}

func (m *machine) laneOf(conn uint32) *lane {
	return m.find(func(l *lane) bool { return l.conn == conn && conn != 0 })
}

func (m *machine) find(is func(*lane) bool) *lane {
	if i := slices.IndexFunc(m.lanes, is); i >= 0 {
		return m.lanes[i]
	}
	return nil
}

// act notes something that a client does, while the loop waits.
func (m *machine) act(l *lane, text, why, place string) {
	m.moment(moment{Client: l.client, Conn: l.conn, Text: text, Why: why, Place: place, Source: sourceClient})
}

// ended notes that a read has met the end of a connection, or its failure.
func (m *machine) ended(l *lane, err error) {
	if l == nil {
		return
	}
	at := moment{Client: l.client, Conn: l.conn, Place: "end", Source: sourceKernel, Weight: 40, Text: "reads the end",
		Why: "The client has sent its last byte, and everything before it was read. The protocol decides whether to answer."}
	if err != io.EOF {
		at.Place, at.Weight, at.Text = "broken", 80, "the read fails: the client has reset the connection"
		at.Why = "An error ends one connection and nothing else. It is closed when this turn ends, and its answer is given up."
	}
	m.moment(at)
}

// woken notes the end of a wait.
func (m *machine) woken(events []bobbin.Event, slept time.Duration) {
	if m.quiet {
		return
	}
	at := moment{Place: "wait", Source: sourceKernel, Weight: 1, Text: "wakes up with " + count(len(events), "event")}
	for i, e := range events {
		if i == 0 {
			at.Why = "The kernel reports that "
		} else {
			at.Why += "; "
		}
		at.Why += m.eventText(e)
	}
	if len(events) > 0 {
		at.Why += ". A report is a hint, and the calls of this turn tell the truth."
	} else {
		at.Why = "Nothing is ready: a time has come, work was left over from the last turn, or the wait was cut short."
	}
	if slept >= time.Millisecond {
		at.Text = fmt.Sprintf("sleeps for %v, and %s", slept.Round(time.Millisecond), at.Text)
	}
	m.moment(at)
	for i := m.unsaid; i < len(m.moments); i++ {
		m.moments[i].Phase, m.moments[i].Turn = phaseWait, m.turn+1
	}
	m.unsaid = len(m.moments)
}

func (m *machine) eventText(e bobbin.Event) string {
	l := m.laneOfFD(e.FD)
	if l == nil {
		return fmt.Sprintf("a connection waits at the listener, descriptor %d", e.FD)
	}
	text := fmt.Sprintf("connection %d, descriptor %d,", l.conn, e.FD)
	switch e.Ready &^ bobbin.HungUp {
	case bobbin.Readable:
		text += " can be read"
	case bobbin.Writable:
		text += " has room"
	default:
		text += " can be read and has room"
	}
	if e.Ready&bobbin.HungUp != 0 {
		text += ", and its peer has ended"
	}
	return text
}

// drain makes moments of the records that have come since the last call.
func (m *machine) drain() {
	m.records, m.read, _ = m.loop.ReadSince(m.read, m.records[:0])
	if len(m.records) == 0 {
		return
	}
	m.infos = m.loop.Connections(m.infos[:0])
	for i := range m.records {
		m.onRecord(&m.records[i])
	}
}

// endTurn makes moments of what is left of a turn.
func (m *machine) endTurn() {
	m.drain()
	m.endPhase(phaseReap)
}

// endPhase puts the moments that have no phase yet into one.
func (m *machine) endPhase(phase int) {
	for i := m.unsaid; i < len(m.moments); i++ {
		m.moments[i].Phase, m.moments[i].Turn = phase, m.turn
	}
	m.unsaid = len(m.moments)
}

// moment adds one, with the lanes as they are now.
func (m *machine) moment(at moment) {
	if m.quiet {
		return
	}
	for _, l := range m.lanes {
		if l.wire != nil {
			at.Lanes = append(at.Lanes, l.view())
		}
	}
	m.moments = append(m.moments, at)
}
