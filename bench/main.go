// Bench compares bobbin with other servers: it starts them, checks that their answers
// are equal, loads them in turn, and reports the cost of a request for each.
//
//	cd bench && go run .            everything; 40 minutes
//	cd bench && go run . --quick    a quick look; a minute
//	go -C bench run . --quick       the same, from the root
//
// README.md explains the figures. It is a module of its own, so that the rivals are
// not dependencies of bobbin.
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
	"path/filepath"
	"strings"
	"syscall"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/load"
	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitCut    = 130 // after Ctrl-C, as in a shell
)

func main() {
	if had, err := load.Main(os.Args[1:], os.Stdin, os.Stdout); had {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitFailed)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the flags.
type options struct {
	quick   bool
	only    string
	rounds  int
	seconds int
	out     string
	list    bool
	fetch   bool
	readme  bool
	resume  bool
}

const usage = `bench compares bobbin with other servers.

  go run . [flags]

  --quick           measure for a minute at most, after building
  --only LIST       only these, separated by commas: SCENARIO, SCENARIO/SERVER,
                    with * and ?, such as 'hello-*/bobbin,close,*/nginx'
  --rounds N        rounds of each measurement (3)
  --seconds N       seconds of each measurement (2)
  --out FOLDER      folder for README.md, results.json and plots
                    (results, or results/partial for a part of the measurements)
  --resume          finish a run of the same commit that was broken off
  --list            list scenarios and servers
  --readme          put the table of the run in results/ into the repository's
                    README.md; do nothing else
  --fetch           fetch Bun and ws by npm, with checksums; do nothing else
`

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&o.quick, "quick", false, "")
	f.StringVar(&o.only, "only", "", "")
	f.IntVar(&o.rounds, "rounds", 0, "")
	f.IntVar(&o.seconds, "seconds", 0, "")
	f.StringVar(&o.out, "out", "", "")
	f.BoolVar(&o.list, "list", false, "")
	f.BoolVar(&o.fetch, "fetch", false, "")
	f.BoolVar(&o.readme, "readme", false, "")
	f.BoolVar(&o.resume, "resume", false, "")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: name measurements with --only", f.Arg(0))
	}
	if o.rounds < 0 || o.seconds < 0 {
		return o, errors.New("--rounds and --seconds must not be negative")
	}
	number := func(n *int, quick, full int) {
		if *n == 0 {
			*n = full
			if o.quick {
				*n = quick
			}
		}
	}
	number(&o.rounds, 1, 3)
	number(&o.seconds, 1, 2)
	for _, pattern := range o.patterns() {
		for part := range strings.SplitSeq(pattern, "/") {
			if _, err := path.Match(part, ""); err != nil {
				return o, fmt.Errorf("--only %s: %w", pattern, err)
			}
		}
	}
	return o, nil
}

func (o options) patterns() []string {
	if o.only == "" {
		return nil
	}
	return strings.Split(o.only, ",")
}

// wants reports whether a server is to be measured in a scenario; with the name "",
// whether any is.
func (o options) wants(s *scenario, name string) bool {
	patterns := o.patterns()
	if patterns == nil {
		return s.quick || !o.quick
	}
	for _, pattern := range patterns {
		first, second, both := strings.Cut(strings.TrimSpace(pattern), "/")
		match, _ := path.Match(first, s.name)
		if both && name != "" {
			also, _ := path.Match(second, name)
			match = match && also
		}
		if match {
			return true
		}
	}
	return false
}

// names reports whether a server was requested by name, so that a quick run includes
// it.
func (o options) names(name string) bool {
	for _, pattern := range o.patterns() {
		if _, second, both := strings.Cut(strings.TrimSpace(pattern), "/"); both && second != "*" {
			if match, _ := path.Match(second, name); match {
				return true
			}
		}
	}
	return false
}

// task returns what is done in place of a run, or nil.
func (o options) task(ctx context.Context, out io.Writer) func() error {
	switch {
	case o.fetch:
		return func() error {
			return server.Fetch(ctx, func(format string, a ...any) { fmt.Fprintf(out, format+"\n", a...) })
		}
	case o.readme:
		return func() error { return updateReadme(out) }
	}
	return nil
}

// updateReadme puts the table of the committed run into the README.
func updateReadme(out io.Writer) error {
	shop, err := server.NewWorkshop("")
	if err != nil {
		return err
	}
	r, err := report.Read(filepath.Join(shop.Bench(), "results", "results.json"))
	if err != nil {
		return err
	}
	name := filepath.Join(shop.Root, "README.md")
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text, err := r.InReadme(string(page))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s has the table of %s\n", name, r.Commit)
	return os.WriteFile(name, []byte(text), 0o644)
}

// run is the whole program. It always ends its processes and removes its folder.
func run(ctx context.Context, args []string, out, words io.Writer) int {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(words, "bench: %v\n\n%s", err, usage)
		return exitUsage
	}
	defer child.EndAll()
	if task := o.task(ctx, out); task != nil {
		if err := task(); err != nil {
			fmt.Fprintf(words, "bench: %v\n", err)
			return exitFailed
		}
		return exitOK
	}
	scratch, err := os.MkdirTemp("", "bobbin-bench-")
	if err != nil {
		fmt.Fprintf(words, "bench: %v\n", err)
		return exitFailed
	}
	defer os.RemoveAll(scratch)

	b := &bench{ctx: ctx, options: o, stdout: out, words: newProgress(words), kinds: server.Kinds()}
	err = b.all(scratch, args)
	b.words.clear()
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(words, "bench: interrupted")
		return exitCut
	case err != nil:
		fmt.Fprintf(words, "bench: %v\n", err)
		return exitFailed
	}
	return exitOK
}
