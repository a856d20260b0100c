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
		"config":      configCommand,
		"cert":        certCommand,
		"precompress": precompressCommand,
		"hash":        hashCommand,
	}
}

// fail prints a usage error and returns its exit code.
func (t *terminals) fail(err error) int {
	fmt.Fprintf(t.err, "bobbin: %v\n", err)
	return exitUsage
}

// serveCommand is "bobbin serve PATH": it serves a folder that has the name of a
// command.
func serveCommand(t *terminals, args []string, env func(string) string) int {
	if len(args) > 0 && commands[args[0]] != nil {
		args = append([]string{"./" + args[0]}, args[1:]...)
	}
	return run(args, t.in, t.out, t.err, env, t.watched)
}

// configCommand checks or prints the settings that result from flags, environment and
// configuration file.
func configCommand(t *terminals, args []string, env func(string) string) int {
	action := ""
	if len(args) > 0 {
		action = args[0]
	}
	if action != "test" && action != "print" {
		return t.fail(errors.New("usage: bobbin config test|print [flags] [PATH]"))
	}
	o, err := parse(args[1:], env)
	if errors.Is(err, errHelp) {
		fmt.Fprint(t.out, usage(o))
		return exitOK
	}
	if err == nil && action == "test" {
		var s *site
		if s, err = prepare(&o, io.Discard, slog.New(slog.DiscardHandler)); err == nil {
			err = s.close()
		}
	}
	if err != nil {
		return t.fail(err)
	}
	if action == "print" {
		printConfig(t.out, &o)
	} else {
		fmt.Fprintln(t.out, "the configuration is valid")
	}
	return exitOK
}

// hashCommand makes a line for --auth. It reads the password from the input, because
// all users of the machine can see the arguments of a program.
func hashCommand(t *terminals, args []string, _ func(string) string) int {
	if len(args) > 1 || len(args) == 1 && (strings.HasPrefix(args[0], "-") || strings.Contains(args[0], ":")) {
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
	if name == "" || strings.Contains(name, ":") {
		return t.fail(errors.New("the name must not be empty or contain a colon"))
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
