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
	crowd    *load.Crowd // while its connections are open, or nil
	window   *window     // while it is measured, or nil
}

// request returns the request of the scenario, as this server gets it.
func (c *cell) request() server.Request { return c.running.Kind.Asked(c.scenario.request) }

// closedLoop is wrk.
func closedLoop(ctx context.Context, c *cell, seconds int) (load.Outcome, error) {
	r := c.request()
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

// streams is h2load.
func streams(ctx context.Context, c *cell, seconds int) (load.Outcome, error) {
	r := c.request()
	l := load.H2load{
		URL:         r.URL(c.running.Address),
		Connections: c.scenario.connections,
		Streams:     r.Pipeline,
		Seconds:     seconds,
		Fields:      r.AllFields(),
		Paths:       r.Targets(),
		HTTP1:       r.Protocol == server.HTTP1,
		Core:        c.bench.cores.Client,
		Scratch:     c.bench.shop.Scratch,
	}
	if c.window != nil {
		l.Began, l.Ended = c.window.begin, c.window.end
	}
	return l.Run(ctx)
}

func (c *cell) job(kind load.Kind, seconds int) load.Job {
	r := c.request()
	j := load.Job{
		Kind:        kind,
		To:          c.running.Address,
		Request:     r.Text(c.running.Address),
		Connections: c.scenario.connections,
		TLS:         r.TLS,
		Rate:        c.scenario.rate,
		Lasts:       time.Duration(seconds) * time.Second,
	}
	switch r.Protocol {
	case server.HTTP2:
		asked := r.HTTP2(c.running.Address, 0)
		j.HTTP2 = &asked
	case server.WebSocket:
		j.WebSocket = &load.Talk{Size: r.Message, AtOnce: r.Count()}
	}
	return j
}

// talking uses the connections that were opened before, if there are any, so that their
// handshakes are no part of the cost.
func talking(kind load.Kind) loader {
	return func(ctx context.Context, c *cell, seconds int) (load.Outcome, error) {
		crowd := c.crowd
		if crowd == nil {
			var err error
			if crowd, err = c.gather(kind, c.scenario.connections, seconds); err != nil {
				return load.Outcome{}, err
			}
			defer crowd.End()
		}
		return crowd.Begin()
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

// gather opens idle connections, or those of a load that begins later.
func (c *cell) gather(kind load.Kind, n, seconds int) (*load.Crowd, error) {
	j := c.job(kind, seconds)
	j.Connections = n
	return j.Gather(c.bench.ctx, c.bench.cores.Client, gathering)
}

// errOtherStatus is for a server whose answers are correct when checked and others
// under load.
var errOtherStatus = errors.New("other answers under load")

// underLoad measures the cost of a load.
func underLoad(c *cell) error {
	b, s := c.bench, c.scenario
	var err error
	switch {
	case s.idle > 0:
		c.crowd, err = c.gather(load.Hold, s.idle, 0)
	case s.gathers != "":
		c.crowd, err = c.gather(s.gathers, s.connections, c.seconds)
	}
	if err != nil {
		return err
	}
	if c.crowd != nil {
		defer func() {
			c.crowd.End()
			c.crowd = nil
		}()
	}
	pid := c.running.Child.PID()
	c.window = &window{cell: c}
	defer func() { c.window = nil }()
	if !s.marked {
		c.window.begin()
	}
	o, err := s.load(b.ctx, c, c.seconds)
	c.window.end() // also after an error, to stop the measurement
	cost, costErr := c.window.result()
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
		if s.sized {
			values[report.Octets] = float64(o.Bytes) / n
		}
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
	if s.idle > 0 {
		if open, err := c.crowd.Close(); err == nil && open < s.idle {
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
	first, err := c.gather(load.Hold, 64, 0)
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
	crowd, err := c.gather(load.Hold, c.scenario.idle, 0)
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
