package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/load"
	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// One scenario, from starting its servers to ending them. Its measurements are
// defined in scenario.go.

// measure runs one scenario: all servers are started, checked, measured in turn, and
// ended. Its error ends the whole run; failures of single servers are part of the
// result.
func (b *bench) measure(s *scenario) (*report.Scenario, error) {
	result := &report.Scenario{
		Name: s.name, Title: s.title, Does: s.does, Not: s.not, Group: s.group, X: s.x, Grows: s.grows, Cost: b.cost(s),
	}
	b.words.now("%s: starting", s.name)
	if !b.words.terminal {
		b.words.say("%s", s.name)
	}
	if s.inside != nil {
		return result, b.measureInside(s, result)
	}
	cells := b.startAll(s, result)
	defer func() {
		var ends sync.WaitGroup
		for _, c := range cells {
			ends.Go(c.running.End)
		}
		ends.Wait()
	}()
	// drop excludes a server, with the reason.
	drop := func(c *cell, doing string, err error) {
		if died := c.running.Child.Died(); died != nil {
			err = fmt.Errorf("it died: %w", died)
		}
		c.running.End()
		cells = slices.DeleteFunc(cells, func(o *cell) bool { return o == c })
		why := report.Pair{Name: c.result.Name, Says: fmt.Sprintf("%s: %v", doing, err)}
		result.Left = append(result.Left, why)
		result.Servers = slices.DeleteFunc(result.Servers, func(v *report.Server) bool { return v == c.result })
		b.words.say("%s: without %s: %s", s.name, why.Name, why.Says)
	}

	for _, c := range slices.Clone(cells) {
		if !b.warms(s, c.running.Kind) {
			continue
		}
		b.words.now("%s: warming %s", s.name, c.result.Name)
		if _, err := s.load(b.ctx, c, 1); err != nil && b.ctx.Err() == nil {
			drop(c, "while it was warmed", err)
		}
	}
	rounds := b.roundsOf(s)
	for round := 1; round <= rounds && len(cells) > 0; round++ {
		if trip := b.cores.RoundTrip(); trip > 0 {
			result.Trips = append(result.Trips, trip.Seconds())
		}
		first := round % len(cells)
		for _, c := range slices.Concat(cells[first:], cells[:first]) {
			b.words.now("%s: round %d of %d, %s", s.name, round, rounds, c.result.Name)
			c.round = round
			err := s.measure(c)
			if b.ctx.Err() != nil {
				return result, b.ctx.Err()
			}
			if err == nil {
				err = c.running.Child.Died()
			}
			if err != nil {
				drop(c, fmt.Sprintf("in round %d", round), err)
			}
		}
	}
	if b.countsCalls(s) {
		for _, c := range cells {
			b.words.now("%s: system calls of %s", s.name, c.result.Name)
			if err := b.countCalls(c); err != nil && b.ctx.Err() == nil {
				c.result.Notes = append(c.result.Notes, "system calls: "+err.Error())
			}
		}
	}
	if b.countsUser(s) {
		for _, c := range cells {
			b.words.now("%s: user instructions of %s", s.name, c.result.Name)
			err := b.countUser(c)
			if errors.Is(err, errLost) {
				err = b.countUser(c)
			}
			if err != nil && b.ctx.Err() == nil {
				c.result.Notes = append(c.result.Notes, "user instructions: "+err.Error())
			}
		}
	}
	return result, b.ctx.Err()
}

// unmeasured reports a server without a measurement.
func unmeasured(v *report.Server) bool { return len(v.Rounds) == 0 }

// startAll starts the servers that can do a scenario, all at once, and keeps those
// with correct answers.
func (b *bench) startAll(s *scenario, result *report.Scenario) []*cell {
	type start struct {
		kind   *server.Kind
		cell   *cell
		err    error
		answer server.Answer
	}
	var starts []*start
	var all sync.WaitGroup
	for _, k := range b.kinds {
		if !b.takesPart(s, k) {
			continue
		}
		t := &start{kind: k}
		starts = append(starts, t)
		all.Go(func() {
			running, err := b.shop.Start(b.ctx, k, b.job(s, k), b.serverCore(s))
			if err != nil {
				t.err = err
				return
			}
			t.cell = &cell{bench: b, scenario: s, running: running, seconds: b.secondsOf(s)}
			asked := k.Asked(s.request)
			t.answer, t.err = running.Check(b.ctx, asked, b.site.Answer(asked))
		})
	}
	all.Wait()
	var cells []*cell
	for _, t := range starts {
		if t.err != nil {
			if t.cell != nil {
				t.cell.running.End()
				t.err = fmt.Errorf("its answer differs from the others': %w", t.err)
			}
			result.Left = append(result.Left, report.Pair{Name: t.kind.Name, Says: t.err.Error()})
			continue
		}
		t.cell.result = &report.Server{Name: t.kind.Name, Role: string(t.kind.Role), Bytes: t.answer.Length}
		if t.answer.Cipher != "" {
			t.cell.result.Notes = append(t.cell.result.Notes, t.answer.Cipher)
		}
		if t.answer.Closes && !s.request.Close {
			t.cell.result.Notes = append(t.cell.result.Notes, "it closes each connection after one answer, so that each request has one of its own")
		}
		result.Servers = append(result.Servers, t.cell.result)
		cells = append(cells, t.cell)
	}
	return cells
}

// serverCore returns the core of the servers of a scenario.
func (b *bench) serverCore(s *scenario) int {
	if s.spread {
		return child.AnyCore
	}
	return b.cores.Server
}

// job returns the task of a kind of server in a scenario.
func (b *bench) job(s *scenario, k *server.Kind) server.Job {
	j := server.Job{Request: k.Asked(s.request), Files: s.files, Folder: b.site.Folder, Idle: s.patience}
	if s.files {
		j.File = b.site.File(s.request.Path)
	}
	if s.request.TLS {
		j.TLS = b.certificate
	}
	return j
}

// countingRound is the number of the round that only counts system calls or user
// instructions.
const countingRound = 0

func (b *bench) countCalls(c *cell) error {
	var requests int64
	calls, err := b.meter.CountCalls(b.ctx, c.running.Child.PID(), func() error {
		o, err := c.scenario.load(b.ctx, c, 1)
		requests = o.Requests
		return err
	})
	if err != nil {
		return err
	}
	if requests == 0 {
		return errors.New("no answer while counting")
	}
	c.result.Calls = make(map[string]float64)
	sum := 0.0
	for name, n := range calls {
		c.result.Calls[name] = n / float64(requests)
		sum += n
	}
	c.result.Add(countingRound, map[string]float64{report.SystemCalls: sum / float64(requests)})
	return nil
}

// errLost is a frequent failure of Go programs under valgrind; another try often
// succeeds.
var errLost = errors.New("valgrind failed in it, and gave up")

// countUser starts a server once more, under valgrind, and counts its instructions.
func (b *bench) countUser(c *cell) error {
	kind := c.running.Kind
	if kind.Uncounted != "" {
		return errors.New(kind.Uncounted)
	}
	g, err := b.meter.NewCallgrind()
	if err != nil {
		return err
	}
	defer g.End()
	job := b.job(c.scenario, kind)
	job.Under, job.Env = g.Args(), g.Env()
	running, err := b.shop.Start(b.ctx, kind, job, b.cores.Server)
	if err != nil {
		return fmt.Errorf("under valgrind: %w", err)
	}
	defer running.End()
	again := *c
	again.running = running
	ask := func() (int64, error) {
		o, err := c.scenario.load(b.ctx, &again, 1)
		if err == nil && o.Failed[load.OtherStatus] > 0 {
			err = errOtherStatus
		}
		return o.Requests, err
	}
	died := func() error {
		switch err := running.Child.Died(); {
		case err == nil:
			return nil
		case strings.Contains(err.Error(), "www.valgrind.org"): // the address for bug reports
			return errLost
		default:
			return fmt.Errorf("under valgrind it died: %w", err)
		}
	}
	if _, err := ask(); err != nil { // the first answers do one-time work
		return cmp.Or(died(), err)
	}
	var requests int64
	n, err := g.CountUser(b.ctx, running.Child.PID(), func() error {
		requests, err = ask()
		return err
	})
	if err := cmp.Or(died(), err); err != nil {
		return err
	}
	if requests == 0 {
		return errors.New("no answer while counting")
	}
	c.result.Add(countingRound, map[string]float64{report.UserCounted: n / float64(requests)})
	return nil
}
