package main

import (
	"fmt"
	"io"
	"strings"
)

// fishIntro tells the program's flags from those of a command, which is the first word
// behind bobbin.
const fishIntro = `# Completion of bobbin for fish, printed by "bobbin completion fish".

function __bobbin_command -d 'whether the command is one of these; "" is none'
	set -l typed (commandline -opc)
	set -l command ''
	if set -q typed[2]; and contains -- $typed[2] %s
		set command $typed[2]
	end
	contains -- "$command" $argv
end

function __bobbin_first -d 'whether the first argument is typed, behind so many words'
	test (count (commandline -opc)) -eq $argv[1]
end

complete -c bobbin -f
`

// completeFish writes the completion for fish.
func completeFish(w io.Writer, flags []completedFlag) {
	names, shapes := completedCommands()
	fmt.Fprintf(w, fishIntro, strings.Join(names, " "))
	for _, name := range names {
		fmt.Fprintf(w, "complete -c bobbin -n '__bobbin_first 1' -a %s -d %s\n", name, fishQuoted(commandSummaries[name]))
	}
	withFlags := []string{"''"}
	for _, name := range names {
		if shapes[name].program {
			withFlags = append(withFlags, name)
		}
	}
	condition := "__bobbin_command " + strings.Join(withFlags, " ")
	fmt.Fprintf(w, "complete -c bobbin -n %s -F\n", fishQuoted("__bobbin_command ''"))
	fishFlags(w, condition, flags)
	for _, name := range names {
		shape := shapes[name]
		condition := "__bobbin_command " + name
		fishFlags(w, condition, shape.completedFlags())
		if !shape.program {
			fmt.Fprintf(w, "complete -c bobbin -n %s -s h -l help -d 'explain the command'\n", fishQuoted(condition))
		}
		if len(shape.words) > 0 {
			fmt.Fprintf(w, "complete -c bobbin -n %s -a %s\n", fishQuoted(condition+"; and __bobbin_first 2"), fishQuoted(strings.Join(shape.words, " ")))
			condition += "; and not __bobbin_first 2"
		}
		switch shape.path {
		case anyFile:
			fmt.Fprintf(w, "complete -c bobbin -n %s -F\n", fishQuoted(condition))
		case onlyFolder:
			fmt.Fprintf(w, "complete -c bobbin -n %s -a '(__fish_complete_directories)'\n", fishQuoted(condition))
		}
	}
}

// fishFlags writes one line for each flag.
func fishFlags(w io.Writer, condition string, flags []completedFlag) {
	for _, f := range flags {
		line := "complete -c bobbin -n " + fishQuoted(condition)
		if f.letter != "" {
			line += " -s " + f.letter
		}
		line += " -l " + f.name
		if f.value != "" && !f.optional {
			line += " -r"
		}
		words := strings.Join(f.values, " ")
		switch {
		case f.list:
			line += " -f -a " + fishQuoted("(__fish_append , "+words+")")
		case words != "":
			line += " -f -a " + fishQuoted(words)
		case f.path == onlyFolder:
			line += " -f -a '(__fish_complete_directories)'"
		case f.path == anyFile:
			line += " -F"
		case f.value != "":
			line += " -f"
		}
		fmt.Fprintf(w, "%s -d %s\n", line, fishQuoted(f.text))
	}
}

// fishQuoted returns a text as one word of fish.
func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
