package guide

import (
	"fmt"
	"strings"

	"github.com/bobbin-http/bobbin/cmd/tour/steps"
)

// File is the step's file, by its path in the repository.
func (s Step) File() string { return "cmd/tour/steps/" + s.inSteps() }

func (s Step) inSteps() string { return fmt.Sprintf("%02d-%s/%[2]s.go", s.Number, s.Name) }

// Source is the content of the step's file.
func (s Step) Source() string {
	source, err := steps.Sources.ReadFile(s.inSteps())
	if err != nil {
		panic(err) // a step without a file: the tests would say so
	}
	return string(source)
}

// lines are the step's file, line by line.
func (s Step) lines() []string { return strings.Split(strings.TrimSuffix(s.Source(), "\n"), "\n") }

// Failing returns the line of the file that the break shows to be wrong, and its
// number. A comment on it begins with BREAKS. The last step has none.
func (s Step) Failing() (number int, line string) {
	for i, line := range s.lines() {
		if strings.Contains(line, "// BREAKS: ") {
			return i + 1, strings.TrimSpace(line)
		}
	}
	return 0, ""
}
