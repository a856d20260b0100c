// Fault attacks a bobbin built from this repository, on the loopback, while a probe
// of 50 good requests a second from another address measures the effect.
//
//	cd bench && go run ./fault            every attack at length; about an hour
//	cd bench && go run ./fault --short    every attack for seconds, as .ci/run does
//	cd bench && go run ./fault --list     the attacks
//
// Three terms: the victim is the server, an attacker is a connection with the aim of
// harming others, and the probe is the client that must not be affected. Attackers
// come from 127.0.0.1, the probe from 127.0.0.2.
//
// It belongs to the bench module because of its helpers: child starts and ends
// processes, meter reads their state from the kernel, server builds bobbin.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are the flags.
type options struct {
	short bool
	only  string
	list  bool
}

const usage = `fault attacks bobbin and measures the effect on its other clients.

  go run ./fault [flags]

  --short        a few seconds for each attack; failures count, times do not
  --only NAMES   only these scenarios, separated by commas, with * and ?
  --list         list the scenarios
`

func main() {
	if len(os.Args) > 1 && os.Args[1] == embedded {
		if err := embed(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitFailed)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("fault", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&o.short, "short", false, "")
	f.StringVar(&o.only, "only", "", "")
	f.BoolVar(&o.list, "list", false, "")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return exitOK
	} else if err != nil || f.NArg() > 0 {
		fmt.Fprintf(stderr, "fault: %v %v\n%s", err, f.Args(), usage)
		return exitUsage
	}
	chosen, err := choose(o.only)
	if err != nil {
		fmt.Fprintf(stderr, "fault: %v; --list prints the scenarios\n", err)
		return exitUsage
	}
	if o.list {
		for _, s := range chosen {
			fmt.Fprintf(stdout, "%-18s %s\n", s.name, s.about)
		}
		return exitOK
	}
	defer child.EndAll()
	failed, err := attack(ctx, o, chosen, stdout)
	if err != nil {
		fmt.Fprintf(stderr, "fault: %v\n", err)
		return exitFailed
	}
	if failed > 0 {
		return exitFailed
	}
	return exitOK
}

// choose returns the scenarios that match --only; all for "".
func choose(only string) ([]scenario, error) {
	if only == "" {
		return scenarios, nil
	}
	var chosen []scenario
	words := strings.Split(only, ",")
	used := make([]bool, len(words))
	for _, s := range scenarios {
		for i, word := range words {
			match, err := path.Match(word, s.name)
			if err != nil {
				return nil, fmt.Errorf("--only %q: %w", word, err)
			}
			if match {
				used[i] = true
				chosen = append(chosen, s)
				break
			}
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		return nil, fmt.Errorf("--only: unknown scenario %q", words[i])
	}
	return chosen, nil
}

// attack runs the scenarios and prints each report when it is complete. The cheap
// ones run concurrently, after the others.
func attack(ctx context.Context, o options, chosen []scenario, stdout io.Writer) (failed int, err error) {
	lab, err := openLab(ctx, o.short)
	if err != nil {
		return 0, err
	}
	defer lab.close()
	began := time.Now()
	var summary []string
	var printing sync.Mutex
	one := func(s scenario) {
		t := lab.run(ctx, s)
		printing.Lock()
		defer printing.Unlock()
		fmt.Fprintln(stdout, t.report())
		summary = append(summary, fmt.Sprintf("%-18s %s", s.name, t.verdict()))
		if len(t.failures) > 0 {
			failed++
		}
	}
	var beside sync.WaitGroup
	for _, s := range chosen {
		if !s.cheap && ctx.Err() == nil {
			one(s)
		}
	}
	lanes := make(chan struct{}, 8)
	for _, s := range chosen {
		if s.cheap {
			beside.Go(func() {
				lanes <- struct{}{}
				defer func() { <-lanes }()
				if ctx.Err() == nil {
					one(s)
				}
			})
		}
	}
	beside.Wait()
	if ctx.Err() != nil {
		return failed, errors.New("interrupted")
	}
	slices.Sort(summary)
	fmt.Fprintf(stdout, "%s\n%d scenarios, %d failed, in %.0f s\n", strings.Join(summary, "\n"), len(summary), failed, time.Since(began).Seconds())
	return failed, nil
}
