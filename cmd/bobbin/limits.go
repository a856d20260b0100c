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

// setLimits sets limits by their names in http.Limits: "HeadTimeout=5s", "Body=10m".
func setLimits(l *http.Limits, settings []string) error {
	names := make(map[string]reflect.Value)
	for field, v := range reflect.ValueOf(l).Elem().Fields() {
		names[field.Name] = v
	}
	for _, s := range settings {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("--limit: %q has no value: write --limit NAME=VALUE", s)
		}
		field, ok := names[name]
		if !ok {
			return fmt.Errorf("--limit %s: unknown limit%s; docs/limits.md lists them", name, meant(name, slices.Collect(maps.Keys(names))))
		}
		if err := setLimit(field, value); err != nil {
			return fmt.Errorf("--limit %s: %w", s, err)
		}
	}
	return nil
}

// setLimit parses a value: a duration such as 90s or 5m, or a number with an optional
// k, m or g. It refuses 0, which http.Limits reads as the default.
func setLimit(field reflect.Value, value string) error {
	if field.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(value)
		if err != nil && tooLong.MatchString(value) {
			return fmt.Errorf("%q is too long: the maximum is %dh", value, int64(math.MaxInt64/time.Hour))
		}
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is not a duration: write 90s, 5m or 1h", value)
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
		return fmt.Errorf("%q is not a number above 0: write 100, 8k, 1m or 2g", value)
	}
	if most := int64(math.MaxInt64 >> (64 - field.Type().Bits())); err != nil || n > most/factor {
		return fmt.Errorf("%q is too large: the maximum is %d", value, most)
	}
	field.SetInt(n * factor)
	return nil
}

// changedLimits returns the names of limits that differ.
func changedLimits(before, after http.Limits) (names []string) {
	now := reflect.ValueOf(after)
	for field, v := range reflect.ValueOf(before).Fields() {
		if v.Int() != now.FieldByIndex(field.Index).Int() {
			names = append(names, field.Name)
		}
	}
	return names
}

// tooLong matches a duration in the right form, however large.
var tooLong = regexp.MustCompile(`^\+?([0-9.]+(ns|us|µs|ms|s|m|h))+$`)
