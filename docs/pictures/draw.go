package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http/inspect"
)

// style has the colours of the default site, for light paper and for dark.
const style = `<style>
text{font:16px system-ui,sans-serif;fill:#2a211c}
.soft{fill:#6d6058;font-size:14px}
.line{fill:none;stroke:#b8284a;stroke-width:1.6}
.back{stroke-dasharray:5 4;stroke:#6d6058}
.head{fill:#b8284a}.head.back{fill:#6d6058;stroke:none}
.box{fill:#fff;stroke:#e6dccd;stroke-width:1.5}
.paper{fill:#fbf7f0}
@media (prefers-color-scheme:dark){text{fill:#f3ebe2}.soft{fill:#b3a498}.line{stroke:#ff8aa6}.back{stroke:#b3a498}.head{fill:#ff8aa6}.head.back{fill:#b3a498}.box{fill:#211c19;stroke:#3a312b}.paper{fill:#161311}}
</style>
`

// A drawing is an SVG file under construction.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

// text adds a word at a place. The anchor is start, middle or end.
func (d *drawing) text(x, y float64, class, anchor, words string) {
	d.add(`<text x="%g" y="%g" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, html.EscapeString(words))
}

// finish returns the file.
func (d *drawing) finish(title, means string, width, height float64) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-labelledby="t d">
<title id="t">%s</title>
<desc id="d">%s</desc>
%s<rect class="paper" width="%g" height="%g" rx="10"/>
%s</svg>
`, width, height, width, height, html.EscapeString(title), html.EscapeString(means), style, width, height, d.String())
}

// graph draws states below one another. Arrows to later states are on the right, the
// farther the wider; those to earlier ones are on the left, and dashed. If all states may
// lead to the last one, a note says so in place of their arrows.
func graph(title string, states []state) string {
	const (
		row, top  = 56.0, 24.0
		boxHeight = 34.0
		step      = 15.0 // between the bulges of arrows of different lengths
		half      = 92.0 // of the width of a box
	)
	last, note := len(states)-1, allLeadTo(states, len(states)-1)
	longest, back := 0, 0
	for i, s := range states {
		for _, next := range s.next {
			if !note || next != last {
				longest, back = max(longest, next-i), max(back, i-next)
			}
		}
	}
	bulge := func(steps int) float64 {
		if steps == 1 {
			return 0
		}
		return 30 + step*float64(steps)
	}
	middle := 24 + half
	if back > 0 {
		middle += bulge(back + 1)
	}
	var d drawing
	var words []string
	for i, s := range states {
		var names []string
		for k, next := range s.next {
			names = append(names, states[next].name)
			if note && next == last {
				continue
			}
			d.arrow(i, next, middle, half, top+boxHeight/2+row*float64(i), top+boxHeight/2+row*float64(next), bulge(next-i), bulge(i-next+1), spread(k, len(s.next)))
		}
		if len(names) == 0 {
			words = append(words, s.name+" is followed by nothing")
		} else {
			words = append(words, s.name+" may be followed by "+strings.Join(names, ", "))
		}
	}
	for i, s := range states {
		y := top + row*float64(i)
		d.add(`<rect class="box" x="%g" y="%g" width="%g" height="%g" rx="8"/>`, middle-half, y, 2*half, boxHeight)
		d.text(middle, y+22, "", "middle", s.name)
	}
	if note {
		d.text(middle+half+14, top+row*float64(last)+22, "soft", "start", "may follow each")
	}
	width := middle + half + 140
	if longest > 1 {
		width = max(width, middle+half+24+bulge(longest))
	}
	return d.finish(title, strings.Join(words, "; ")+".", width, top*2+row*float64(len(states)-1)+boxHeight)
}

// allLeadTo reports whether each other state may be followed by one.
func allLeadTo(states []state, one int) bool {
	for i, s := range states {
		if i != one && !slices.Contains(s.next, one) {
			return false
		}
	}
	return len(states) > 1
}

// spread is where the k-th of n arrows leaves a box, from its middle.
func spread(k, n int) float64 {
	if n < 2 {
		return 0
	}
	return 10 * (float64(k)/float64(n-1) - .5)
}

// arrow draws one arrow between two boxes of a graph.
func (d *drawing) arrow(from, to int, middle, half, y1, y2, right, left, off float64) {
	switch {
	case to == from+1:
		d.add(`<path class="line" d="M%g %gV%g"/>`, middle, y1+17, y2-24)
		d.add(`<path class="head" d="M%g %gl-5 -9h10z"/>`, middle, y2-17)
	case to > from:
		x := middle + half
		d.add(`<path class="line" d="M%g %gC%g %g %g %g %g %g"/>`, x, y1+off, x+right*1.33, y1+off, x+right*1.33, y2-4, x+8, y2-4)
		d.add(`<path class="head" d="M%g %gl9 -5v10z"/>`, x, y2-4)
	default:
		x := middle - half
		d.add(`<path class="line back" d="M%g %gC%g %g %g %g %g %g"/>`, x, y1+off, x-left*1.33, y1+off, x-left*1.33, y2+4, x-8, y2+4)
		d.add(`<path class="head back" d="M%g %gl-9 -5v10z"/>`, x, y2+4)
	}
}

// turn draws the phases as a ring, clockwise from the top, with a phrase for each.
func turn(phases []inspect.Word) string {
	const (
		width, height = 990.0, 400.0
		x0, y0, r     = 200.0, 200.0, 128.0
		gap           = .09 // radians between two arcs
	)
	var d drawing
	var words []string
	each := 2 * math.Pi / float64(len(phases))
	at := func(angle, radius float64) (x, y float64) {
		return round(x0 + radius*math.Sin(angle)), round(y0 - radius*math.Cos(angle))
	}
	for i, phase := range phases {
		from, to := float64(i)*each+gap, float64(i+1)*each-gap
		x1, y1 := at(from, r)
		x2, y2 := at(to-.07, r)
		d.add(`<path class="line" stroke-linecap="round" style="stroke-width:9" d="M%g %gA%g %g 0 0 1 %g %g"/>`, x1, y1, r, r, x2, y2)
		tip1, tip2 := at(to+.03, r)
		a1, a2 := at(to-.1, r+12)
		b1, b2 := at(to-.1, r-12)
		d.add(`<path class="head" d="M%g %gL%g %gL%g %gz"/>`, tip1, tip2, a1, a2, b1, b2)
		x, y := at((from+to)/2, r-48)
		d.text(x, y+5, "", "middle", phase.ID)
		line := 62 + float64(i)*50
		d.text(400, line, "", "start", phase.ID)
		d.text(400, line+20, "soft", "start", phase.Text)
		words = append(words, phase.ID+": "+phase.Text)
	}
	return d.finish("One turn of the loop", "Six phases in a ring. "+strings.Join(words, "; ")+". After the last one the next turn begins.", width, height)
}

// round leaves two decimals, so that a picture is the same on all machines.
func round(x float64) float64 { return math.Round(x*100) / 100 }
