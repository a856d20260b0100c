package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// The origin of a setting: it decides which of two settings applies,
// and errors name it.

// A rank is the precedence of an origin, the lowest first.
type rank uint8

const (
	byDefault rank = iota
	byFile
	byEnvironment
	byCommandLine
)

// An origin is the source of a setting's value.
type origin struct {
	rank  rank
	place string // the variable, or FILE:LINE:COLUMN
}

// fromPORT is the origin of a port from PORT, which platforms set for every program.
var fromPORT = origin{byEnvironment, "PORT"}

// String returns the origin for config print.
func (o origin) String() string {
	switch o.rank {
	case byFile:
		return onlyFile.ReplaceAllString(o.place, "")
	case byEnvironment:
		return "environment"
	case byCommandLine:
		return "command line"
	}
	return "default"
}

// onlyFile matches the line and the column at the end of a place.
var onlyFile = regexp.MustCompile(`:\d+:\d+$`)

// where returns the origin for a sentence.
func (o origin) where() string {
	switch o.rank {
	case byFile:
		return o.place
	case byEnvironment:
		return "the environment variable " + o.place
	case byCommandLine:
		return "the command line"
	}
	return "the default"
}

// A located error ends with the origin of the settings that it mentions, unless they
// were typed.
type located struct {
	err  error
	text string
}

func (e *located) Error() string { return e.text }
func (e *located) Unwrap() error { return e.err }

// mentions matches a flag in the text of an error, or one of the limits.
var mentions = regexp.MustCompile(`--(limit [A-Za-z]+|[a-z][a-z0-9-]*)`)

// locate adds the origins of the settings that an error mentions.
func (o *options) locate(err error) error {
	if err == nil {
		return nil
	}
	if done := (*located)(nil); errors.As(err, &done) {
		return err // by the settings of a part
	}
	var list []string
	for _, m := range mentions.FindAllStringSubmatch(err.Error(), -1) {
		name := strings.Replace(m[1], " ", ".", 1)
		from, ok := o.origin[name]
		if !ok {
			name, _, _ = strings.Cut(name, ".")
			from = o.origin[name]
		}
		text := fmt.Sprintf("--%s comes from %s", strings.Replace(name, ".", " ", 1), from.where())
		if (from.rank == byFile || from.rank == byEnvironment) && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	if len(list) == 0 {
		return err
	}
	return &located{err, fmt.Sprintf("%v (%s)", err, strings.Join(list, ", "))}
}

// locatePath adds the origin of the path, which has no flag, to an error about it.
func (o *options) locatePath(err error) error {
	if from := o.origin["path"]; from.rank == byFile {
		return &located{err, fmt.Sprintf("%v (path comes from %s)", err, from.place)}
	}
	return err
}

// choose makes the list of addresses from --listen, --public and --port. Of settings
// from different origins, the one with precedence applies; from one origin, they
// contradict each other.
func (o *options) choose() error {
	listen, at := o.origin["listen"], o.listen
	for _, name := range []string{"port", "public"} {
		from := o.origin[name]
		switch {
		case len(at) == 0:
		case from.rank > listen.rank:
			o.unused["listen"] = true
			o.warn("--listen from %s is not used, because --%s from %s has precedence", listen.where(), name, from.where())
			at = nil
		case from.rank == listen.rank && from != fromPORT && (name == "port" || o.public):
			return fmt.Errorf("--listen includes the address and the port: remove --%s, or --listen", name)
		}
	}
	switch {
	case len(at) > 0:
		o.at, o.unused["port"], o.unused["public"] = at, true, true
	case o.public:
		o.at = []string{fmt.Sprintf(":%d", o.port)}
	default:
		o.at = []string{fmt.Sprintf("localhost:%d", o.port)}
	}
	return o.checkAddresses()
}

// warn notes a sentence for the operator, to be printed before the server listens.
func (o *options) warn(format string, args ...any) {
	o.warnings = append(o.warnings, fmt.Sprintf(format, args...))
}

// printWarnings prints the warnings, each in a line.
func (o *options) printWarnings(to io.Writer) {
	for _, text := range o.warnings {
		fmt.Fprintf(to, "bobbin: %s\n", text)
	}
}
