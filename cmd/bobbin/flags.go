package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// options are what the user typed.
type options struct {
	path    string   // a folder or a file, "" for the default site
	listen  []string // addresses, as eventloop.ParseAddress has them
	public  bool
	quiet   bool
	verbose bool
	version bool
	limits  http.Limits
	flags   *pflag.FlagSet
}

var errHelp = errors.New("help was asked for")

// local reports whether only this machine can reach what is served.
func (o *options) local() bool {
	for _, s := range o.listen {
		list, err := eventloop.ParseAddress(s)
		if err != nil {
			return false
		}
		for _, at := range list {
			if at.Path == "" && !at.IP.Addr().IsLoopback() {
				return false
			}
		}
	}
	return true
}

// parse reads the command line. Every error says what to type instead.
func parse(args []string, env func(string) string) (options, error) {
	o := options{flags: pflag.NewFlagSet("bobbin", pflag.ContinueOnError)}
	var port int
	var limits []string
	f := o.flags
	f.SortFlags = false
	f.IntVarP(&port, "port", "p", 8080, "port to listen on; 0 for any that is free")
	f.StringArrayVarP(&o.listen, "listen", "l", nil, "`address` to listen on, such as :8080, 192.0.2.1:80 or unix:/run/site; may be repeated")
	f.BoolVar(&o.public, "public", false, "listen on all interfaces, not on this machine only")
	f.StringArrayVar(&limits, "limit", nil, "set a limit or a deadline, such as `Body=10m` or HeadTimeout=5s; may be repeated; docs/limits.md lists them")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "write a line for each request")
	f.BoolVarP(&o.version, "version", "V", false, "print the version")
	help := f.BoolP("help", "h", false, "print this help")
	f.Usage = func() {}

	if err := f.Parse(args); err != nil {
		return o, suggest(err, f)
	}
	if *help {
		return o, errHelp
	}
	if o.quiet && o.verbose {
		return o, errors.New("--quiet and --verbose contradict each other: leave one out")
	}
	switch f.NArg() {
	case 0:
	case 1:
		o.path = f.Arg(0)
	default:
		return o, fmt.Errorf("%q and %q: one folder or file can be served at a time", f.Arg(0), f.Arg(1))
	}
	if s := env("PORT"); s != "" && !f.Changed("port") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return o, fmt.Errorf("the environment's PORT is %q, which is no number", s)
		}
		port = n
	}
	if port < 0 || port > 65535 {
		return o, fmt.Errorf("there is no port %d: choose one from 0 to 65535", port)
	}
	if err := setLimits(&o.limits, limits); err != nil {
		return o, err
	}
	return o, o.choose(port)
}

// choose makes the list of addresses out of three flags that all speak of them.
func (o *options) choose(port int) error {
	if len(o.listen) > 0 {
		if o.public || o.flags.Changed("port") {
			return errors.New("--listen says the address and the port by itself: leave out --public and --port")
		}
	} else if o.public {
		o.listen = []string{fmt.Sprintf(":%d", port)}
	} else {
		o.listen = []string{fmt.Sprintf("localhost:%d", port)}
	}
	for _, s := range o.listen {
		if _, err := eventloop.ParseAddress(s); err != nil {
			return err
		}
	}
	return nil
}

// suggest adds to an unknown flag the one that was probably meant.
func suggest(err error, f *pflag.FlagSet) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return fmt.Errorf("%w; bobbin --help shows what there is", err)
	}
	name := unknown.GetSpecifiedName()
	best, distance := "", 3
	f.VisitAll(func(flag *pflag.Flag) {
		if d := edits(name, flag.Name); d < distance || len(name) > 1 && strings.HasPrefix(flag.Name, name) {
			best, distance = flag.Name, d
		}
	})
	if best == "" || len(name) == 1 {
		return fmt.Errorf("%w; bobbin --help shows what there is", err)
	}
	return fmt.Errorf("%w; did you mean --%s?", err, best)
}

// edits is how many letters have to be added, dropped or changed to make one
// word of the other (Levenshtein's distance).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

func usage(o options) string {
	return `bobbin serves files over HTTP, from one thread.

Usage:

  bobbin [flags] [PATH]

PATH is a folder or one file. Without it, bobbin serves a small site of its own,
so that no folder is exposed by accident.

  bobbin ./public            serve a folder, for this machine
  bobbin --public ./public   the same, for everybody who can reach this machine
  bobbin -p 3000 page.html   serve one file on port 3000

Flags:

` + o.flags.FlagUsages() + `
Ctrl-C ends it when all that had begun is finished; a second one cuts that off.
`
}
