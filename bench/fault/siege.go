package main

import "time"

// A siege is an attack while the probe measures: at rest, under attack, and until the
// victim has closed the attackers' connections.
type siege struct {
	*trial
	victim *victim
	probe  *probe
	crowd  *crowd

	rest, attack *tally
}

// A plan describes a siege.
type plan struct {
	order  order
	room   int                // of the attackers' receive buffers; 0 for the kernel's default
	asks   func(k int) ask    // of the probe; nil for goodAsks
	attack func(*siege) error // connects the attackers, and lets them act for a while

	memory  int64 // largest memory of the victim; 0 for any
	back    bool  // memory must return to its size before
	logs    bool  // the log must report the attack
	holding bool  // SIGTERM comes while the attackers are connected
	status  []int // correct exit codes; nil for 0
}

// besiege carries out a plan.
func (t *trial) besiege(p plan) error {
	v, err := t.start(p.order)
	if err != nil {
		return err
	}
	return t.besiegeVictim(v, p)
}

func (t *trial) besiegeVictim(v *victim, p plan) error {
	s := &siege{trial: t, victim: v, rest: newTally(), attack: newTally()}
	var err error
	if v.network == "tcp" {
		if s.crowd, err = t.crowd(v, p.room); err != nil {
			return err
		}
		defer s.crowd.leave()
	}
	if p.asks == nil {
		p.asks = goodAsks
	}
	s.probe = startProbe(t.ctx, newClient(v, v.probe), p.asks)
	t.wait(200 * time.Millisecond) // the first answers open files and fill caches
	s.probe.turnTo(s.rest)
	t.wait(pick(t, 500*time.Millisecond, 5*time.Second))
	s.probe.turnTo(s.attack)
	err = p.attack(s)
	s.probe.stop()
	s.judge()
	if err != nil {
		return err
	}
	if p.status == nil {
		p.status = []int{0}
	}
	if p.memory > 0 {
		v.within(p.memory)
	}
	if !p.holding {
		if s.crowd != nil {
			s.crowd.leave()
		}
		v.settle()
		if p.back && !t.short {
			v.shrinks()
		}
	}
	v.stop(p.status...)
	v.reportLog(p.logs)
	return nil
}

// slower is the largest allowed growth of the probe's p99 under attack.
const slower = 100 * time.Millisecond

// judge reports the probe's results.
func (s *siege) judge() {
	s.log("probe", "%d requests at rest, %d failed, %v", len(s.rest.times), s.rest.failures(), s.rest)
	s.log("", "%d under attack, %d failed, %v", len(s.attack.times), s.attack.failures(), s.attack)
	if n := s.rest.renewed + s.attack.renewed; n > 0 {
		s.log("", "%d kept connections were closed between two requests", n)
	}
	for _, y := range []*tally{s.rest, s.attack} {
		if y.failures() > 0 {
			s.fail("the probe: %s of %d", y.why(), len(y.times))
		}
	}
	if d := s.attack.quantile(0.99) - s.rest.quantile(0.99); d > slower && !s.short {
		s.fail("the probe's p99 grows by %s", ms(d))
	}
}

// hold lets the attackers stay.
func (s *siege) hold(short, long time.Duration) { s.wait(pick(s.trial, short, long)) }
