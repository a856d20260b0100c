// Package report holds the results: the raw numbers, the summaries, and functions to
// write them down. It knows nothing of servers and measurements.
package report

import (
	"math"
	"slices"
	"time"
)

// A Report is a run of the program.
type Report struct {
	Date      time.Time     `json:"date"`
	Took      time.Duration `json:"took_ns"`
	Commit    string        `json:"commit"`
	Command   string        `json:"command"`
	Partial   bool          `json:"partial"` // quick, or a part
	Rounds    int           `json:"rounds"`
	Seconds   int           `json:"seconds"`
	Method    []string      `json:"method"` // the origin of the figures, in sentences
	Machine   []Pair        `json:"machine"`
	Versions  []Pair        `json:"versions"`
	Skipped   []Pair        `json:"skipped"`  // name and reason
	Warnings  []string      `json:"warnings"` // doubts about the whole run
	Scenarios []*Scenario   `json:"scenarios"`
}

// A Pair is a name and its text.
type Pair struct {
	Name string `json:"name"`
	Says string `json:"says"`
}

// A Scenario is one kind of load with the results of all servers.
type Scenario struct {
	Name  string    `json:"name"`
	Title string    `json:"title"`
	Does  string    `json:"does"`
	Not   string    `json:"does_not_say"`
	Cost  string    `json:"cost"` // the figure that servers are compared by
	Group string    `json:"group,omitempty"`
	X     int       `json:"x,omitempty"`     // the number that grows within the group
	Grows string    `json:"grows,omitempty"` // its unit
	Left  []Pair    `json:"left_out"`        // servers, with the reason
	Trips []float64 `json:"round_trips"`     // seconds from core to core and back, at each round

	Servers []*Server `json:"servers"`
}

// A Server is the result of one server in one scenario.
type Server struct {
	Name   string             `json:"name"`
	Role   string             `json:"role"` // floor, ours or rival
	Bytes  int                `json:"answer_bytes"`
	Notes  []string           `json:"notes,omitempty"`
	Calls  map[string]float64 `json:"calls,omitempty"` // per request, by name
	Rounds []Round            `json:"rounds"`

	// Summary follows from the rounds.
	Summary map[string]Summary `json:"summary"`
}

// A Round is the measurements of one run. Rounds of all servers with the same number
// are neighbours in time.
type Round struct {
	Number int                `json:"number"`
	Values map[string]float64 `json:"values"`
}

// A Summary combines the rounds of one figure.
type Summary struct {
	Value  float64 `json:"value"` // the median
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
	Floor  float64 `json:"to_floor,omitempty"` // the median of the ratios within a round; 0 if there are none
	Best   float64 `json:"to_best_rival,omitempty"`
	IsBest bool    `json:"is_best_rival,omitempty"`
}

// Add adds values to a round of a server.
func (s *Server) Add(number int, values map[string]float64) {
	s.Rounds = append(s.Rounds, Round{number, values})
}

// Server finds a server by its name, or returns nil.
func (s *Scenario) Server(name string) *Server {
	for _, v := range s.Servers {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// with returns the first server of a role.
func (s *Scenario) with(role string) *Server {
	for _, v := range s.Servers {
		if v.Role == role {
			return v
		}
	}
	return nil
}

// Sum computes the medians and ratios, and sorts the servers by their cost, the floor
// and bobbin first.
func (s *Scenario) Sum() {
	for _, v := range s.Servers {
		v.Summary = make(map[string]Summary)
	}
	for _, f := range Figures {
		s.sum(f)
	}
	order := map[string]int{"floor": 0, "ours": 1, "rival": 2}
	slices.SortStableFunc(s.Servers, func(a, b *Server) int {
		if a.Role != b.Role || a.Role == "floor" {
			return order[a.Role] - order[b.Role]
		}
		x, y := a.Summary[s.Cost].Value, b.Summary[s.Cost].Value
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

func (s *Scenario) sum(f Figure) {
	for _, v := range s.Servers {
		all := v.values(f.Key)
		if len(all) == 0 {
			continue
		}
		v.Summary[f.Key] = Summary{Value: median(all), Least: slices.Min(all), Most: slices.Max(all)}
	}
	if f.Alone {
		return
	}
	best := s.best(f)
	floor := s.with("floor")
	for _, v := range s.Servers {
		sum, ok := v.Summary[f.Key]
		if !ok {
			continue
		}
		sum.Floor = relative(v, floor, f.Key)
		sum.Best = relative(v, best, f.Key)
		sum.IsBest = v == best
		v.Summary[f.Key] = sum
	}
}

// best returns the best rival at a figure, or nil.
func (s *Scenario) best(f Figure) *Server {
	var best *Server
	for _, v := range s.Servers {
		sum, ok := v.Summary[f.Key]
		if v.Role != "rival" || !ok {
			continue
		}
		if best == nil || (sum.Value < best.Summary[f.Key].Value) != f.More && sum.Value != best.Summary[f.Key].Value {
			best = v
		}
	}
	return best
}

func (s *Server) values(key string) []float64 {
	var all []float64
	for _, r := range s.Rounds {
		if v, ok := r.Values[key]; ok {
			all = append(all, v)
		}
	}
	return all
}

// relative returns the median of the ratios in the rounds that both have. Ratios are
// taken within a round, because a machine that is slow for a while is slow for both.
// It is 0 if there are none.
func relative(a, b *Server, key string) float64 {
	if a == nil || b == nil {
		return 0
	}
	theirs := make(map[int]float64)
	for _, r := range b.Rounds {
		if v, ok := r.Values[key]; ok {
			theirs[r.Number] = v
		}
	}
	var ratios []float64
	for _, r := range a.Rounds {
		mine, ok := r.Values[key]
		if v := theirs[r.Number]; ok && v > 0 && !math.IsNaN(mine/v) {
			ratios = append(ratios, mine/v)
		}
	}
	if len(ratios) == 0 {
		return 0
	}
	return median(ratios)
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
