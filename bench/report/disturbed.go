package report

import (
	"fmt"
	"slices"
	"strings"
)

// Other processes on the server's core make its processor time and its latencies
// longer. Each round has their part, and each row says so.

// OthersTolerated is the part of the server's core that others may use without a
// remark. The kernel itself uses some.
const OthersTolerated = 0.05

// A disturbance counts measurements.
type disturbance struct {
	of, disturbed int
	worst         float64
}

// add adds the rounds of a server.
func (d *disturbance) add(v *Server) {
	for _, part := range v.values(Others) {
		d.of++
		if part > OthersTolerated {
			d.disturbed++
			d.worst = max(d.worst, part)
		}
	}
}

// words returns "2 of 12, up to 45 %", "no", or a dash for a row without measurements.
func (d disturbance) words() string {
	switch {
	case d.of == 0:
		return "–"
	case d.disturbed == 0:
		return "no"
	}
	return fmt.Sprintf("%d of %d, up to %s", d.disturbed, d.of, percent(d.worst))
}

// disturbed returns the disturbance of some servers of a scenario; of all, if none is
// named.
func (s *Scenario) disturbed(names ...string) (d disturbance) {
	for _, v := range s.Servers {
		if len(names) == 0 || slices.Contains(names, v.Name) {
			d.add(v)
		}
	}
	return d
}

// disturbedNote returns the remark on a server that was disturbed, or "".
func (v *Server) disturbedNote() string {
	var rounds []string
	for _, r := range v.Rounds {
		if part := r.Values[Others]; part > OthersTolerated {
			rounds = append(rounds, fmt.Sprintf("%s in round %d", percent(part), r.Number))
		}
	}
	if rounds == nil {
		return ""
	}
	return "disturbed: others used of its core " + strings.Join(rounds, ", ")
}

// Doubts returns the doubts about the whole run, in sentences.
func (r *Report) Doubts() []string {
	var doubts []string
	var d disturbance
	var trips []float64
	for _, s := range r.Scenarios {
		for _, v := range s.Servers {
			d.add(v)
		}
		trips = append(trips, s.Trips...)
	}
	if d.disturbed > 0 {
		doubts = append(doubts, fmt.Sprintf("Others used the server's core during %d of %d measurements, up to %s of it: processor times and latencies of those are too long. Their rows say so.", d.disturbed, d.of, percent(d.worst)))
	}
	if len(trips) > 0 && slices.Max(trips) > 2*slices.Min(trips) {
		doubts = append(doubts, fmt.Sprintf("The way from one core to the other and back took from %.0f to %.0f ns in different rounds: times of one round cannot be compared with those of another.", 1e9*slices.Min(trips), 1e9*slices.Max(trips)))
	}
	return doubts
}
