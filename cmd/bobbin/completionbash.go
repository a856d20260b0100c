package main

import (
	"fmt"
	"io"
	"strings"
)

// bashIntro finds out what is typed. Bash breaks words at "=", so that --tls=self is three
// of them. It works with bash 3.2, which macOS has, and needs no bash-completion.
const bashIntro = `# Completion of bobbin for bash, printed by "bobbin completion bash".

_bobbin_words() { # WORDS: those that begin with what is typed
	local word
	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -W "$1" -- "$cur")
}

_bobbin_paths() { # -f for files, -d for folders
	local path
	compopt -o filenames 2>/dev/null
	while IFS= read -r path; do
		COMPREPLY+=("$path")
	done < <(compgen "$1" -- "$cur")
}

_bobbin() {
	local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} equals= command=
	COMPREPLY=()
	if [[ $cur == = ]]; then
		equals=yes cur=
	elif [[ $flag == = ]]; then
		equals=yes flag=${COMP_WORDS[COMP_CWORD-2]}
	fi
	if ((COMP_CWORD > 1)); then
		case ${COMP_WORDS[1]} in
`

// completeBash writes the completion for bash.
func completeBash(w io.Writer, flags []completedFlag) {
	names, shapes := completedCommands()
	fmt.Fprintf(w, "%s\t\t%s) command=${COMP_WORDS[1]} ;;\n\t\tesac\n\tfi\n", bashIntro, strings.Join(names, "|"))
	fmt.Fprint(w, "\n\t# The value of a flag.\n\tcase $command:$flag in\n")
	bashValues(w, ":", flags)
	for _, name := range names {
		shape := shapes[name]
		bashValues(w, name+":", shape.completedFlags())
		if shape.program {
			bashValues(w, name+":", flags)
		}
	}
	fmt.Fprint(w, "\tesac\n\n\tcase $command:$cur in\n")
	fmt.Fprintf(w, "\t:-*) _bobbin_words %s ;;\n", singleQuoted(bashFlags(flags)))
	for _, name := range names {
		shape := shapes[name]
		list := bashFlags(shape.completedFlags())
		if shape.program {
			list += " " + bashFlags(flags)
		}
		fmt.Fprintf(w, "\t%s:-*) _bobbin_words %s ;;\n", name, singleQuoted(strings.TrimSpace(list+" --help")))
	}
	fmt.Fprintf(w, "\t:*)\n\t\tif ((COMP_CWORD == 1)); then\n\t\t\t_bobbin_words %s\n\t\tfi\n\t\t_bobbin_paths -f\n\t\t;;\n", singleQuoted(strings.Join(names, " ")))
	for _, name := range names {
		shape := shapes[name]
		fmt.Fprintf(w, "\t%s:*)\n", name)
		if len(shape.words) > 0 {
			fmt.Fprintf(w, "\t\tif ((COMP_CWORD == 2)); then\n\t\t\t_bobbin_words %s\n\t\t\treturn\n\t\tfi\n", singleQuoted(strings.Join(shape.words, " ")))
		}
		if shape.path != "" {
			fmt.Fprintf(w, "\t\t_bobbin_paths %s\n", bashKind(shape.path))
		}
		fmt.Fprint(w, "\t\t;;\n")
	}
	fmt.Fprint(w, "\tesac\n}\n\ncomplete -F _bobbin bobbin\n")
}

// bashValues writes the cases in which the value of a flag is typed.
func bashValues(w io.Writer, command string, flags []completedFlag) {
	for _, f := range flags {
		if f.value == "" {
			continue
		}
		var pattern []string
		for _, spelling := range f.spellings() {
			pattern = append(pattern, command+spelling)
		}
		fmt.Fprintf(w, "\t%s)\n", strings.Join(pattern, "|"))
		indent := "\t\t"
		if f.optional {
			fmt.Fprint(w, "\t\tif [[ $equals ]]; then\n")
			indent += "\t"
		}
		switch {
		case f.list:
			// What is typed before the last comma stays.
			fmt.Fprintf(w, "%s_bobbin_words \"$(printf \"${cur%%\"${cur##*,}\"}%%s \" %s)\"\n", indent, strings.Join(f.values, " "))
		case len(f.values) > 0:
			fmt.Fprintf(w, "%s_bobbin_words %s\n", indent, singleQuoted(strings.Join(f.values, " ")))
		case f.path != "":
			fmt.Fprintf(w, "%s_bobbin_paths %s\n", indent, bashKind(f.path))
		}
		if hasPrefixes(f) {
			fmt.Fprintf(w, "%s[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null\n", indent)
		}
		fmt.Fprintf(w, "%sreturn\n", indent)
		if f.optional {
			fmt.Fprint(w, "\t\tfi\n")
		}
		fmt.Fprint(w, "\t\t;;\n")
	}
}

// bashFlags returns the long names of flags, with one space between them.
func bashFlags(flags []completedFlag) string {
	var list []string
	for _, f := range flags {
		list = append(list, "--"+f.name)
	}
	return strings.Join(list, " ")
}

// bashKind is the flag of compgen for a kind of path.
func bashKind(path string) string {
	if path == onlyFolder {
		return "-d"
	}
	return "-f"
}

// hasPrefixes reports whether more is typed behind some of the values.
func hasPrefixes(f completedFlag) bool {
	for _, value := range f.values {
		if strings.HasSuffix(value, "=") {
			return true
		}
	}
	return false
}
