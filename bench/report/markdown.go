package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Markdown returns the report as a page. Plots are files beside it.
func (r *Report) Markdown(plots map[string]string) string {
	var b strings.Builder
	say := func(format string, a ...any) { fmt.Fprintf(&b, format, a...) }

	say("# What a request costs\n\n")
	say("Written by `bench` on %s, for commit %s, in %s. bench/README.md explains how to repeat it.\n\n",
		r.Date.UTC().Format("2 January 2006, 15:04 UTC"), r.Commit, r.Took.Round(time.Second))
	if r.Partial {
		say("**This was a part of the measurements, or a quick look. Do not use it for comparisons.**\n\n")
	}
	for _, w := range r.Warnings {
		say("**%s**\n\n", w)
	}

	if table := r.overview(); len(table) > 1 {
		say("## On one screen\n\n")
		say("The cost of a request as a multiple of the floor's: a C program that reads to the empty line and sends a constant answer. Where there is no floor (TLS), 1.00 is bobbin. Less is better. A dash: not measured; the section of that scenario has the reason.\n\n")
		markdownTable(&b, embolden(table, "bobbin"))
		if _, ok := plots["overview.svg"]; ok {
			say("![all scenarios, a dot for each server](overview.svg)\n\n")
		}
	}

	say("## Goals\n\n")
	say("Computed from this run. Ratios are of processor time, and medians of the ratios within a round. *Disturbed* counts the measurements during which others used more than %s of the server's core. docs/measuring.md has the reasons for what falls short.\n\n", percent(OthersTolerated))
	writeTable(&b, r.goalTable(), true)

	say("## How it was measured\n\n")
	for _, m := range r.Method {
		say("- %s\n", m)
	}
	say("\n")
	pairs(&b, "machine", r.Machine)
	pairs(&b, "server", r.Versions)
	if len(r.Skipped) > 0 {
		say("Left out:\n\n")
		for _, s := range r.Skipped {
			say("- %s: %s\n", s.Name, s.Says)
		}
		say("\n")
	}

	r.columns(&b)
	var drawn []string // groups
	for _, s := range r.Scenarios {
		switch {
		case s.Group == "":
			say("## %s\n\n%s\n\n%s\n\n", s.Name, s.Title, s.Does)
			s.markdown(&b, plots)
		case !slices.Contains(drawn, s.Group):
			drawn = append(drawn, s.Group)
			r.group(&b, s.Group, plots)
		}
	}
	return b.String()
}

// group writes the section of scenarios that differ in one number: the growth of the
// cost, and the details.
func (r *Report) group(b *strings.Builder, group string, plots map[string]string) {
	members := r.members(group)
	fmt.Fprintf(b, "## %s\n\n%s\n\n", group, members[0].Does)
	if _, ok := plots[group+".svg"]; ok {
		fmt.Fprintf(b, "![cost as it grows](%s.svg)\n\n", group)
	}
	if table := r.growth(group); table != nil {
		fmt.Fprintf(b, "%s, by the number of %s:\n\n", figure(members[0].Cost).Title, members[0].Grows)
		markdownTable(b, embolden(table, "bobbin"))
	}
	if members[0].Not != "" {
		fmt.Fprintf(b, "*What this does not say:* %s\n\n", members[0].Not)
	}
	fmt.Fprint(b, "<details><summary>each of them, with all figures</summary>\n\n")
	for _, s := range members {
		fmt.Fprintf(b, "### %s\n\n%s\n\n", s.Name, s.Title)
		alone := *s
		alone.Not = "" // it is in the group's text
		alone.markdown(b, plots)
	}
	fmt.Fprint(b, "</details>\n\n")
}

// columns describes each figure, with its limits.
func (r *Report) columns(b *strings.Builder) {
	fmt.Fprint(b, "## The columns, and what they do not say\n\n")
	table := [][]string{{"column", "is", "does not say"}}
	for _, f := range Figures {
		for _, s := range r.Scenarios {
			if slices.ContainsFunc(s.columns(), func(c Figure) bool { return c.Key == f.Key }) {
				table = append(table, []string{f.Title, f.Says, f.Not})
				break
			}
		}
	}
	table = append(table, []string{
		"× floor, × best rival",
		"the cost in proportion to that of the floor and of the cheapest rival; the median over the rounds of the ratio within a round",
		"the cost of work that the floor does not do: parsing, checking, deadlines, limits. The floor is no complete server.",
	})
	writeTable(b, table, false)
}

func (s *Scenario) markdown(b *strings.Builder, plots map[string]string) {
	if len(s.Servers) > 0 {
		markdownTable(b, embolden(s.cells(), "bobbin"))
	}
	if s.Not != "" {
		fmt.Fprintf(b, "*What this does not say:* %s\n\n", s.Not)
	}
	for _, v := range s.Servers {
		for _, n := range v.Notes {
			fmt.Fprintf(b, "- %s: %s\n", v.Name, n)
		}
		if n := v.disturbedNote(); n != "" {
			fmt.Fprintf(b, "- %s: %s\n", v.Name, n)
		}
	}
	for _, l := range s.Left {
		fmt.Fprintf(b, "- without %s: %s\n", l.Name, l.Says)
	}
	b.WriteString("\n")
	if _, ok := plots[s.Name+".svg"]; ok {
		fmt.Fprintf(b, "![%s](%s.svg)\n\n", s.Title, s.Name)
	}
	if len(s.Servers) > 0 && !s.alone() { // it has no ratios
		s.details(b)
	}
}

// details writes the figures for readers who check them.
func (s *Scenario) details(b *strings.Builder) {
	fmt.Fprint(b, "<details><summary>every figure in proportion, spread, sizes</summary>\n\n")
	fmt.Fprint(b, "In proportion to the floor / to the best rival, which has a ★:\n\n")
	markdownTable(b, s.ratios())
	f := figure(s.Cost)
	table := [][]string{{"server", f.Title + ", least", "median", "most", "rounds", "bytes of an answer", "system calls per request"}}
	for _, v := range s.Servers {
		sum, ok := v.Summary[s.Cost]
		if !ok {
			continue
		}
		table = append(table, []string{
			v.Name, f.Format(sum.Least), f.Format(sum.Value), f.Format(sum.Most),
			fmt.Sprint(len(v.values(s.Cost))), count0(float64(v.Bytes)), callWords(v.Calls),
		})
	}
	markdownTable(b, table)
	if len(s.Trips) > 0 {
		words := make([]string, len(s.Trips))
		for i, t := range s.Trips {
			words[i] = fmt.Sprintf("%.0f", t*1e9)
		}
		fmt.Fprintf(b, "From core to core and back before each round, in ns: %s.\n\n", strings.Join(words, ", "))
	}
	fmt.Fprint(b, "</details>\n\n")
}

// callWords lists the frequent calls.
func callWords(calls map[string]float64) string {
	type one struct {
		name string
		n    float64
	}
	var all []one
	for name, n := range calls {
		if n >= 0.01 {
			all = append(all, one{name, n})
		}
	}
	if len(all) == 0 {
		return "–"
	}
	slices.SortFunc(all, func(a, b one) int {
		if a.n != b.n {
			return int(b.n*1e6) - int(a.n*1e6)
		}
		return strings.Compare(a.name, b.name)
	})
	var words []string
	for _, o := range all {
		words = append(words, fmt.Sprintf("%s %.2f", o.name, o.n))
	}
	return strings.Join(words, ", ")
}

func pairs(b *strings.Builder, heading string, all []Pair) {
	if len(all) == 0 {
		return
	}
	table := [][]string{{heading, ""}}
	for _, p := range all {
		table = append(table, []string{p.Name, p.Says})
	}
	writeTable(b, table, false)
}

// embolden emphasises the column or row that begins with name.
func embolden(table [][]string, name string) [][]string {
	column := slices.Index(table[0], name)
	bold := make([][]string, len(table))
	for i, row := range table {
		bold[i] = slices.Clone(row)
		for j := range row {
			if i > 0 && (j == column || row[0] == name) && row[j] != "–" {
				bold[i][j] = "**" + row[j] + "**"
			}
		}
	}
	return bold
}

// markdownTable writes a table of numbers.
func markdownTable(b *strings.Builder, table [][]string) { writeTable(b, table, true) }

func writeTable(b *strings.Builder, table [][]string, numbers bool) {
	for i, row := range table {
		b.WriteString("|")
		for _, cell := range row {
			b.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
		}
		b.WriteString("\n")
		if i == 0 {
			b.WriteString("|---|")
			for range row[1:] {
				if numbers {
					b.WriteString("--:|")
				} else {
					b.WriteString("---|")
				}
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
}
