// Tour leads from a blocking server to an event loop, in steps that run, break on
// command, and survive at the next step.
//
//	go run ./cmd/tour
//	go run ./cmd/tour 1
package main

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/bobbin-http/bobbin/cmd/tour/guide"
)

func main() {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
	g := &guide.Guide{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Asks:    term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())),
		Name:    "go run ./cmd/tour",
		Program: []string{self},
	}
	os.Exit(g.Run(os.Args[1:]))
}
