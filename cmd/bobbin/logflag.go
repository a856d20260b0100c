package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/bobbin-http/bobbin/http/middleware"
)

// The format of --log.

// logAuto is the value of --log that is given alone: short lines for a person at a terminal, and
// Apache's combined format for a file or a program.
const logAuto = "auto"

// joinLog puts a format that follows --log as a word of its own behind a "=". Without that, a
// flag that may stand alone would not take it.
func joinLog(args []string) []string {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if arg != "--log" || i+1 == len(args) {
			continue
		}
		name, _, _ := strings.Cut(args[i+1], "=")
		if _, err := middleware.ParseLogFormat(name); err == nil || name == logAuto || args[i+1] == "off" {
			return slices.Concat(args[:i], []string{"--log=" + args[i+1]}, joinLog(args[i+2:]))
		}
	}
	return args
}

// logFormat returns the format of that name for lines that go to standard output, or to a file,
// for which to is nil.
func (o *options) logFormat(name string, to io.Writer) (middleware.LogFormat, error) {
	shown := isScreen(to)
	switch {
	case name == logAuto && shown:
		name = middleware.Short.String()
	case name == logAuto:
		name = middleware.Combined.String()
	}
	format, err := middleware.ParseLogFormat(name)
	if format == middleware.Short && shown && o.env("NO_COLOR") == "" && o.env("TERM") != "dumb" {
		format = middleware.Coloured
	}
	return format, err
}

// isScreen reports whether a person may read what is written there.
func isScreen(to io.Writer) bool {
	file, ok := to.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
