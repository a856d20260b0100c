package main

import (
	"bytes"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// The clients of the simulated machine. Each is a script of the simulator: a function
// that runs while the loop waits, and may wait itself.

// A habit is a kind of client.
type habit struct {
	ID   string // in a link
	Name string
	Lane string // the name, as a lane has it
	Text string // what it does
	run  func(m *machine, l *lane, s *sim.Script)
}

// habits are the clients that there are. The first is there from the beginning.
var habits = []habit{
	{"visitor", "a visitor", "visitor", "Sends a request of 27 bytes, takes the answer, and asks again.", visit},
	{"slow", "a slow reader", "slow reader", "Asks for 4,080 bytes, and takes 300 of them at a time.", readSlowly},
	{"reset", "a client that resets", "resets", "Asks for 4,080 bytes, takes 300, and breaks the connection.", resetMidway},
	{"half", "a client that stops", "stops half way", "Sends 18 bytes of a request, and then nothing.", stopHalfway},
}

const (
	shortRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	longRequest  = "GET /yarn HTTP/1.1\r\nHost: a\r\n\r\n"
	halfRequest  = "GET / HTTP/1.1\r\nHo"
)

// visit asks for the short page, again and again.
func visit(m *machine, l *lane, s *sim.Script) {
	for range 12 {
		if m.send(l, s, shortRequest) != nil || m.receive(l, s, 1000, 0) != nil {
			return
		}
		s.Sleep(m.kernel.Between(20*time.Millisecond, 200*time.Millisecond))
	}
	l.wire.Close()
	m.act(l, "closes its connection", "It has asked often enough. The loop reads the end, and closes, too.", "visit")
}

// readSlowly takes a long answer in small pieces.
func readSlowly(m *machine, l *lane, s *sim.Script) {
	for m.send(l, s, longRequest) == nil {
		if m.receive(l, s, 300, 50*time.Millisecond) != nil {
			return
		}
	}
}

// resetMidway breaks the connection while its answer is on its way.
func resetMidway(m *machine, l *lane, s *sim.Script) {
	if m.send(l, s, longRequest) != nil || m.take(l, s, 300) != nil {
		return
	}
	s.Sleep(30 * time.Millisecond)
	l.wire.Reset()
	m.act(l, "resets the connection", "Bytes on their way are lost, in both directions. The loop has an event, and the next call tells it why.", "reset")
}

// stopHalfway begins a request, and never ends it.
func stopHalfway(m *machine, l *lane, s *sim.Script) {
	if m.send(l, s, halfRequest) == nil {
		m.receive(l, s, 1000, 0)
	}
}

// send sends a whole request.
func (m *machine) send(l *lane, s *sim.Script, text string) error {
	l.begin(text)
	err := s.Send(l.wire, []byte(text))
	if err != nil {
		return err
	}
	l.sent += len(text)
	m.act(l, "sends "+count(len(text), "byte"), "They are in the socket of the connection now. The loop has none of them yet.", "send")
	return nil
}

// receive takes an answer to its end, some bytes at a time, with a pause before each.
func (m *machine) receive(l *lane, s *sim.Script, most int, pause time.Duration) error {
	for !l.answered() {
		if pause > 0 {
			s.Sleep(pause)
		}
		if err := m.take(l, s, most); err != nil {
			return err
		}
	}
	return nil
}

// take takes some bytes of an answer, as soon as there are some.
func (m *machine) take(l *lane, s *sim.Script, most int) error {
	p, err := s.Receive(l.wire, nil, most)
	if len(p) > 0 {
		l.received = append(l.received, p...)
		l.taken += len(p)
		m.act(l, "takes "+count(len(p), "byte"), "That makes room in the socket. If the loop has met a full one, an event tells it.", "take")
	}
	if err != nil && !l.wire.Broken() {
		l.wire.Close()
	}
	return err
}

// answered reports whether the client has all of the answer that it waits for.
func (l *lane) answered() bool {
	head, body, whole := bytes.Cut(l.received, []byte("\r\n\r\n"))
	_, length, _ := bytes.Cut(head, []byte("Content-Length: "))
	length, _, _ = bytes.Cut(length, []byte("\r\n"))
	size, err := strconv.Atoi(string(length))
	return whole && err == nil && len(body) >= size
}
