package inspect

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

func ExampleTrouble() {
	for _, trouble := range Troubles {
		fmt.Println(trouble.ID+":", trouble.Name)
	}
	// Output:
	// descriptors: out of descriptors
	// holds: handler holds the loop
	// saturated: saturated
	// late: timers late
	// takes: peer does not read
	// sends: peer sends slowly
}

// TestEachWordIsThereOnce holds that the table is whole: an ID is one plain word, no
// two are alike, and each has a text.
func TestEachWordIsThereOnce(t *testing.T) {
	seen := map[string]bool{}
	check := func(id, text string) {
		t.Helper()
		if id == "" || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz") != "" || seen[id] {
			t.Errorf("%q is not a plain word, or it is there twice", id)
		}
		if text == "" {
			t.Errorf("%s has no text", id)
		}
		seen[id] = true
	}
	for _, list := range [][]Word{Phases[:], Activities, {Lag, Held, Owed}} {
		for _, word := range list {
			check(word.ID, word.Text)
		}
	}
	letters := ""
	for _, word := range Activities {
		if word.Letter == 0 || strings.Contains(letters, string(rune(word.Letter))) {
			t.Errorf("%s has the letter %q, after %q", word.ID, word.Letter, letters)
		}
		letters += string(rune(word.Letter))
	}
	for _, trouble := range Troubles {
		check(trouble.ID, trouble.Text)
		if trouble.Name == "" || !strings.HasPrefix(trouble.Href, "https://") || !strings.Contains(trouble.Href, fmt.Sprintf("/docs/tour/%02d-", trouble.Step)) {
			t.Errorf("%s is named %q, and links to %s for step %d", trouble.ID, trouble.Name, trouble.Href, trouble.Step)
		}
	}
}

// TestTroublesLinkToPagesOfTheTour compares the pages of steps in docs/tour with the table.
func TestTroublesLinkToPagesOfTheTour(t *testing.T) {
	pages, err := filepath.Glob("../../docs/tour/[0-9][0-9]-*.md")
	if err != nil || len(pages) < 6 {
		t.Fatalf("there are %d pages, %v", len(pages), err)
	}
	for i, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		if name != tourPages[i+1] || !strings.HasSuffix(tour(i+1), "/docs/tour/"+name+".md") {
			t.Errorf("the page of step %d is %s, and the table has %s", i+1, name, tourPages[i+1])
		}
	}
}

// TestNamesOfKindsAreThoseOfTheLoop holds that kinds and states keep their numbers.
func TestNamesOfKindsAreThoseOfTheLoop(t *testing.T) {
	s, err := http.NewServer(http.Config{Handler: func(*http.Response, *http.Request) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	names := KindNames(s.Loop())
	for kind, want := range map[eventloop.Kind]string{eventloop.Turn: "turn", eventloop.ReapEnded: "reap", http.HeadRead: "head read", http.Done5xx: "done 5xx"} {
		if got := names[kind]; got != want {
			t.Errorf("kind %d is named %q, not %q", kind, got, want)
		}
	}
	if last := len(names) - 1; names[last] == "" {
		t.Error("the list ends with a kind that has no name")
	}
	if got := StateNames(); !slices.Equal(got, []string{"fresh", "open", "half-closed", "closing", "lingering", "dead"}) {
		t.Errorf("the states are %q", got)
	}
	s.Stop()
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
}
