package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// The help of the program: a short one by default, and one with all flags. Both are
// made from the table of flags and the table of commands.

// Columns of the help. A terminal has 80 of them.
const (
	helpWidth = 80
	helpText  = 27 // where the text about a flag or a command begins
)

// usage is the help. The short one has the flags of inShortHelp only.
func usage(o options) string {
	var b strings.Builder
	b.WriteString(`bobbin serves files over HTTP on one event loop, or on several with --loops.

Usage:
  bobbin [flags] [PATH]
  bobbin COMMAND [...]

PATH is a folder or one file. Without it, bobbin serves a small built-in site,
so that no folder is exposed by accident. To serve a folder that has the name of
a command, write "bobbin ./config".

`)
	o.writeExamples(&b)
	if o.helpAll {
		for _, name := range groups {
			writeFlags(&b, name, flagsWith(o.flags, groupKey, name), flagText)
		}
	} else {
		writeFlags(&b, "Flags", flagsWith(o.flags, commonKey, "true"), firstClause)
	}
	b.WriteString("Commands:\n")
	for _, name := range commandNames() {
		writeItem(&b, "  bobbin "+name, commandSummaries[name])
	}
	if !o.helpAll {
		fmt.Fprintf(&b, `
"bobbin --help-all" lists all %d flags, "bobbin help COMMAND" explains a
command, and "bobbin man" is the manual. Ctrl-C finishes open requests, then
exits.
`, len(flagNames(o.flags)))
		return b.String()
	}
	b.WriteString("\n" + precedence + `
"bobbin help COMMAND" explains a command, and "bobbin man" is the manual.
Ctrl-C finishes open requests, then exits; a second Ctrl-C cuts them off.
`)
	return b.String()
}

// precedence explains the sources of a setting.
const precedence = `Each flag can also be set in the environment, as BOBBIN_PORT=3000 for --port,
one value per line for repeatable flags, and in a configuration file (--config).
The command line overrides the environment, and the environment the file; so
does --port or --public on the command line replace --listen in the file. PORT
is read after BOBBIN_PORT. Sockets of a service manager (LISTEN_FDS) go before
all of them but what is typed.
`

// fewExamples are in the short help.
const fewExamples = 5

// writeExamples writes the first example, which has no flag, and those of the flags.
func (o *options) writeExamples(b *strings.Builder) {
	list := []usageExample{{"bobbin ./public", "serve a folder, on this machine only"}}
	o.flags.VisitAll(func(flag *pflag.Flag) { list = append(list, examplesOf(flag)...) })
	if !o.helpAll {
		list = list[:fewExamples]
	}
	b.WriteString("Examples:\n")
	for _, e := range list {
		writeItem(b, "  "+e.commandLine, e.purpose)
	}
	b.WriteString("\n")
}

// writeFlags writes flags under a heading, with a text about each.
func writeFlags(b *strings.Builder, heading string, list []*pflag.Flag, text func(*pflag.Flag) string) {
	b.WriteString(heading + ":\n")
	for _, flag := range list {
		name := "      --" + flag.Name
		if flag.Shorthand != "" {
			name = "  -" + flag.Shorthand + ", --" + flag.Name
		}
		switch value := valueName(flag); {
		case value == "":
		case flag.NoOptDefVal != "":
			name += "[=" + value + "]"
		default:
			name += " " + value
		}
		writeItem(b, name, text(flag))
	}
	b.WriteString("\n")
}

// writeItem writes a name, and the text about it in the column beside it, or below a
// name that is too long for that.
func writeItem(b *strings.Builder, name, text string) {
	lines := wrap(text, helpWidth-helpText)
	if utf8.RuneCountInString(name) > helpText-2 {
		b.WriteString(name + "\n")
		name = ""
	}
	for _, line := range lines {
		fmt.Fprintf(b, "%-*s%s\n", helpText, name, line)
		name = ""
	}
}

// wrap breaks a text into lines of at most so many columns. A longer word has a line of
// its own.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// valueName returns the name of a flag's value, or "" for a flag that has none.
func valueName(flag *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(flag)
	if name == "int" {
		return "number"
	}
	return name
}

// flagText returns the sentence about a flag, with its default.
func flagText(flag *pflag.Flag) string {
	_, text := pflag.UnquoteUsage(flag)
	return text + defaultText(flag)
}

// firstClause returns the beginning of the sentence about a flag, up to a semicolon.
func firstClause(flag *pflag.Flag) string {
	_, text := pflag.UnquoteUsage(flag)
	text, _, _ = strings.Cut(text, "; ")
	return text + defaultText(flag)
}

// defaultText returns " (default 8080)", or "" where the default is nothing: no text, no
// list, or false.
func defaultText(flag *pflag.Flag) string {
	switch value := strings.Trim(flag.DefValue, "[]"); value {
	case "", "false", "0":
		return ""
	default:
		return " (default " + value + ")"
	}
}
