package guide

import (
	"slices"
	"strconv"

	"github.com/bobbin-http/bobbin/cmd/tour/breaks"
)

// A Step is one lesson: a server, and the clients that break it.
type Step struct {
	Number int
	Name   string // of its package
	Title  string // what the server does, in two or three words

	Belief   string    // the misconception that the step cures
	Story    string    // how the server works, and what the clients do
	Question string    // about the break
	Guesses  [3]string // answers to it
	Right    int       // index in Guesses
	Lesson   string    // why the break breaks it, and what the next step does about that

	Break breaks.Break
	Wrong []Wrong // ways to make the mistake that the step avoids
	Serve func(port int, wrong string) error
}

// A Wrong is a step with a mistake, as --wrong asks for it.
type Wrong struct {
	Name   string
	Story  string
	Break  breaks.Break
	Lesson string
}

// Steps are the lessons, in order.
func Steps() []Step { return slices.Concat(firstHalf, secondHalf) }

// Find returns the step with a number or a name.
func Find(name string) (Step, bool) {
	for _, s := range Steps() {
		if name == strconv.Itoa(s.Number) || name == s.Name {
			return s, true
		}
	}
	return Step{}, false
}

// plain is for a step that makes no mistakes on demand.
func plain(serve func(port int) error) func(int, string) error {
	return func(port int, _ string) error { return serve(port) }
}
