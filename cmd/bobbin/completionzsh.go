package main

import (
	"fmt"
	"io"
	"strings"
)

// completeZsh writes the completion for zsh, to be a file _bobbin in a folder of fpath
// or to be sourced.
func completeZsh(w io.Writer, flags []completedFlag) {
	names, shapes := completedCommands()
	fmt.Fprint(w, `#compdef bobbin
# Completion of bobbin for zsh, printed by "bobbin completion zsh".

_bobbin_flags=(
`)
	zshFlags(w, flags)
	fmt.Fprint(w, `)

_bobbin_first() {
	local -a commands
	commands=(
`)
	for _, name := range names {
		fmt.Fprintf(w, "\t\t%s\n", singleQuoted(name+":"+zshEscaped(commandSummaries[name])))
	}
	fmt.Fprint(w, `	)
	_describe -t commands command commands
	_files
}

_bobbin() {
	if ((CURRENT > 2)); then
		case $words[2] in
`)
	for _, name := range names {
		shape := shapes[name]
		fmt.Fprintf(w, "\t\t%s)\n\t\t\tshift words\n\t\t\t((CURRENT--))\n\t\t\t_arguments -s -S : \\\n", name)
		zshFlags(indented{w, "\t\t\t\t", " \\\n"}, shape.completedFlags())
		if shape.program {
			fmt.Fprint(w, "\t\t\t\t$_bobbin_flags \\\n")
		} else {
			fmt.Fprint(w, "\t\t\t\t'(-h --help)'{-h,--help}'[explain the command]' \\\n")
		}
		action := ""
		if shape.path != "" {
			action = zshPath(shape.path)
		}
		if len(shape.words) > 0 {
			fmt.Fprintf(w, "\t\t\t\t%s \\\n", singleQuoted("1:argument:("+strings.Join(shape.words, " ")+")"))
		}
		fmt.Fprintf(w, "\t\t\t\t%s\n\t\t\treturn\n\t\t\t;;\n", singleQuoted("*:argument:"+action))
	}
	fmt.Fprint(w, `		esac
	fi
	_arguments -s -S : $_bobbin_flags '1: :_bobbin_first' '*:path:_files'
}

if [[ $funcstack[1] == _bobbin ]]; then
	_bobbin "$@"
else
	compdef _bobbin bobbin
fi
`)
}

// An indented writer gets lines of zshFlags into the arguments of a command.
type indented struct {
	io.Writer
	before, after string
}

// zshFlags writes one line for each flag, as _arguments reads it.
func zshFlags(w io.Writer, flags []completedFlag) {
	before, after := "\t", "\n"
	if in, ok := w.(indented); ok {
		before, after = in.before, in.after
	}
	for _, f := range flags {
		exclusive, spelling := "", "--"+f.name
		joined := ""
		switch {
		case f.value == "":
		case f.optional:
			joined = "=-"
		default:
			joined = "="
		}
		if f.letter != "" {
			spelling = "{-" + f.letter
			if joined != "" {
				spelling += "+"
			}
			spelling += ",--" + f.name + joined + "}"
			exclusive = "(-" + f.letter + " --" + f.name + ")"
		} else {
			spelling += joined
		}
		if f.repeatable {
			exclusive = "*"
		}
		value := ""
		if f.value != "" {
			value = ":" + zshEscaped(f.value) + ":" + zshAction(f)
			if f.optional {
				value = ":" + value
			}
		}
		if exclusive != "" {
			exclusive = singleQuoted(exclusive)
		}
		fmt.Fprintf(w, "%s%s%s%s%s", before, exclusive, spelling, singleQuoted("["+zshEscaped(f.text)+"]"+value), after)
	}
}

// zshAction completes the value of a flag.
func zshAction(f completedFlag) string {
	switch words := strings.Join(f.values, " "); {
	case f.list:
		return "_values -s , value " + words
	case hasPrefixes(f):
		return `{compadd -S "" -- ` + words + "}"
	case words != "":
		return "(" + words + ")"
	case f.path != "":
		return zshPath(f.path)
	}
	return ""
}

// zshPath completes a path.
func zshPath(kind string) string {
	if kind == onlyFolder {
		return "_files -/"
	}
	return "_files"
}

// zshEscaped escapes what _arguments and _describe read in a text.
func zshEscaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, "[", `\[`, "]", `\]`).Replace(s)
}
