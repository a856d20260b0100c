package guide

import (
	"fmt"
	"strings"
)

// A change is some lines of the first file that became some of the second; either
// may be none. Numbers count from 0.
type change struct{ a, aEnd, b, bEnd int }

// Diff returns the differences between two files in the format of diff -u, and how many
// lines have changed. A line that was replaced by another one counts once.
func Diff(from, to Step) (text string, changed int) {
	a, b := from.lines(), to.lines()
	changes := compare(a, b)
	for _, c := range changes {
		changed += max(c.aEnd-c.a, c.bEnd-c.b)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", from.File(), to.File())
	const around = 3 // unchanged lines before and behind a change
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && changes[n].a-changes[n-1].aEnd <= 2*around {
			n++
		}
		first, last := changes[0], changes[n-1]
		begin := min(around, first.a, first.b)
		end := min(around, len(a)-last.aEnd, len(b)-last.bEnd)
		fmt.Fprintf(&out, "@@ -%d,%d +%d,%d @@\n", first.a-begin+1, last.aEnd+end-first.a+begin, first.b-begin+1, last.bEnd+end-first.b+begin)
		at := first.a - begin
		for _, c := range changes[:n] {
			print(&out, " ", a[at:c.a])
			print(&out, "-", a[c.a:c.aEnd])
			print(&out, "+", b[c.b:c.bEnd])
			at = c.aEnd
		}
		print(&out, " ", a[at:at+end])
		changes = changes[n:]
	}
	return out.String(), changed
}

func print(out *strings.Builder, sign string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(out, "%s%s\n", sign, line)
	}
}

// compare finds the changes between two lists of lines, by their longest common
// subsequence. Steps are short, so a table of all pairs of lines is.
func compare(a, b []string) (changes []change) {
	common := make([][]int, len(a)+1) // common[i][j]: length of that of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	same := func() bool { return i < len(a) && j < len(b) && a[i] == b[j] }
	for i < len(a) || j < len(b) {
		c := change{a: i, b: j}
		for (i < len(a) || j < len(b)) && !same() {
			if j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1] {
				i++
			} else {
				j++
			}
		}
		c.aEnd, c.bEnd = i, j
		if c.a < c.aEnd || c.b < c.bEnd {
			changes = append(changes, c)
		}
		for same() {
			i, j = i+1, j+1
		}
	}
	return changes
}
