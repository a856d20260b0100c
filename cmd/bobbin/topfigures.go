package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// How bobbin top writes figures: as the page does (http/inspect/page/words.js).

// countText writes a number with its thousands apart: 9,412.
func countText(n float64) string {
	s := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// scaledText writes n in the largest unit that leaves at least one, with three digits at
// most, or whole.
func scaledText(n float64, units ...string) string {
	i := 0
	for ; n >= 999.5 && i < len(units)-1; i++ {
		n /= 1000
	}
	if i == 0 || n >= 10 {
		return countText(n) + " " + units[i]
	}
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) + " " + units[i]
}

func bytesText(n float64) string { return scaledText(n, "B", "kB", "MB", "GB", "TB") }

// nanosText writes a time that was measured in nanoseconds.
func nanosText(d time.Duration) string { return scaledText(float64(d), "ns", "µs", "ms", "s") }

// spanText writes a time as in a sentence.
func spanText(d time.Duration) string {
	s := d.Seconds()
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", s)
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", s)
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", s/60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", s/3600)
	}
	return fmt.Sprintf("%.0f days", s/86400)
}

// shareText writes a share of 1.
func shareText(x float64) string {
	if x > 0 && x < 0.01 {
		return "< 1 %"
	}
	return fmt.Sprintf("%.0f %%", math.Round(x*100))
}

// nounText writes a number and its noun.
func nounText(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return countText(float64(n)) + " " + noun + "s"
}

// connectionsText writes how many connections do what.
func connectionsText(does [5]float64, word func(activity int) string) string {
	open, parts := 0, []string(nil)
	for i, n := range does {
		open += int(n)
		if n > 0 {
			parts = append(parts, countText(n)+" "+word(i))
		}
	}
	if open == 0 {
		return nounText(open, "connection")
	}
	return nounText(open, "connection") + ": " + strings.Join(parts, ", ")
}

// bars are the heights of a sparkline.
var bars = []rune("▁▂▃▄▅▆▇█")

// A scale is that of a sparkline: logarithmic, because a stall is a thousand times a turn.
type scale struct{ floor, top float64 }

// bar returns the height of a value, and a blank where there is none.
func (s scale) bar(v float64) rune {
	if v <= 0 {
		return ' '
	}
	part := math.Log(v/s.floor) / math.Log(s.top/s.floor)
	return bars[min(max(int(part*float64(len(bars))), 0), len(bars)-1)]
}
