package guide

import "fmt"

// survivesAll gives the last step the breaks of all others, and reports whether it
// survives them.
func (g *Guide) survivesAll(s Step) (survived bool, err error) {
	g.say(fmt.Sprintf("Step %d, %s, and the breaks of the others:", s.Number, s.Title))
	n, of := 0, 0
	for _, other := range Steps() {
		if other.Break == nil {
			continue
		}
		p, err := Start(g.Program, s, "")
		if err != nil {
			return false, err
		}
		outcome, err := other.Break(&p.Target, patience)
		p.Stop()
		if err != nil {
			return false, fmt.Errorf("the break of step %d: %w", other.Number, err)
		}
		of++
		if outcome.Survived {
			n++
		}
		g.paragraph("  ", fmt.Sprintf("%d %s: %s", other.Number, other.Name, outcome.Result))
	}
	fmt.Fprintln(g.Out)
	g.say(fmt.Sprintf("It survives %d of %d.", n, of))
	return n == of, nil
}
