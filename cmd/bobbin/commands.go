package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/bobbin-http/bobbin/http/middleware"
)

// terminals are the input and the outputs of a command.
type terminals struct {
	in       io.Reader
	out, err io.Writer
	watched  bool // by a person: the error output is a terminal
}

// commands are the subcommands, recognised as the first argument only.
var commands map[string]func(t *terminals, args []string, env func(string) string) int

func init() {
	commands = map[string]func(*terminals, []string, func(string) string) int{
		"serve":       serveCommand,
		"config":      withHelp("config", configCommand),
		"cert":        withHelp("cert", certCommand),
		"completion":  withHelp("completion", completionCommand),
		"precompress": withHelp("precompress", precompressCommand),
		"explain":     withHelp("explain", explainCommand),
		"hash":        withHelp("hash", hashCommand),
		"top":         withHelp("top", topCommand),
		"tour":        withHelp("tour", tourCommand),
		"trace":       traceCommand,
		"help":        helpCommand,
		"man":         withHelp("man", manCommand),
		"version":     withHelp("version", versionCommand),
	}
}

// commandHelp is printed by --help behind a command, and by help before it.
var commandHelp = map[string]string{
	"serve": `usage: bobbin serve [flags] [PATH]

The same as bobbin without a command; PATH may have the name of a command.
bobbin --help-all lists the flags.
`,
	"config": `usage: bobbin config test|print [flags] [PATH]

test checks all settings from flags, environment and configuration file, and
runs the [[test]] tables of that file; print prints them as a configuration
file, with their origin.
`,
	"cert": `usage: bobbin cert [--folder DIR] [NAME...]

Makes a certificate for development, for localhost or for the names and
addresses given, and an authority that browsers can be told to trust.

      --folder DIR   folder of the files; by default bobbin in the user's
                     configuration folder
`,
	"completion": `usage: bobbin completion bash|zsh|fish

Prints a script that has the shell complete flags, their values, and commands.

  bash   in ~/.bashrc:                      source <(bobbin completion bash)
  zsh    in ~/.zshrc, behind compinit:      source <(bobbin completion zsh)
  fish   in ~/.config/fish/config.fish:     bobbin completion fish | source

Packages of bobbin have the scripts where the shells look for them.
`,
	"explain": `usage: bobbin explain URL [flags] [PATH]

Says how these settings answer a request for URL, and which of them decide: the
[[site]] of the configuration file, redirects, fields, and the answer. Nothing
is listened on. URL is a path, or has the name of a site as well.
`,
	"man": `usage: bobbin man

Prints the manual page, in mdoc. "bobbin man | man -l -" shows it on Linux, and
"bobbin man | mandoc" where mandoc is.
`,
	"precompress": `usage: bobbin precompress DIR

Writes .br, .zst and .gz files beside each file of text that shrinks by 10 %.
They are served to clients that accept them.
`,
	"hash": `usage: bobbin hash [NAME]

Makes a line for the --auth file from a name and a password. The password is
read from the input, because all users of the machine can see arguments.
`,
	"top": `usage: bobbin top ADDR

Shows the loops of a running server in the terminal: what is wrong, the turn,
and the connections, the most important first. ADDR is :8080, localhost:8080, a
URL, or an address of --admin. Where there is no screen (TERM=dumb, a pipe), it
writes a line each second.

  q, Ctrl-C      quit
  space          pause, and go on
  Tab, ← →       all loops, or one of them
  Ctrl-Z, Ctrl-L stop as any program does; draw anew

NO_COLOR leaves the colours out; each of them has a letter beside it.
`,
	"tour": newGuide(&terminals{}).Usage(),
	"trace": `usage: bobbin trace ADDR [--seconds N] [--events N] [-o FILE]

Records what the loops of a running server do, and writes a timeline that
https://ui.perfetto.dev, https://www.speedscope.app and chrome://tracing show.
ADDR is :8080, localhost:8080, a URL, or unix:/path. A server shows its loops on
its own machine with the built-in site or with --xray, and at --admin ADDR.

  -s, --seconds N     how long to record, from 1 to 60; 0 is what the loops have
                      recorded already; 5
      --events N      most events in the file; beyond, one connection in so many
                      is there; 300000
  -o, --output FILE   name of the file; .gz compresses it, - is the standard
                      output; bobbin-trace.json

Ctrl-C ends the recording and writes the file.
`,
	"help": `usage: bobbin help [COMMAND]

Explains a command. Without one, it prints the short help of the program;
bobbin --help-all lists all flags.
`,
	"version": `usage: bobbin version

Prints the version of bobbin and the system and the compiler it was built for.
`,
}

// withHelp has a command print its help when one of its arguments asks for that.
func withHelp(name string, command func(*terminals, []string, func(string) string) int) func(*terminals, []string, func(string) string) int {
	return func(t *terminals, args []string, env func(string) string) int {
		if asksForHelp(args) {
			return t.help(name)
		}
		return command(t, args, env)
	}
}

// asksForHelp reports whether one of the arguments of a command is --help or -h.
func asksForHelp(args []string) bool {
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if arg == "--help" || arg == "-h" {
			return true
		}
	}
	return false
}

// fail prints a usage error and returns its exit code.
func (t *terminals) fail(err error) int {
	fmt.Fprintf(t.err, "bobbin: %v\n", err)
	return exitUsage
}

// help prints the help of a command.
func (t *terminals) help(command string) int {
	fmt.Fprint(t.out, commandHelp[command])
	return exitOK
}

// tellOfFolder says how to serve a folder or a file here that has the name of a command.
func tellOfFolder(to io.Writer, command string) {
	if _, err := os.Stat(command); err == nil {
		fmt.Fprintf(to, "bobbin: %q is a command; to serve what has that name here, write bobbin ./%[1]s\n", command)
	}
}

// serveCommand is "bobbin serve PATH": it serves a folder that has the name of a
// command.
func serveCommand(t *terminals, args []string, env func(string) string) int {
	if len(args) > 0 && commands[args[0]] != nil {
		args = append([]string{"./" + args[0]}, args[1:]...)
	}
	return run(args, t.in, t.out, t.err, env, t.watched)
}

// helpCommand is "bobbin help [COMMAND]".
func helpCommand(t *terminals, args []string, _ func(string) string) int {
	if len(args) == 0 || asksForHelp(args) {
		var o options
		o.define()
		fmt.Fprint(t.out, usage(o))
		return exitOK
	}
	if _, ok := commandHelp[args[0]]; !ok || len(args) > 1 {
		return t.fail(fmt.Errorf("%q is no command%s; the commands are %s", strings.Join(args, " "), meant(args[0], commandNames()), strings.Join(commandNames(), ", ")))
	}
	return t.help(args[0])
}

// versionCommand is "bobbin version".
func versionCommand(t *terminals, args []string, _ func(string) string) int {
	if len(args) > 0 {
		return t.fail(errors.New("usage: bobbin version"))
	}
	fmt.Fprint(t.out, versionLine())
	return exitOK
}

// configCommand checks or prints the settings that result from flags, environment and
// configuration file.
func configCommand(t *terminals, args []string, env func(string) string) int {
	action := ""
	if len(args) > 0 {
		action = args[0]
	}
	if action != "test" && action != "print" {
		return t.fail(fmt.Errorf("usage: bobbin config test|print [flags] [PATH]%s", meant(action, []string{"test", "print"})))
	}
	o, err := parse(args[1:], env)
	if err == nil && action == "test" {
		var s *site
		if s, err = prepare(&o, io.Discard, slog.New(slog.DiscardHandler)); err == nil {
			err = errors.Join(s.setup.runTests(), s.close())
		}
	}
	if failed := (*failedTests)(nil); errors.As(err, &failed) {
		for _, text := range failed.list {
			fmt.Fprintln(t.err, text)
		}
		return t.fail(fmt.Errorf("%d of %d tests in %s have failed", len(failed.list), failed.of, o.config))
	}
	if err != nil {
		return t.fail(err)
	}
	o.printWarnings(t.err)
	if action == "print" {
		printConfig(t.out, &o)
	} else if n := len(o.tests); n > 0 {
		fmt.Fprintf(t.out, "the configuration is valid, and passes its tests (%d)\n", n)
	} else {
		fmt.Fprintln(t.out, "the configuration is valid")
	}
	return exitOK
}

// hashCommand makes a line for --auth. It reads the password from the input, because
// all users of the machine can see the arguments of a program.
func hashCommand(t *terminals, args []string, _ func(string) string) int {
	if len(args) > 1 || len(args) == 1 && strings.HasPrefix(args[0], "-") {
		return t.fail(errors.New("usage: bobbin hash [NAME]; the password is read from the input"))
	}
	lines := bufio.NewReader(t.in)
	name := ""
	if len(args) == 1 {
		name = args[0]
	} else {
		var err error
		if name, err = ask(t, lines, "name: ", false); err != nil {
			return t.fail(err)
		}
	}
	switch {
	case name == "":
		return t.fail(errors.New("the name is empty: write bobbin hash NAME"))
	case strings.Contains(name, ":"):
		return t.fail(errors.New("the name must not contain a colon, which ends it in the file: write bobbin hash NAME; the password is read from the input"))
	}
	password, err := ask(t, lines, "password: ", true)
	if err != nil {
		return t.fail(err)
	}
	hash, err := middleware.HashPassword(password)
	if err != nil {
		return t.fail(err)
	}
	fmt.Fprintf(t.out, "%s:%s\n", name, hash)
	return exitOK
}

// ask reads a line. A secret is not echoed on a terminal.
func ask(t *terminals, lines *bufio.Reader, prompt string, secret bool) (string, error) {
	if file, ok := t.in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(t.err, prompt)
		if secret {
			p, err := term.ReadPassword(int(file.Fd()))
			fmt.Fprintln(t.err)
			return string(p), err
		}
	}
	line, err := lines.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	if err != nil {
		return "", errors.New("the input is empty: type the name and the password, or pipe them in as two lines")
	}
	return strings.TrimRight(line, "\r\n"), nil
}
