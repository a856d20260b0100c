package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPicturesAreWhatTheTablesSay draws all pictures anew.
func TestPicturesAreWhatTheTablesSay(t *testing.T) {
	all, err := pictures("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s is not what its table says (%v): go run ./docs/pictures, in the root of the repository", name, err)
		}
		d := xml.NewDecoder(strings.NewReader(want))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	files, err := filepath.Glob("*.svg")
	if err != nil || len(files) != len(all) {
		t.Errorf("%d pictures are drawn, and there are %q (%v)", len(all), files, err)
	}
}

// TestAnArrowIsDrawnForEachStep counts them, and looks for the names.
func TestAnArrowIsDrawnForEachStep(t *testing.T) {
	list := []state{{"first", []int{1, 2}}, {"second", []int{0}}, {"third & last", nil}}
	got := graph("A graph", list)
	if n := strings.Count(got, `class="line`); n != 3 {
		t.Errorf("%d arrows are drawn for 3 steps", n)
	}
	if n := strings.Count(got, `class="line back"`); n != 1 {
		t.Errorf("%d of them lead back", n)
	}
	for _, words := range []string{">first<", ">third &amp; last<", "first may be followed by second, third &amp; last; second may be followed by first; third &amp; last is followed by nothing."} {
		if !strings.Contains(got, words) {
			t.Errorf("the picture does not have %q", words)
		}
	}
}

// TestWhatFollowsEachStateIsANote in place of arrows.
func TestWhatFollowsEachStateIsANote(t *testing.T) {
	got := graph("A graph", []state{{"first", []int{1, 2}}, {"second", []int{2}}, {"third", nil}})
	if n := strings.Count(got, `class="line`); n != 1 || !strings.Contains(got, "may follow each") {
		t.Errorf("%d arrows are drawn, and the picture is\n%s", n, got)
	}
}

// TestStatesThatAreNone are refused, so that a table that changes its form is noticed.
func TestStatesThatAreNone(t *testing.T) {
	const head = "\n| state | means | may be followed by |\n|---|---|---|\n"
	for _, row := range []struct{ text, says string }{
		{"no table", "has no table"},
		{head + "| new | begins | done |\n", `new is followed by "done", which is no state`},
		{head + "| new | begins |\n", "is no row"},
	} {
		file := filepath.Join(t.TempDir(), "page.md")
		if err := os.WriteFile(file, []byte(row.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := answerStates(file); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%q: %v", row.text, err)
		}
	}
}
