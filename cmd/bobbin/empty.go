package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// An empty value is an error wherever it comes from, because it is a variable that was
// not set as a rule: --auth "$USERS" would serve the site without a password.

// checkEmpty refuses flags whose value, or one of whose values, is empty.
func (o *options) checkEmpty() (err error) {
	o.flags.Visit(func(flag *pflag.Flag) {
		list := listOf(flag)
		blank := func(s string) bool { return strings.TrimSpace(s) == "" }
		if flag.Name == "limit" {
			return // setLimits says which form they have
		}
		if err == nil && (len(list) == 0 || slices.ContainsFunc(list, blank)) {
			err = fmt.Errorf("--%s has an empty value: %s", flag.Name, insteadOfEmpty(flag))
		}
	})
	return err
}

// listOf returns the values of a flag, one for a flag that is no list.
func listOf(flag *pflag.Flag) []string {
	if v, ok := flag.Value.(pflag.SliceValue); ok {
		return v.GetSlice()
	}
	return []string{flag.Value.String()}
}

// checkTyped refuses empty values of lists. The list would have lost them beside others.
func checkTyped(args []string, f *pflag.FlagSet) error {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		long, ok := strings.CutPrefix(arg, "--")
		name, value, has := strings.Cut(long, "=")
		flag := f.Lookup(name)
		if !ok || flag == nil || flag.Value.Type() != "stringSlice" {
			continue
		}
		if has && value == "" || !has && i+1 < len(args) && args[i+1] == "" {
			return fmt.Errorf("--%s has an empty value: %s", name, insteadOfEmpty(flag))
		}
	}
	return nil
}

// checkVariables refuses variables of flags that are set and empty, unless the flag is on
// the command line. Environment has lines of NAME=VALUE.
func (o *options) checkVariables(environment []string) (err error) {
	o.flags.VisitAll(func(flag *pflag.Flag) {
		if name := envName(flag.Name); err == nil && !flag.Changed && slices.Contains(environment, name+"=") {
			err = fmt.Errorf("the environment variable %s is empty: give it a value, or unset it", name)
		}
	})
	return err
}

// insteadOfEmpty says what to do about an empty value.
func insteadOfEmpty(flag *pflag.Flag) string {
	if flag.NoOptDefVal != "" {
		return "write --" + flag.Name + " alone, or leave it out"
	}
	return "give it one, or leave it out"
}

// errEmptyPath is for a PATH that is empty, where it would not be taken for none.
var errEmptyPath = errors.New("PATH is empty: name a folder or a file, or none for the default site")
