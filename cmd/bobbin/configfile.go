package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/spf13/pflag"
)

// Settings from the configuration file. Its names are those of the flags, and each
// error has its place in the file.

// readConfig sets the flags that are neither on the command line nor in the
// environment.
func (o *options) readConfig(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, syscall.EISDIR) {
		return fmt.Errorf("--config: %s is a folder: name a file", file)
	}
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	var all map[string]any
	if err := toml.Unmarshal(text, &all); err != nil {
		return explainTOML(file, err)
	}
	places := placesIn(text)
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return places[a].compare(places[b]) })
	for _, name := range names {
		if name == "test" {
			if err := o.readTests(file, text, all[name], places[name]); err != nil {
				return err
			}
			continue
		}
		if name == "site" {
			if err := o.noteParts(file, text, all[name], places[name]); err != nil {
				return err
			}
			continue
		}
		if err := o.setFromFile(file, name, all[name], places); err != nil {
			return err
		}
	}
	return nil
}

// setFromFile sets one setting, unless it was set by an origin with precedence.
func (o *options) setFromFile(file, name string, value any, places map[string]place) error {
	at := places[name]
	flag := o.flags.Lookup(name)
	if name != "path" && (flag == nil || slices.Contains(onlyTyped, name)) {
		return fmt.Errorf("%s:%s: unknown setting %q%s", file, at.key, name, meant(name, append(o.inFile(), "path", "test", "site")))
	}
	kind := "string"
	if flag != nil {
		kind = flag.Value.Type()
	}
	list, wrong := valuesOf(flag, name, kind, value)
	if wrong != "" {
		return fmt.Errorf("%s:%s: %s", file, at.value, wrong)
	}
	from := origin{byFile, file + ":" + at.key.String()}
	if name == "path" {
		if list[0] == "" {
			return fmt.Errorf("%s:%s: %w", file, at.value, errEmptyPath)
		}
		if o.path == "" {
			o.path, o.origin["path"] = list[0], from
		}
		return nil
	}
	if flag.Changed {
		return nil
	}
	o.origin[name] = from
	for key, place := range places {
		if strings.HasPrefix(key, "limit.") && name == "limit" {
			o.origin[key] = origin{byFile, file + ":" + place.key.String()}
		}
	}
	for _, v := range list {
		if err := o.flags.Set(name, v); err != nil {
			return explainFlag(err, o.flags)
		}
	}
	return nil
}

// inFile returns the names of the flags that a file may set.
func (o *options) inFile() []string {
	return slices.DeleteFunc(flagNames(o.flags), func(name string) bool { return slices.Contains(onlyTyped, name) })
}

// valuesOf returns the values of a setting, as they would be typed, or a sentence about
// a value of the wrong type.
func valuesOf(flag *pflag.Flag, name, kind string, value any) (list []string, wrong string) {
	is := typeName(value)
	switch v := value.(type) {
	case map[string]any:
		if name != "limit" {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch v[key].(type) {
			case string, int64:
				list = append(list, fmt.Sprintf("%s=%v", key, v[key]))
			default:
				return nil, fmt.Sprintf("limit.%s must be a string or a whole number, not %s: write %s = \"10m\"", key, typeName(v[key]), key)
			}
		}
		return list, ""
	case []any:
		if !strings.HasPrefix(kind, "string") || kind == "string" || name == "limit" {
			break
		}
		for i, one := range v {
			s, ok := one.(string)
			if !ok {
				return nil, fmt.Sprintf("%s must be a list of strings, and item %d of it is %s", name, i+1, typeName(one))
			}
			list = append(list, s)
		}
		return list, ""
	case bool, int64, string:
		if kind == map[string]string{"a boolean": "bool", "a number": "int", "a string": "string"}[is] {
			return []string{fmt.Sprint(v)}, ""
		}
	}
	return nil, fmt.Sprintf("%s must be %s, not %s: write %s", name, mustBe(name, kind), is, example(flag, name, kind, value))
}

// mustBe names the type of a setting.
func mustBe(name, kind string) string {
	switch {
	case name == "limit":
		return "a table"
	case kind == "bool":
		return "true or false"
	case kind == "int":
		return "a whole number"
	case kind == "string":
		return "a string"
	}
	return "a list of strings"
}

// mayBeOff are the settings with the value "off", which is written as false now and then.
var mayBeOff = []string{"compress", "http2", "listing", "log"}

// example returns a line of the right type, with the value that is there if possible.
func example(flag *pflag.Flag, name, kind string, value any) string {
	switch text, isText := value.(string); {
	case name == "limit":
		return `[limit], and below it Body = "10m"`
	case kind == "bool":
		return name + " = true"
	case kind == "int":
		return fmt.Sprintf("%s = %s", name, flag.DefValue)
	case kind != "string" && isText:
		return fmt.Sprintf("%s = [%s]", name, quote(text))
	case kind != "string" && value == true && flag != nil && flag.NoOptDefVal != "":
		return fmt.Sprintf("%s = [%s]", name, quote(flag.NoOptDefVal))
	case kind != "string":
		return fmt.Sprintf("%s = [\"…\"]", name)
	case value == false && slices.Contains(mayBeOff, name):
		return name + ` = "off"`
	case value == true && flag != nil && flag.NoOptDefVal != "":
		return fmt.Sprintf("%s = %s", name, quote(flag.NoOptDefVal))
	}
	return fmt.Sprintf("%s = \"…\"", name)
}

// typeName names the type of a value of TOML.
func typeName(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case int64:
		return "a number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time, toml.LocalDate, toml.LocalDateTime, toml.LocalTime:
		return "a date or a time"
	}
	return fmt.Sprintf("%T", value)
}

// explainTOML adds file, line and column to an error of the decoder.
func explainTOML(file string, err error) error {
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		row, column := wrong.Position()
		return fmt.Errorf("%s:%d:%d: this is not TOML: %s", file, row, column, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return fmt.Errorf("%s: %w", file, err)
}

// A place has the positions of a setting and of its value in a file.
type place struct{ key, value position }

// A position counts lines and columns from 1.
type position struct{ line, column int }

func (p position) String() string { return fmt.Sprintf("%d:%d", p.line, p.column) }

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.key.line, other.key.line), cmp.Compare(p.key.column, other.key.column))
}

// placesIn returns the place of each setting in a file without errors, by its key with
// dots; of the first one for a table.
func placesIn(text []byte) map[string]place {
	places := make(map[string]place)
	var p unstable.Parser
	p.Reset(text)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		isTable := e.Kind == unstable.Table || e.Kind == unstable.ArrayTable
		key := table
		if isTable {
			key = ""
		}
		for it := e.Key(); it.Next(); {
			node := it.Node()
			if key = strings.TrimPrefix(key+"."+string(node.Data), "."); places[key] == (place{}) {
				places[key] = placeOf(&p, text, node)
			}
		}
		if isTable {
			table = key
		}
	}
	return places
}

// placeOf returns the place of a key, and of the value behind it.
func placeOf(p *unstable.Parser, text []byte, key *unstable.Node) place {
	at := func(offset uint32) position {
		start := p.Shape(unstable.Range{Offset: offset}).Start
		return position{start.Line, start.Column}
	}
	end := key.Raw.Offset + key.Raw.Length
	for int(end) < len(text) && strings.IndexByte(" \t=", text[end]) >= 0 {
		end++
	}
	return place{at(key.Raw.Offset), at(end)}
}
