package guide

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/cmd/tour/breaks"
)

// How long a break waits for an answer: of a step that is to break, unless the guide says
// otherwise, and of one that is to survive, which answers sooner.
const (
	impatience = 1 * time.Second
	patience   = 4 * time.Second
)

// errQuit is an answer of a person.
var errQuit = errors.New("quit")

// teach leads through a step, and on a terminal through the next ones, too.
func (g *Guide) teach(s Step, wrong string) int {
	for {
		asToldSoFar, err := g.lesson(s, wrong)
		switch {
		case errors.Is(err, errQuit):
			return exitOK
		case err != nil:
			return g.fail(err)
		case !asToldSoFar:
			return exitOther
		}
		next, ok := s.next()
		if !ok || !g.Asks || wrong != "" {
			return exitOK
		}
		fmt.Fprintln(g.Out)
		if answer, err := g.ask(fmt.Sprintf("Enter for step %d, q to stop: ", next.Number)); err != nil || answer != "" {
			return exitOK
		}
		fmt.Fprintln(g.Out)
		s = next
	}
}

// lesson is one step: a guess, the break, both outcomes, the line to blame. It reports
// whether the outcomes were those of the lesson.
func (g *Guide) lesson(s Step, wrong string) (asTold bool, err error) {
	if wrong != "" {
		return g.wrongLesson(s, wrong)
	}
	g.heading(s)
	g.say(s.Story)
	guess, err := g.guess(s)
	if err != nil {
		return false, err
	}
	if s.Break == nil {
		asTold, err = g.survivesAll(s)
		if err == nil {
			g.say(s.Lesson)
			g.onward(s)
		}
		return asTold, err
	}
	g.say(fmt.Sprintf("Step %d, %s:", s.Number, s.Title))
	outcome, err := g.broken(s, "", s.Break, cmp.Or(g.impatience, impatience))
	if err != nil {
		return false, err
	}
	asTold = !outcome.Survived
	g.verdict(s, guess, outcome)
	g.blame(s)
	g.say(s.Lesson)
	if next, ok := s.next(); ok {
		g.say(fmt.Sprintf("The same clients and step %d, %s:", next.Number, next.Title))
		outcome, err = g.broken(next, "", s.Break, patience)
		if err != nil {
			return false, err
		}
		asTold = asTold && outcome.Survived
		if outcome.Survived {
			g.say("It survives.")
		} else {
			g.say("It does not survive either. This should not be: a machine that is very busy may be the reason.")
		}
	}
	g.onward(s)
	return asTold, nil
}

// wrongLesson runs a step with a mistake, and then without.
func (g *Guide) wrongLesson(s Step, name string) (asTold bool, err error) {
	i := slices.IndexFunc(s.Wrong, func(w Wrong) bool { return w.Name == name })
	if i < 0 {
		return false, fmt.Errorf("step %d has no wrong way %q%s", s.Number, name, s.wrongWays())
	}
	w := s.Wrong[i]
	g.heading(s)
	g.say(w.Story)
	g.say("With the mistake:")
	wrong, err := g.broken(s, name, w.Break, cmp.Or(g.impatience, impatience))
	if err != nil {
		return false, err
	}
	g.say(w.Lesson)
	g.say("Without it:")
	right, err := g.broken(s, "", w.Break, patience)
	if err != nil {
		return false, err
	}
	return !wrong.Survived && right.Survived, nil
}

// broken starts a step, breaks it and shows what happened.
func (g *Guide) broken(s Step, wrong string, attack breaks.Break, wait time.Duration) (breaks.Outcome, error) {
	p, err := Start(g.Program, s, wrong)
	if err != nil {
		return breaks.Outcome{}, err
	}
	outcome, err := attack(&p.Target, wait)
	busy, lived := p.Stop()
	if err != nil {
		return outcome, fmt.Errorf("the break of step %d: %w", s.Number, err)
	}
	for _, line := range append(outcome.Seen, outcome.Result) {
		g.paragraph("  ", line)
	}
	g.paragraph("  ", fmt.Sprintf("Processor time of the server, with its start and on all cores: %.2fs in %.2fs.", busy.Seconds(), lived.Seconds()))
	fmt.Fprintln(g.Out)
	return outcome, nil
}

func (g *Guide) heading(s Step) {
	fmt.Fprintf(g.Out, "Step %d of %d: %s\n", s.Number, len(Steps()), s.Title)
	fmt.Fprintf(g.Out, "%s, %d lines\n\n", s.File(), len(s.lines()))
	g.say("You may think: " + s.Belief)
}

// guess asks the question of a step, if a person is there. It returns the index of the
// answer, or -1.
func (g *Guide) guess(s Step) (int, error) {
	if s.Question == "" {
		return -1, nil
	}
	g.say(s.Question)
	for i, guess := range s.Guesses {
		g.paragraph("     ", fmt.Sprintf("%c) %s", 'a'+i, guess))
	}
	fmt.Fprintln(g.Out)
	for g.Asks {
		answer, err := g.ask("Your guess, a, b or c (Enter for none, q to stop): ")
		if err != nil {
			return -1, err
		}
		i := strings.Index("abc", answer)
		switch {
		case answer == "":
			fmt.Fprintln(g.Out)
			return -1, nil
		case answer == "q":
			return -1, errQuit
		case len(answer) == 1 && i >= 0:
			fmt.Fprintln(g.Out)
			return i, nil
		}
	}
	return -1, nil
}

// ask returns one line from the person, without blanks around it and in lower case.
// The end of the input quits.
func (g *Guide) ask(prompt string) (string, error) {
	fmt.Fprint(g.Out, prompt)
	line, err := g.answers.ReadString('\n')
	if err == io.EOF {
		fmt.Fprintln(g.Out)
		return "", errQuit
	}
	return strings.ToLower(strings.TrimSpace(line)), err
}

// verdict compares the outcome with the guess.
func (g *Guide) verdict(s Step, guess int, outcome breaks.Outcome) {
	if outcome.Survived {
		g.say("It did not break this time. This should not be: a machine that is very busy may be the reason.")
		return
	}
	right := fmt.Sprintf("%c) %s", 'a'+s.Right, s.Guesses[s.Right])
	switch guess {
	case -1:
		g.say("It breaks. The answer is " + right + ".")
	case s.Right:
		g.say("It breaks. Your guess was right: " + right + ".")
	default:
		g.say("It breaks. The answer is not " + string(rune('a'+guess)) + ", but " + right + ".")
	}
}

// blame shows the line that fails.
func (g *Guide) blame(s Step) {
	number, line := s.Failing()
	if number == 0 {
		return
	}
	code, why, _ := strings.Cut(line, "// BREAKS: ")
	fmt.Fprintf(g.Out, "%s:%d\n    %s\n", s.File(), number, strings.TrimSpace(code))
	g.paragraph("    ", "// "+why)
	fmt.Fprintln(g.Out)
}

// onward says what can be done next.
func (g *Guide) onward(s Step) {
	fmt.Fprintf(g.Out, "Try it by hand:   %s serve %d\n", g.Name, s.Number)
	for _, w := range s.Wrong {
		fmt.Fprintf(g.Out, "Make a mistake:   %s %d --wrong %s\n", g.Name, s.Number, w.Name)
	}
	if next, ok := s.next(); ok {
		fmt.Fprintf(g.Out, "What changes:     %s diff %d %d\n", g.Name, s.Number, next.Number)
		fmt.Fprintf(g.Out, "Next:             %s %d\n", g.Name, next.Number)
	}
}

// say writes a paragraph and an empty line.
func (g *Guide) say(text string) {
	g.paragraph("", text)
	fmt.Fprintln(g.Out)
}

// width is that of a terminal that was never made larger.
const width = 80

// paragraph writes text in lines that fit, each behind an indent.
func (g *Guide) paragraph(indent, text string) {
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line) > len(indent) && len(line)+1+len(word) > width {
			fmt.Fprintln(g.Out, line)
			line = indent
		}
		if len(line) > len(indent) {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(g.Out, line)
}

// next is the step behind this one.
func (s Step) next() (Step, bool) {
	all := Steps()
	if s.Number >= len(all) {
		return Step{}, false
	}
	return all[s.Number], true
}

func (s Step) has(wrong string) bool {
	return slices.ContainsFunc(s.Wrong, func(w Wrong) bool { return w.Name == wrong })
}

// wrongWays is the end of a sentence about one that a step does not have.
func (s Step) wrongWays() string {
	var names []string
	for _, w := range s.Wrong {
		names = append(names, w.Name)
	}
	if len(names) == 0 {
		return ""
	}
	return ", only " + strings.Join(names, ", ")
}
