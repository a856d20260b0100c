package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Plots draws all plots, by file name.
func (r *Report) Plots() map[string]string {
	plots := make(map[string]string)
	var groups []string
	for _, s := range r.Scenarios {
		if s.Group != "" {
			if !slices.Contains(groups, s.Group) {
				groups = append(groups, s.Group)
			}
			continue
		}
		if svg := s.bars(); svg != "" {
			plots[s.Name+".svg"] = svg
		}
	}
	for _, g := range groups {
		if svg := r.curves(g); svg != "" {
			plots[g+".svg"] = svg
		}
	}
	if svg := r.dots(); svg != "" {
		plots["overview.svg"] = svg
	}
	return plots
}

const (
	margin  = 16.0
	names   = 96.0 // room for the names of servers
	values  = 150.0
	rowHigh = 26.0
	barHigh = 16.0
	wide    = 760.0
)

// longest is the longest bar in multiples of bobbin's. Longer ones are cut off and
// marked: otherwise one slow server would make the others invisible.
const longest = 8.0

// bars draws the cost of a request in one scenario, a bar for each server.
func (s *Scenario) bars() string {
	if s.alone() {
		return ""
	}
	f := figure(s.Cost)
	var shown []*Server
	for _, v := range s.Servers {
		if v.Summary[s.Cost].Value > 0 {
			shown = append(shown, v)
		}
	}
	if len(shown) == 0 {
		return ""
	}
	limit := 0.0
	for _, v := range shown {
		limit = max(limit, v.Summary[s.Cost].Value)
	}
	if base := s.base(); base != nil {
		if ours := base.Summary[s.Cost].Value; ours > 0 {
			limit = min(limit, longest*ours)
		}
	}

	top := 52.0
	d := draw(wide, top+rowHigh*float64(len(shown))+margin)
	d.text(margin, 22, left, "title", s.Title)
	d.text(margin, 40, left, "quiet", f.Title+": "+f.Says)
	room := wide - 2*margin - names - values
	scale := func(v float64) float64 { return room * min(v, limit) / limit }
	for i, v := range shown {
		y := top + rowHigh*float64(i)
		sum := v.Summary[s.Cost]
		weight := ""
		if v.Role == "ours" {
			weight = " strong"
		}
		d.text(margin+names-8, y+barHigh-3, right, v.Role+weight, v.Name)
		x := margin + names
		whole := scale(sum.Value)
		user, kernel := v.Summary[InUser], v.Summary[InKernel]
		if s.Cost == Instructions && user.Value+kernel.Value > 0 {
			part := whole * user.Value / (user.Value + kernel.Value)
			d.bar(x, y, part, barHigh, v.Role+" user")
			d.bar(x+part, y, whole-part, barHigh, v.Role+" kernel")
		} else {
			d.bar(x, y, whole, barHigh, v.Role)
		}
		says := f.Format(sum.Value)
		if sum.Floor > 0 {
			says += fmt.Sprintf("  (×%s)", ratio(sum.Floor))
		}
		if sum.Value > limit {
			says = "» " + says
		}
		d.text(x+whole+6, y+barHigh-3, left, "quiet", says)
	}
	return d.String(s.Title)
}

// flattest is the least factor between the ends of the axis of costs.
const flattest = 4.0

// curves draws the growth of the cost within a group, both axes logarithmic: a level
// curve means constant cost, one at 45 degrees linear cost.
func (r *Report) curves(group string) string {
	type curve struct {
		server *Server
		xs, ys []float64
	}
	var order []string
	curves := make(map[string]*curve)
	var title, cost string
	var xs, ys []float64
	for _, s := range r.Scenarios {
		if s.Group != group {
			continue
		}
		title, cost = s.Does, s.Cost
		for _, v := range s.Servers {
			y := v.Summary[s.Cost].Value
			if y <= 0 {
				continue
			}
			c := curves[v.Name]
			if c == nil {
				c = &curve{server: v}
				curves[v.Name] = c
				order = append(order, v.Name)
			}
			c.xs, c.ys = append(c.xs, float64(s.X)), append(c.ys, y)
			xs, ys = append(xs, float64(s.X)), append(ys, y)
		}
	}
	if len(xs) == 0 {
		return ""
	}
	const high, top, bottom = 420.0, 56.0, 40.0
	d := draw(wide, high)
	f := figure(cost)
	heading := group + ": " + f.Title
	if cost != Turn {
		heading += " per request"
	}
	d.text(margin, 22, left, "title", heading)
	d.text(margin, 40, left, "quiet", title)
	from, to := margin+64, wide-margin-names-8
	x := logarithmic(slices.Min(xs), slices.Max(xs), from, to)
	least, most := slices.Min(ys)*0.9, slices.Max(ys)*1.1
	if middle := math.Sqrt(least * most); most/least < flattest { // otherwise noise would look steep
		least, most = middle/math.Sqrt(flattest), middle*math.Sqrt(flattest)
	}
	y := logarithmic(least, most, high-bottom, top)
	for _, v := range marks(least, most) {
		d.line(from, y(v), to, y(v), "grid")
		d.text(from-8, y(v)+4, right, "quiet", short(f.Format(v)))
	}
	slices.Sort(xs)
	for _, v := range slices.Compact(xs) {
		d.line(x(v), top, x(v), high-bottom, "grid")
		d.text(x(v), high-bottom+18, middle, "quiet", count0(v))
	}
	// Names stand at the ends of their curves, and below each other where these are
	// close.
	slices.SortStableFunc(order, func(a, b string) int {
		p, q := curves[a].ys[len(curves[a].ys)-1], curves[b].ys[len(curves[b].ys)-1]
		return int(math.Copysign(1, q-p))
	})
	below := 0.0
	for _, name := range order {
		c := curves[name]
		var points []point
		for i := range c.xs {
			points = append(points, point{x(c.xs[i]), y(c.ys[i])})
		}
		d.path(points, c.server.Role+" line")
		for i, p := range points {
			d.dot(p.x, p.y, 3, c.server.Role, fmt.Sprintf("%s, %s: %s", name, count0(c.xs[i]), f.Format(c.ys[i])))
		}
		at := max(points[len(points)-1].y+4, below)
		below = at + 14
		d.text(to+8, at, left, c.server.Role, name)
	}
	return d.String(title)
}

// dots draws all scenarios in one picture: a row for each, with a dot for each server
// at its cost as a multiple of the floor's.
func (r *Report) dots() string {
	table := r.overview()
	if len(table) < 2 {
		return ""
	}
	var rows []*Scenario
	most, least := 2.0, 0.9
	for _, s := range r.Scenarios {
		base := s.base()
		if base == nil || s.Cost == Held || s.alone() { // not the cost of a request
			continue
		}
		rows = append(rows, s)
		for _, v := range s.Servers {
			if m := relative(v, base, s.Cost); m > 0 {
				most, least = max(most, min(m, 100)), min(least, m)
			}
		}
	}
	if len(rows) == 0 {
		return ""
	}
	const top, left0 = 84.0, 130.0
	d := draw(wide, top+rowHigh*float64(len(rows))+margin)
	d.text(margin, 22, left, "title", "Cost per request, as a multiple of the floor's")
	d.text(margin, 40, left, "quiet", "of bobbin's where there is no floor; farther left is better")
	d.text(wide-margin-140, 22, right, "floor", "● floor")
	d.text(wide-margin-64, 22, right, "ours strong", "● bobbin")
	d.text(wide-margin, 22, right, "rival", "● rivals")
	x := logarithmic(least*0.95, most*1.15, margin+left0, wide-margin)
	bottom := top + rowHigh*float64(len(rows)) - 6
	for _, v := range marks(least*0.95, most*1.15) {
		d.line(x(v), top-14, x(v), bottom, "grid")
		d.text(x(v), top-20, middle, "quiet", short(ratio(v)))
	}
	for i, s := range rows {
		y := top + rowHigh*float64(i)
		d.text(margin+left0-12, y+4, right, "", s.Name)
		// bobbin last, so that no other dot covers it.
		for _, role := range []string{"rival", "floor", "ours"} {
			for _, v := range s.Servers {
				m := relative(v, s.base(), s.Cost)
				if v.Role != role || m <= 0 {
					continue
				}
				radius := 4.0
				if role == "ours" {
					radius = 6
				}
				d.dot(x(min(m, most*1.1)), y, radius, role, fmt.Sprintf("%s: ×%s", v.Name, ratio(m)))
			}
		}
	}
	return d.String("Cost per request of all servers in all scenarios")
}

// logarithmic maps values from least to most to places from a to b.
func logarithmic(least, most, a, b float64) func(float64) float64 {
	if most <= least {
		return func(float64) float64 { return (a + b) / 2 }
	}
	span := math.Log(most / least)
	return func(v float64) float64 { return a + (b-a)*math.Log(v/least)/span }
}

// marks returns a few round numbers for a logarithmic axis.
func marks(least, most float64) []float64 {
	steps := []float64{1, 1.5, 2, 3, 5, 7}
	switch span := most / least; {
	case span > 300:
		steps = []float64{1}
	case span > 20:
		steps = []float64{1, 3}
	case span > 6:
		steps = []float64{1, 2, 5}
	case span < 1.7:
		steps = []float64{1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.2, 2.5, 2.8, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9}
	}
	var all []float64
	for power := math.Pow(10, math.Floor(math.Log10(least))); power <= most; power *= 10 {
		for _, s := range steps {
			if v := s * power; v >= least && v <= most {
				all = append(all, v)
			}
		}
	}
	return all
}

// short drops zeros after the decimal point, for the numbers on an axis.
func short(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// count0 formats a whole number.
func count0(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.0f", v)
	}
	return count(v)
}
