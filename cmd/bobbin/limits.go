package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// setLimits sets limits by their names in http/limits.go: "HeadTimeout=5s",
// "Body=10m". So there is one list of names, and one flag.
func setLimits(l *http.Limits, settings []string) error {
	names := make(map[string]reflect.Value)
	collect(reflect.ValueOf(l).Elem(), names)
	for _, s := range settings {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("--limit %s has no value: write --limit NAME=VALUE", s)
		}
		field, ok := names[name]
		if !ok {
			return fmt.Errorf("there is no limit %s%s; docs/limits.md lists them", name, meant(name, slices.Collect(maps.Keys(names))))
		}
		if err := setLimit(field, value); err != nil {
			return fmt.Errorf("--limit %s: %w", s, err)
		}
	}
	return nil
}

// collect finds the limits, those of the embedded struct among them.
func collect(v reflect.Value, names map[string]reflect.Value) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Anonymous {
			collect(v.Field(i), names)
		} else {
			names[f.Name] = v.Field(i)
		}
	}
}

// setLimit reads a value: a time such as 90s or 5m for a duration, and a number
// with k, m or g behind it for anything else. 0 would mean the default, so that
// it is refused.
func setLimit(field reflect.Value, value string) error {
	if field.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(value)
		if err != nil && tooLong.MatchString(value) {
			return fmt.Errorf("%q is longer than can be counted: it can be up to %dh", value, int64(math.MaxInt64/time.Hour))
		}
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no time: write 90s, 5m or 1h", value)
		}
		field.SetInt(int64(d))
		return nil
	}
	digits, factor := strings.ToLower(value), int64(1)
	for suffix, f := range map[string]int64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if rest, ok := strings.CutSuffix(digits, suffix); ok {
			digits, factor = rest, f
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || n <= 0 {
		return fmt.Errorf("%q is no number above 0: write 100, 8k or 1m", value)
	}
	if most := int64(math.MaxInt64 >> (64 - field.Type().Bits())); err != nil || n > most/factor {
		return fmt.Errorf("%q is more than can be counted: it can be up to %d", value, most)
	}
	field.SetInt(n * factor)
	return nil
}

// tooLong is a time that is one, whatever its number.
var tooLong = regexp.MustCompile(`^\+?([0-9.]+(ns|us|µs|ms|s|m|h))+$`)
