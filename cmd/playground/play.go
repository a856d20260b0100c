package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A play is one run, at one of its turns. The seed and the acts decide everything, so going
// back is running again from the beginning, to one turn less.
type play struct {
	run     run
	machine *machine
	luck    map[string]int // by knob, in percent
	acts    int            // of the run that were made
}

// open goes to the turn of a run.
func (p *play) open(r run) error {
	if p.machine != nil {
		p.machine.end()
	}
	m, err := newMachine(r.Seed)
	if err != nil {
		return err
	}
	p.machine, p.luck, p.acts = m, map[string]int{}, 0
	turn := r.Turn
	p.run = r
	p.run.Turn = 0
	p.catchUp()
	for p.run.Turn < turn {
		m.quiet = p.run.Turn < turn-2 // the wait before the turn is shown, too
		if err := p.step(); err != nil {
			return err
		}
	}
	return nil
}

// catchUp makes the acts whose time has come.
func (p *play) catchUp() {
	for ; p.acts < len(p.run.Acts) && p.run.Acts[p.acts].Turn <= p.run.Turn; p.acts++ {
		a := p.run.Acts[p.acts]
		if h := habitOf(a.What); h != nil {
			p.machine.add(*h)
			continue
		}
		p.luck[a.What] = a.Value
		var luck sim.Luck
		for _, k := range knobs {
			k.set(&luck, p.luck[k.ID])
		}
		p.machine.kernel.Luck = luck
	}
}

// step runs one turn.
func (p *play) step() error {
	if p.run.Turn >= maxTurns {
		return fmt.Errorf("a run ends after %d turns: restart it, or go back", maxTurns)
	}
	if p.machine.err != nil {
		return p.machine.err
	}
	p.machine.runTurn()
	p.run.Turn++
	p.catchUp()
	return nil
}

// change makes an act now. Acts that were made later, before the reader went back, are
// given up.
func (p *play) change(what string, value int) error {
	if habitOf(what) != nil && len(p.machine.lanes) >= maxLanes {
		return fmt.Errorf("there are %d clients, and the page has room for no more: wait until one has gone", maxLanes)
	}
	p.run.Acts = p.run.Acts[:p.acts]
	if last := p.acts - 1; last >= 0 && p.run.Acts[last].What == what && p.run.Acts[last].Turn == p.run.Turn && knobOf(what) != nil {
		p.run.Acts[last].Value = value // it is still being moved
		p.acts--
	} else if p.acts == maxActs {
		return fmt.Errorf("a run has %d changes at most: restart it", maxActs)
	} else {
		p.run.Acts = append(p.run.Acts, act{p.run.Turn, what, value})
	}
	p.catchUp()
	return nil
}

// restart begins again with a seed, and with the misfortunes of now.
func (p *play) restart(seed uint64) error {
	r := run{Seed: seed}
	for _, k := range knobs {
		if p.luck[k.ID] > 0 {
			r.Acts = append(r.Acts, act{What: k.ID, Value: p.luck[k.ID]})
		}
	}
	return p.open(r)
}

// do is a call of the page: what it wants, and with which value.
func (p *play) do(what, with string) error {
	switch what {
	case "open":
		r, err := parseRun(with)
		if err != nil {
			return err
		}
		return p.open(r)
	case "step":
		return p.step()
	case "back":
		r := p.run
		r.Turn = max(0, r.Turn-1)
		return p.open(r)
	case "restart":
		seed, err := strconv.ParseUint(with, 10, 64)
		if err != nil {
			return fmt.Errorf("the seed is %q: it must be a whole number from 0 to 18446744073709551615", with)
		}
		return p.restart(seed)
	}
	a, err := parseAct("0:" + what + with)
	if err != nil {
		return err
	}
	return p.change(a.What, a.Value)
}

// A word names a thing on the page, and has a phrase that explains it.
type word struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// A view is what the page shows.
type view struct {
	Error   string         `json:"error"` // of the call; the rest is as before
	Seed    string         `json:"seed"`
	Turn    int            `json:"turn"` // turns that were run
	Clock   string         `json:"clock"`
	Link    string         `json:"link"`
	Luck    map[string]int `json:"luck"`
	Full    bool           `json:"full"` // no client can be added
	Over    bool           `json:"over"` // there is no next turn
	Moments []moment       `json:"moments"`
	Focus   int            `json:"focus"` // the moment to show first
}

// view returns the page as JSON.
func (p *play) view(err error) string {
	var v view
	if err != nil {
		v.Error = err.Error()
	}
	if m := p.machine; m != nil {
		v.Seed, v.Turn, v.Link = strconv.FormatUint(p.run.Seed, 10), p.run.Turn, p.run.String()
		v.Clock = m.kernel.Now().Sub(m.start).Round(time.Microsecond).String()
		v.Luck, v.Full = p.luck, len(m.lanes) >= maxLanes
		v.Over = m.err != nil || p.run.Turn >= maxTurns
		v.Moments, v.Focus = m.moments, m.focus()
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // these types have a form in JSON
	}
	return string(text)
}

// focus returns the weightiest moment of the latest turn: the first of those. Before the
// first turn it is the last one of the wait.
func (m *machine) focus() int {
	best := -1
	for i, at := range m.moments {
		if at.Turn == m.turn-1 && (best < 0 || at.Weight > m.moments[best].Weight) {
			best = i
		}
	}
	if best < 0 {
		best = slices.IndexFunc(m.moments, func(at moment) bool { return at.Place == "send" })
	}
	return max(best, 0)
}
