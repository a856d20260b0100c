package http

import (
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestThePageOfLimitsIsTrue compares docs/limits.md with the defaults.
func TestThePageOfLimitsIsTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(page), -1) {
		said[row[1]] = row[2]
	}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Anonymous {
				walk(v.Field(i))
				continue
			}
			got, ok := said[f.Name]
			if want := v.Field(i).Int(); !ok || meant(got) != want {
				t.Errorf("the page says %q of %s, whose default is %v", got, f.Name, v.Field(i))
			}
			delete(said, f.Name)
		}
	}
	walk(reflect.ValueOf(Limits{}.withDefaults()))
	for name := range said {
		t.Errorf("the page has %s, which is no limit", name)
	}
}

// meant is the number that the page's text stands for.
func meant(text string) int64 {
	if d, err := time.ParseDuration(text); err == nil {
		return int64(d)
	}
	digits, unit, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return -1
	}
	return n * map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20}[unit]
}

func TestLimitsThatCannotBeKeptAreRefused(t *testing.T) {
	rows := []struct {
		name   string
		limits Limits
	}{
		{"a head beyond 64 KiB", Limits{FieldBytes: 64 << 10}},
		{"more fields than there is room for", Limits{FieldCount: 101}},
	}
	for _, row := range rows {
		if _, err := NewServer(Config{Limits: row.limits}); err == nil {
			t.Errorf("%s is allowed", row.name)
		}
	}
}
