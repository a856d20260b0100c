// Package meter measures the resources of a server under load: processor time and,
// where possible, instructions; memory; system calls. It measures from outside, so
// that the server is the one that ships.
package meter

import (
	"context"
	"errors"
	"time"
)

// A Meter measures processes on one core.
type Meter struct {
	// Instructions reports whether they can be counted. Otherwise servers are
	// compared by processor time, which a noisy machine stretches.
	Instructions bool
	Why          string // the reason why they cannot be counted

	serverCore int
	clientCore int
	scratch    string
}

// New determines the possible measurements on this machine. It puts files into the
// folder scratch, and runs its tools on the client's core.
func New(ctx context.Context, serverCore, clientCore int, scratch string) *Meter {
	m := &Meter{serverCore: serverCore, clientCore: clientCore, scratch: scratch}
	if err := canCount(ctx, scratch); err != nil {
		m.Why = err.Error()
	} else {
		m.Instructions = true
	}
	return m
}

// A Cost is the resources used between Begin and End.
type Cost struct {
	CPU                time.Duration // user and kernel, all threads and children
	User, Kernel       time.Duration // an estimate of the division of CPU
	UserInstructions   float64       // 0 if they cannot be counted
	KernelInstructions float64
	Took               time.Duration
	Others             time.Duration // of other processes on the server's core; -1 if unknown
}

// A Measurement is in progress.
type Measurement struct {
	meter             *Meter
	pid               int
	counter           *counter
	began             time.Time
	busy              time.Duration // -1 if unknown
	cpu, user, kernel time.Duration
}

// Begin begins to measure a process and its descendants.
func (m *Meter) Begin(ctx context.Context, pid int) (*Measurement, error) {
	x := &Measurement{meter: m, pid: pid}
	family := Family(pid)
	var err error
	if m.Instructions {
		if x.counter, err = startCounter(ctx, family, m.clientCore, m.scratch, perfEvents); err != nil {
			return nil, err
		}
	}
	if x.busy, err = busy(m.serverCore); err != nil {
		x.busy = -1
	}
	if x.cpu, x.user, x.kernel, err = used(family); err != nil {
		return nil, err
	}
	x.began = time.Now()
	return x, nil
}

// End returns the resources used since Begin.
func (x *Measurement) End() (c Cost, err error) {
	c.Took = time.Since(x.began)
	cpu, user, kernel, err := used(Family(x.pid))
	c.CPU, c.User, c.Kernel = cpu-x.cpu, user-x.user, kernel-x.kernel
	c.Others = x.others(c.CPU)
	if x.counter != nil { // also after an error, to stop the counter
		text, counterErr := x.counter.stop()
		if counterErr == nil {
			c.UserInstructions, c.KernelInstructions, counterErr = parsePerf(text)
		}
		err = errors.Join(err, counterErr)
	}
	return c, err
}

// others returns how long other processes used the server's core.
func (x *Measurement) others(own time.Duration) time.Duration {
	now, err := busy(x.meter.serverCore)
	if err != nil || x.busy < 0 {
		return -1
	}
	return max(0, now-x.busy-own)
}
