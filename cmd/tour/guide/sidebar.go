package guide

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"

	"github.com/bobbin-http/bobbin/cmd/tour/breaks"
	"github.com/bobbin-http/bobbin/cmd/tour/sidebars"
)

// sidebar shows one of the small programs beside the steps, or lists them.
func (g *Guide) sidebar(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(g.Out, "Beside the steps, mistakes that event loops make:\n\n")
		for _, s := range sidebars.All {
			fmt.Fprintf(g.Out, "  %-10s %s\n", s.Name, s.Title)
		}
		fmt.Fprintf(g.Out, "\nBegin with: %s sidebar %s\n", g.Name, sidebars.All[0].Name)
		return nil
	}
	s, err := findSidebar(args)
	if err != nil {
		return err
	}
	careless, careful, err := g.countApart(s)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%s\n\n", s.Title)
	g.say("You may think: " + s.Belief)
	fmt.Fprintf(g.Out, "  %s:\n    careless  %s\n    careful   %s\n\n", s.Counts, breaks.Number(careless), breaks.Number(careful))
	g.say(s.Lesson)
	return nil
}

// countApart runs a sidebar in a process of its own.
func (g *Guide) countApart(s sidebars.Sidebar) (careless, careful int, err error) {
	args := append(g.Program[1:len(g.Program):len(g.Program)], "serve-sidebar", s.Name)
	cmd := exec.Command(g.Program[0], args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("sidebar %s: %w: %s", s.Name, err, strings.TrimSpace(complaint.String()))
	}
	_, err = fmt.Sscan(string(out), &careless, &careful)
	return careless, careful, err
}

// serveSidebar is the other side of countApart.
func (g *Guide) serveSidebar(args []string) error {
	s, err := findSidebar(args)
	if err != nil {
		return err
	}
	careless, careful, err := s.Run()
	if err == nil {
		fmt.Fprintln(g.Out, careless, careful)
	}
	return err
}

func findSidebar(args []string) (sidebars.Sidebar, error) {
	var names []string
	for _, s := range sidebars.All {
		if len(args) == 1 && s.Name == args[0] {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return sidebars.Sidebar{}, fmt.Errorf("sidebar takes one name: %s", strings.Join(names, ", "))
}
