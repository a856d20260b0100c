package report

import (
	"fmt"
	"math"
	"strings"
)

// A drawing is an SVG in progress. It has no background, and colours for light and
// dark pages, so that it suits both.
type drawing struct {
	width, height float64
	body          strings.Builder
}

// The classes are the meaning of a shape; only this defines its look.
const style = `
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #59636e; font-size: 12px }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.floor { fill: #818b98; stroke: #818b98 }
.ours { fill: #bc4c00; stroke: #bc4c00 }
.rival { fill: #54aeff; stroke: #54aeff }
.user { fill-opacity: 1 }
.kernel { fill-opacity: .55 }
polyline.line { fill: none; stroke-width: 2 }
.strong { font-weight: 600 }
text.floor, text.ours, text.rival { stroke: none }
text.floor { fill: #59636e }
text.ours { fill: #bc4c00 }
text.rival { fill: #0969da }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.quiet { fill: #9198a1 }
.grid { stroke: #3d444d }
.ours { fill: #f0883e; stroke: #f0883e }
.rival { fill: #388bfd; stroke: #388bfd }
text.floor { fill: #9198a1 }
text.ours { fill: #f0883e }
text.rival { fill: #79c0ff }
}
`

func draw(width, height float64) *drawing { return &drawing{width: width, height: height} }

// String returns the file. label describes the picture for readers who cannot see it.
func (d *drawing) String(label string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s">
<style>%s</style>
%s</svg>
`, number(d.width), number(d.height), number(d.width), number(d.height), escape(label), style, d.body.String())
}

// end is the end of a text that is at its place.
type end string

const (
	left   end = "start"
	middle end = "middle"
	right  end = "end"
)

func (d *drawing) text(x, y float64, at end, class, s string) {
	fmt.Fprintf(&d.body, "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\" class=\"%s\">%s</text>\n",
		number(x), number(y), at, class, escape(s))
}

func (d *drawing) bar(x, y, width, height float64, class string) {
	fmt.Fprintf(&d.body, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" class=\"%s\" stroke=\"none\"/>\n",
		number(x), number(y), number(max(width, 0)), number(height), class)
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&d.body, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" class=\"%s\"/>\n",
		number(x1), number(y1), number(x2), number(y2), class)
}

func (d *drawing) dot(x, y, radius float64, class, tip string) {
	fmt.Fprintf(&d.body, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" class=\"%s\"><title>%s</title></circle>\n",
		number(x), number(y), number(radius), class, escape(tip))
}

// A point is a place in a drawing.
type point struct{ x, y float64 }

func (d *drawing) path(points []point, class string) {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%s,%s ", number(p.x), number(p.y))
	}
	fmt.Fprintf(&d.body, "<polyline points=\"%s\" class=\"%s\"/>\n", strings.TrimSpace(b.String()), class)
}

// number formats a coordinate. NaN would make the whole file invalid, and is a bug.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		panic("report: a coordinate is not a number")
	}
	s := fmt.Sprintf("%.1f", v)
	return strings.TrimSuffix(s, ".0")
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace
