package main

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/bobbin-http/bobbin/cmd/tour/guide"
)

// tourCommand is "bobbin tour": the lessons of cmd/tour, which are in this program, so
// that it needs neither Go nor the repository.
func tourCommand(t *terminals, args []string, _ func(string) string) int {
	g := newGuide(t)
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintf(t.err, "bobbin: %v\n", err)
		return exitFailed
	}
	g.Program = []string{self, "tour"}
	return g.Run(args)
}

// newGuide is the guide of the tour at these terminals.
func newGuide(t *terminals) *guide.Guide {
	return &guide.Guide{In: t.in, Out: t.out, Err: t.err, Name: "bobbin tour", Asks: atTerminal(t.in) && atTerminal(t.out)}
}

// atTerminal reports whether the other side of a stream is a terminal.
func atTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
