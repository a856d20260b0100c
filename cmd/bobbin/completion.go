package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Completion of the command line in shells, made from the table of flags and the table
// of commands. The scripts are complete: a shell does not run bobbin while a person types.

// completionShells are the shells that there is a completion for.
var completionShells = map[string]func(w io.Writer, flags []completedFlag){
	"bash": completeBash,
	"zsh":  completeZsh,
	"fish": completeFish,
}

// completionCommand is "bobbin completion SHELL".
func completionCommand(t *terminals, args []string, _ func(string) string) int {
	if len(args) != 1 {
		return t.fail(errors.New("usage: bobbin completion bash|zsh|fish"))
	}
	write := completionShells[args[0]]
	if write == nil {
		return t.fail(fmt.Errorf("%q has no completion%s; the shells are bash, zsh and fish", args[0], meant(args[0], []string{"bash", "zsh", "fish"})))
	}
	var o options
	o.define()
	var flags []completedFlag
	o.flags.VisitAll(func(flag *pflag.Flag) { flags = append(flags, completed(flag)) })
	write(t.out, flags)
	return exitOK
}

// A completedFlag is what completion needs to know of a flag, be it the program's or a
// command's.
type completedFlag struct {
	letter, name string
	text         string   // a few words
	value        string   // the name of its value, or "" for a flag without one
	optional     bool     // the value, which then stands behind "="
	repeatable   bool     // may be given several times
	values       []string // that may be typed
	list         bool     // several values may be typed, with commas between them
	path         string   // anyFile, onlyFolder or ""
}

// completed reads the annotations of a flag.
func completed(flag *pflag.Flag) completedFlag {
	c := completedFlag{
		letter:   flag.Shorthand,
		name:     flag.Name,
		text:     brief(flag),
		value:    valueName(flag),
		optional: flag.NoOptDefVal != "" && flag.Value.Type() != "bool",
		values:   slices.Concat(flag.Annotations[valuesKey], flag.Annotations[listKey], flag.Annotations[prefixKey]),
		list:     flag.Annotations[listKey] != nil,
		path:     annotation(flag, pathKey),
	}
	c.repeatable = flag.Value.Type() == "stringArray"
	return c
}

// completedFlags returns the flags of a command.
func (c *commandShape) completedFlags() (list []completedFlag) {
	for _, f := range c.flags {
		list = append(list, completedFlag{letter: f.letter, name: f.name, text: firstWords(f.text), value: f.value, path: f.path()})
	}
	return list
}

// brief returns the beginning of the text about a flag, up to an example, a list or a
// second thought.
func brief(flag *pflag.Flag) string {
	_, text := pflag.UnquoteUsage(flag)
	return firstWords(text)
}

func firstWords(text string) string {
	for _, end := range []string{"; ", ", such as ", ", as ", ": "} {
		text, _, _ = strings.Cut(text, end)
	}
	return text
}

// shortAndLong returns the flag as it may be typed, with each of the spellings.
func (f *completedFlag) spellings() []string {
	if f.letter == "" {
		return []string{"--" + f.name}
	}
	return []string{"-" + f.letter, "--" + f.name}
}

// singleQuoted returns a text as one word of a shell.
func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// named returns the commands that are completed, and the shapes of their arguments.
func completedCommands() (names []string, shapes map[string]commandShape) {
	names, shapes = commandNames(), make(map[string]commandShape)
	for _, name := range names {
		shapes[name] = shapeOf(name)
	}
	return names, shapes
}
