package suites

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	// The modules whose tests are run, so that go.mod keeps their versions.
	_ "github.com/go-chi/chi/v5"
	_ "github.com/gorilla/handlers"
	_ "github.com/gorilla/mux"
	_ "github.com/rs/cors"
)

// TestModules runs the tests of routers and middleware behind std.
func TestModules(t *testing.T) {
	page := readPage(t)
	for _, module := range []struct{ name, path, leaveOut string }{
		{"mux", "github.com/gorilla/mux", ""},
		{"cors", "github.com/rs/cors", ""},
		{"handlers", "github.com/gorilla/handlers", "^TestHeaderWrites$"}, // asks a site on the internet
		{"chi", "github.com/go-chi/chi/v5", ""},
	} {
		t.Run(module.name, func(t *testing.T) { page.compare(t, module.path, runModule(t, module.path, module.leaveOut)) })
	}
}

// runModule copies a module from the module cache, has its tests go through bobbin, and
// runs them.
func runModule(t *testing.T, module, leaveOut string) results {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	var found struct{ Dir, Error string }
	if json.Unmarshal(out, &found) != nil || found.Dir == "" {
		t.Skipf("skipped: %s is not in the module cache and cannot be fetched: %v %s", module, err, found.Error)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(found.Dir)); err != nil {
		t.Fatal(err)
	}
	o := newOverlay(t)
	err = filepath.WalkDir(copied, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != copied && isOther(path):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			source := read(t, path)
			for many, few := range fewer {
				source = bytes.Replace(source, []byte(many), []byte(few), 1)
			}
			o.put(path, throughBobbin(t, path, source))
			if name := regexp.MustCompile(`(?m)^package (\w+)$`).FindSubmatch(source); name != nil {
				o.setHooks(filepath.Dir(path), strings.TrimSuffix(string(name[1]), "_test"))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mod := filepath.Join(o.folder, "go.mod")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(read(t, "go.mod")), "=> ../../", "=> "+filepath.Join(here, "..", ".."), 1)
	write(t, mod, fmt.Appendf(nil, "%s\nreplace %s => %s\n", text, module, copied))
	write(t, filepath.Join(o.folder, "go.sum"), read(t, "go.sum"))
	cmd := exec.Command("go", "test", "-json", "-vet=off", "-timeout=30s", "-skip="+leaveOut, "-modfile="+mod, "-overlay="+o.write(), module+"/...")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err = cmd.Output()
	r := parseEvents(t, module, out)
	if len(r) == 0 {
		t.Fatalf("no test ran: %v\n%s\n%.3000s", err, errs.String(), out)
	}
	return r
}

// fewer are loops of tests that would make a million connections.
var fewer = map[string]string{
	"for range 10000 {\n\t\t\t\tw := httptest.NewRecorder()": "for range 10 {\n\t\t\t\tw := httptest.NewRecorder()", // chi's TestMuxContextIsThreadSafe
}

// isOther reports whether a folder is another module's, or hidden from go build.
func isOther(path string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil || strings.HasPrefix(filepath.Base(path), "_") || strings.HasPrefix(filepath.Base(path), ".")
}

// results are what became of tests, by their names.
type results map[string]result

// A result is what became of a test.
type result struct {
	passed bool
	output string
}

// parseEvents reads what go test -json prints. Tests of packages below the module have
// their package's name before theirs.
func parseEvents(t *testing.T, module string, out []byte) results {
	r := make(results)
	outputs := make(map[string]string)
	for line := range bytes.Lines(out) {
		var e struct{ Action, Package, Test, Output string }
		if json.Unmarshal(line, &e) != nil {
			continue
		}
		name := e.Test
		if below := strings.TrimPrefix(strings.TrimPrefix(e.Package, module), "/"); below != "" {
			name = below + "." + name
		}
		switch e.Action {
		case "run":
			r[name] = result{} // one that never ends has failed
		case "output":
			outputs[name] += e.Output
		case "pass", "fail", "skip":
			if e.Test != "" {
				r[name] = result{passed: e.Action != "fail"}
			} else if e.Action == "fail" && !anyFailed(r) {
				t.Fatalf("%s failed: %.5000s", e.Package, outputs[name])
			}
		}
	}
	for name, one := range r {
		one.output = outputs[name]
		r[name] = one
	}
	return r
}

func anyFailed(r results) bool {
	for _, one := range r {
		if !one.passed {
			return true
		}
	}
	return false
}

// A page is docs/suites.md: the tests that fail, each with the reason, by suite.
type page map[string]*suite

// A suite is a section of the page.
type suite struct {
	passed, of int
	serverless int               // that pass and ask no server
	reasons    map[string]string // of tests that fail, by name
}

const pageName = "../../docs/suites.md"

// readPage reads the page: sections "## SUITE", each with a line "N of M tests pass" and
// a table of names and reasons.
func readPage(t *testing.T) page {
	t.Helper()
	p := make(page)
	var s *suite
	for line := range strings.Lines(string(read(t, pageName))) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "## "); ok {
			s = &suite{reasons: make(map[string]string)}
			p[name] = s
		}
		if s == nil {
			continue // the introduction
		}
		if m := regexp.MustCompile(`^(\d+) of (\d+) tests pass`).FindStringSubmatch(line); m != nil {
			fmt.Sscan(m[1], &s.passed)
			fmt.Sscan(m[2], &s.of)
		}
		if m := regexp.MustCompile(`and (\d+) that ask none`).FindStringSubmatch(line); m != nil {
			fmt.Sscan(m[1], &s.serverless)
		}
		if m := regexp.MustCompile(`^\| (\S*Test\S+) \| (.+) \|$`).FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			s.reasons[m[1]] = m[2]
		}
	}
	return p
}

// compare holds that the page lists the tests that have failed, and only those.
func (p page) compare(t *testing.T, name string, r results) {
	s := p[name]
	if s == nil {
		t.Fatalf("%s has no section %q", pageName, name)
	}
	passed := 0
	for test, one := range r {
		if one.passed {
			passed++
		}
		switch reason := s.reasons[test]; {
		case one.passed && reason != "":
			t.Errorf("%s passes: take it out of %s", test, pageName)
		case !one.passed && reason == "":
			t.Errorf("%s fails. Mend it, or list it in %s with the reason.\n%.3000s", test, pageName, one.output)
		}
	}
	for test := range s.reasons {
		if _, ok := r[test]; !ok {
			t.Errorf("%s is listed in %s, and no test has that name", test, pageName)
		}
	}
	if passed != s.passed || len(r) != s.of {
		t.Errorf("%d of %d tests pass: %s says %d of %d", passed, len(r), pageName, s.passed, s.of)
	}
}

// TestThePageIsInOrder looks at what no run of a suite shows.
func TestThePageIsInOrder(t *testing.T) {
	for name, s := range readPage(t) {
		if s.of == 0 && len(s.reasons) > 0 {
			t.Errorf("%s: %q has no line that says how many tests pass", pageName, name)
		}
		for test, reason := range s.reasons {
			if len(strings.Fields(reason)) < 2 {
				t.Errorf("%s: %s has no reason", pageName, test)
			}
		}
	}
}
