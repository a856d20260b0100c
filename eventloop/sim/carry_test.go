package sim_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A mux carries streams in frames of a number, a length and as many bytes. One of length 0 ends a
// stream, and gone in place of a length says that it was aborted. The protocol of each stream is
// an echo.
type mux struct {
	t       *testing.T
	carried eventloop.Carried
	conn    *eventloop.Conn
	streams [8]*muxStream
	done    [8]bool // streams that are over
	queue   []*muxStream
	over    *int // streams that have ended
	begun   *int
}

const (
	longestFrame = 100
	gone         = 255
	deadly       = 7 // a byte for which an echo aborts its stream
)

// A muxStream is a stream of a mux.
type muxStream struct {
	stream eventloop.Stream
	conn   eventloop.Conn
	number byte
	owed   int // bytes that its protocol has not used
	said   bool
	ended  bool // the client has
}

var errDeadly = errors.New("the stream aborts")

// muxEcho is the echo of a stream. It pauses now and then.
type muxEcho struct {
	m *mux
	s *muxStream
}

func (e muxEcho) OnData(c *eventloop.Conn, p []byte) int {
	if bytes.IndexByte(p, deadly) >= 0 {
		c.Abort(errDeadly)
		return len(p)
	}
	n := min(len(p), 1+len(p)/2)
	c.Write(p[:n])
	if c.SetDeadline(time.Hour); n < len(p) {
		c.Again()
	}
	if len(p)%5 == 0 {
		c.Pause()
		e.m.conn.Loop().After(time.Millisecond, c.Resume)
	}
	return n
}
func (e muxEcho) OnEOF(c *eventloop.Conn)        { c.Close() }
func (e muxEcho) OnTimeout(c *eventloop.Conn)    { c.Close() }
func (e muxEcho) OnShutdown(c *eventloop.Conn)   { c.Close() }
func (e muxEcho) OnClose(*eventloop.Conn, error) {}

func (m *mux) OnData(c *eventloop.Conn, p []byte) (used int) {
	for used+2 <= len(p) {
		number, n := p[used]%8, int(p[used+1])
		if used+2+n > len(p) {
			break
		}
		data := p[used+2 : used+2+n]
		used += 2 + n
		s := m.streams[number]
		if s == nil {
			if n == 0 || m.done[number] {
				continue
			}
			s = &muxStream{number: number}
			s.stream.Of = s
			m.streams[number] = s
			*m.begun++
			m.carried.Begin(&s.stream, &s.conn, muxEcho{m, s})
		}
		if s.ended {
			continue
		}
		if n == 0 {
			s.ended = true
			s.stream.ShowEnd()
			continue
		}
		s.owed += n
		s.stream.Show(data)
	}
	return used
}

func (m *mux) OnStream(s *eventloop.Stream) {
	if of := s.Of.(*muxStream); s.Queued() > 0 || s.Ended() {
		m.queue = append(m.queue, of)
	}
}

func (m *mux) OnRoom() {
	for len(m.queue) > 0 {
		if m.conn.Buffered() > 500 {
			m.carried.Wait(500)
			return
		}
		s := m.queue[0]
		m.queue = m.queue[1:]
		if s.said || s.conn.State() == eventloop.Dead {
			continue
		}
		p, _, err := s.stream.Next(longestFrame)
		if err != nil {
			m.t.Error(err)
		}
		if len(p) > 0 || s.stream.Ended() {
			m.conn.Write(append([]byte{s.number, byte(len(p))}, p...))
		}
		if len(p) > 0 {
			s.stream.Took(len(p))
			m.queue = append(m.queue, s)
			continue
		}
		if s.stream.Ended() {
			s.said = true
			if s.stream.Kept() > 0 || s.owed > 0 && s.conn.State() != eventloop.Closing {
				m.t.Errorf("a stream has ended with %d bytes, %d of them kept", s.owed, s.stream.Kept())
			}
			if s.stream.End() {
				*m.over++
				m.streams[s.number], m.done[s.number] = nil, true
			}
		}
	}
}

func (m *mux) OnUsed(s *eventloop.Stream, n int) {
	of := s.Of.(*muxStream)
	if of.owed -= n; of.owed < 0 {
		m.t.Error("more is used than was shown")
	}
}

func (m *mux) OnStreamOver(s *eventloop.Stream, why error) {
	of := s.Of.(*muxStream)
	*m.over++
	m.streams[of.number], m.done[of.number] = nil, true
	if why == errDeadly {
		m.conn.Write([]byte{of.number, gone})
	} else if why != nil && why != eventloop.ErrCarrierClosed {
		m.t.Errorf("a stream has ended for %v", why)
	}
}

func (m *mux) OnEOF(c *eventloop.Conn)      { c.Close() }
func (m *mux) OnTimeout(c *eventloop.Conn)  {}
func (m *mux) OnShutdown(c *eventloop.Conn) { c.Close() }
func (m *mux) OnClose(*eventloop.Conn, error) {
	m.carried.Over()
}

func TestStreamsOnOneConnectionSayWhatTheyHear(t *testing.T) { seeds(t, runMux) }

func runMux(t *testing.T, seed uint64, trace io.Writer) uint64 {
	k := sim.NewUnlucky(seed)
	loop, err := eventloop.New(eventloop.Config{
		Kernel: k, Trace: trace, CheckOwner: seed%20 == 0,
		Limits: eventloop.Limits{HighWater: 1 << 10},
	})
	if err != nil {
		t.Fatal(err)
	}
	begun, over := 0, 0
	_, err = loop.Listen(bobbin.Address{}, bobbin.ListenOptions{}, func(c *eventloop.Conn) eventloop.Protocol {
		m := &mux{t: t, conn: c, begun: &begun, over: &over}
		m.carried.Carry(c, m)
		return m
	})
	if err != nil {
		t.Fatal(err)
	}
	turns := 0
	k.Every = func() {
		if turns++; turns == 3000 {
			k.Calm()
		}
		if k.Running() == 0 && !loop.Stopping() {
			loop.Stop()
		}
	}
	for range 1 + k.Roll(3) {
		k.Go(func(s *sim.Script) { playMux(t, k, s) })
	}
	err = loop.Run()
	k.Abandon()
	report(t, k, loop, err)
	if begun != over {
		t.Errorf("%d streams began, %d ended", begun, over)
	}
	return k.Hash()
}

// playMux is a client with up to eight streams.
func playMux(t *testing.T, k *sim.Kernel, s *sim.Script) {
	w, err := k.Dial()
	if err != nil {
		t.Errorf("dial: %v", err)
		return
	}
	var said, heard [8][]byte
	var dies, ended [8]bool
	var in []byte
	open := 1 + k.Roll(8)
	for range 1 + k.Roll(60) {
		n := k.Roll(open)
		p := make([]byte, 1+k.Roll(longestFrame))
		for i := range p {
			p[i] = byte(k.Roll(256))
			if p[i] == deadly && k.Roll(50) > 0 {
				p[i]++
			}
			dies[n] = dies[n] || p[i] == deadly
		}
		said[n] = append(said[n], p...)
		if s.Send(w, append([]byte{byte(n), byte(len(p))}, p...)) != nil {
			return
		}
		if k.Roll(3) == 0 {
			s.Sleep(k.Between(0, 5*time.Millisecond))
		}
		if k.Roll(200) == 0 {
			w.Reset()
			return
		}
	}
	for n := range open {
		if s.Send(w, []byte{byte(n), 0}) != nil {
			return
		}
	}
	left := 0
	for n := range open {
		if len(said[n]) > 0 {
			left++
		}
	}
	for left > 0 {
		if in, err = s.Receive(w, in, 1+k.Roll(3000)); err != nil {
			return
		}
		for len(in) >= 2 {
			n, size := in[0], int(in[1])
			if size == gone {
				in, left, ended[n] = in[2:], left-1, true
				if !dies[n] {
					t.Errorf("stream %d was aborted", n)
				}
				continue
			}
			if len(in) < 2+size {
				break
			}
			heard[n] = append(heard[n], in[2:2+size]...)
			if in = in[2+size:]; size > 0 {
				continue
			}
			left--
			if ended[n] || dies[n] {
				t.Errorf("stream %d has ended once more, or not died", n)
			}
			ended[n] = true
			if !bytes.Equal(said[n], heard[n]) {
				t.Errorf("stream %d: %d bytes were heard of %d", n, len(heard[n]), len(said[n]))
			}
		}
	}
	w.Close()
}
