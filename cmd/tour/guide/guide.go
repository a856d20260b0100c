// Package guide leads through the tour: it starts a step, breaks it, and shows the
// line that is to blame and the next step that survives. It is a package, because
// both cmd/tour and "bobbin tour" are it.
package guide

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// A Guide talks to one person. It writes plain lines, without colours and without moving
// the cursor, so every terminal will do.
type Guide struct {
	In       io.Reader
	Out, Err io.Writer
	Asks     bool     // a person is there to answer: In is a terminal
	Name     string   // the command as a person types it, such as "bobbin tour"
	Program  []string // the command as the guide runs it, to start a step

	answers    *bufio.Reader // over In
	impatience time.Duration // in place of the usual one, for tests
}

// Exit codes.
const (
	exitOK    = 0
	exitOther = 1 // a break had another outcome than the lesson says
	exitUsage = 2
)

// Usage is the help.
func (g *Guide) Usage() string {
	return strings.ReplaceAll(`usage: TOUR [STEP] [--yes] [--wrong NAME]
       TOUR diff STEP STEP
       TOUR show STEP
       TOUR serve STEP [--port N] [--wrong NAME]
       TOUR sidebar [NAME]

Leads from a blocking server to an event loop, in steps. Each step is a server
in one file, and a break that shows what is wrong with it. Without a STEP, it
lists them. A STEP is a number or a name.

diff shows the lines that differ between two steps, show prints a step's file,
and serve runs a step until Ctrl-C, to try it by hand. sidebar shows small
mistakes of event loops beside the steps.

      --yes          do not ask for guesses
      --wrong NAME   run the step with a mistake that it avoids
      --port N       port to listen at; 8080
`, "TOUR", g.Name)
}

// Run is the command. It returns the exit code.
func (g *Guide) Run(args []string) int {
	g.answers = bufio.NewReader(g.In)
	flags := pflag.NewFlagSet("tour", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	yes := flags.Bool("yes", false, "")
	wrong := flags.String("wrong", "", "")
	port := flags.Int("port", 8080, "")
	untilEOF := flags.Bool("until-eof", false, "") // for Start
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(g.Out, g.Usage())
		return exitOK
	}
	if err != nil {
		return g.fail(explainFlag(err))
	}
	g.Asks = g.Asks && !*yes
	switch args = flags.Args(); {
	case len(args) == 0:
		g.list()
		return exitOK
	case args[0] == "diff":
		err = g.diff(args[1:])
	case args[0] == "show":
		err = g.show(args[1:])
	case args[0] == "sidebar":
		err = g.sidebar(args[1:])
	case args[0] == "serve-sidebar": // for sidebar
		err = g.serveSidebar(args[1:])
	case args[0] == "serve":
		var s Step
		if s, err = one("serve", args[1:]); err == nil {
			err = g.serve(s, *port, *wrong, *untilEOF)
		}
	default:
		var s Step
		if s, err = one("", args); err == nil {
			return g.teach(s, *wrong)
		}
	}
	if err != nil {
		return g.fail(err)
	}
	return exitOK
}

// fail says what is wrong, and how to go on.
func (g *Guide) fail(err error) int {
	fmt.Fprintf(g.Err, "%s: %v\n", g.Name, err)
	return exitUsage
}

// explainFlag turns an error of pflag into a sentence that says what to type.
func explainFlag(err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("unknown flag --%s; --help lists the flags", unknown.GetSpecifiedName())
	case errors.As(err, &missing):
		return fmt.Errorf("--%s needs a value; --help says more", missing.GetFlag().Name)
	case errors.As(err, &invalid) && invalid.GetFlag().Name == "port":
		return fmt.Errorf("--port %s is no port: a port is a number up to 65535", invalid.GetValue())
	}
	return err
}

// one finds the step that the only argument names.
func one(command string, args []string) (Step, error) {
	switch {
	case len(args) == 1:
	case command == "":
		return Step{}, errors.New("name one step, such as 1; --help says more")
	default:
		return Step{}, fmt.Errorf("%s takes one step, such as %[1]s 1; --help says more", command)
	}
	s, ok := Find(args[0])
	if !ok {
		all := Steps()
		return Step{}, fmt.Errorf("there is no step %q: steps are the numbers 1 to %d, or names such as %s", args[0], len(all), all[0].Name)
	}
	return s, nil
}

// list shows all steps.
func (g *Guide) list() {
	fmt.Fprintf(g.Out, "From a blocking server to an event loop, in %d steps:\n\n", len(Steps()))
	for _, s := range Steps() {
		fmt.Fprintf(g.Out, "  %2d  %-12s %s\n", s.Number, s.Name, s.Title)
	}
	fmt.Fprintf(g.Out, "\nBegin with: %s 1\n", g.Name)
}

// diff shows the lines that differ between two steps.
func (g *Guide) diff(args []string) error {
	if len(args) != 2 {
		return errors.New("diff takes two steps, such as diff 5 6")
	}
	from, err := one("diff", args[:1])
	if err != nil {
		return err
	}
	to, err := one("diff", args[1:])
	if err != nil {
		return err
	}
	text, changed := Diff(from, to)
	fmt.Fprint(g.Out, text)
	fmt.Fprintf(g.Err, "%d lines changed\n", changed) // not on the output, which other programs may read
	return nil
}

// show prints a step's file.
func (g *Guide) show(args []string) error {
	s, err := one("show", args)
	if err == nil {
		fmt.Fprint(g.Out, s.Source())
	}
	return err
}
