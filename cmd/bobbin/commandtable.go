package main

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/cmd/tour/guide"
	"github.com/bobbin-http/bobbin/http"
)

// The table of commands, for help, the man page and completion. What the arguments of a
// command are is read from its help, so that it is written once.

// commandSummaries are the lines about each command in the list of commands.
var commandSummaries = map[string]string{
	"cert":        "make a certificate for development",
	"completion":  "print the completion for bash, zsh or fish",
	"config":      "check the settings, or print them",
	"explain":     "say how a request is answered, and by which settings",
	"hash":        "make a line of the --auth file",
	"help":        "explain a command",
	"man":         "print the manual page",
	"precompress": "write .br, .zst and .gz files beside files of text",
	"serve":       "serve a PATH that has the name of a command",
	"top":         "show the loops of a running server",
	"tour":        "learn how event loops work, step by step",
	"trace":       "record a running server as a timeline",
	"version":     "print the version",
}

// A commandShape is the form of a command, read from its help.
type commandShape struct {
	synopsis []string // "config test|print [flags] [PATH]", without the program's name
	body     string   // behind the usage
	words    []string // for the first argument
	path     string   // anyFile or onlyFolder for other arguments, or ""
	program  bool     // the flags of the program follow
	flags    []commandFlag
}

// A commandFlag is a flag of a command, as its help lists it.
type commandFlag struct {
	letter, name, value, text string // letter and value may be ""
}

// listedFlag matches a flag in the help of a command.
var listedFlag = regexp.MustCompile(`(?m)^ +(?:-(\w), )?--([\w-]+)(?: ([A-Z]+))? {2,}(.*(?:\n {12,}.*)*)$`)

// shapeOf reads the help of a command. Arguments in capitals are values, in lower case
// they are words to type.
func shapeOf(name string) (c commandShape) {
	synopsis, body, _ := strings.Cut(commandHelp[name], "\n\n")
	c.body = body
	for line := range strings.Lines(synopsis) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "usage: ")
		line = strings.TrimPrefix(line, "bobbin ")
		c.synopsis = append(c.synopsis, line)
		c.readArguments(strings.Fields(line)[1:])
	}
	for _, m := range listedFlag.FindAllStringSubmatch(commandHelp[name], -1) {
		c.flags = append(c.flags, commandFlag{m[1], m[2], m[3], strings.Join(strings.Fields(m[4]), " ")})
	}
	return c
}

// readArguments reads the arguments of one line of the usage.
func (c *commandShape) readArguments(list []string) {
	if len(list) > 0 && list[0] == strings.ToLower(list[0]) && list[0][0] != '[' {
		c.words = append(c.words, strings.Split(list[0], "|")...)
	}
	for i, arg := range list {
		if strings.HasPrefix(arg, "[-") || i > 0 && strings.HasPrefix(list[i-1], "[-") && !strings.HasSuffix(list[i-1], "]") {
			continue // a flag, or its value
		}
		switch strings.Trim(arg, "[].") {
		case "flags":
			c.program = true
		case "PATH", "FILE":
			c.path = anyFile
		case "DIR":
			c.path = onlyFolder
		case "COMMAND":
			c.words = append(c.words, commandNames()...)
		case "STEP":
			if i == 0 {
				for _, step := range guide.Steps() {
					c.words = append(c.words, step.Name)
				}
			}
		}
	}
	slices.Sort(c.words)
	c.words = slices.Compact(c.words)
}

// path returns what a value of the flag names: anyFile, onlyFolder, or "".
func (f *commandFlag) path() string {
	switch f.value {
	case "FILE":
		return anyFile
	case "DIR":
		return onlyFolder
	}
	return ""
}

// limitNames returns the names of the limits with "=" behind them, for --limit.
func limitNames() (list []string) {
	for field := range reflect.TypeFor[http.Limits]().Fields() {
		list = append(list, field.Name+"=")
	}
	return list
}
