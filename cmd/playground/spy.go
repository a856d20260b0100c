package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A spy is the simulated kernel, with an eye on the calls of the loop. The loop cannot
// tell.
type spy struct {
	*sim.Kernel
	m *machine
}

// Wait lets the machine rest between two turns, when the next one has its events.
func (k *spy) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	k.m.endTurn()
	before := k.Now()
	n, err := k.Kernel.Wait(events, until)
	if err == nil {
		k.m.woken(events[:n], k.Now().Sub(before))
		err = k.m.rest()
	}
	return n, err
}

// Accept notes which connection a descriptor belongs to.
func (k *spy) Accept(listener int) (int, netip.AddrPort, error) {
	fd, from, err := k.Kernel.Accept(listener)
	if err == nil {
		if l := k.m.laneOfPort(from.Port()); l != nil {
			l.fd = fd
		}
	}
	return fd, from, err
}

// Read notes what there was to read.
func (k *spy) Read(fd int, p []byte) (int, error) {
	k.m.drain()
	n, err := k.Kernel.Read(fd, p)
	k.m.called = call{fd: fd, n: n, err: err}
	if err != nil && err != bobbin.ErrNotNow {
		k.m.ended(k.m.laneOfFD(fd), err)
	}
	return n, err
}

// Write notes what the loop offered.
func (k *spy) Write(fd int, p []byte, more bool) (int, error) {
	k.m.writing = call{fd: fd, offered: len(p)}
	k.m.drain()
	k.m.writing = call{}
	n, err := k.Kernel.Write(fd, p, more)
	k.m.called = call{fd: fd, n: n, offered: len(p), err: err}
	if l := k.m.laneOfFD(fd); l != nil {
		l.answer = append(l.answer, p[:n]...)
	}
	return n, err
}

// Writev is Write for several pieces.
func (k *spy) Writev(fd int, pieces [][]byte, more bool) (int, error) {
	var whole []byte
	for _, p := range pieces {
		whole = append(whole, p...)
	}
	return k.Write(fd, whole, more)
}

// A call is the latest one of the loop that moved bytes. Its record comes next.
type call struct {
	fd, n, offered int
	err            error
}

// count says how many there are of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}

// thousands writes a number with a comma, as the page does everywhere.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
