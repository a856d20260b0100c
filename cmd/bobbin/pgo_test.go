package main

import (
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/docs/figures/count"
)

const module = "github.com/bobbin-http/bobbin/"

// closure is the end of a name that the compiler gives to a function in a function.
var closure = regexp.MustCompile(`(\.func\d+|\.gowrap\d+|\.deferwrap\d+|\.\d+|-fm|-range\d+)+$`)

// sourceName returns the folder and the name of a function of a profile, as in the
// source: http/internal/h1 and Head.parse for …/http/internal/h1.(*Head).parse.
func sourceName(name string) string {
	name = strings.TrimPrefix(name, module)
	folder, base := path.Split(name)
	pkg, base, _ := strings.Cut(base, ".")
	base = closure.ReplaceAllString(strings.ReplaceAll(base, "[...]", ""), "")
	return folder + pkg + " " + strings.NewReplacer("(*", "", ")", "").Replace(base)
}

func TestNamesOfAProfileAreThoseOfTheSource(t *testing.T) {
	tests := []struct{ name, profile, source string }{
		{"a function", module + "http/static.clean", "http/static clean"},
		{"a method of a pointer", module + "http/internal/h1.(*Head).parse", "http/internal/h1 Head.parse"},
		{"a method of a value", module + "http/internal/h1.Span.Of", "http/internal/h1 Span.Of"},
		{"one with parameters of type", module + "eventloop.(*pool[...]).take", "eventloop pool.take"},
		{"a function in a function is that function's", module + "http.(*exchange).guarded.func1.2", "http exchange.guarded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := sourceName(test.profile); got != test.source {
				t.Errorf("got %q, want %q", got, test.source)
			}
		})
	}
}

// TestTheProfileIsNotStale looks for the functions of bobbin in which its profile has most
// time. The compiler ignores names that are gone, and their callers are as slow as without
// a profile.
func TestTheProfileIsNotStale(t *testing.T) {
	const hottest = 20
	text, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount=20", "-show="+module, "default.pgo").Output()
	if err != nil {
		t.Fatal(err)
	}
	all, err := count.Functions("../..")
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, f := range all {
		there[path.Dir(f.File)+" "+f.Name] = true
	}
	_, table, _ := strings.Cut(string(text), "cum%\n") // before it, the filter is named
	checked := 0
	for line := range strings.Lines(table) {
		_, name, ok := strings.Cut(line, module)
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(strings.TrimSpace(name), " (") // inline
		checked++
		if source := sourceName(name); !there[source] {
			t.Errorf("the profile has time in %q, which is not in the source: make it anew, in bench, by go run ./pgo", source)
		}
	}
	if checked != hottest {
		t.Errorf("the profile names %d functions of bobbin, want %d:\n%s", checked, hottest, text)
	}
}
