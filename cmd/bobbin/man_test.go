package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// manFile writes the manual page into a file.
func manFile(t *testing.T) string {
	t.Helper()
	code, page, complaint := try([]string{"man"}, "", nil)
	if code != exitOK || complaint != "" {
		t.Fatalf("%d, %q", code, complaint)
	}
	file := filepath.Join(t.TempDir(), "bobbin.1")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTheManualIsAcceptedWithoutAWarning asks the two programs that show it.
func TestTheManualIsAcceptedWithoutAWarning(t *testing.T) {
	file := manFile(t)
	for _, row := range []struct {
		tool    string
		command []string
	}{
		{"mandoc", []string{"mandoc", "-T", "lint", "-W", "style", file}},
		{"groff", []string{"groff", "-mdoc", "-T", "utf8", "-ww", "-z", file}},
		{"man", []string{"man", "--warnings", "-E", "UTF-8", "-P", "true", "-l", file}},
	} {
		t.Run(row.tool, func(t *testing.T) {
			if _, err := exec.LookPath(row.tool); err != nil {
				t.Skipf("skipped: %s is not here", row.tool)
			}
			cmd := exec.Command(row.command[0], row.command[1:]...)
			var complaint strings.Builder
			cmd.Stderr = &complaint
			out, err := cmd.Output()
			if row.tool == "mandoc" {
				complaint.Write(out) // the lint is its output
			}
			if err != nil || complaint.Len() > 0 {
				t.Errorf("%v, %s", err, complaint.String())
			}
		})
	}
}

// TestTheManualShowsAllThatHelpShows reads the page as a person sees it.
func TestTheManualShowsAllThatHelpShows(t *testing.T) {
	file := manFile(t)
	shown, err := exec.Command("mandoc", "-T", "ascii", file).Output()
	if err != nil {
		if shown, err = exec.Command("man", "-E", "ascii", "-l", "-P", "cat", file).Output(); err != nil {
			t.Skip("skipped: neither mandoc nor man is here")
		}
	}
	page := regexp.MustCompile(".\b").ReplaceAllString(string(shown), "") // what is printed twice is bold
	var o options
	o.define()
	o.flags.VisitAll(func(flag *pflag.Flag) {
		if !regexp.MustCompile(`(?m)^ +(-\w, )?--` + flag.Name + `([ \[\n]|$)`).MatchString(page) {
			t.Errorf("--%s is not in\n%s", flag.Name, page)
		}
	})
	for _, name := range commandNames() {
		if !strings.Contains(page, "\n   bobbin "+name+"\n") {
			t.Errorf("bobbin %s is not in the page", name)
		}
	}
	for _, want := range []string{"EXIT STATUS", "BOBBIN_NAME", "SIGUSR1", "--spa[=file]", "'/assets/**=1y,immutable'", "bobbin --public ./public"} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is not in\n%s", want, page)
		}
	}
}

func TestTextIsEscapedForAManual(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"a line that would be a macro", ".Sh x", `\&.Sh x`},
		{"one that would be a comment of old troff", "'x", `\&\(aqx`},
		{"a backslash", `a\b`, `a\eb`},
		{"a dash that is typed", "--tls-cert", `\-\-tls\-cert`},
		{"signs that a printer would bend", "~^`", `\(ti\(ha\(ga`},
		{"an arrow", "a → b", `a \[u2192] b`},
	} {
		if got := mdocText(row.text); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
	var m mdoc
	m.text("One. Two e.g. three (four.) Five")
	if got, want := m.String(), "One.\nTwo e.g.\nthree (four.)\nFive\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
