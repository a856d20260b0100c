package bobbin_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

// TestPlacesThatTheDocumentsNameAreThere looks for the files that the README and
// docs link to, for the functions that they say are in one, and for the tests.
func TestPlacesThatTheDocumentsNameAreThere(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"docs/*.md", "docs/rooms/*.md", "docs/tour/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		pages = append(pages, found...)
	}
	tests := testNames(t)
	links, places, named := 0, 0, 0
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md", "deploy/README.md") {
		source, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := string(source)
		for _, link := range regexp.MustCompile(`\]\(([^():#]+)(#[^()]*)?\)`).FindAllStringSubmatch(text, -1) {
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, link[1])
			}
		}
		for _, row := range regexp.MustCompile(`(?m)^\| \[[^]]*\]\(([^()]+\.go)\) \| (\d+) \|`).FindAllStringSubmatch(text, -1) {
			code, err := os.ReadFile(filepath.Join(filepath.Dir(page), row[1]))
			said, _ := strconv.Atoi(row[2])
			if n := strings.Count(string(code), "\n"); err != nil || n < said-20 || n > said+20 {
				t.Errorf("%s says that %s has %d lines, and it has %d", page, row[1], said, n)
			}
		}
		definition := `(?m)^func (\([^)]*\) )?`
		if strings.HasPrefix(page, "docs/tour/") {
			definition = `\b` // of a field or a flag as well
		}
		for _, place := range regexp.MustCompile("((?:`\\w+`(?:, | and )?)+) in \\[[^]]*\\]\\(([^()]+\\.go)\\)").FindAllStringSubmatch(text, -1) {
			code, err := os.ReadFile(filepath.Join(filepath.Dir(page), place[2]))
			if err != nil {
				continue // said above
			}
			for _, name := range regexp.MustCompile(`\w+`).FindAllString(strings.ReplaceAll(place[1], " and ", " "), -1) {
				places++
				if !regexp.MustCompile(definition + name + `\b`).Match(code) {
					t.Errorf("%s says that %s is in %s, where no function has that name", page, name, place[2])
				}
			}
		}
		for _, name := range regexp.MustCompile("`(Test[A-Z]\\w+)`").FindAllStringSubmatch(text, -1) {
			named++
			if !tests[name[1]] {
				t.Errorf("%s names %s, and there is no such test", page, name[1])
			}
		}
	}
	if links < 50 || places < 8 || named < 15 {
		t.Errorf("only %d links, %d places and %d tests were found", links, places, named)
	}
}

// TestWalksPassWhatIsThere holds that docs/architecture.md names files and functions that
// are there, and that no walk enters a file twice.
func TestWalksPassWhatIsThere(t *testing.T) {
	source, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	walks, steps := 0, 0
	for _, section := range strings.Split(string(source), "\n##") {
		title, walk, _ := strings.Cut(section, "\n")
		if !strings.HasSuffix(title, ", walked") {
			continue
		}
		walks++
		entered := map[string]bool{}
		for _, step := range regexp.MustCompile("(?m)^\\d+\\. `([^`]+)`: ((?:(?:, )?`[^`]+`)+)").FindAllStringSubmatch(walk, -1) {
			steps++
			if entered[step[1]] {
				t.Errorf("%s: it enters %s twice", title, step[1])
			}
			entered[step[1]] = true
			code, err := os.ReadFile(step[1])
			if err != nil {
				t.Error(err)
				continue
			}
			for _, name := range regexp.MustCompile("`(?:(\\w+)\\.)?(\\w+)`").FindAllStringSubmatch(step[2], -1) {
				if !regexp.MustCompile(`(?m)^func (\(\w+ \*?` + name[1] + `\) )?` + name[2] + `\b`).Match(code) {
					t.Errorf("%s: it says that %s.%s is in %s", title, name[1], name[2], step[1])
				}
			}
		}
	}
	if walks != 5 || steps < 50 {
		t.Errorf("only %d walks with %d steps were found", walks, steps)
	}
}

// testNames returns the names of all tests, bench's included.
func testNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := os.ReadFile(file)
		for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
			names[string(name[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestTheDifferencesOfARouterAreListedTwiceAlike compares the list in the comment of
// http.Router with the one in docs/handlers.md.
func TestTheDifferencesOfARouterAreListedTwiceAlike(t *testing.T) {
	list := func(file, begin, bullet string) []string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), begin)
		rest = rest[strings.Index(rest, bullet)+len(bullet):]
		var items []string
		for item := range strings.SplitSeq(rest, "\n"+bullet) {
			item, _, last := strings.Cut(strings.ReplaceAll(item, "\n//\n", "\n\n"), "\n\n")
			items = append(items, strings.Join(strings.Fields(strings.NewReplacer("\n//", " ", "`", "", "\"", "").Replace(item)), " "))
			if last {
				break
			}
		}
		return items
	}
	code := list("http/router.go", "Other differences from net/http", "//   - ")
	page := list("docs/handlers.md", "these differences from `ServeMux` are meant", "- ")
	if len(code) < 5 || !slices.Equal(code, page) {
		t.Errorf("the comment has\n%s\nand the page\n%s", strings.Join(code, "\n"), strings.Join(page, "\n"))
	}
}
