package guide

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/cmd/tour/sidebars"
	"github.com/bobbin-http/bobbin/cmd/tour/steps"
)

// Where the pages and the steps lie, from this folder.
const (
	repository = "../../.."
	pagesGlob  = repository + "/docs/tour/*.md"
)

func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(pagesGlob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(text)
	}
	return texts
}

// regions are the lines between "// #region name" and "// #endregion" in a file, without
// the indent and the empty lines that they have in common with their surroundings.
func regions(source string) map[string]string {
	found := map[string]string{}
	name, indent := "", ""
	for line := range strings.Lines(source) {
		bare := strings.TrimSpace(line)
		if begins, ok := strings.CutPrefix(bare, "// #region "); ok {
			name, indent = begins, line[:strings.Index(line, "//")]
		} else if bare == "// #endregion" {
			found[name] = strings.Trim(found[name], "\n") + "\n"
			name = ""
		} else if name != "" {
			found[name] += strings.TrimPrefix(line, indent)
		}
	}
	return found
}

var update = flag.Bool("update", false, "have the pages show the code as it is now")

var snippet = regexp.MustCompile("(?ms)^```go (\\S+)#(\\w+)\n(.*?)^```$")

// TestPagesShowTheCodeThatRuns compares each snippet with the region of the file that it
// names, and wants each region of a step to be shown. With -update it changes the pages.
func TestPagesShowTheCodeThatRuns(t *testing.T) {
	unused := map[string]bool{}
	all := map[string]string{}
	for folder, sources := range map[string]fs.ReadFileFS{"steps": steps.Sources, "sidebars": sidebars.Sources} {
		err := fs.WalkDir(sources, ".", func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			source, err := sources.ReadFile(file)
			for name, text := range regions(string(source)) {
				place := "cmd/tour/" + folder + "/" + file + "#" + name
				unused[place], all[place] = true, text
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for page, text := range pages(t) {
		if *update {
			text = snippet.ReplaceAllStringFunc(text, func(old string) string {
				s := snippet.FindStringSubmatch(old)
				return fmt.Sprintf("```go %s#%s\n%s```", s[1], s[2], all[s[1]+"#"+s[2]])
			})
			if err := os.WriteFile(filepath.Join(repository, "docs/tour", page), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range snippet.FindAllStringSubmatch(text, -1) {
			place := s[1] + "#" + s[2]
			want, ok := all[place]
			if !ok {
				t.Errorf("%s shows %s, which is not there", page, place)
			} else if s[3] != want {
				t.Errorf("%s shows of %s\n%sand there is\n%s", page, place, s[3], want)
			}
			delete(unused, place)
		}
	}
	for place := range unused {
		t.Errorf("no page shows %s", place)
	}
}

// TestEachStepHasItsPage wants the parts that let a page stand alone.
func TestEachStepHasItsPage(t *testing.T) {
	texts := pages(t)
	for _, s := range Steps() {
		name := fmt.Sprintf("%02d-%s.md", s.Number, s.Name)
		text, ok := texts[name]
		if !ok {
			t.Errorf("step %d has no page %s", s.Number, name)
			continue
		}
		want := []string{
			fmt.Sprintf("# %d. %s\n", s.Number, upper(s.Title)), "*You may think: " + lower(s.Belief) + "*\n",
			"**You need** ", fmt.Sprintf("    go run ./cmd/tour %d\n", s.Number), "**You should see** ", "```console\n$ go run ./cmd/tour ",
			"\n## The server\n", "\n## Why it breaks\n", "\n## A question\n",
		}
		if next, ok := s.next(); ok {
			want = append(want, fmt.Sprintf("**Next:** [%s](%02d-%s.md). `go run ./cmd/tour diff %d %d`", next.Title, next.Number, next.Name, s.Number, next.Number))
		}
		if s.Break == nil {
			want = slices.Delete(want, 7, 8)
		}
		rest := text
		for _, part := range want {
			_, behind, ok := strings.Cut(rest, part)
			if !ok {
				t.Errorf("%s does not have %q, or not in its place", name, part)
				continue
			}
			rest = behind
		}
		if !strings.Contains(texts["README.md"], fmt.Sprintf("| [%d %s](%s) |", s.Number, s.Name, name)) {
			t.Errorf("README.md does not list %s", name)
		}
		for _, lines := range regexp.MustCompile(`\]\(\.\./\.\./(cmd/tour/steps/[^)]*\.go)\) of (\d+) lines`).FindAllStringSubmatch(text, -1) {
			if lines[1] == s.File() && lines[2] != strconv.Itoa(len(s.lines())) {
				t.Errorf("%s says that the file has %s lines, and it has %d", name, lines[2], len(s.lines()))
			}
		}
	}
}

// TestPagesLinkToWhatIsThere looks for the files that the pages link to.
func TestPagesLinkToWhatIsThere(t *testing.T) {
	links := 0
	for page, text := range pages(t) {
		for _, link := range regexp.MustCompile(`\]\(([^():#]+)(#[^()]*)?\)`).FindAllStringSubmatch(text, -1) {
			links++
			if _, err := os.Stat(filepath.Join(repository, "docs/tour", link[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, link[1])
			}
		}
	}
	if links < 2*len(Steps()) {
		t.Errorf("only %d links were found", links)
	}
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

var console = regexp.MustCompile("(?ms)^```console\n\\$ go run \\./cmd/tour([^\n]*)\n(.*?)^```$")

// TestPagesShowTheOutputThatThereIs runs each command that a page shows, and compares its
// output. A line "…" stands for any lines. Times and large counts are not compared.
func TestPagesShowTheOutputThatThereIs(t *testing.T) {
	t.Parallel()
	for page, text := range pages(t) {
		for _, c := range console.FindAllStringSubmatch(text, -1) {
			t.Run(page+c[1], func(t *testing.T) {
				t.Parallel()
				l := runOnce(t, strings.Fields(c[1])...)
				if strings.Contains(l.out, "the limit on open files is") {
					return // the break had to take fewer clients here, and says so
				}
				rest := masked(strings.ReplaceAll(l.out, "bobbin tour", "go run ./cmd/tour"))
				for i, part := range strings.Split("\n"+masked(c[2]), "\n…\n") {
					at := strings.Index("\n"+rest+"\n", "\n"+strings.Trim(part, "\n")+"\n")
					if at < 0 || i == 0 && strings.Trim(part, "\n") != "" && at > 0 {
						t.Fatalf("the output does not have, or not in this order,\n%s\nbut\n%s%s", part, l.out, l.complaint)
					}
					rest = rest[min(len(rest), at+len(strings.Trim(part, "\n"))):]
				}
			})
		}
	}
}

var (
	seconds   = regexp.MustCompile(`\d+\.\d\ds`)
	thousands = regexp.MustCompile(`\d{1,3}(,\d{3})+`)
)

// masked replaces what is another number each time. Counts of about a thousand are what
// a break has made, and stay. A server on a machine that is busy for seconds keeps less for
// slow clients, because some have been closed by then.
func masked(text string) string {
	text = strings.ReplaceAll(text, "more than 10 MB", "more than 1 MB")
	text = seconds.ReplaceAllString(text, "0.00s")
	return thousands.ReplaceAllStringFunc(text, func(number string) string {
		if n, _ := strconv.Atoi(strings.ReplaceAll(number, ",", "")); n < 1100 {
			return number
		}
		return "1,000,000"
	})
}
