package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"
)

// Flags from the environment, and all settings as a configuration file. Both use the
// one table of flags, in flags.go.

// onlyTyped are the flags for the command line alone.
var onlyTyped = []string{"help", "help-all", "version", "config"}

// envName returns the environment variable of a flag.
func envName(flag string) string {
	return "BOBBIN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readEnvironment sets the flags that are not on the command line.
func (o *options) readEnvironment(env func(string) string) error {
	var failed error
	o.flags.VisitAll(func(flag *pflag.Flag) {
		text := env(envName(flag.Name))
		if flag.Name == "trace" && text == "1" {
			return // the variable has another meaning, too: a line for each record
		}
		if text == "" || flag.Changed || failed != nil || flag.Name != "config" && slices.Contains(onlyTyped, flag.Name) {
			return
		}
		values := []string{text}
		if t := flag.Value.Type(); t == "stringArray" || t == "stringSlice" {
			values = strings.Split(strings.TrimSpace(text), "\n")
		}
		o.origin[flag.Name] = origin{byEnvironment, envName(flag.Name)}
		for _, value := range values {
			if failed = o.flags.Set(flag.Name, strings.TrimSpace(value)); failed != nil {
				failed = explainFlag(failed, o.flags)
				return
			}
		}
	})
	if text := env("PORT"); failed == nil && text != "" && !o.flags.Changed("port") {
		o.origin["port"] = fromPORT
		if err := o.flags.Set("port", text); err != nil {
			failed = explainFlag(err, o.flags)
		}
	}
	return failed
}

// printConfig writes all settings as a configuration file, each with its origin as a
// comment.
func printConfig(w io.Writer, o *options) {
	if o.path != "" {
		fmt.Fprintf(w, "path = %s # %s\n", quote(o.path), o.origin["path"])
	}
	var limits []string
	o.flags.VisitAll(func(flag *pflag.Flag) {
		switch {
		case slices.Contains(onlyTyped, flag.Name):
		case flag.Name == "limit":
			limits = o.site.limitText
		default:
			switch {
			case o.unused[flag.Name]:
				fmt.Fprint(w, "# not used: ")
			case flag.Value.String() == "":
				fmt.Fprint(w, "# not set: ") // in a file, an empty value is an error
			}
			fmt.Fprintf(w, "%s = %s # %s\n", flag.Name, written(flag), o.origin[flag.Name])
		}
	})
	if len(limits) > 0 {
		fmt.Fprintf(w, "\n[limit] # %s\n", o.origin["limit"])
	}
	for _, pair := range limits {
		name, value, _ := strings.Cut(pair, "=")
		fmt.Fprintf(w, "%s = %s\n", name, quote(value))
	}
	printParts(w, o)
	printTests(w, o)
}

// written returns the value of a flag in TOML.
func written(flag *pflag.Flag) string {
	switch v := flag.Value.(type) {
	case pflag.SliceValue:
		list := v.GetSlice()
		for i, s := range list {
			list[i] = quote(s)
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	switch flag.Value.Type() {
	case "bool", "int":
		return flag.Value.String()
	}
	return quote(flag.Value.String())
}

// quote returns a string in TOML.
func quote(s string) string {
	p, err := toml.Marshal(map[string]string{"s": s})
	if err != nil {
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(p)), "s ="))
}
