package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Errors about a flag that was mistyped, with the right one.

// explainFlag turns an error of pflag into a sentence that says what to type.
func explainFlag(err error, f *pflag.FlagSet) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return explainUnknown(unknown, f)
	case errors.As(err, &missing):
		_, use := pflag.UnquoteUsage(missing.GetFlag())
		return fmt.Errorf("--%s needs a value: %s", missing.GetFlag().Name, use)
	case errors.As(err, &invalid):
		return explainValue(invalid.GetFlag(), invalid.GetValue(), errors.Unwrap(invalid))
	}
	var syntax *pflag.InvalidSyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%q is not a flag; %s", syntax.GetSpecifiedFlag(), seeHelp(f))
	}
	return fmt.Errorf("%w; %s", err, seeHelp(f))
}

// seeHelp says where the flags are listed.
func seeHelp(f *pflag.FlagSet) string {
	switch {
	case f.Lookup("seconds") != nil:
		return "see bobbin trace --help"
	case f.Lookup("port") == nil:
		return "see bobbin cert --help"
	}
	return "see bobbin --help"
}

// explainUnknown adds the most similar flag to the error for an unknown one.
func explainUnknown(err *pflag.NotExistError, f *pflag.FlagSet) error {
	if err.GetSpecifiedShortnames() != "" {
		return fmt.Errorf("unknown flag -%c; %s", []rune(err.GetSpecifiedName())[0], seeHelp(f))
	}
	hint := seeHelp(f)
	if name := nearest(err.GetSpecifiedName(), flagNames(f)); name != "" {
		hint = "did you mean --" + name + "?"
	}
	return fmt.Errorf("unknown flag --%s; %s", err.GetSpecifiedName(), hint)
}

// checkDashes refuses a long flag with one dash, which is a group of letters.
func checkDashes(typed []string, f *pflag.FlagSet) error {
	for _, arg := range typed {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && name[0] != '-' && arg[0] == '-' && f.Lookup(name) != nil {
			return fmt.Errorf("-%s: a long flag has two dashes: write --%[1]s", name)
		}
	}
	return nil
}

// explainValue returns a sentence about a value that a flag does not take.
func explainValue(flag *pflag.Flag, value string, cause error) error {
	switch flag.Value.Type() {
	case "bool":
		return fmt.Errorf("--%s: %q is neither true nor false", flag.Name, value)
	case "int":
		if errors.Is(cause, strconv.ErrRange) {
			return fmt.Errorf("--%s: %s is too large", flag.Name, value)
		}
		hint := ""
		if flag.Name == "port" && strings.HasPrefix(value, "tcp://") {
			hint = "; Kubernetes sets this variable for a service named bobbin: name the service otherwise, or set enableServiceLinks: false"
		}
		return fmt.Errorf("--%s: %q is not a whole number%s", flag.Name, value, hint)
	}
	return fmt.Errorf("--%s: %q: %w", flag.Name, value, cause)
}

// checkSwallowed refuses a value that is a flag: the flag before it has lost its value.
func checkSwallowed(f *pflag.FlagSet) (err error) {
	f.Visit(func(flag *pflag.Flag) {
		for _, value := range listOf(flag) {
			name, _, _ := strings.Cut(value, "=")
			if long, ok := strings.CutPrefix(name, "--"); ok && f.Lookup(long) != nil && err == nil {
				err = fmt.Errorf("--%s needs a value before %s", flag.Name, name)
			}
		}
	})
	return err
}

// checkArguments refuses more than one PATH, and an empty one.
func checkArguments(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "":
		return errEmptyPath
	case len(args) < 2:
		return nil
	case commands[args[0]] != nil:
		return fmt.Errorf("%s comes first: write bobbin %[1]s, and flags behind it", args[0])
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			return fmt.Errorf("%q: flags go before --, or without it", arg)
		}
	}
	hint := ""
	if name := nearest(args[0], commandNames()); name != "" {
		hint = "; did you mean the command " + name + "?"
	}
	return fmt.Errorf("%q and %q: only one folder or file can be served%s", args[0], args[1], hint)
}

// commandNames returns the names of all commands.
func commandNames() []string { return slices.Sorted(maps.Keys(commands)) }

// knownVariables are variables with BOBBIN_ in front that are not flags.
var knownVariables = []string{"BOBBIN_TRACE"}

// warnOfVariables warns of variables with BOBBIN_ in front that set nothing, because
// they are probably mistyped. Environment has lines of NAME=VALUE.
func (o *options) warnOfVariables(environment []string) {
	known := slices.Clone(knownVariables)
	for _, name := range flagNames(o.flags) {
		known = append(known, envName(name))
	}
	var unknown []string
	for _, line := range environment {
		name, _, _ := strings.Cut(line, "=")
		// Kubernetes sets the latter for a service named bobbin.
		if strings.HasPrefix(name, "BOBBIN_") && !slices.Contains(known, name) && !strings.HasPrefix(name, "BOBBIN_SERVICE_") && !strings.HasPrefix(name, "BOBBIN_PORT_") {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		hint := "; bobbin --help lists the flags"
		if near := nearest(name, known); near != "" {
			hint = "; did you mean " + near + "?"
		}
		o.warn("the environment variable %s is unknown, and sets nothing%s", name, hint)
	}
}
