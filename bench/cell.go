package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bobbin-http/bobbin/bench/load"
	"github.com/bobbin-http/bobbin/bench/meter"
	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// The measurement of one server in one scenario.

// A loader makes requests to a server for some seconds.
type loader func(ctx context.Context, c *cell, seconds int) (load.Outcome, error)

// A cell is one server in one scenario in one round.
type cell struct {
	bench    *bench
	scenario *scenario
	running  *server.Running
	result   *report.Server
	round    int
	seconds  int
}

// closedLoop is wrk.
func closedLoop(ctx context.Context, c *cell, seconds int) (load.Outcome, error) {
	r := c.scenario.request
	return load.Wrk{
		URL:         r.URL(c.running.Address),
		Connections: c.scenario.connections,
		Seconds:     seconds,
		Fields:      r.AllFields(),
		Pipeline:    r.Pipeline,
		Changing:    c.scenario.changing,
		Core:        c.bench.cores.Client,
		Scratch:     c.bench.shop.Scratch,
	}.Run(ctx)
}

func (c *cell) job(kind load.Kind, seconds int) load.Job {
	return load.Job{
		Kind:        kind,
		To:          c.running.Address,
		Request:     c.scenario.request.Text(c.running.Address),
		Connections: c.scenario.connections,
		TLS:         c.scenario.request.TLS,
		Rate:        c.scenario.rate,
		Lasts:       time.Duration(seconds) * time.Second,
	}
}

func openLoop(ctx context.Context, c *cell, seconds int) (load.Outcome, error) {
	return c.job(load.OpenLoop, seconds).Run(ctx, c.bench.cores.Client)
}

func handshaking(kind load.Kind) loader {
	return func(ctx context.Context, c *cell, seconds int) (load.Outcome, error) {
		return c.job(kind, seconds).Run(ctx, c.bench.cores.Client)
	}
}

// gathering is the longest time for opening all idle connections.
const gathering = 30 * time.Second

func (c *cell) crowd(n int) (*load.Crowd, error) {
	j := c.job(load.Hold, 0)
	j.Connections = n
	return j.Gather(c.bench.ctx, c.bench.cores.Client, gathering)
}

// errOtherStatus is for a server whose answers are correct when checked and others
// under load.
var errOtherStatus = errors.New("other answers under load")

// underLoad measures the cost of a load.
func underLoad(c *cell) error {
	b, s := c.bench, c.scenario
	var crowd *load.Crowd
	if s.idle > 0 {
		var err error
		if crowd, err = c.crowd(s.idle); err != nil {
			return err
		}
		defer crowd.End()
	}
	pid := c.running.Child.PID()
	m, err := b.meter.Begin(b.ctx, pid)
	if err != nil {
		return err
	}
	o, err := s.load(b.ctx, c, c.seconds)
	cost, costErr := m.End() // also after an error, to stop the measurement
	if err := errors.Join(err, costErr); err != nil {
		return err
	}
	if o.Failed[load.OtherStatus] > 0 {
		return errOtherStatus
	}
	values := make(map[string]float64)
	if cost.Others >= 0 && cost.Took > 0 && !s.spread {
		values[report.Others] = cost.Others.Seconds() / cost.Took.Seconds()
	}
	n := float64(o.Requests)
	if s.byBytes && o.Bytes > 0 {
		n = float64(o.Bytes) / float64(c.result.Bytes)
	}
	if n > 0 {
		values[report.Rate] = n / o.Seconds
		values[report.CPU] = cost.CPU.Seconds() / n
		if sum := cost.User + cost.Kernel; sum > 0 {
			values[report.KernelShare] = float64(cost.Kernel) / float64(sum)
		}
		if b.meter.Instructions {
			values[report.InUser] = cost.UserInstructions / n
			values[report.InKernel] = cost.KernelInstructions / n
			values[report.Instructions] = values[report.InUser] + values[report.InKernel]
		}
	} else {
		c.note("no answer")
	}
	for key, t := range map[string]time.Duration{report.P50: o.P50, report.P99: o.P99, report.P999: o.P999} {
		if t > 0 {
			values[key] = t.Seconds()
		}
	}
	if n, err := meter.Resident(meter.Family(pid)); err == nil {
		values[report.Resident] = float64(n)
	}
	c.result.Add(c.round, values)
	if trouble := o.Trouble(); trouble != "" {
		c.note(trouble)
	}
	if o.Late > lateClient {
		c.note(fmt.Sprintf("the client itself was %v late with one request in a hundred", o.Late.Round(time.Microsecond)))
	}
	if crowd != nil {
		if open, err := crowd.Close(); err == nil && open < s.idle {
			c.note(fmt.Sprintf("it kept %s of %s idle connections", thousands(open), thousands(s.idle)))
		}
	}
	return nil
}

// lateClient is the lateness of the open loop that is reported.
const lateClient = 100 * time.Microsecond

// settling is the time for a server's work after a connection has become idle.
const settling = 500 * time.Millisecond

// memoryOfIdle measures the growth of a server by idle connections.
func memoryOfIdle(c *cell) error {
	pid := c.running.Child.PID()
	// Memory for answering at all is not divided among them.
	first, err := c.crowd(64)
	if err != nil {
		return err
	}
	if _, err := first.Close(); err != nil {
		return err
	}
	before, err := meter.Resident(meter.Family(pid))
	if err != nil {
		return fmt.Errorf("its memory is unknown: %w", err)
	}
	crowd, err := c.crowd(c.scenario.idle)
	if err != nil {
		return err
	}
	defer crowd.End()
	select {
	case <-time.After(settling):
	case <-c.bench.ctx.Done():
		return c.bench.ctx.Err()
	}
	after, err := meter.Resident(meter.Family(pid))
	if err != nil {
		return err
	}
	open, err := crowd.Close()
	if err != nil {
		return err
	}
	if open < c.scenario.idle {
		return fmt.Errorf("it kept %s of %s idle connections", thousands(open), thousands(c.scenario.idle))
	}
	c.result.Add(c.round, map[string]float64{
		report.Held:     max(0, float64(after-before)) / float64(c.scenario.idle),
		report.Resident: float64(after),
	})
	return nil
}

// note adds a remark to the server's result.
func (c *cell) note(s string) {
	if c.bench.roundsOf(c.scenario) > 1 {
		s = fmt.Sprintf("round %d: %s", c.round, s)
	}
	c.result.Notes = append(c.result.Notes, s)
}
