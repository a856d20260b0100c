package bobbin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWhatTheDocumentsShowIsWhatRuns compares each piece of code in the README and
// in docs whose fence names a file with that file. So what is shown compiles, and
// its tests have passed.
func TestWhatTheDocumentsShowIsWhatRuns(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range append(pages, "README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^```go (\\S+)$(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
			shown++
			want, err := os.ReadFile(block[1])
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if strings.TrimSpace(block[2]) != strings.TrimSpace(string(want)) {
				t.Errorf("%s: what it shows of %s is not what is there", page, block[1])
			}
		}
	}
	if shown < 7 {
		t.Errorf("only %d pieces of code were found", shown)
	}
}
