package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"
)

// Flags from the environment and the configuration file. Both use the one table of
// flags, in flags.go.

// onlyTyped are the flags for the command line alone.
var onlyTyped = []string{"help", "version", "config"}

// envName returns the environment variable of a flag.
func envName(flag string) string {
	return "BOBBIN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readEnvironment sets the flags that are not on the command line.
func (o *options) readEnvironment(env func(string) string) error {
	var failed error
	o.flags.VisitAll(func(flag *pflag.Flag) {
		text := env(envName(flag.Name))
		if text == "" || flag.Changed || failed != nil || flag.Name == "help" || flag.Name == "version" {
			return
		}
		values := []string{text}
		if t := flag.Value.Type(); t == "stringArray" || t == "stringSlice" {
			values = strings.Split(strings.TrimSpace(text), "\n")
		}
		for _, value := range values {
			if err := o.flags.Set(flag.Name, strings.TrimSpace(value)); err != nil {
				failed = fmt.Errorf("environment variable %s: %w", envName(flag.Name), err)
				return
			}
		}
		o.origin[flag.Name] = "environment"
	})
	return failed
}

// readConfig sets the flags that are neither on the command line nor in the
// environment.
func (o *options) readConfig(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	into := reflect.New(o.configType()).Elem()
	err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(into.Addr().Interface())
	if err != nil {
		return o.explainConfig(file, err)
	}
	for i := range into.NumField() {
		name, v := into.Type().Field(i).Tag.Get("toml"), into.Field(i)
		if v.IsNil() {
			continue
		}
		if name == "path" {
			if o.path == "" {
				o.path, o.origin["path"] = v.Elem().String(), file
			}
			continue
		}
		if o.flags.Changed(name) {
			continue
		}
		for _, value := range values(v) {
			if err := o.flags.Set(name, value); err != nil {
				return fmt.Errorf("%s: %s: %w", file, name, err)
			}
		}
		o.origin[name] = file
	}
	return nil
}

// configType returns a struct type with a field for each flag, for the decoder.
func (o *options) configType() reflect.Type {
	field := func(i int, name string, t reflect.Type) reflect.StructField {
		return reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: t, Tag: reflect.StructTag(fmt.Sprintf("toml:%q", name))}
	}
	fields := []reflect.StructField{field(0, "path", reflect.TypeFor[*string]())}
	o.flags.VisitAll(func(flag *pflag.Flag) {
		if slices.Contains(onlyTyped, flag.Name) {
			return
		}
		t := reflect.TypeFor[*string]()
		switch flag.Value.Type() {
		case "bool":
			t = reflect.TypeFor[*bool]()
		case "int":
			t = reflect.TypeFor[*int64]()
		case "stringArray", "stringSlice":
			t = reflect.TypeFor[[]string]()
		}
		if flag.Name == "limit" {
			t = reflect.TypeFor[map[string]any]() // a table of TOML
		}
		fields = append(fields, field(len(fields), flag.Name, t))
	})
	return reflect.StructOf(fields)
}

// values returns the values of a key, as they would be typed.
func values(v reflect.Value) (list []string) {
	switch v.Kind() {
	case reflect.Map:
		for _, key := range v.MapKeys() {
			list = append(list, fmt.Sprintf("%s=%v", key, v.MapIndex(key)))
		}
		slices.Sort(list)
	case reflect.Slice:
		for i := range v.Len() {
			list = append(list, v.Index(i).String())
		}
	default:
		list = []string{fmt.Sprint(v.Elem())}
	}
	return list
}

// explainConfig adds file, line and column to an error of the decoder.
func (o *options) explainConfig(file string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := unknown.Errors[0]
		row, column := first.Position()
		name := strings.Join(first.Key(), ".")
		return fmt.Errorf("%s:%d:%d: unknown setting %q%s", file, row, column, name, meant(name, append(flagNames(o.flags), "path")))
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		row, column := wrong.Position()
		return fmt.Errorf("%s:%d:%d: %s", file, row, column, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return fmt.Errorf("%s: %w", file, err)
}

// printConfig writes all settings as a configuration file, each with its origin as a
// comment.
func printConfig(w io.Writer, o *options) {
	from := func(name string) string {
		if origin := o.origin[name]; origin != "" {
			return origin
		}
		return "default"
	}
	if o.path != "" {
		if o.origin["path"] == "" {
			o.origin["path"] = "command line"
		}
		fmt.Fprintf(w, "path = %s # %s\n", quote(o.path), from("path"))
	}
	var limits []string
	o.flags.VisitAll(func(flag *pflag.Flag) {
		switch {
		case slices.Contains(onlyTyped, flag.Name):
		case flag.Name == "limit":
			limits = o.site.limitText
		default:
			fmt.Fprintf(w, "%s = %s # %s\n", flag.Name, written(flag), from(flag.Name))
		}
	})
	if len(limits) == 0 {
		return
	}
	fmt.Fprintf(w, "\n[limit] # %s\n", from("limit"))
	for _, pair := range limits {
		name, value, _ := strings.Cut(pair, "=")
		fmt.Fprintf(w, "%s = %s\n", name, quote(value))
	}
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
