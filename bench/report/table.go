package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// columns returns the figures that at least one server has.
func (s *Scenario) columns() []Figure {
	var present []Figure
	for _, f := range Figures {
		for _, v := range s.Servers {
			if _, ok := v.Summary[f.Key]; ok {
				present = append(present, f)
				break
			}
		}
	}
	return present
}

// cells returns the table of a scenario: a heading, and a row for each server. The
// two ratios are those of the cost.
func (s *Scenario) cells() [][]string {
	columns := s.columns()
	heading := []string{"server"}
	for _, f := range columns {
		heading = append(heading, f.Title)
		if f.Key == s.Cost && !s.alone() {
			heading = append(heading, "× floor", "× best rival")
		}
	}
	table := [][]string{heading}
	for _, v := range s.Servers {
		row := []string{v.Name}
		for _, f := range columns {
			sum, ok := v.Summary[f.Key]
			if !ok {
				row = append(row, "–")
			} else {
				row = append(row, f.Format(sum.Value))
			}
			if f.Key == s.Cost && !s.alone() {
				row = append(row, orDash(sum.Floor), orDash(sum.Best))
			}
		}
		table = append(table, row)
	}
	return table
}

// ratios returns every figure in proportion to the floor's and to that of the best
// rival, which has a star.
func (s *Scenario) ratios() [][]string {
	columns := slices.DeleteFunc(s.columns(), func(f Figure) bool { return f.Alone })
	heading := []string{"server"}
	for _, f := range columns {
		heading = append(heading, f.Title)
	}
	table := [][]string{heading}
	for _, v := range s.Servers {
		row := []string{v.Name}
		for _, f := range columns {
			sum, ok := v.Summary[f.Key]
			switch {
			case !ok || sum.Floor == 0 && sum.Best == 0:
				row = append(row, "–")
			case sum.IsBest:
				row = append(row, orDash(sum.Floor)+" / ★")
			default:
				row = append(row, orDash(sum.Floor)+" / "+orDash(sum.Best))
			}
		}
		table = append(table, row)
	}
	return table
}

// growth returns the table of a group: a row for each number with the cost of each
// server, or with all figures of a single server.
func (r *Report) growth(group string) [][]string {
	members := r.members(group)
	var names []string
	var grows string
	for _, s := range members {
		grows = s.Grows
		for _, v := range s.Servers {
			if !slices.Contains(names, v.Name) {
				names = append(names, v.Name)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	heading := append([]string{grows}, names...)
	if len(names) == 1 {
		heading = heading[:1]
		for _, f := range members[0].columns() {
			heading = append(heading, f.Title)
		}
	}
	table := [][]string{heading}
	for _, s := range members {
		row := []string{count0(float64(s.X))}
		cell := func(v *Server, f *Figure) {
			says := "–"
			if v != nil {
				if sum, ok := v.Summary[f.Key]; ok {
					says = f.Format(sum.Value)
				}
			}
			row = append(row, says)
		}
		if len(names) == 1 {
			for _, f := range members[0].columns() {
				cell(s.Server(names[0]), &f)
			}
		} else {
			for _, name := range names {
				cell(s.Server(name), figure(s.Cost))
			}
		}
		table = append(table, row)
	}
	return table
}

// members returns the scenarios of a group.
func (r *Report) members(group string) []*Scenario {
	var all []*Scenario
	for _, s := range r.Scenarios {
		if s.Group == group {
			all = append(all, s)
		}
	}
	return all
}

func orDash(r float64) string {
	if r == 0 {
		return "–"
	}
	return ratio(r)
}

// overview returns one row for each scenario and one column for each server: its cost
// as a multiple of the floor's, or of bobbin's where there is no floor.
func (r *Report) overview() [][]string {
	var names []string
	seen := make(map[string]bool)
	for _, s := range r.Scenarios {
		for _, v := range s.Servers {
			if !seen[v.Name] {
				seen[v.Name] = true
				names = append(names, v.Name)
			}
		}
	}
	// In the order of the introduction, if there is one.
	slices.SortStableFunc(names, func(a, b string) int {
		at := func(name string) int {
			return slices.IndexFunc(r.Versions, func(p Pair) bool { return p.Name == name })
		}
		return at(a) - at(b)
	})
	table := [][]string{append(append([]string{"scenario", "1.00 is"}, names...), "disturbed")}
	for _, s := range r.Scenarios {
		base := s.base()
		if base == nil || s.alone() {
			continue
		}
		f := figure(s.Cost)
		row := []string{s.Name, strings.TrimSpace(f.Format(base.Summary[s.Cost].Value) + " " + f.Title)}
		for _, name := range names {
			row = append(row, orDash(relative(s.Server(name), base, s.Cost)))
		}
		table = append(table, append(row, s.disturbed().words()))
	}
	return table
}

// alone reports whether only bobbin has the figures of a scenario, which are not the
// cost of a request.
func (s *Scenario) alone() bool { return s.Cost == Turn || s.Cost == UserHello }

// base returns the server with 1.00 in a scenario: the floor, or else bobbin, or else
// another one of ours.
func (s *Scenario) base() *Server {
	for _, v := range []*Server{s.with("floor"), s.Server("bobbin"), s.with("ours")} {
		if v != nil {
			if _, ok := v.Summary[s.Cost]; ok {
				return v
			}
		}
	}
	return nil
}

// Print writes the table of a scenario for a terminal, with its notes.
func (s *Scenario) Print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s\n\n", s.Name, s.Title)
	if len(s.Servers) > 0 {
		align(w, s.cells())
	}
	for _, v := range s.Servers {
		for _, n := range v.Notes {
			fmt.Fprintf(w, "  %s: %s\n", v.Name, n)
		}
		if n := v.disturbedNote(); n != "" {
			fmt.Fprintf(w, "  %s: %s\n", v.Name, n)
		}
	}
	for _, l := range s.Left {
		fmt.Fprintf(w, "  without %s: %s\n", l.Name, l.Says)
	}
}

// PrintOverview writes the last table: all scenarios on one screen.
func (r *Report) PrintOverview(w io.Writer) {
	table := r.overview()
	if len(table) < 2 {
		return
	}
	fmt.Fprint(w, "\nCost per request as a multiple of the floor's (of bobbin's where there is no floor)\n\n")
	align(w, table)
	fmt.Fprint(w, "\nGoals, by this run\n\n")
	align(w, r.goalTable())
}

// align writes a table in columns, numbers to the right.
func align(w io.Writer, table [][]string) {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range table {
		var line strings.Builder
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString("  " + cell + gap)
			} else {
				line.WriteString("  " + gap + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
