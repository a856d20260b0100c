package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// options are the settings from the command line, the environment and the
// configuration file.
type options struct {
	path    string         // a folder or a file; "" for the default site
	config  string         // the configuration file, or ""
	listen  []string       // the values of --listen
	at      []string       // the addresses to listen on, for eventloop.ParseAddress
	first   bobbin.Address // the first of them, when it is bound
	port    int
	public  bool
	hosts   []string
	loops   int
	demo    bool
	quiet   bool
	verbose bool
	version bool
	helpAll bool
	http2   string // on or off
	limits  http.Limits
	site    siteOptions
	global  globalOptions
	closed  closedOptions
	https   httpsOptions

	tests  []siteTest
	tables *partTables // of [[site]], nil if there are none
	parts  []*part     // made of them

	life      lifeOptions
	heir      *heir // nil but in an upgrade
	selfTrace selfTraceOptions
	watch     watchOptions
	sandbox   sandboxOptions

	flags  *pflag.FlagSet
	origin map[string]origin // of path and of each flag that is not at its default; of limit.NAME in a file, too
	unused map[string]bool   // flags that others replace, see choose

	warnings []string // for the operator, before the server listens

	// For a reload.
	args    []string
	env     func(string) string
	level   *slog.LevelVar // of the log
	atStart *options       // of a server that runs; nil for these themselves
}

// siteOptions are the flags about the files that are served.
type siteOptions struct {
	index     []string
	listing   string
	archive   []string
	upload    string
	readme    bool
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

	prefix string // the path below which the files are, "" for all paths; see parts.go
}

var errHelp = errors.New("help requested")

// local reports whether all addresses are on loopback or Unix sockets.
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

// noHTTP2 reports whether HTTP/1.1 alone is spoken.
func (o *options) noHTTP2() bool { return o.http2 == "off" }

// define makes the flags. The environment has them with BOBBIN_ in front, and the
// configuration file by the same names.
func (o *options) define() (help *bool, config *string) {
	o.flags = pflag.NewFlagSet("bobbin", pflag.ContinueOnError)
	o.origin, o.unused = make(map[string]origin), make(map[string]bool)
	f, s := o.flags, &o.site
	f.SortFlags = false
	f.IntVarP(&o.port, "port", "p", 8080, "port to listen on; 0 picks a free one")
	addExample(f, "port", "bobbin -p 3000 page.html", "serve one file on port 3000")
	f.StringArrayVarP(&o.listen, "listen", "l", nil, "`address` to listen on, such as :8080, 192.0.2.1:80, unix:/run/site?mode=0660 or fd:3; repeatable")
	f.BoolVar(&o.public, "public", false, "listen on all interfaces; the default is loopback only")
	addExample(f, "public", "bobbin --public ./public", "serve a folder on all network interfaces")
	f.StringArrayVar(&o.hosts, "host", nil, "`name` to accept in Host, on loopback beside localhost and IP addresses, on the network beside those of --domain; other names get 421; repeatable")
	f.IntVar(&o.loops, "loops", 1, "`number` of event loops; at most one per core is useful")
	inGroup(f, groupListen, "port", "listen", "public", "host", "loops")
	inShortHelp(f, "port", "listen", "public")

	o.https.define(f)
	f.StringVar(&o.http2, "http2", "on", "HTTP/2, beside HTTP/1.1: `mode` on or off")
	takesOne(f, "http2", "on", "off")
	inGroup(f, groupListen, "http2")

	f.StringSliceVar(&s.index, "index", []string{"index.html"}, "index files: the first of these `names` that exists is served for its folder")
	f.StringVar(&s.listing, "listing", "auto", "listing of folders without an index file: `mode` on, off, or auto, which lists on loopback only")
	f.StringSliceVar(&s.archive, "archive", nil, "link archives of a folder in its listing, with all that is below it: `formats` zip, tar or both; alone, both")
	f.Lookup("archive").NoOptDefVal = strings.Join(archiveFormats, ",")
	f.BoolVar(&s.readme, "readme", false, "show the README of a folder below its listing; README.md is Markdown")
	f.StringVar(&s.upload, "upload", "", "let clients add files to folders, by PUT and by a page that listings link, until the folder holds this many `bytes`, such as 10g; no file is replaced")
	f.StringVar(&s.fallback, "spa", "", "`file` to serve in place of a missing page, for single-page applications")
	f.Lookup("spa").NoOptDefVal = "index.html"
	takesFile(f, "spa")
	f.BoolVar(&s.cleanURLs, "clean-urls", false, "serve about.html for /about")
	f.BoolVar(&s.dotfiles, "dotfiles", false, "serve files whose names begin with a dot; /.well-known/ is always served")
	f.StringVar(&s.symlinks, "symlinks", "inside", "symbolic links to follow: `mode` none, inside (targets in the folder) or all")
	f.StringArrayVar(&s.types, "type", nil, "media type of an extension, as `EXT=TYPE`, such as wasm=application/wasm; repeatable")
	f.StringVar(&s.compress, "compress", "zstd,gzip", "`codings` for compressing text on the fly, of br, zstd and gzip, the first that a client takes, or off; precompressed .br, .zst and .gz files are used in any case")

	f.BoolVar(&s.copy, "copy", false, "read large files instead of using sendfile; for folders whose files are overwritten in place")
	f.BoolVar(&s.reload, "reload", false, "reload the page in browsers when a file in the folder changes, for editing")
	takesOne(f, "listing", "on", "off", "auto")
	takesList(f, "archive", archiveFormats...)
	takesOne(f, "symlinks", "none", "inside", "all")
	takesList(f, "compress", "br", "zstd", "gzip", "off")
	inGroup(f, groupFiles, "index", "listing", "archive", "readme", "upload", "spa", "clean-urls", "dotfiles", "symlinks", "type", "compress", "copy", "reload")
	inShortHelp(f, "listing", "spa", "reload")

	f.StringArrayVar(&s.cache, "cache", nil, "Cache-Control for a path pattern, as `PATTERN=VALUE`, such as '/assets/**=1y,immutable', or for all other files; the first match applies; default no-cache; repeatable")
	f.StringArrayVarP(&s.header, "header", "H", nil, "response `header` for files, such as 'X-A: b' or '/api/**: X-A: b'; repeatable")
	f.StringArrayVar(&s.redirect, "redirect", nil, "redirect by a `rule`, such as '/old/* /new/:splat 301'; status 200 serves the target in place; repeatable")
	f.BoolVar(&s.netlify, "netlify", false, "read _redirects and _headers from the folder")
	f.StringVar(&s.cors, "cors", "", "let pages of these `origins` read the files (CORS); without a value, all origins")
	f.Lookup("cors").NoOptDefVal = "*"
	f.BoolVar(&s.security, "security", false, "send security headers that suit most sites")
	f.StringVar(&s.auth, "auth", "", "require a name and password from this `file`; bobbin hash makes its lines")
	f.StringVar(&s.realm, "realm", "restricted", "`name` that browsers show when they ask for a password")
	addExample(f, "upload", "bobbin --public --upload 10g --auth users.txt ./public", "take files from people with a password")
	addExample(f, "cache", "bobbin --spa --cache '/assets/**=1y,immutable' ./dist", "serve a single-page application")
	addExample(f, "redirect", "bobbin --redirect '/blog/* /news/:splat 301' ./public", "move a folder to another path")
	addExample(f, "auth", "bobbin --auth users.txt ./private", "ask for a name and a password of that file")
	takesFile(f, "auth")
	inGroup(f, groupAnswers, "cache", "header", "redirect", "netlify", "cors", "security", "auth", "realm")
	inShortHelp(f, "cache", "auth")

	f.StringVar(&o.global.log, "log", "off", "access log: `format` common, combined, json or short, to standard output or to a file as in combined=FILE; alone, short lines on a terminal, and else combined; SIGUSR1 reopens the file")
	f.Lookup("log").NoOptDefVal = logAuto
	f.StringVar(&o.global.rate, "limit-rate", "", "requests per client at this `rate`, such as 100/s, or 600/m,50 for bursts of 50")
	f.StringSliceVar(&o.global.trusted, "trust", nil, "trust X-Forwarded-For and X-Forwarded-Proto from proxies at these `addresses`, such as 10.0.0.0/8")
	f.StringVar(&o.global.field, "trust-field", defaultField, "`name` of the field by which the --trust proxies tell of their clients: X-Forwarded-For, Forwarded (RFC 7239), or another one with addresses")
	f.StringSliceVar(&o.global.headers, "proxy-protocol", nil, "expect the PROXY protocol from the --trust addresses: on all `listeners`, or on those named, as --listen has them")
	f.Lookup("proxy-protocol").NoOptDefVal = allListeners
	takesPrefix(f, "log", "common", "combined", "json", "short", "off", "common=", "combined=", "json=", "short=")
	addExample(f, "log", "bobbin --log combined=access.log ./public", "write an access log to a file")
	inGroup(f, groupWatch, "log")
	inGroup(f, groupLimits, "limit-rate", "trust", "trust-field", "proxy-protocol")
	inShortHelp(f, "log")
	o.closed.define(f)

	o.life.define(f)
	o.watch.define(f)
	o.selfTrace.define(f)
	o.sandbox.define(f)

	f.StringArrayVar(&s.limitText, "limit", nil, "set a limit or a deadline, as `NAME=VALUE`, such as Body=10m or HeadTimeout=5s; docs/limits.md lists them; repeatable")
	config = f.StringP("config", "c", "", "read settings from a TOML `file`, with the names of these flags; SIGHUP reads it anew")
	f.BoolVar(&o.demo, "demo", false, "answer below /-/demo/ with chosen sizes, delays, statuses and errors, for testing clients")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print a line for each request")
	f.BoolVarP(&o.version, "version", "V", false, "print the version")
	help = f.BoolP("help", "h", false, "print the short help")
	f.BoolVar(&o.helpAll, "help-all", false, "print the help of all flags")
	takesPrefix(f, "limit", limitNames()...)
	takesFile(f, "config")
	addExample(f, "limit", "bobbin --limit Body=10m --limit HeadTimeout=5s ./public", "set a limit and a deadline")
	addExample(f, "config", "bobbin --config bobbin.toml", "read the settings from a file")
	inGroup(f, groupLimits, "limit")
	addExample(f, "demo", "bobbin --demo", "test a client: curl localhost:8080/-/demo/")
	inGroup(f, groupWatch, "demo", "verbose")
	inGroup(f, groupProgram, "config", "quiet", "version", "help", "help-all")
	inShortHelp(f, "config", "help-all")
	f.Usage = func() {}
	return help, config
}

// parse reads the command line, the environment and the configuration file, in this
// order of precedence. Each error names the flag, its origin unless it was typed, and
// what to type instead.
func parse(args []string, env func(string) string) (options, error) {
	o := options{args: args, env: env, level: new(slog.LevelVar)}
	help, config := o.define()
	f := o.flags
	args = joinLog(args)
	if err := checkDashes(args, f); err != nil {
		return o, err
	}
	if err := f.Parse(args); err != nil {
		return o, explainFlag(err, f)
	}
	f.Visit(func(flag *pflag.Flag) { o.origin[flag.Name] = origin{rank: byCommandLine} })
	if *help || o.helpAll {
		return o, errHelp
	}
	if err := checkSwallowed(f); err != nil {
		return o, err
	}
	if err := checkTyped(args, f); err != nil {
		return o, err
	}
	if err := checkMeant(args, f); err != nil {
		return o, err
	}
	if err := checkArguments(f.Args()); err != nil {
		return o, err
	}
	if f.NArg() == 1 {
		o.path, o.origin["path"] = f.Arg(0), origin{rank: byCommandLine}
	}
	if err := o.readEnvironment(env); err != nil {
		return o, o.locate(err)
	}
	o.warnOfVariables(os.Environ())
	if err := o.checkVariables(os.Environ()); err != nil {
		return o, err
	}
	if o.config = *config; o.config != "" {
		if err := o.readConfig(o.config); err != nil {
			return o, o.locate(err)
		}
	}
	o.warnOfNoFolder()
	o.level.Set(o.logLevel())
	return o, o.locate(o.complete())
}

// parseSettings is parse for a server: sockets that were passed go before the settings.
func parseSettings(args []string, env func(string) string) (options, error) {
	o, err := parse(args, env)
	if err == nil {
		err = o.takeActivation(env)
	}
	return o, err
}

// mostLoops is the largest value of --loops.
const mostLoops = 256

// complete checks the settings together and derives the addresses and limits.
func (o *options) complete() error {
	if err := o.checkEmpty(); err != nil {
		return err
	}
	if o.quiet && o.verbose {
		return errors.New("--quiet and --verbose contradict each other: remove one")
	}
	if o.port < 0 || o.port > 65535 {
		return fmt.Errorf("--port %d: choose a port from 0 to 65535", o.port)
	}
	if o.loops < 1 || o.loops > mostLoops {
		return fmt.Errorf("--loops %d: choose a number from 1 to %d; at most one per core is useful", o.loops, mostLoops)
	}
	if err := setLimits(&o.limits, o.site.limitText); err != nil {
		return err
	}
	if err := o.life.check(o); err != nil {
		return err
	}
	if err := o.limits.Check(); err != nil {
		return fmt.Errorf("--limit: %s", strings.TrimPrefix(err.Error(), "http: "))
	}
	if o.http2 != "on" && o.http2 != "off" {
		return fmt.Errorf("--http2 %q: write --http2 on or --http2 off", o.http2)
	}
	if err := checkHosts(o.hosts); err != nil {
		return err
	}
	if err := cmp.Or(o.site.checkPage(), o.site.checkIndex(), o.checkAuth()); err != nil {
		return err
	}
	if err := o.choose(); err != nil {
		return err
	}
	if err := o.readParts(); err != nil {
		return err
	}
	if err := o.https.check(); err != nil {
		return err
	}
	return cmp.Or(o.watch.check(o), o.selfTrace.check(), o.sandbox.check(o))
}

// checkAddresses refuses addresses that are none.
func (o *options) checkAddresses() error {
	for _, s := range o.at {
		if _, err := eventloop.ParseAddress(s); err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
	}
	return nil
}

func flagNames(f *pflag.FlagSet) (names []string) {
	f.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}
