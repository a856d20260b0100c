package main

import (
	"time"

	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// What bobbin top keeps of the frames that have come: those of the last second, for rates
// and shares, and the longest and highest of each second of the last few minutes.

// A minute belongs to one goroutine.
type minute struct {
	recent  []*feed.Frame // of the last second; the last is the newest
	seconds []second      // the last is not over
	begun   time.Duration // when that was begun, by the frames
}

const (
	secondsKept = 240 // as many columns as a wide terminal has
	gapFrom     = 1500 * time.Millisecond
)

// A second has a figure for each loop. One in which nothing was recorded has none.
type second []figuresOf

// figuresOf are the middle and the highest values of a loop in one second, times in ns.
type figuresOf struct{ turn, turnMost, held, heldMost, late, events, eventsMost float64 }

// add takes a frame.
func (m *minute) add(f *feed.Frame) {
	if newest := m.newest(); newest != nil {
		passed := f.At - newest.At
		if passed < 0 || len(f.Loops) != len(newest.Loops) {
			*m = minute{}
		} else if passed > gapFrom {
			m.recent = m.recent[:0]
			for range min(passed/time.Second, secondsKept) {
				m.push(nil)
			}
			m.begun = f.At
			m.push(make(second, len(f.Loops)))
		}
	}
	m.recent = append(m.recent, f)
	for len(m.recent) > 2 && f.At-m.recent[1].At >= time.Second {
		m.recent = m.recent[1:]
	}
	if len(m.seconds) == 0 || f.At-m.begun >= time.Second {
		m.begun = f.At
		m.push(make(second, len(f.Loops)))
	}
	now := m.seconds[len(m.seconds)-1]
	for i := range f.Loops {
		now[i].include(&f.Loops[i])
	}
}

func (m *minute) push(s second) {
	m.seconds = append(m.seconds, s)
	if n := len(m.seconds) - secondsKept; n > 0 {
		m.seconds = m.seconds[n:]
	}
}

func (s *figuresOf) include(l *feed.Loop) {
	s.turn, s.turnMost = max(s.turn, float64(l.TurnMedian)), max(s.turnMost, float64(l.TurnLongest))
	s.held, s.heldMost = max(s.held, float64(l.HeldMedian)), max(s.heldMost, float64(l.Longest))
	s.late = max(s.late, float64(l.Late))
	s.events, s.eventsMost = max(s.events, float64(l.EventsMedian)), max(s.eventsMost, float64(l.EventsMost))
}

// newest returns the newest frame, nil before there is one.
func (m *minute) newest() *feed.Frame {
	if len(m.recent) == 0 {
		return nil
	}
	return m.recent[len(m.recent)-1]
}

// chosen are the numbers of the loops that a tab stands for: all of them for -1.
func chosen(f *feed.Frame, tab int) []int {
	if tab >= 0 && tab < len(f.Loops) {
		return []int{tab}
	}
	all := make([]int, len(f.Loops))
	for i := range all {
		all[i] = i
	}
	return all
}

// total adds up a figure of the loops.
func total(f *feed.Frame, tab int, of func(*feed.Loop) float64) (sum float64) {
	for _, i := range chosen(f, tab) {
		sum += of(&f.Loops[i])
	}
	return sum
}

// rate returns how much of a counter there was in each second, of the last one.
func (m *minute) rate(tab int, of func(*feed.Loop) float64) float64 {
	first, last := m.recent[0], m.newest()
	if last.At == first.At {
		return 0
	}
	return max(total(last, tab, of)-total(first, tab, of), 0) / (last.At - first.At).Seconds()
}

// shares returns the share of the last second in each phase, and false if none was
// measured.
func (m *minute) shares(tab int) (shares [6]float64, measured bool) {
	all := 0.0
	for phase := range shares {
		of := func(l *feed.Loop) float64 { return float64(l.Phases[phase]) }
		shares[phase] = max(total(m.newest(), tab, of)-total(m.recent[0], tab, of), 0)
		all += shares[phase]
	}
	for phase := range shares {
		shares[phase] /= max(all, 1)
	}
	return shares, all > 0
}

// figures returns a second's figures of the loops that a tab stands for.
func (s second) figures(tab int) (most figuresOf) {
	for i, f := range s {
		if tab >= 0 && tab < len(s) && i != tab {
			continue
		}
		most.turn, most.turnMost = max(most.turn, f.turn), max(most.turnMost, f.turnMost)
		most.held, most.heldMost = max(most.held, f.held), max(most.heldMost, f.heldMost)
		most.late = max(most.late, f.late)
		most.events, most.eventsMost = max(most.events, f.events), max(most.eventsMost, f.eventsMost)
	}
	return most
}
