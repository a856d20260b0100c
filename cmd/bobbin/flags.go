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

// options are what the user typed, in a command, the environment or a file.
type options struct {
	path    string   // a folder or a file, "" for the default site
	config  string   // the file of that name, or ""
	listen  []string // as it was said
	at      []string // addresses, as eventloop.ParseAddress has them
	port    int
	public  bool
	hosts   []string
	loops   int
	quiet   bool
	verbose bool
	version bool
	limits  http.Limits
	site    siteOptions
	global  globalOptions
	https   httpsOptions

	flags  *pflag.FlagSet
	origin map[string]string // where the value of a flag comes from, if it is not the default
}

// siteOptions are about what is served.
type siteOptions struct {
	index     []string
	listing   string
	fallback  string
	cleanURLs bool
	dotfiles  bool
	symlinks  string
	types     []string
	compress  string
	copy      bool
	reload    bool

	cache     []string
	header    []string
	redirect  []string
	netlify   bool
	cors      string
	security  bool
	auth      string
	realm     string
	limitText []string
}

var errHelp = errors.New("help was asked for")

// local reports whether only this machine can reach what is served.
func (o *options) local() bool {
	for _, s := range o.at {
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

// define makes the flags. Their names are also those of the environment, with
// BOBBIN_ in front, and of the configuration file.
func (o *options) define() (help *bool, config *string) {
	o.flags = pflag.NewFlagSet("bobbin", pflag.ContinueOnError)
	o.origin = make(map[string]string)
	f, s := o.flags, &o.site
	f.SortFlags = false
	f.IntVarP(&o.port, "port", "p", 8080, "port to listen on; 0 for any that is free")
	f.StringArrayVarP(&o.listen, "listen", "l", nil, "`address` to listen on, such as :8080, 192.0.2.1:80 or unix:/run/site; may be repeated")
	f.BoolVar(&o.public, "public", false, "listen on all interfaces, not on this machine only")

	f.StringArrayVar(&o.hosts, "host", nil, "`name` to answer to on loopback, beside localhost and addresses; requests for other names get 421; may be repeated")
	f.IntVar(&o.loops, "loops", 1, "`how-many` loops serve, on as many cores; more than there are cores help nobody")

	o.https.define(f)

	f.StringSliceVar(&s.index, "index", []string{"index.html"}, "what is served for a folder, the first `names` that there are")
	f.StringVar(&s.listing, "listing", "auto", "show what is in a folder without an index: on, off, or auto, which is `when` only this machine can see it")
	f.StringVar(&s.fallback, "spa", "", "answer with a `file` to whoever wants a page that is not there, for applications that route by themselves")
	f.Lookup("spa").NoOptDefVal = "index.html"
	f.BoolVar(&s.cleanURLs, "clean-urls", false, "answer /about with about.html")
	f.BoolVar(&s.dotfiles, "dotfiles", false, "serve names that begin with a dot; /.well-known/ always is")
	f.StringVar(&s.symlinks, "symlinks", "inside", "`which` symbolic links are followed: none, inside (the folder) or all")
	f.StringArrayVar(&s.types, "type", nil, "the type of an extension, such as `wasm=application/wasm`; may be repeated")
	f.StringVar(&s.compress, "compress", "zstd,gzip", "`codings` in which text is compressed on the way, or off; files ending in .br, .zst and .gz are used in any case")

	f.BoolVar(&s.copy, "copy", false, "read large files instead of leaving them to the kernel: for folders whose files are overwritten in place")

	f.StringArrayVar(&s.cache, "cache", nil, "Cache-Control by path, such as `'/assets/**=1y,immutable'`, or for all others; the first that matches; no-cache if none; may be repeated")
	f.StringArrayVarP(&s.header, "header", "H", nil, "a field for files, such as `'X-A: b'` or '/api/**: X-A: b'; may be repeated")
	f.StringArrayVar(&s.redirect, "redirect", nil, "where a path leads, such as `'/old/* /new/:splat 301'`; status 200 answers with it in place; may be repeated")
	f.BoolVar(&s.netlify, "netlify", false, "read _redirects and _headers in the folder")
	f.StringVar(&s.cors, "cors", "", "let pages of other `origins` read what is served; of all, if none is named")
	f.Lookup("cors").NoOptDefVal = "*"
	f.BoolVar(&s.security, "security", false, "send fields that make a site safer and break few")
	f.StringVar(&s.auth, "auth", "", "ask for a name and a password that stand in a `file`; see bobbin hash")
	f.BoolVar(&s.reload, "reload", false, "refresh the browsers when something in the folder changes, for people who edit")
	f.StringVar(&s.realm, "realm", "restricted", "the `name` that a browser shows when it asks for them")

	f.StringVar(&o.global.log, "log", "off", "write a line for each request: `format` common, combined or json, to standard output or as in combined=FILE; SIGUSR1 opens the file again")
	f.StringVar(&o.global.rate, "limit-rate", "", "requests that one client may make, such as `100/s`, or 600/m,50 for 50 of them at once")
	f.StringSliceVar(&o.global.trusted, "trust", nil, "believe proxies at these `addresses`, such as 10.0.0.0/8, what they say of the client's in X-Forwarded-For")

	f.StringArrayVar(&s.limitText, "limit", nil, "set a limit or a deadline, such as `Body=10m` or HeadTimeout=5s; may be repeated; docs/limits.md lists them")
	config = f.StringP("config", "c", "", "read a configuration `file`, in TOML, with the names of these flags")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "write a line for each request")
	f.BoolVarP(&o.version, "version", "V", false, "print the version")
	help = f.BoolP("help", "h", false, "print this help")
	f.Usage = func() {}
	return help, config
}

// parse reads the command line, the environment and the configuration file, of
// which the earlier goes before the later. Every error says what to type
// instead.
func parse(args []string, env func(string) string) (options, error) {
	var o options
	help, config := o.define()
	f := o.flags
	if err := f.Parse(args); err != nil {
		return o, suggest(err, f)
	}
	f.Visit(func(flag *pflag.Flag) { o.origin[flag.Name] = "command line" })
	if *help {
		return o, errHelp
	}
	switch f.NArg() {
	case 0:
	case 1:
		o.path = f.Arg(0)
	default:
		return o, fmt.Errorf("%q and %q: one folder or file can be served at a time", f.Arg(0), f.Arg(1))
	}
	if err := o.readEnvironment(env); err != nil {
		return o, err
	}
	if o.config = *config; o.config != "" {
		if err := o.readConfig(o.config); err != nil {
			return o, err
		}
	}
	return o, o.settle(env)
}

// mostLoops is more than there are cores for.
const mostLoops = 256

// settle looks at what was said as a whole.
func (o *options) settle(env func(string) string) error {
	if o.quiet && o.verbose {
		return errors.New("--quiet and --verbose contradict each other: leave one out")
	}
	if s := env("PORT"); s != "" && !o.flags.Changed("port") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("the environment's PORT is %q, which is no number", s)
		}
		o.port, o.origin["port"] = n, "environment"
	}
	if o.port < 0 || o.port > 65535 {
		return fmt.Errorf("there is no port %d: choose one from 0 to 65535", o.port)
	}
	if o.loops < 1 || o.loops > mostLoops {
		return fmt.Errorf("--loops %d: choose a number from 1 to %d, and none beyond that of the cores", o.loops, mostLoops)
	}
	if err := setLimits(&o.limits, o.site.limitText); err != nil {
		return err
	}
	if err := o.limits.Check(); err != nil {
		return fmt.Errorf("--limit: %s", strings.TrimPrefix(err.Error(), "http: "))
	}
	if err := o.https.check(); err != nil {
		return err
	}
	if err := checkHosts(o.hosts); err != nil {
		return err
	}
	return o.choose()
}

// choose makes the list of addresses out of three flags that all speak of them.
func (o *options) choose() error {
	if len(o.listen) > 0 {
		if o.public || o.flags.Changed("port") {
			return errors.New("--listen says the address and the port by itself: leave out --public and --port")
		}
		o.at = o.listen
	} else if o.public {
		o.at = []string{fmt.Sprintf(":%d", o.port)}
	} else {
		o.at = []string{fmt.Sprintf("localhost:%d", o.port)}
	}
	for _, s := range o.at {
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
	names := flagNames(f)
	for i := range names {
		names[i] = "--" + names[i]
	}
	hint := meant("--"+unknown.GetSpecifiedName(), names)
	if hint == "" {
		hint = "; bobbin --help shows what there is"
	}
	return fmt.Errorf("%w%s", err, hint)
}

func flagNames(f *pflag.FlagSet) (names []string) {
	f.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}

func usage(o options) string {
	return `bobbin serves files over HTTP, from one thread, or from as many as --loops says.

Usage:

  bobbin [flags] [PATH]
  bobbin config test|print [flags] [PATH]
  bobbin precompress DIR
  bobbin hash
  bobbin cert [NAME...]

PATH is a folder or one file. Without it, bobbin serves a small site of its own,
so that no folder is exposed by accident. A folder named like a command is served
by "bobbin ./config".

  bobbin ./public            serve a folder, for this machine
  bobbin --public ./public   the same, for everybody who can reach this machine
  bobbin -p 3000 page.html   serve one file on port 3000
  bobbin --spa --cache '/assets/**=1y,immutable' ./dist
                             serve an application that routes by itself

Flags:

` + o.flags.FlagUsagesWrapped(100) + `
Each flag can also be given in the environment, as BOBBIN_PORT=3000 for --port,
one value a line where it may be repeated, and in a file, see --config. What is
typed goes before the environment, and that before the file.

config test says whether all that is right, config print what it comes to.
precompress writes a .br, .zst and .gz beside each file that gets smaller.
hash makes a line for --auth of a name and a password.
cert makes a certificate for development, and an authority that browsers can be
told to trust.

Ctrl-C ends it when all that had begun is finished; a second one cuts that off.
`
}
