package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// TestTheCodeThatThePageShowsIsThere looks for every place in the sources.
func TestTheCodeThatThePageShowsIsThere(t *testing.T) {
	for name, p := range places {
		s, err := p.cut(root)
		if err != nil {
			t.Errorf("%s: %v; correct its row in places.go", name, err)
			continue
		}
		if !strings.Contains(s.Lines[s.Lit], p.Line) || len(s.Lines) > 80 {
			t.Errorf("%s: %d lines, and the line %d is %q", name, len(s.Lines), s.Lit, s.Lines[s.Lit])
		}
	}
}

func TestAPlaceIsFoundByItsWords(t *testing.T) {
	folder := t.TempDir()
	source := "package a\n\n// f does it.\nfunc f() {\n\ttwice()\n\tonce()\n\ttwice()\n}\n\nfunc (t *T) f() { here() }\n\nfunc (T[K]) g() {}\n"
	if err := os.WriteFile(filepath.Join(folder, "a.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		place place
		lit   string
		err   string
	}{
		{"a function, with its comment", place{"a.go", "f", "once()"}, "\tonce()", ""},
		{"a method is another function", place{"a.go", "T.f", "here()"}, "func (t *T) f() { here() }", ""},
		{"a function that has another name now", place{"a.go", "h", "once()"}, "", "a.go has no function h"},
		{"a line that is not there any more", place{"a.go", "f", "thrice()"}, "", `a.go has no line with "thrice()" in f`},
		{"a line that may be one of two", place{"a.go", "f", "twice()"}, "", `a.go has more than one line with "twice()" in f`},
		{"a file that is not there any more", place{"b.go", "f", "once()"}, "", "b.go"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := row.place.cut(folder)
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Errorf("it is %v, %v", s, err)
				}
				return
			}
			if err != nil || s.Lines[s.Lit] != row.lit {
				t.Errorf("it is %v, %v", s, err)
			}
		})
	}
}
