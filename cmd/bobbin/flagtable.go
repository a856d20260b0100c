package main

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"
)

// Help, the man page and completion are made from the definitions of the flags. These
// functions add to a flag what a definition has no place for: its group, the values
// that it takes, and examples. Calls of them stand beside the definition.

// The groups of flags.
const (
	groupListen  = "Listening"
	groupHTTPS   = "HTTPS"
	groupFiles   = "Files"
	groupAnswers = "Headers, redirects and access"
	groupLimits  = "Limits and trust"
	groupWatch   = "Logs and monitoring"
	groupProgram = "Configuration and help"
)

// groups are the headings of help and of the man page, in their order.
var groups = []string{groupListen, groupHTTPS, groupFiles, groupAnswers, groupLimits, groupWatch, groupProgram}

// The annotations of a flag.
const (
	groupKey   = "group"
	valuesKey  = "values"   // one of these, and nothing else
	listKey    = "list"     // any number of these, with commas between them
	prefixKey  = "prefix"   // one of these begins the value
	pathKey    = "path"     // anyFile or onlyFolder
	commonKey  = "common"   // is in the short help
	exampleKey = "examples" // a command line, its purpose, and so on in turn
)

// The values of pathKey.
const (
	anyFile    = "file"
	onlyFolder = "folder"
)

// inGroup puts flags into a group. A test fails for a flag without one.
func inGroup(f *pflag.FlagSet, name string, flags ...string) {
	if !slices.Contains(groups, name) {
		panic(fmt.Sprintf("bobbin: internal error: %q is not in the list of groups", name))
	}
	for _, flag := range flags {
		annotate(f, flag, groupKey, name)
	}
}

// takesOne says that a flag takes one of these values, and no other.
func takesOne(f *pflag.FlagSet, flag string, values ...string) {
	annotate(f, flag, valuesKey, values...)
}

// takesList says that a flag takes a list of these values.
func takesList(f *pflag.FlagSet, flag string, values ...string) {
	annotate(f, flag, listKey, values...)
}

// takesPrefix says that a value of a flag begins with one of these.
func takesPrefix(f *pflag.FlagSet, flag string, prefixes ...string) {
	annotate(f, flag, prefixKey, prefixes...)
}

// takesFile says that the values of flags are names of files.
func takesFile(f *pflag.FlagSet, flags ...string) {
	for _, flag := range flags {
		annotate(f, flag, pathKey, anyFile)
	}
}

// takesFolder says that the values of flags are names of folders.
func takesFolder(f *pflag.FlagSet, flags ...string) {
	for _, flag := range flags {
		annotate(f, flag, pathKey, onlyFolder)
	}
}

// inShortHelp puts flags into the help that is printed by default.
func inShortHelp(f *pflag.FlagSet, flags ...string) {
	for _, flag := range flags {
		annotate(f, flag, commonKey, "true")
	}
}

// addExample shows a flag at work. The command line is one for a shell, and a test
// checks it by "config test".
func addExample(f *pflag.FlagSet, flag, commandLine, purpose string) {
	annotate(f, flag, exampleKey, commandLine, purpose)
}

// annotate adds values to an annotation. A flag that is not defined is a mistake in
// this program.
func annotate(f *pflag.FlagSet, flag, key string, values ...string) {
	known := f.Lookup(flag)
	if known == nil {
		panic(fmt.Sprintf("bobbin: internal error: there is no flag --%s to describe", flag))
	}
	if known.Annotations == nil {
		known.Annotations = make(map[string][]string)
	}
	known.Annotations[key] = append(known.Annotations[key], values...)
}

// annotation returns the first value of an annotation, or "".
func annotation(flag *pflag.Flag, key string) string {
	if values := flag.Annotations[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// flagsWith returns the flags that have a value of an annotation, in the order of their
// definition.
func flagsWith(f *pflag.FlagSet, key, value string) (list []*pflag.Flag) {
	f.VisitAll(func(flag *pflag.Flag) {
		if annotation(flag, key) == value {
			list = append(list, flag)
		}
	})
	return list
}

// A usageExample is a command line and its purpose.
type usageExample struct{ commandLine, purpose string }

// examplesOf returns the examples of a flag.
func examplesOf(flag *pflag.Flag) (list []usageExample) {
	for pair := range slices.Chunk(flag.Annotations[exampleKey], 2) {
		list = append(list, usageExample{pair[0], pair[1]})
	}
	return list
}
