package guide

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/cmd/tour/breaks"
)

// TestMain lets the test binary be the tour itself, when a test starts a step.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "tour" {
		g := &Guide{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Name: "tour", Program: os.Args[:2]}
		os.Exit(g.Run(os.Args[2:]))
	}
	flag.Parse()
	flag.Set("test.parallel", "4") // breaks wait more than they work
	breaks.Sure = slowAnswer
	os.Exit(m.Run())
}

// How long a break waits in tests: where no answer will come, and where a busy machine
// may need long for one that does.
const (
	noAnswer   = 300 * time.Millisecond
	slowAnswer = time.Minute
)

// self is the command of the tour.
func self(t *testing.T) []string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{program, "tour"}
}

// TestEachStepBreaksAndTheNextOneSurvives runs each break against its step, and then
// against the next one. What decides is a count.
func TestEachStepBreaksAndTheNextOneSurvives(t *testing.T) {
	t.Parallel()
	for _, s := range Steps() {
		if s.Break == nil {
			continue
		}
		t.Run(s.Name+" breaks", func(t *testing.T) {
			t.Parallel()
			p, err := Start(self(t), s, "")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			o, err := s.Break(&p.Target, noAnswer)
			if err != nil || o.Survived {
				t.Errorf("%+v, %v", o, err)
			}
			t.Log(o.Result)
		})
		next, ok := s.next()
		if !ok {
			continue
		}
		t.Run(next.Name+" survives that", func(t *testing.T) {
			t.Parallel()
			p, err := Start(self(t), next, "")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			o, err := s.Break(&p.Target, slowAnswer)
			if err != nil || !o.Survived {
				t.Errorf("%+v, %v", o, err)
			}
			t.Log(o.Result)
		})
	}
}

// TestEachWrongWayBreaksAndTheStepSurvives does the same with the mistakes that
// --wrong makes.
func TestEachWrongWayBreaksAndTheStepSurvives(t *testing.T) {
	t.Parallel()
	for _, s := range Steps() {
		for _, w := range s.Wrong {
			for _, wrong := range []string{w.Name, ""} {
				t.Run(s.Name+" "+w.Name+" "+wrong, func(t *testing.T) {
					t.Parallel()
					p, err := Start(self(t), s, wrong)
					if err != nil {
						t.Fatal(err)
					}
					defer p.Stop()
					wait := slowAnswer
					if wrong != "" {
						wait = noAnswer
					}
					o, err := w.Break(&p.Target, wait)
					if err != nil || o.Survived != (wrong == "") {
						t.Errorf("%+v, %v", o, err)
					}
					t.Log(o.Result)
				})
			}
		}
	}
}

// Sizes of the steps, in lines.
const (
	smallest, small = 60, 120 // of the first four
	large           = 250
	mostChanged     = 90
)

// TestStepsAreSmallAndDifferLittle counts the lines of each step, and those that differ
// from the step before. A line that is replaced counts once; the last step is not made of
// the one before, so only its own lines count.
func TestStepsAreSmallAndDifferLittle(t *testing.T) {
	for i, s := range Steps() {
		if s.Number != i+1 {
			t.Errorf("step %d is number %d", i+1, s.Number)
		}
		n, most := len(s.lines()), large
		if s.Number <= 4 {
			most = small
		}
		if n > most || s.Number <= 4 && n < smallest {
			t.Errorf("%s has %d lines, and may have %d", s.File(), n, most)
		}
		changed := 0
		if next, ok := s.next(); ok {
			text := ""
			if text, changed = Diff(s, next); next.Break == nil {
				changed = strings.Count(text, "\n+") - 1
			}
			if changed > mostChanged {
				t.Errorf("%d lines change from step %d to the next, and %d may", changed, s.Number, mostChanged)
			}
		}
		t.Logf("%-10s %3d lines, %2d change to the next step", s.Name, n, changed)
	}
}

// TestDiffTurnsOneStepIntoTheOther applies what diff prints.
func TestDiffTurnsOneStepIntoTheOther(t *testing.T) {
	for _, from := range Steps() {
		for _, to := range Steps() {
			text, changed := Diff(from, to)
			var got []string
			rest := from.lines() // lines of from that are not used yet
			for line := range strings.Lines(text) {
				var a, an, b, bn int
				switch line = strings.TrimSuffix(line, "\n"); {
				case strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ "):
					continue
				case strings.HasPrefix(line, "@@"):
					if n, err := fmt.Sscanf(line, "@@ -%d,%d +%d,%d @@", &a, &an, &b, &bn); n != 4 {
						t.Fatalf("%q: %v", line, err)
					}
					skipped := a - 1 - (len(from.lines()) - len(rest))
					got, rest = append(got, rest[:skipped]...), rest[skipped:]
					if len(got) != b-1 {
						t.Fatalf("diff %d %d: %s is at line %d", from.Number, to.Number, line, len(got)+1)
					}
				case line[0] == '+':
					got = append(got, line[1:])
				case rest[0] != line[1:]:
					t.Fatalf("diff %d %d: %q is not there, but %q", from.Number, to.Number, line, rest[0])
				case line[0] == '-':
					rest = rest[1:]
				default:
					got, rest = append(got, rest[0]), rest[1:]
				}
			}
			if got = append(got, rest...); !slices.Equal(got, to.lines()) || (changed == 0) != (from.Number == to.Number) {
				t.Errorf("diff %d %d makes\n%s", from.Number, to.Number, strings.Join(got, "\n"))
			}
		}
	}
}

// TestEachStepNamesTheLineThatFails wants one such line in each step that has a break.
func TestEachStepNamesTheLineThatFails(t *testing.T) {
	for _, s := range Steps() {
		want := 1
		if s.Break == nil {
			want = 0
		}
		if n := strings.Count(s.Source(), "// BREAKS: "); n != want {
			t.Errorf("%s has %d lines with BREAKS", s.File(), n)
		}
		if s.Break != nil && (s.Belief == "" || s.Question == "" || s.Lesson == "" || slices.Contains(s.Guesses[:], "")) {
			t.Errorf("step %d is not complete", s.Number)
		}
	}
}

// run is the command with a person's input; nil is for no person.
func run(t *testing.T, person *string, args ...string) (code int, out, complaint string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	g := &Guide{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Name: "bobbin tour", Program: self(t), impatience: noAnswer}
	if person != nil {
		g.In, g.Asks = strings.NewReader(*person), true
	}
	code = g.Run(args)
	return code, stdout.String(), stderr.String()
}

// lessons are the outputs of commands without a person, each run once for all tests,
// because breaks take their time.
var lessons sync.Map

type lesson struct {
	once           sync.Once
	code           int
	out, complaint string
}

func runOnce(t *testing.T, args ...string) *lesson {
	t.Helper()
	kept, _ := lessons.LoadOrStore(strings.Join(args, " "), new(lesson))
	l := kept.(*lesson)
	l.once.Do(func() { l.code, l.out, l.complaint = run(t, nil, args...) })
	return l
}

// TestTheGuide has a person go through steps.
func TestTheGuide(t *testing.T) {
	t.Parallel()
	words := func(s string) *string { return &s }
	tests := []struct {
		name   string
		person *string
		args   []string
		code   int
		want   []string // in order, on the output
		not    string
		err    string
	}{
		{"without a step it lists them all", nil, nil, 0, []string{" 1  blocking", " 6  edge", "Begin with: bobbin tour 1\n"}, "Your guess", ""},
		{"a step is guessed, broken and explained", words("b\nq\n"), []string{"1"}, 0, []string{
			"Step 1 of ", "You may think: ", "a) ", "Your guess, a, b or c", "0 of 8 clients were answered.", "It breaks. The answer is not b, but c) none",
			"blocking.go:", "n, err := unix.Read(client, request)\n", "8 of 8 clients were answered.", "It survives.", "Enter for step 2, q to stop: "}, "Step 2 of", ""},
		{"a right guess is told", words("C\nq\n"), []string{"blocking"}, 0, []string{"Your guess was right: c) none"}, "", ""},
		{"another answer is asked for again", words("perhaps\n\nq\n"), []string{"1"}, 0, []string{"q to stop): Your guess, a", "The answer is c) none"}, "", ""},
		{"q leaves before the break", words("q\n"), []string{"1"}, 0, []string{"Your guess"}, "It breaks", ""},
		{"the end of the input leaves, too", words(""), []string{"1"}, 0, []string{"Your guess"}, "It breaks", ""},
		{"Enter goes on with the next step", words("c\n\nq\n"), []string{"1"}, 0, []string{"Step 1 of", "Step 2 of", "Your guess"}, "Step 3 of", ""},
		{"--yes asks for nothing", words(""), []string{"1", "--yes"}, 0, []string{"The answer is c) none"}, "Your guess", ""},
		{"without a terminal it asks for nothing", nil, []string{"1"}, 0, []string{"The answer is c) none"}, "Your guess", ""},
		{"a wrong way is shown beside the right one", nil, []string{"6", "--wrong", "once"}, 0, []string{"With the mistake:", "1 of 8 clients", "Without it:", "8 of 8 clients"}, "", ""},
		{"a wrong way that is not there is named", nil, []string{"6", "--wrong", "twice"}, 2, nil, "", `bobbin tour: step 6 has no wrong way "twice", only once`},
		{"a step that is not there is named", nil, []string{"99"}, 2, nil, "", `there is no step "99": steps are the numbers 1 to `},
		{"two steps are too many", nil, []string{"1", "2"}, 2, nil, "", "name one step, such as 1"},
		{"a flag that is not there is named", nil, []string{"--no"}, 2, nil, "", "unknown flag --no; --help lists the flags"},
		{"a command without its step says what it takes", nil, []string{"show"}, 2, nil, "", "show takes one step, such as show 1"},
		{"a word is no port", nil, []string{"serve", "1", "--port", "x"}, 2, nil, "", "--port x is no port"},
		{"a flag without its value is told", nil, []string{"serve", "1", "--port"}, 2, nil, "", "--port needs a value"},
		{"--help explains all", nil, []string{"--help"}, 0, []string{"usage: bobbin tour [STEP]"}, "", ""},
		{"diff shows changed lines", nil, []string{"diff", "1", "2"}, 0, []string{
			"--- cmd/tour/steps/01-blocking/blocking.go\n+++ cmd/tour/steps/02-threads/threads.go\n@@ -1,", "-\t\thandle(client)\n", "+\t\tgo handle(client)"}, "", " lines changed\n"},
		{"diff needs two", nil, []string{"diff", "1"}, 2, nil, "", "diff takes two steps, such as diff 5 6"},
		{"show prints a step's file", nil, []string{"show", "edge"}, 0, []string{"package edge\n", "func Serve("}, "", ""},
		{"a port is a number", nil, []string{"serve", "1", "--port", "70000"}, 2, nil, "", "--port 70000 is no port"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			code, out, complaint := run(t, test.person, test.args...)
			if code != test.code || !strings.Contains(complaint, test.err) || test.err == "" && complaint != "" {
				t.Errorf("it ends with %d and says %q", code, complaint)
			}
			rest := out
			for _, want := range test.want {
				at := strings.Index(rest, want)
				if at < 0 {
					t.Fatalf("%q is not there, or not in order: %s", want, out)
				}
				rest = rest[at+len(want):]
			}
			if test.not != "" && strings.Contains(out, test.not) {
				t.Errorf("%q is there: %s", test.not, out)
			}
		})
	}
}

// TestABreakFitsTheLimitOnOpenFiles runs the one with 1,000 clients where a process may have
// 300 files open.
func TestABreakFitsTheLimitOnOpenFiles(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("/bin/sh", append([]string{"-c", `ulimit -n 300; exec "$0" "$@" 4`}, self(t)...)...).CombinedOutput()
	for _, want := range []string{"Idle clients: 225 (not 1,000: the limit on open files is 300 here).", "226 sockets looked at", "It survives."} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%q is not there, %v: %s", want, err, out)
		}
	}
}

// TestAPortThatIsTakenIsNamed starts a step at the port of another one.
func TestAPortThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	for _, s := range Steps() {
		p, err := Start(self(t), s, "")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := strings.Cut(p.Address, ":")
		code, _, complaint := run(t, nil, "serve", s.Name, "--port", port)
		if code != exitUsage || !strings.Contains(complaint, port+": address already in use; choose another with --port") {
			t.Errorf("step %d ends with %d and says %q", s.Number, code, complaint)
		}
		p.Stop()
	}
}

// TestAStepEndsWithTheGuide closes the input of a step, as the end of the guide does.
func TestAStepEndsWithTheGuide(t *testing.T) {
	t.Parallel()
	for _, s := range Steps() {
		p, err := Start(self(t), s, "")
		if err != nil {
			t.Fatal(err)
		}
		p.stdin.Close()
		if _, died := p.Died(time.Minute); !died {
			t.Errorf("step %d lives on", s.Number)
		}
		p.Stop()
	}
}

// TestEachLessonFitsAnyTerminal looks for escape sequences, and for lines that are
// longer than 80 columns, in all that the guide says of itself.
func TestEachLessonFitsAnyTerminal(t *testing.T) {
	t.Parallel()
	for _, s := range Steps() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			l := runOnce(t, strconv.Itoa(s.Number), "--yes")
			if l.code != 0 || l.complaint != "" {
				t.Errorf("it ends with %d and says %q: %s", l.code, l.complaint, l.out)
			}
			for line := range strings.Lines(l.out) {
				if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
					t.Errorf("a line is too long: %s", line)
				}
			}
			if strings.ContainsFunc(l.out, func(r rune) bool { return r < ' ' && r != '\n' }) {
				t.Errorf("there is a control character: %q", l.out)
			}
		})
	}
}
